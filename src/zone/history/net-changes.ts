/**
 * Several changesets as one: what lies between two versions of a zone, when all the changes in between are known. A
 * record that came and went again is in neither list.
 * Not here: which changesets lie between two versions (control/zone/history.ts), undoing one (zone/changeset.ts).
 */
import { assert } from '#base/assert.ts';
import { CHANGESET_STEP_RRSETS } from '#base/limits/changes.ts';
import { type OwnerKey, compareKeys, ownerKey } from '#dns/name.ts';
import { type Rrset, sortRdatas } from '#dns/rrset.ts';
import { type RrType } from '#dns/types.ts';
import { atOnce } from '#zone/changeset-codec.ts';
import { type Changeset, orderChangeset } from '#zone/changeset.ts';

/** One record that differs. */
interface NetRecord {
  readonly key: OwnerKey;
  readonly rrset: Rrset;
  readonly rdata: Uint8Array;
}

/** The net difference of one or more changesets, the oldest first. Asserts that they follow each other. */
export function netChanges(changesets: readonly Changeset[]): Changeset {
  return atOnce(netSteps(changesets));
}

/** The same, in steps of some milliseconds between which other work may be done. */
export function* netSteps(changesets: readonly Changeset[]): Generator<undefined, Changeset> {
  const [first] = changesets;
  const last = changesets.at(-1);
  assert(first !== undefined && last !== undefined, 'no changes lie between');
  const deleted = new Map<string, NetRecord>();
  const added = new Map<string, NetRecord>();
  let serial = first.fromSerial;
  let count = 0;
  for (const changeset of changesets) {
    assert(changeset.fromSerial === serial, `a change from serial ${changeset.fromSerial} follows serial ${serial}`);
    serial = changeset.toSerial;
    for (const [rrsets, opposite, list] of [
      [changeset.deleted, added, deleted],
      [changeset.added, deleted, added],
    ] as const)
      for (const record of recordsOf(rrsets)) {
        put(record, opposite, list);
        if (++count % CHANGESET_STEP_RRSETS === 0) yield;
      }
  }
  const gone = yield* groupRecords(deleted.values());
  const come = yield* groupRecords(added.values());
  return orderChangeset(first.zone, first.fromSerial, serial, { deleted: gone, added: come });
}

/** A record that is in `opposite` takes that back; else it is in `list`. */
function put(record: NetRecord, opposite: Map<string, NetRecord>, list: Map<string, NetRecord>): void {
  const { key, rrset, rdata } = record;
  // A TTL belongs to each record, as in a changeset.
  const id = `${rrset.type} ${rrset.ttl} ${key} ${Buffer.from(rdata).toString('latin1')}`;
  if (!opposite.delete(id)) list.set(id, record);
}

function* recordsOf(rrsets: readonly Rrset[]): Generator<NetRecord, void> {
  for (const rrset of rrsets) {
    const key = ownerKey(rrset.owner);
    for (const rdata of rrset.rdatas) yield { key, rrset, rdata };
  }
}

/** As RRsets, in canonical order of their owners, then by type. */
function* groupRecords(records: Iterable<NetRecord>): Generator<undefined, Rrset[]> {
  const groups = new Map<string, { readonly key: OwnerKey; readonly rrset: Rrset; readonly rdatas: Uint8Array[] }>();
  let count = 0;
  for (const { key, rrset, rdata } of records) {
    const id = `${rrset.type} ${rrset.ttl} ${key}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { key, rrset, rdatas: [rdata] });
    else group.rdatas.push(rdata);
    if (++count % CHANGESET_STEP_RRSETS === 0) yield;
  }
  const sorted: Rrset[] = [];
  for (const { rrset, rdatas } of [...groups.values()].toSorted(
    (a, b) => compareKeys(a.key, b.key) || a.rrset.type - b.rrset.type,
  )) {
    sorted.push({ ...rrset, rdatas: sortRdatas(rrset.type, rdatas) });
    if (sorted.length % CHANGESET_STEP_RRSETS === 0) yield;
  }
  return sorted;
}

/** The changeset without the records that `isKept` says no to. */
export function filterChangeset(
  changeset: Changeset,
  isKept: (rrset: { readonly owner: Rrset['owner']; readonly type: RrType }) => boolean,
): Changeset {
  return { ...changeset, deleted: changeset.deleted.filter(isKept), added: changeset.added.filter(isKept) };
}
