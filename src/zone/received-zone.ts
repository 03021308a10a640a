/**
 * A zone as a primary sends it, record by record: RRsets with the RRSIGs over them, and its one NSEC3 chain.
 * Implements: RFC 5936 §3 (what is in a zone), RFC 2181 §5.2 (one TTL for an RRset: the lowest), RFC 4034 §3 (an RRSIG
 * belongs to what it covers), RFC 5155 §7.3 (of several NSEC3 chains a secondary chooses one).
 * Not here: differences (received-changes.ts), what its records must satisfy together (check.ts).
 */
import { assert } from '#base/assert.ts';
import { equalBytes } from '#base/bytes.ts';
import { type Name, type OwnerKey, equalNames, isAtOrBelow, ownerKey, parentName } from '#dns/name.ts';
import { type Nsec3Parameters, hashOfOwner, nsec3Parameters } from '#dns/nsec3.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { TableView } from '#zone/table/table-view.ts';
import { ZoneTable } from '#zone/table/zone-table.ts';
import { type Manager } from './view.ts';

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
  readonly zone: TableView;
  readonly leftOut: LeftOut;
}

/** Every owner must be at or below `apex`. */
export function receivedZone(apex: Name, records: readonly PlainRecord[]): ReceivedZone {
  const param = records.filter(({ owner, type }) => type === TYPE.NSEC3PARAM && equalNames(owner, apex));
  const all = new ReceivedRecords(apex, chosenChain(param.map(({ rdata }) => rdata)));
  for (const record of records) all.add(record);
  return all.end();
}

/** The records of a zone, one after the other. Closed by `end`. */
export class ReceivedRecords {
  readonly #chain: Nsec3Parameters | undefined;
  readonly #names: ZoneTable;
  /** NSEC3 by hashed owner. */
  readonly #hashes: ZoneTable;
  #nsec3 = 0;
  /** The owner of the record before, mostly that of this one too, and its numbers in both tables. */
  #owner: Name | undefined;
  #key: OwnerKey = '';
  #name = -1;
  #hash = -1;

  /** `chain`: the NSEC3 chain that is used. */
  constructor(apex: Name, chain: Nsec3Parameters | undefined) {
    this.#chain = chain;
    this.#names = new ZoneTable(apex, { managerOf: receivedManager });
    this.#hashes = new ZoneTable(apex, { managerOf: receivedManager, hasEmptyNonTerminals: false });
  }

  /** Its owner must be at or below the apex. The record is copied. */
  add({ owner, type, ttl, rdata }: PlainRecord): void {
    const { apexKey } = this.#names;
    if (type === TYPE.NSEC3 && (!isOfChain(rdata, this.#chain) || !isHashedOwner(owner, apexKey))) {
      this.#nsec3++;
      return;
    }
    if (owner !== this.#owner && (this.#owner === undefined || !equalBytes(this.#owner, owner))) {
      [this.#owner, this.#key, this.#name, this.#hash] = [owner, ownerKey(owner), -1, -1];
      assert(isAtOrBelow(this.#key, apexKey), 'a record outside its zone');
    }
    const covered = type === TYPE.RRSIG ? coveredType(rdata) : type;
    const isHashed = covered === TYPE.NSEC3;
    const table = isHashed ? this.#hashes : this.#names;
    const name = isHashed ? this.#numberOfHash() : this.#numberOfName();
    const known = table.rrset(name, covered);
    // The same object as before, so that the table keeps the owner once.
    const rrset = known ?? table.addRrset(name, { owner: this.#owner, type: covered, ttl: NO_TTL, rdatas: [] });
    if (type === TYPE.RRSIG) return table.addSignature(rrset, rdata);
    table.addRecord(rrset, rdata);
    table.lowerTtl(rrset, ttl);
  }

  end(): ReceivedZone {
    const hashed = new TableView(this.#hashes);
    const zone = new TableView(this.#names, hashed);
    const signatures = this.#names.uncovered + this.#hashes.uncovered;
    return { zone, leftOut: { signatures, nsec3: this.#nsec3 } };
  }

  #numberOfName(): number {
    if (this.#name < 0) this.#name = this.#names.name(this.#key);
    return this.#name;
  }

  #numberOfHash(): number {
    if (this.#hash < 0) this.#hash = this.#hashes.name(this.#key);
    return this.#hash;
  }
}

/** Above every TTL (RFC 2181 §8). */
const NO_TTL = 0xffff_ffff;

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
