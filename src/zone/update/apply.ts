/**
 * What the updates of an UPDATE do to a zone, one after the other; later ones see what earlier ones did.
 * Implements: RFC 2136 §3.4.2 (add, delete an RRset, all RRsets of a name, one record; what is ignored: a CNAME beside
 * other data and the reverse, an older SOA, the SOA and the last NS of the apex), RFC 2181 §5.2 and §8 (one TTL for
 * each RRset, TTLs of 32 bits are 0), RFC 4035 §2.5 (what may stand beside a CNAME). Pure: the zone is only read.
 * Not here: the form of updates (prescan.ts), the rules that the zone must keep (control/zone/change-rules.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { TTL_SECONDS_MAX } from '#base/limits/dns.ts';
import { type Name, type OwnerKey, ownerKey } from '#dns/name.ts';
import { RdataIndex, sortRdatas } from '#dns/rrset.ts';
import { isNewer } from '#dns/serial.ts';
import { CLASS, TYPE, type RrType } from '#dns/types.ts';
import { type UpdateRecord } from './message.ts';
import { type RrsetChange, soaSerial } from '#zone/changeset.ts';
import { type NodeRrset, type ZoneView } from '#zone/view.ts';
import { type UpdateRefusal } from './refusal.ts';

/**
 * What an update is about to do: `add` or `remove` one record, `clear` an RRset, or delete all that a name has (`name`;
 * then `clear` follows for each of its RRsets, `isOfName`).
 */
export interface UpdateStep {
  readonly kind: 'add' | 'remove' | 'clear' | 'name';
  readonly owner: Name;
  /** ANY for `name`. */
  readonly type: RrType;
  readonly ttl: number;
  readonly rdata: Uint8Array;
  readonly isOfName: boolean;
  /** The RRset as it was before the message. */
  readonly before: NodeRrset | undefined;
}

/** May stop the message at a step, or have it skip one of those that follow from `name`. */
export type UpdateGuard = (step: UpdateStep) => UpdateRefusal | 'skip' | undefined;

interface Working {
  readonly before: NodeRrset | undefined;
  ttl: number;
  /** Those of `before` while no update is about single records. */
  rdatas: RdataIndex | readonly Uint8Array[];
}

interface Owner {
  readonly name: Name;
  readonly rrsets: Map<RrType, Working>;
}

type Applied = readonly RrsetChange[] | UpdateRefusal;
type Stopped = UpdateRefusal | undefined;

/** The RRsets that are different afterwards, or the first refusal of `guard`. The updates have passed the pre-scan. */
export function applyUpdates(view: ZoneView, updates: readonly UpdateRecord[], guard: UpdateGuard): Applied {
  const working = new WorkingZone(view, guard);
  for (const record of updates) {
    const refusal = working.update(record);
    if (refusal !== undefined) return refusal;
  }
  return working.changes();
}

class WorkingZone {
  readonly #view: ZoneView;
  readonly #guard: UpdateGuard;
  readonly #owners = new Map<OwnerKey, Owner>();

  constructor(view: ZoneView, guard: UpdateGuard) {
    this.#view = view;
    this.#guard = guard;
  }

  update(record: UpdateRecord): Stopped {
    const key = ownerKey(record.owner);
    const owner = this.#owner(key, record.owner);
    const isApex = key === this.#view.apexKey;
    if (record.class === CLASS.IN) return this.#add(owner, record, isApex);
    if (record.class === CLASS.NONE) return this.#remove(owner, record, isApex);
    if (record.type === TYPE.ANY) return this.#clearName(owner, record, isApex);
    return this.#clear(owner, record, isApex, false);
  }

  changes(): RrsetChange[] {
    const changes: RrsetChange[] = [];
    for (const { name: owner, rrsets } of this.#owners.values())
      for (const [type, { before, ttl, rdatas }] of rrsets) {
        const sorted = sortRdatas(type, listOf(rdatas));
        if (isUnchanged(before, ttl, sorted)) continue;
        const manager = before?.manager ?? 'manual';
        changes.push({ owner, type, rrset: sorted.length === 0 ? null : { ttl, rdatas: sorted, manager } });
      }
    return changes;
  }

  #owner(key: OwnerKey, name: Name): Owner {
    const known = this.#owners.get(key);
    if (known !== undefined) return known;
    const node = this.#view.node(key);
    const rrsets = new Map<RrType, Working>();
    for (const before of node?.rrsets ?? []) {
      const { type, ttl, rdatas } = before;
      rrsets.set(type, { before, ttl, rdatas });
    }
    const owner = { name: node?.owner ?? name, rrsets };
    this.#owners.set(key, owner);
    return owner;
  }

  #ask(kind: UpdateStep['kind'], { rrsets }: Owner, record: UpdateRecord, isOfName = false): Stopped | 'skip' {
    const { owner, type, ttl, rdata } = record;
    return this.#guard({ kind, owner, type, ttl, rdata, isOfName, before: rrsets.get(type)?.before });
  }

  /** §3.4.2.2. */
  #add(owner: Owner, record: UpdateRecord, isApex: boolean): Stopped {
    const refusal = this.#ask('add', owner, record);
    if (refusal !== undefined) return refusal === 'skip' ? undefined : refusal;
    const { type, rdata } = record;
    // RFC 2181 §8: a TTL with its first bit set is 0.
    const ttl = record.ttl > TTL_SECONDS_MAX ? 0 : record.ttl;
    const { rrsets } = owner;
    if (!mayStandBeside(type, rrsets)) return undefined;
    const now = rrsets.get(type) ?? { before: undefined, ttl, rdatas: [] };
    if (type === TYPE.SOA) {
      const current = isApex ? listOf(now.rdatas)[0] : undefined;
      // Where there is no SOA, and one that is older, is ignored.
      if (current === undefined || isNewer(soaSerial(current), soaSerial(rdata))) return undefined;
    }
    const index = type === TYPE.CNAME || type === TYPE.SOA ? new RdataIndex(type) : indexOf(type, now);
    // §1.1.5: of WKS the same address and protocol.
    const isOfPort = (each: Uint8Array): boolean => equalBytes(each.subarray(0, 5), rdata.subarray(0, 5));
    if (type === TYPE.WKS) for (const each of index.rdatas().filter(isOfPort)) index.remove(each);
    index.replace(rdata);
    now.rdatas = index;
    now.ttl = ttl;
    rrsets.set(type, now);
    return undefined;
  }

  /** §3.4.2.4. */
  #remove(owner: Owner, record: UpdateRecord, isApex: boolean): Stopped {
    const refusal = this.#ask('remove', owner, record);
    if (refusal !== undefined) return refusal === 'skip' ? undefined : refusal;
    const { type, rdata } = record;
    const now = owner.rrsets.get(type);
    if (now === undefined || type === TYPE.SOA) return undefined;
    const index = indexOf(type, now);
    // The last NS of the zone stays.
    if (isApex && type === TYPE.NS && index.size === 1 && index.has(rdata)) return undefined;
    index.remove(rdata);
    return undefined;
  }

  /** §3.4.2.3: an RRset. */
  #clear(owner: Owner, record: UpdateRecord, isApex: boolean, isOfName: boolean): Stopped {
    const refusal = this.#ask('clear', owner, record, isOfName);
    if (refusal !== undefined) return refusal === 'skip' ? undefined : refusal;
    const isKept = isApex && (record.type === TYPE.SOA || record.type === TYPE.NS);
    const now = owner.rrsets.get(record.type);
    if (now !== undefined && !isKept) now.rdatas = [];
    return undefined;
  }

  /** §3.4.2.3: all RRsets of a name. */
  #clearName(owner: Owner, record: UpdateRecord, isApex: boolean): Stopped {
    const refusal = this.#ask('name', owner, record);
    if (refusal !== undefined) return refusal === 'skip' ? undefined : refusal;
    for (const [type, { rdatas }] of owner.rrsets) {
      if (countOf(rdatas) === 0 || (isApex && (type === TYPE.SOA || type === TYPE.NS))) continue;
      const stopped = this.#clear(owner, { ...record, type }, isApex, true);
      if (stopped !== undefined) return stopped;
    }
    return undefined;
  }
}

/** Beside a CNAME: the signer's records, and KEY (RFC 3007 §3.1.1). */
const BESIDE_CNAME: ReadonlySet<RrType> = new Set([TYPE.RRSIG, TYPE.NSEC, TYPE.KEY, TYPE.SIG]);

/** False for a CNAME where there is other data, and for other data where there is a CNAME. */
function mayStandBeside(type: RrType, rrsets: ReadonlyMap<RrType, Working>): boolean {
  if (BESIDE_CNAME.has(type)) return true;
  const others = [...rrsets].filter(([, { rdatas }]) => countOf(rdatas) > 0).map(([other]) => other);
  if (type !== TYPE.CNAME) return !others.includes(TYPE.CNAME);
  return others.every((other) => other === TYPE.CNAME || BESIDE_CNAME.has(other));
}

/** Made at the first update of a single record. */
function indexOf(type: RrType, working: Working): RdataIndex {
  const index = working.rdatas instanceof RdataIndex ? working.rdatas : new RdataIndex(type, working.rdatas);
  working.rdatas = index;
  return index;
}

function listOf(rdatas: Working['rdatas']): readonly Uint8Array[] {
  return rdatas instanceof RdataIndex ? rdatas.rdatas() : rdatas;
}

function countOf(rdatas: Working['rdatas']): number {
  return rdatas instanceof RdataIndex ? rdatas.size : rdatas.length;
}

function isUnchanged(before: NodeRrset | undefined, ttl: number, rdatas: readonly Uint8Array[]): boolean {
  if (before === undefined || rdatas.length === 0) return rdatas.length === (before?.rdatas.length ?? 0);
  if (before.ttl !== ttl || before.rdatas.length !== rdatas.length) return false;
  return before.rdatas.every((rdata, at) => equalBytes(rdata, rdatas[at]!));
}
