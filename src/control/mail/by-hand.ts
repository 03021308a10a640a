/**
 * Changes of a zone by hand, as its mail sees them: what other servers remember of the zone may stand against one, and what mail looks at
 * may be another after it.
 * Not here: records that the mail policy itself puts into the zone (decide.ts).
 */
import { type Problem } from '#base/problem.ts';
import { equalNames, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { checkMxChange } from '#mail/mta-sts/lifecycle.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite } from '#store/writer.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { stsHost } from '#mail/mta-sts/record.ts';
import { stsWatchWake } from '#store/mail/sts-watch.ts';
import { readMailHosts, readMailState, wakeWrite } from '#store/mail/state.ts';

/** What stands against the change, because of mail that other servers remember of the zone. */
export function checkByHand(reader: StoreReader, record: ZoneRecord, changes: readonly RrsetChange[]): Problem[] {
  const apex = nameOf(record.name);
  const mx = changes.find(({ owner, type }) => type === TYPE.MX && equalNames(owner, apex));
  const state = mx === undefined ? undefined : readMailState(reader, record.id);
  if (state === undefined) return [];
  const hosts = (mx?.rrset?.rdatas ?? []).map((rdata) => rdata.subarray(2)).filter((host) => host.length > 1);
  return checkMxChange(state.mtaSts, hosts);
}

/** Types at the apex that mail depends on: who takes the domain's mail, where it is served, how long caches remember. */
const APEX_TYPES: ReadonlySet<RrType> = new Set([TYPE.SOA, TYPE.NS, TYPE.MX, TYPE.A, TYPE.AAAA, TYPE.TXT]);

/**
 * After a change of records that mail depends on: the zone's mail is due at once, and after one of its MX a policy that
 * another server serves is looked at. `nowMs` is counted time.
 */
export function wakeAfter(
  reader: StoreReader,
  record: ZoneRecord,
  changes: readonly RrsetChange[],
  nowMs: number,
): readonly DocumentWrite[] {
  const apex = nameOf(record.name);
  const host = stsHost(apex);
  const watched = [...readMailHosts(reader, record.id).map(nameOf), ...(host.ok ? [host.value] : [])];
  const hosts = new Set(watched.map(ownerKey));
  const isWatched = ({ owner, type }: RrsetChange): boolean => {
    const key = ownerKey(owner);
    return (key === ownerKey(apex) && APEX_TYPES.has(type)) || hosts.has(key);
  };
  const isOfMx = changes.some(({ owner, type }) => type === TYPE.MX && equalNames(owner, apex));
  const mail = changes.some(isWatched) ? [wakeWrite(record.id, nowMs)] : [];
  return isOfMx ? [...mail, stsWatchWake(record.id, nowMs)] : mail;
}
