/**
 * The records of a zone, grouped by owner and type, in arrays of numbers: what a million names take is a tenth of
 * what objects would. Names, RRsets and records have numbers; each name has a list of RRsets, each RRset one of records
 * and one of the signatures that came with it.
 * Implements: RFC 2181 §5 (an RRset has no record twice), RFC 4592 §2.2.2 (empty non-terminals exist).
 * Not here: which records there are (zone/assemble.ts, zone/received-zone.ts), the zone that they make (table-view.ts).
 */
import { type FilePlace, type Place, inFile } from '#base/place.ts';
import { type Name, type OwnerKey, nameLengthAt, ownerKey, parentKey } from '#dns/name.ts';
import { type Rrset, sortRdatas } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type Manager, type NodeRrset } from '#zone/view.ts';
import { TABLE_CHUNK_BYTES } from '#base/limits/dns.ts';
import { PRESIGNED_SIGNATURES_MAX } from '#base/limits/dnssec.ts';
import { Column, OctetStore } from './columns.ts';
import { KeyIndex } from './key-index.ts';

/** What a table holds beside the records of a zone file. */
export interface TableOptions {
  /** `manual` unless given. */
  readonly managerOf?: (type: RrType, isApex: boolean) => Manager;
  /** Unless given, names exist that have no records because one below them does. */
  readonly hasEmptyNonTerminals?: boolean;
}

/** An RRset and where its first record stands in the file. */
export interface PlacedRrset extends Rrset {
  /** `file:line:column`. */
  readonly at: Place;
}

/** A number that is none, at the end of a list. */
const NONE = 0xffff_ffff;
const NO_SIGNATURES: readonly Uint8Array[] = [];

/** Filled by `name`, `rrset` and `record`, closed by `finish`, then read. */
export class ZoneTable {
  readonly apex: Name;
  readonly apexKey: OwnerKey;
  readonly #keys = new KeyIndex();
  readonly #octets = new OctetStore();
  /** By name: its first and last RRset. */
  readonly #firstRrsets = new Column();
  readonly #lastRrsets = new Column();
  /** By RRset. */
  readonly #types = new Column();
  readonly #ttls = new Column();
  readonly #owners = new Column();
  readonly #files = new Column();
  readonly #lines = new Column();
  readonly #columns = new Column();
  readonly #firstRecords = new Column();
  readonly #lastRecords = new Column();
  readonly #nextRrsets = new Column();
  /** By record. */
  readonly #positions = new Column();
  readonly #lengths = new Column();
  readonly #nextRecords = new Column();
  readonly #fileNames: string[] = [];
  /** Places that are none in a file. */
  readonly #otherPlaces = new Map<number, Place>();
  /** The first signature of each RRset, up to the last that has one. */
  readonly #firstSignatures = new Column();
  readonly #options: TableOptions;
  /** Names that `finish` has found without anything. */
  #dead: ReadonlySet<number> = new Set();
  #uncovered = 0;
  #apexName: number | undefined;
  /** The owner that was stored last, and where. */
  #lastOwner: Name | undefined;
  #lastOwnerAt = 0;

  constructor(apex: Name, options: TableOptions = {}) {
    this.#options = options;
    this.apex = apex;
    this.apexKey = ownerKey(apex);
  }

  /** Names so far; after `finish` with the empty non-terminals. */
  get nameCount(): number {
    return this.#keys.size;
  }

  get rrsetCount(): number {
    return this.#types.length;
  }

  /** The number of a name of the zone, which is put in when it is not there. */
  name(key: OwnerKey): number {
    const name = this.#keys.add(key);
    if (name === this.#firstRrsets.length) {
      this.#firstRrsets.push(NONE);
      this.#lastRrsets.push(NONE);
    }
    return name;
  }

  /** The RRset of `type` at a name; undefined when there is none. */
  rrset(name: number, type: RrType): number | undefined {
    for (let rrset = this.#firstRrsets.at(name); rrset !== NONE; rrset = this.#nextRrsets.at(rrset))
      if (this.#types.at(rrset) === type) return rrset;
    return undefined;
  }

  hasType(type: RrType): boolean {
    for (let rrset = 0; rrset < this.rrsetCount; rrset++) if (this.#types.at(rrset) === type) return true;
    return false;
  }

  /** How many RRsets a name has. */
  typeCount(name: number): number {
    let count = 0;
    for (let rrset = this.#firstRrsets.at(name); rrset !== NONE; rrset = this.#nextRrsets.at(rrset)) count++;
    return count;
  }

  /** After `finish`: signatures that were left out, of RRsets without records or with too many of them. */
  get uncovered(): number {
    return this.#uncovered;
  }

  /** After `finish`: RRsets, and one more for each that has signatures, as in a changeset. */
  get changedRrsets(): number {
    let count = 0;
    for (let rrset = 0; rrset < this.rrsetCount; rrset++)
      if (this.#firstRecords.at(rrset) !== NONE) count += this.#signaturesFrom(rrset) === NONE ? 1 : 2;
    return count;
  }

  /** Adds an RRset of a type that the name does not have yet, with its first records. The number of the RRset. */
  addRrset(name: number, { owner, type, ttl, rdatas, at }: Rrset & Partial<Pick<PlacedRrset, 'at'>>): number {
    const rrset = this.#types.length;
    if (owner !== this.#lastOwner) {
      this.#lastOwner = owner;
      this.#lastOwnerAt = this.#octets.push(owner);
    }
    this.#types.push(type);
    this.#ttls.push(ttl);
    this.#owners.push(this.#lastOwnerAt);
    this.#addPlace(rrset, at);
    this.#firstRecords.push(NONE);
    this.#lastRecords.push(NONE);
    this.#nextRrsets.push(NONE);
    const last = this.#lastRrsets.at(name);
    if (last === NONE) this.#firstRrsets.set(name, rrset);
    else this.#nextRrsets.set(last, rrset);
    this.#lastRrsets.set(name, rrset);
    for (const rdata of rdatas) this.addRecord(rrset, rdata);
    return rrset;
  }

  /** A signature over an RRset, whose records may still be to come. */
  addSignature(rrset: number, rrsig: Uint8Array): void {
    const record = this.#positions.length;
    this.#positions.push(this.#octets.push(rrsig));
    this.#lengths.push(rrsig.length);
    this.#nextRecords.push(this.#signaturesFrom(rrset));
    while (this.#firstSignatures.length <= rrset) this.#firstSignatures.push(NONE);
    this.#firstSignatures.set(rrset, record);
  }

  /** RFC 2181 §5.2: the lowest TTL of its records is that of the RRset. */
  lowerTtl(rrset: number, ttl: number): void {
    if (ttl < this.#ttls.at(rrset)) this.#ttls.set(rrset, ttl);
  }

  addRecord(rrset: number, rdata: Uint8Array): void {
    const record = this.#positions.length;
    this.#positions.push(this.#octets.push(rdata));
    this.#lengths.push(rdata.length);
    this.#nextRecords.push(NONE);
    const last = this.#lastRecords.at(rrset);
    if (last === NONE) this.#firstRecords.set(rrset, record);
    else this.#nextRecords.set(last, record);
    this.#lastRecords.set(rrset, record);
  }

  ttlOf(rrset: number): number {
    return this.#ttls.at(rrset);
  }

  /** Puts the records of each RRset in order, each once, and the empty non-terminals in. The names in canonical order. */
  finish(): Uint32Array {
    for (let rrset = 0; rrset < this.rrsetCount; rrset++) {
      if (this.#firstRecords.at(rrset) !== this.#lastRecords.at(rrset)) this.#sortRecords(rrset);
      if (this.#signaturesFrom(rrset) !== NONE) this.#sortSignatures(rrset);
    }
    const bare = this.#dropUncovered();
    if (this.#options.hasEmptyNonTerminals !== false) this.#addEmptyNonTerminals(bare);
    this.#dead = bare;
    const order = this.#keys.inOrder();
    return bare.size === 0 ? order : order.filter((name) => !bare.has(name));
  }

  /** Empty non-terminals; a name in `bare` may become one. */
  #addEmptyNonTerminals(bare: Set<number>): void {
    const { size } = this.#keys;
    for (let name = 0; name < size; name++) {
      if (bare.has(name)) continue;
      for (let above = this.#keys.keyAt(name); above !== this.apexKey;) {
        above = parentKey(above);
        const known = this.#keys.find(above);
        if (known >= 0 && !bare.delete(known)) break;
        this.name(above);
      }
    }
  }

  /** Takes out RRsets that have signatures alone. The names that are left without any. */
  #dropUncovered(): Set<number> {
    const bare = new Set<number>();
    if (this.#firstSignatures.length === 0) return bare;
    for (let name = 0; name < this.#firstRrsets.length; name++) {
      const kept: number[] = [];
      let dropped = 0;
      for (let rrset = this.#firstRrsets.at(name); rrset !== NONE; rrset = this.#nextRrsets.at(rrset)) {
        if (this.#firstRecords.at(rrset) !== NONE) kept.push(rrset);
        else dropped += this.#list(this.#signaturesFrom(rrset)).length;
      }
      if (dropped === 0) continue;
      this.#uncovered += dropped;
      if (kept.length === 0) bare.add(name);
      this.#firstRrsets.set(name, kept[0] ?? NONE);
      for (const [at, rrset] of kept.entries()) this.#nextRrsets.set(rrset, kept[at + 1] ?? NONE);
    }
    return bare;
  }

  /** The number of the name with this key; -1 when there is none. */
  find(key: OwnerKey): number {
    const name = this.#keys.find(key);
    return this.#dead.has(name) ? -1 : name;
  }

  keyOf(name: number): OwnerKey {
    return this.#keys.keyAt(name);
  }

  /** A name's owner as it was first written; undefined for one without records. It shares the memory of the table. */
  ownerOf(name: number): Name | undefined {
    const first = this.#firstRrsets.at(name);
    return first === NONE ? undefined : this.#ownerOfRrset(first);
  }

  /** The RRsets of a name by type, as a node has them. They share the memory of the table. */
  nodeRrsets(name: number): NodeRrset[] {
    const rrsets: NodeRrset[] = [];
    const { managerOf } = this.#options;
    for (let rrset = this.#firstRrsets.at(name); rrset !== NONE; rrset = this.#nextRrsets.at(rrset)) {
      const type = this.#types.at(rrset);
      const signed = this.#signaturesFrom(rrset);
      rrsets.push({
        type,
        ttl: this.#ttls.at(rrset),
        rdatas: this.#list(this.#firstRecords.at(rrset)),
        signatures: signed === NONE ? NO_SIGNATURES : this.#list(signed),
        manager: managerOf === undefined ? 'manual' : managerOf(type, this.#isApex(name)),
      });
    }
    return rrsets.length > 1 ? rrsets.sort((a, b) => a.type - b.type) : rrsets;
  }

  /** Where the first record of an RRset stands. */
  placeOf(rrset: number): Place {
    const other = this.#otherPlaces.get(rrset);
    return other ?? inFile(this.#fileNames[this.#files.at(rrset)]!, this.#lines.at(rrset), this.#columns.at(rrset));
  }

  /** All RRsets, by name in the order in which the names came. */
  *rrsets(): Generator<PlacedRrset, void, undefined> {
    for (let name = 0; name < this.nameCount; name++)
      for (let rrset = this.#firstRrsets.at(name); rrset !== NONE; rrset = this.#nextRrsets.at(rrset))
        yield {
          owner: this.#ownerOfRrset(rrset),
          type: this.#types.at(rrset),
          ttl: this.#ttls.at(rrset),
          rdatas: this.#list(this.#firstRecords.at(rrset)),
          at: this.placeOf(rrset),
        };
  }

  #ownerOfRrset(rrset: number): Name {
    const position = this.#owners.at(rrset);
    const length = nameLengthAt(this.#octets.chunkOf(position), position % TABLE_CHUNK_BYTES);
    return this.#octets.read(position, length);
  }

  /** The octets of a record and of those after it in its list. */
  #list(first: number): Uint8Array[] {
    const rdatas: Uint8Array[] = [];
    for (let record = first; record !== NONE; record = this.#nextRecords.at(record))
      rdatas.push(this.#octets.read(this.#positions.at(record), this.#lengths.at(record)));
    return rdatas;
  }

  #signaturesFrom(rrset: number): number {
    return rrset < this.#firstSignatures.length ? this.#firstSignatures.at(rrset) : NONE;
  }

  #isApex(name: number): boolean {
    this.#apexName ??= this.#keys.find(this.apexKey);
    return name === this.#apexName;
  }

  #sortRecords(rrset: number): void {
    const sorted = this.#sortList(this.#firstRecords.at(rrset), this.#types.at(rrset));
    this.#firstRecords.set(rrset, sorted[0]!);
    this.#lastRecords.set(rrset, sorted.at(-1)!);
  }

  /** In order, each once, and no more than an RRset may have. */
  #sortSignatures(rrset: number): void {
    const first = this.#firstSignatures.at(rrset);
    if (this.#nextRecords.at(first) === NONE) return;
    const sorted = this.#sortList(first, TYPE.RRSIG);
    this.#firstSignatures.set(rrset, sorted[0]!);
    if (this.#firstRecords.at(rrset) === NONE || sorted.length <= PRESIGNED_SIGNATURES_MAX) return;
    this.#nextRecords.set(sorted[PRESIGNED_SIGNATURES_MAX - 1]!, NONE);
    this.#uncovered += sorted.length - PRESIGNED_SIGNATURES_MAX;
  }

  /** The records of a list in order, each once; linked so. */
  #sortList(first: number, type: RrType): readonly number[] {
    const records = new Map<Uint8Array, number>();
    for (let record = first; record !== NONE; record = this.#nextRecords.at(record))
      records.set(this.#octets.read(this.#positions.at(record), this.#lengths.at(record)), record);
    const sorted = sortRdatas(type, [...records.keys()]).map((rdata) => records.get(rdata)!);
    for (const [index, record] of sorted.entries()) this.#nextRecords.set(record, sorted[index + 1] ?? NONE);
    return sorted;
  }

  #addPlace(rrset: number, at: Place | undefined): void {
    const inColumns = at !== undefined && isLineOfFile(at);
    if (at !== undefined && !inColumns) this.#otherPlaces.set(rrset, at);
    const { file, line = 0, column = 0 }: Partial<FilePlace> = inColumns ? at : {};
    if (file !== undefined && file !== this.#fileNames.at(-1)) this.#fileNames.push(file);
    this.#files.push(Math.max(0, this.#fileNames.length - 1));
    this.#lines.push(line);
    this.#columns.push(column);
  }
}

function isLineOfFile(at: Place): at is FilePlace {
  return at.kind === 'file' && at.line !== undefined && at.column !== undefined && at.part === undefined;
}
