/**
 * The longest TTL of a zone as it is: how long caches hold what is signed now (RFC 7583 §3.2.1).
 * Not here: the TTLs of RRsets that went (dnssec/rollover/gone.ts).
 */
import { type ServedZone } from '#control/commands/table.ts';
import { type ZoneRecord } from '#store/schema.ts';

/** Another version of a zone has another record. */
const known = new WeakMap<ZoneRecord, number>();

/** Milliseconds. Looks at all names of the zone, once for each of its versions. */
export function longestTtlMs({ record, view }: ServedZone): number {
  const before = known.get(record);
  if (before !== undefined) return before;
  let longest = 0;
  for (const { rrsets } of view.ascend(view.apexKey)) for (const { ttl } of rrsets) longest = Math.max(longest, ttl);
  known.set(record, longest * 1000);
  return longest * 1000;
}
