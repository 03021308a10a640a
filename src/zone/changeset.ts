/**
 * What changed between two serials of a zone, as records: journal entry, IXFR, audit record, undo step and event at once.
 * Implements: RFC 1995 §4 (order: old SOA, deleted records, new SOA, added records).
 * Not here: its bytes (changeset-codec.ts), its text (changeset-text.ts), making one (dnssec/plan.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { atRrset } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, type OwnerKey, compareKeys, equalNames, formatName, ownerKey } from '#dns/name.ts';
import { type Rrset, rdatasWithout, sortRdatas } from '#dns/rrset.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type Manager, type NodeRrset, type ZoneNode, type ZoneView, isSignerType, rrsetOf } from './view.ts';
import { type ZoneRrset } from './zone.ts';

/**
 * Records by owner, class and type; an `Rrset` here holds only the records that came or went. RRSIGs stand as RRsets of type RRSIG,
 * one for each covered RRset, because their TTL is its TTL. Of a new zone `deleted` is empty and `fromSerial` is 0.
 */
export interface Changeset {
  readonly zone: Name;
  readonly fromSerial: Serial;
  readonly toSerial: Serial;
  /** The old SOA first. */
  readonly deleted: readonly ChangedRrset[];
  /** The new SOA first. */
  readonly added: readonly ChangedRrset[];
}

/** Records that came or went. */
export interface ChangedRrset extends Rrset {
  /** Who keeps them; absent: a person, or it is not known, as in what was read from the journal. */
  readonly manager?: Exclude<Manager, 'manual'>;
}

/** What a caller asks for: this RRset at this owner, or none. */
export interface RrsetChange {
  readonly owner: Name;
  readonly type: RrType;
  readonly rrset: { readonly ttl: number; readonly rdatas: readonly Uint8Array[]; readonly manager: Manager } | null;
}

/** The two lists of a changeset while it is being made. */
export interface Difference {
  readonly deleted: ChangedRrset[];
  readonly added: ChangedRrset[];
}

/** Appends to `into` what makes `after` out of `before`; managers and the case of owners are no difference. */
export function diffNodes(before: ZoneNode | undefined, after: ZoneNode | undefined, into: Difference): void {
  const old = before?.rrsets ?? [];
  const young = after?.rrsets ?? [];
  const owner = (before ?? after)?.owner;
  if (owner === undefined) return;
  for (let i = 0, j = 0; i < old.length || j < young.length;) {
    const order = (old[i]?.type ?? 0x1_0000) - (young[j]?.type ?? 0x1_0000);
    const gone = order <= 0 ? old[i++] : undefined;
    const come = order >= 0 ? young[j++] : undefined;
    if (gone !== come) diffRrsets(owner, gone, come, into);
  }
}

function diffRrsets(owner: Name, before: NodeRrset | undefined, after: NodeRrset | undefined, into: Difference): void {
  // A TTL belongs to each record: with another TTL every record is another one, RRSIGs too (RFC 4034 §3).
  const sameTtl = before?.ttl === after?.ttl;
  const push = (list: ChangedRrset[], rrset: NodeRrset | undefined, other: NodeRrset | undefined): void => {
    if (rrset === undefined) return;
    const { type, ttl } = rrset;
    const manager = rrset.manager === 'manual' ? {} : { manager: rrset.manager };
    const rdatas = sameTtl ? rdatasWithout(rrset.rdatas, other?.rdatas ?? []) : rrset.rdatas;
    const signatures = sameTtl ? rdatasWithout(rrset.signatures, other?.signatures ?? []) : rrset.signatures;
    if (rdatas.length > 0) list.push({ owner, type, ttl, rdatas, ...manager });
    if (signatures.length > 0) list.push({ owner, type: TYPE.RRSIG, ttl, rdatas: signatures });
  };
  push(into.deleted, before, after);
  push(into.added, after, before);
}

/** Puts the SOA first, as IXFR sends it. */
export function orderChangeset(zone: Name, fromSerial: Serial, toSerial: Serial, { deleted, added }: Difference): Changeset {
  const soaFirst = (rrsets: readonly ChangedRrset[]): ChangedRrset[] => [
    ...rrsets.filter((rrset) => rrset.type === TYPE.SOA),
    ...rrsets.filter((rrset) => rrset.type !== TYPE.SOA),
  ];
  return { zone, fromSerial, toSerial, deleted: soaFirst(deleted), added: soaFirst(added) };
}

/** The changeset from one whole zone to another; undefined stands for no zone. Reads every node of both. */
export function diffZones(before: ZoneView | undefined, after: ZoneView): Changeset {
  const difference: Difference = { deleted: [], added: [] };
  diffTrees(before?.ascend(after.apexKey), after.ascend(after.apexKey), difference);
  diffTrees(before?.hashed.ascend(after.apexKey), after.hashed.ascend(after.apexKey), difference);
  return orderChangeset(after.apex, before === undefined ? 0 : serialOf(before), serialOf(after), difference);
}

function diffTrees(before: Iterable<ZoneNode> = [], after: Iterable<ZoneNode>, difference: Difference): void {
  const old = before[Symbol.iterator]();
  const young = after[Symbol.iterator]();
  for (let a = old.next(), b = young.next(); !a.done || !b.done;) {
    const order = a.done ? 1 : b.done ? -1 : compareKeys(a.value.key, b.value.key);
    diffNodes(order <= 0 && !a.done ? a.value : undefined, order >= 0 && !b.done ? b.value : undefined, difference);
    if (order <= 0) a = old.next();
    if (order >= 0) b = young.next();
  }
}

/** The serial in SOA RDATA: the first of the five numbers after MNAME and RNAME (RFC 1035 §3.3.13). */
export function soaSerial(rdata: Uint8Array): Serial {
  return new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(rdata.length - SOA_NUMBER_BYTES);
}

/** The EXPIRE field of SOA RDATA, seconds. */
export function soaExpireSeconds(rdata: Uint8Array): number {
  return new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(rdata.length - 8);
}

/** The MINIMUM field of SOA RDATA, seconds. */
export function soaMinimum(rdata: Uint8Array): number {
  return new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(rdata.length - 4);
}

/** The REFRESH field of SOA RDATA, seconds: a secondary that missed a NOTIFY looks after this long. */
export function soaRefresh(rdata: Uint8Array): number {
  return new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(rdata.length - 16);
}

/** The same SOA RDATA with another serial. */
export function withSoaSerial(rdata: Uint8Array, serial: Serial): Uint8Array {
  const changed = new Uint8Array(rdata);
  new DataView(changed.buffer).setUint32(rdata.length - SOA_NUMBER_BYTES, serial);
  return changed;
}

const SOA_NUMBER_BYTES = 20;

/** The serial of a zone; 0 when it has no SOA yet. */
export function serialOf(view: ZoneView): Serial {
  const soa = rrsetOf(view.node(view.apexKey), TYPE.SOA);
  return soa === undefined ? 0 : soaSerial(soa.rdatas[0]!);
}

/** The changeset backwards: what `apply` undoes it with. Its serials go backwards too; to roll a served zone back use `revertChanges`. */
export function invertChangeset({ zone, fromSerial, toSerial, deleted, added }: Changeset): Changeset {
  return { zone, fromSerial: toSerial, toSerial: fromSerial, deleted: added, added: deleted };
}

/** True when nothing came or went. */
export function isEmptyChangeset(changeset: Changeset): boolean {
  return changeset.deleted.length === 0 && changeset.added.length === 0;
}

/**
 * The records after `changeset`, by owner, then type. Every deleted record must be there and no added one may be: else the
 * changeset is of another version of the zone, and each such record is a problem. Managers stay; new RRsets are `manual`.
 */
export function applyChangeset(rrsets: Iterable<ZoneRrset>, changeset: Changeset): Result<ZoneRrset[]> {
  const problems: Problem[] = [];
  const sets = new Map<string, { key: OwnerKey; rrset: Required<ZoneRrset> }>();
  for (const rrset of rrsets) {
    const key = ownerKey(rrset.owner);
    sets.set(setId(key, rrset.type), { key, rrset: { signatures: [], manager: 'manual', ...rrset } });
  }
  const edit = (each: Rrset, change: (rdatas: readonly Uint8Array[], rdata: Uint8Array) => readonly Uint8Array[]): void => {
    const key = ownerKey(each.owner);
    for (const rdata of each.rdatas) {
      const signature = each.type === TYPE.RRSIG;
      const type = signature ? (rdata[0]! << 8) | rdata[1]! : each.type;
      const id = setId(key, type);
      const { rrset } = sets.get(id) ?? {
        rrset: { owner: each.owner, type, ttl: each.ttl, rdatas: [], signatures: [], manager: 'manual' as const },
      };
      const list = signature ? rrset.signatures : rrset.rdatas;
      const changed = change(list, rdata);
      if (changed === list) problems.push(mismatch(each));
      // A record added with another TTL follows the deletion of all that had the old one.
      sets.set(id, { key, rrset: { ...rrset, ttl: each.ttl, [signature ? 'signatures' : 'rdatas']: changed } });
    }
  };
  const isIn = (rdatas: readonly Uint8Array[], rdata: Uint8Array): boolean => rdatas.some((other) => equalBytes(other, rdata));
  for (const each of changeset.deleted) {
    edit(each, (rdatas, rdata) => (isIn(rdatas, rdata) ? rdatas.filter((other) => !equalBytes(other, rdata)) : rdatas));
  }
  for (const each of changeset.added) edit(each, (rdatas, rdata) => (isIn(rdatas, rdata) ? rdatas : [...rdatas, rdata]));
  if (problems.length > 0) return fail(...problems);
  const left = [...sets.values()].filter(({ rrset }) => rrset.rdatas.length > 0);
  left.sort((a, b) => compareKeys(a.key, b.key) || a.rrset.type - b.rrset.type);
  return ok(left.map(({ rrset }) => ({ ...rrset, rdatas: sortRdatas(rrset.type, rrset.rdatas) })));
}

function setId(key: OwnerKey, type: RrType): string {
  return `${type} ${key}`;
}

function mismatch(rrset: Rrset): Problem {
  return problem(
    'CHANGESET_MISMATCH',
    atRrset(formatName(rrset.owner)),
    'a record to delete is not there, or a record to add is there already',
  );
}

/**
 * Of the RRsets of a changeset: whether they follow from signing, and not from what a person or a life cycle wants.
 * Every change of a signed zone has an RRSIG, that of its SOA; where there is none, DNSKEY and CDS were put by hand.
 */
export function madeBySigning({ zone, deleted, added }: Changeset): (rrset: Pick<Rrset, 'owner' | 'type'>) => boolean {
  return madeBySigner(
    zone,
    [deleted, added].some((list) => list.some(({ type }) => type === TYPE.RRSIG)),
  );
}

/** The same of a zone that is signed or not. */
export function madeBySigner(zone: Name, isSigned: boolean): (rrset: Pick<Rrset, 'owner' | 'type'>) => boolean {
  return ({ owner, type }) => isSignerType(type, isSigned, equalNames(owner, zone));
}

/**
 * The changes that undo `changeset` on the zone as it is now: forwards, with a new serial. A record that has been changed again
 * since is a problem, and then nothing is undone.
 */
export function revertChanges(view: ZoneView, changeset: Changeset): Result<RrsetChange[]> {
  const touched = new Map<string, { owner: Name; type: RrType; add: Rrset[]; remove: Rrset[] }>();
  const isMade = madeBySigning(changeset);
  const note = (rrset: Rrset, list: 'add' | 'remove'): void => {
    const key = ownerKey(rrset.owner);
    // Undoing leaves to signing what is its own, then or now.
    if (isMade(rrset) || rrsetOf(view.node(key), rrset.type)?.manager === 'dnssec') return;
    const id = setId(key, rrset.type);
    let each = touched.get(id);
    if (each === undefined) touched.set(id, (each = { owner: rrset.owner, type: rrset.type, add: [], remove: [] }));
    each[list].push(rrset);
  };
  for (const rrset of changeset.deleted) note(rrset, 'add');
  for (const rrset of changeset.added) note(rrset, 'remove');

  const problems: Problem[] = [];
  const changes: RrsetChange[] = [];
  for (const { owner, type, add, remove } of touched.values()) {
    const current = rrsetOf(view.node(ownerKey(owner)), type);
    if (type === TYPE.SOA) {
      const soa = revertedSoa(current, add[0], remove[0]);
      if (soa !== undefined) changes.push({ owner, type, rrset: soa });
      continue;
    }
    const removed = remove.flatMap((rrset) => rrset.rdatas);
    const kept = rdatasWithout(current?.rdatas ?? [], removed);
    if (kept.length + removed.length !== (current?.rdatas.length ?? 0)) {
      problems.push(
        problem('CHANGESET_SUPERSEDED', atRrset(formatName(owner)), 'was changed again since', {
          fix: 'undo the later change first, or set the records',
        }),
      );
      continue;
    }
    const rdatas = sortRdatas(type, [...kept, ...add.flatMap((rrset) => rrset.rdatas)]);
    const ttl = add[0]?.ttl ?? current?.ttl ?? 0;
    changes.push({ owner, type, rrset: rdatas.length === 0 ? null : { ttl, rdatas, manager: current?.manager ?? 'manual' } });
  }
  return problems.length > 0 ? fail(...problems) : ok(changes);
}

/** The SOA before the change with the serial of now; undefined when only the serial had changed. */
function revertedSoa(
  current: NodeRrset | undefined,
  before: Rrset | undefined,
  after: Rrset | undefined,
): RrsetChange['rrset'] | undefined {
  if (current === undefined || before === undefined || after === undefined) return undefined;
  const [old, young] = [before.rdatas[0]!, after.rdatas[0]!];
  if (before.ttl === after.ttl && equalBytes(withSoaSerial(old, 0), withSoaSerial(young, 0))) return undefined;
  return { ttl: before.ttl, rdatas: [withSoaSerial(old, soaSerial(current.rdatas[0]!))], manager: current.manager };
}
