/**
 * Changes of a zone by hand, as its mail sees them: what other servers remember of the zone may stand against one, and what mail looks at
 * may be another after it.
 * Not here: records that the mail policy itself puts into the zone (decide.ts).
 */
import { type Problem } from '#base/problem.ts';
import { equalNames, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { checkMxChange } from '#mail/mta-sts/lifecycle.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite } from '#store/writer.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { readMailState, stateWrite } from '#store/mail/documents.ts';

/** What stands against the change, because of mail that other servers remember of the zone. */
export function checkByHand(reader: StoreReader, record: ZoneRecord, changes: readonly RrsetChange[]): Problem[] {
  const apex = nameOf(record.name);
  const mx = changes.find(({ owner, type }) => type === TYPE.MX && equalNames(owner, apex));
  const state = mx === undefined ? undefined : readMailState(reader, record.id);
  if (state === undefined) return [];
  const hosts = (mx?.rrset?.rdatas ?? []).map((rdata) => rdata.subarray(2)).filter((host) => host.length > 1);
  return checkMxChange(state.mtaSts, hosts);
}

/** After a change at names that mail looks at: the zone's mail is due at once. `nowMs` is counted time. */
export function wakeAfter(
  reader: StoreReader,
  record: ZoneRecord,
  changes: readonly RrsetChange[],
  nowMs: number,
): readonly DocumentWrite[] {
  const state = readMailState(reader, record.id);
  const apexKey = ownerKey(nameOf(record.name));
  if (state === undefined) return [];
  const hosts = state.tlsa.lifecycle.objects.map(({ data }) => ownerKey(nameOf(data.host)));
  if (!changes.some(({ owner }) => [apexKey, ...hosts].includes(ownerKey(owner)))) return [];
  return [stateWrite(record.id, state, nowMs)];
}
