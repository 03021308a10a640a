/**
 * The longest TTL of a zone as it is: how long caches hold what is signed now (RFC 7583 §3.2.1).
 * Not here: the TTLs of RRsets that went (dnssec/rollover/gone.ts).
 */
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { longestTtlOf } from '#store/upkeep/nodes-under.ts';

/** Another version of a zone has another record. */
const known = new WeakMap<ZoneRecord, number>();

/** Milliseconds. Looks at all names of the zone, once for each of its versions; at their TTLs alone. */
export function longestTtlMs(reader: StoreReader, record: ZoneRecord): number {
  const before = known.get(record);
  if (before !== undefined) return before;
  const longestMs = longestTtlOf(reader, record.id) * 1000;
  known.set(record, longestMs);
  return longestMs;
}
