/**
 * A zone as a primary sends it, record by record: RRsets with the RRSIGs over them, and its one NSEC3 chain.
 * Implements: RFC 5936 §3 (what is in a zone), RFC 2181 §5.2 (one TTL for an RRset: the lowest), RFC 4034 §3 (an RRSIG
 * belongs to what it covers), RFC 5155 §7.3 (of several NSEC3 chains a secondary chooses one).
 * Not here: differences (received-changes.ts), what its records must satisfy together (check.ts).
 */
import { PRESIGNED_SIGNATURES_MAX } from '#base/limits/dnssec.ts';
import { equalBytes } from '#base/bytes.ts';
import { type Name, type OwnerKey, equalNames, ownerKey, parentName } from '#dns/name.ts';
import { type Nsec3Parameters, hashOfOwner, nsec3Parameters } from '#dns/nsec3.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type Manager } from './view.ts';
import { type MemoryZone, type ZoneRrset, memoryZone } from './zone.ts';

/** A record as it came. */
export interface PlainRecord {
  readonly owner: Name;
  readonly type: RrType;
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/** What was left out of a zone because no answer has it. */
export interface LeftOut {
  /** RRSIG records that cover nothing, or one more than PRESIGNED_SIGNATURES_MAX of an RRset. */
  readonly signatures: number;
  /** NSEC3 records of another chain than the one that is used. */
  readonly nsec3: number;
}

export interface ReceivedZone {
  readonly zone: MemoryZone;
  readonly leftOut: LeftOut;
}

interface Group {
  readonly owner: Name;
  readonly type: RrType;
  ttl: number;
  readonly rdatas: Uint8Array[];
  readonly signatures: Uint8Array[];
}

/** Every owner must be at or below `apex`. */
export function receivedZone(apex: Name, records: readonly PlainRecord[]): ReceivedZone {
  const apexKey = ownerKey(apex);
  const groups = new Map<OwnerKey, Map<RrType, Group>>();
  const param = records.filter(({ owner, type }) => type === TYPE.NSEC3PARAM && equalNames(owner, apex));
  const parameters = chosenChain(param.map(({ rdata }) => rdata));
  let nsec3 = 0;
  let last: { readonly owner: Name; readonly types: Map<RrType, Group> } | undefined;
  const isLeftOut = ({ owner, type, rdata }: PlainRecord): boolean =>
    type === TYPE.NSEC3 && (!isOfChain(rdata, parameters) || !isHashedOwner(owner, apexKey));
  for (const record of records) {
    if (isLeftOut(record)) {
      nsec3++;
      continue;
    }
    const { owner, type, ttl, rdata } = record;
    if (last === undefined || !equalBytes(last.owner, owner)) {
      const key = ownerKey(owner);
      let types = groups.get(key);
      if (types === undefined) groups.set(key, (types = new Map()));
      last = { owner, types };
    }
    const covered = type === TYPE.RRSIG ? coveredType(rdata) : type;
    let group = last.types.get(covered);
    if (group === undefined) {
      group = { owner, type: covered, ttl: Number.MAX_SAFE_INTEGER, rdatas: [], signatures: [] };
      last.types.set(covered, group);
    }
    if (type === TYPE.RRSIG) group.signatures.push(rdata);
    else {
      group.rdatas.push(rdata);
      group.ttl = Math.min(group.ttl, ttl);
    }
  }
  const { rrsets, signatures } = assembled(apexKey, groups);
  return { zone: memoryZone(apex, rrsets), leftOut: { signatures, nsec3 } };
}

function assembled(apexKey: OwnerKey, groups: ReadonlyMap<OwnerKey, ReadonlyMap<RrType, Group>>) {
  const rrsets: ZoneRrset[] = [];
  let leftOut = 0;
  for (const [key, types] of groups)
    for (const { owner, type, ttl, rdatas, signatures: given } of types.values()) {
      const all = given.length < 2 ? given : sortRdatas(TYPE.RRSIG, given);
      const signatures = rdatas.length === 0 ? [] : all.slice(0, PRESIGNED_SIGNATURES_MAX);
      leftOut += all.length - signatures.length;
      if (rdatas.length === 0) continue;
      const sorted = rdatas.length === 1 ? rdatas : sortRdatas(type, rdatas);
      rrsets.push({ owner, type, ttl, rdatas: sorted, signatures, manager: receivedManager(type, key === apexKey) });
    }
  return { rrsets, signatures: leftOut };
}

/** The type that an RRSIG covers (RFC 4034 §3.1.1). */
export function coveredType(rrsig: Uint8Array): RrType {
  return (rrsig[0]! << 8) | rrsig[1]!;
}

/** Records of a signer are the signer's, also in a zone that is signed elsewhere. */
export function receivedManager(type: RrType, isApex: boolean): Manager {
  if (type === TYPE.NSEC || type === TYPE.NSEC3) return 'dnssec';
  return isApex && SIGNER_APEX_TYPES.includes(type) ? 'dnssec' : 'manual';
}

const SIGNER_APEX_TYPES: readonly RrType[] = [TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY, TYPE.NSEC3PARAM];

/** Of the NSEC3PARAM records of a zone, the one whose chain is used: the one with the fewest iterations. */
export function chosenChain(rdatas: readonly Uint8Array[]): Nsec3Parameters | undefined {
  let chosen: Nsec3Parameters | undefined;
  for (const rdata of rdatas) {
    // RFC 5155 §4.1.2: with flags, or another algorithm than SHA-1, it is to be ignored.
    if (rdata[0] !== 1 || rdata[1] !== 0) continue;
    const parameters = nsec3Parameters(rdata);
    if (chosen === undefined || parameters.iterations < chosen.iterations) chosen = parameters;
  }
  return chosen;
}

/** True for NSEC3 RDATA of the chain with these parameters. */
export function isOfChain(rdata: Uint8Array, chosen: Nsec3Parameters | undefined): boolean {
  if (chosen === undefined || rdata[0] !== 1) return false;
  const { iterations, salt } = nsec3Parameters(rdata);
  return iterations === chosen.iterations && equalBytes(salt, chosen.salt);
}

/** RFC 5155 §3: a hash, directly below the apex. */
export function isHashedOwner(owner: Name, apexKey: OwnerKey): boolean {
  return hashOfOwner(owner) !== undefined && ownerKey(parentName(owner)) === apexKey;
}
