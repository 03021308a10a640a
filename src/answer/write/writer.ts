/**
 * Records into a message: straight from a stored node to the answer's octets, RRset by RRset, each whole or not at all.
 * Implements: RFC 1035 §4.1.3, RFC 2181 §9 (never a part of an RRset), RFC 3597 §4 (names in old types are compressed).
 * Not here: which RRsets (answer/respond.ts).
 */
import { assert } from '#base/assert.ts';
import { readU16 } from '#base/bytes.ts';
import { ANSWER_CACHE_POINTERS_MAX } from '#base/limits/answer.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { POINTER_OFFSET_MAX, compressibleNames } from '#dns/compression.ts';
import { HEADER_BYTES } from '#dns/message.ts';
import { CLASS, TYPE, type RrType } from '#dns/types.ts';
import {
  OWNER_OFFSET,
  bodyOffset,
  entryBodyBytes,
  entryRecords,
  entrySignatures,
  entryTtl,
  entryType,
  ENTRY_TTL,
} from '#store/node-codec.ts';
import { copyOctets, copyRun } from './copy.ts';
import { NameTable } from './name-table.ts';
import { wireLength } from '#answer/names/owner-key.ts';

export const SECTION = { ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 2 } as const;

/** No name that is pointed from stands at or after 0x8000 in an answer that is cached. */
export const POINTER_OF_OWNER = 0x8000;
/** Types at or above this have no compressible names. */
const OLD_TYPES = 32;
const NAMES_BEFORE = new Uint8Array(OLD_TYPES);
const NAMES_COUNT = new Uint8Array(OLD_TYPES);
for (let type = 0; type < OLD_TYPES; type++) {
  const names = compressibleNames(type);
  if (names === undefined) continue;
  NAMES_BEFORE[type] = names.before;
  NAMES_COUNT[type] = names.count;
}
/** Longer runs of octets are copied by the engine, shorter ones by a loop. */
const COPY_BY_LOOP_BYTES = 64;
/** The same where the engine needs a view all the same: from here on it is faster. */
const COPY_STORED_BY_LOOP_BYTES = 40;
/** Of a record whose owner is a pointer, before its RDLENGTH. */
const STORED_HEAD_BYTES = 10;

/** One message in the making. */
export class MessageWriter {
  out: Uint8Array = new Uint8Array(0);
  /** Where the next octet goes. */
  at = 0;
  /** Where content has to end: the limit less our OPT. */
  limit = 0;
  /** Something required did not fit: the message is truncated, and nothing more is written. */
  overflowed = false;
  /** Records in each section. */
  readonly counts = new Uint16Array(3);
  /** An RRset that may be left out was: with a higher limit, the message would be longer. */
  omitted = false;
  /**
   * Where the message points to what stands before, one after the other; POINTER_OF_OWNER marks those that are owners. One more than
   * ANSWER_CACHE_POINTERS_MAX is all that is kept: then there are too many.
   */
  readonly pointers = new Uint16Array(ANSWER_CACHE_POINTERS_MAX + 1);
  pointerCount = 0;
  readonly #names = new NameTable();
  #contentAt = 0;
  /** Where the owner of the last RRset can be pointed at; -1 when it cannot. */
  #ownerAt = -1;

  /** Starts a message in `out` with the question section at `query[HEADER_BYTES]`; the header is left for later. */
  begin(out: Uint8Array, limit: number, query: Uint8Array, questionLength: number): void {
    this.out = out;
    this.limit = limit;
    this.overflowed = false;
    this.omitted = false;
    this.pointerCount = 0;
    this.counts.fill(0);
    this.at = HEADER_BYTES;
    this.#names.begin(out);
    if (questionLength > 0) {
      this.at = this.#names.write(query, HEADER_BYTES, HEADER_BYTES, out.length);
      for (const end = HEADER_BYTES + questionLength; this.at < end; this.at++) out[this.at] = query[this.at]!;
    }
    this.#contentAt = this.at;
  }

  /** Takes over a message whose question, content up to `at` and counts are there already. Nothing can be put to it. */
  adopt(out: Uint8Array, contentAt: number, at: number, overflowed: boolean): void {
    this.out = out;
    this.overflowed = overflowed;
    this.#contentAt = contentAt;
    this.at = at;
  }

  /** Where the question section ends. */
  get contentAt(): number {
    return this.#contentAt;
  }

  /** Labels below the last `depth` labels of the question's name, which has `labels`: see name-table.ts. */
  labelsBelow(depth: number, labels: number, hashes: Uint32Array): number {
    return this.#names.labelsBelow(depth, labels, hashes);
  }

  /** What was to be written is no answer without: when it did not fit, the answer is truncated. */
  require(didFit: boolean): void {
    if (!didFit) this.overflowed = true;
  }

  /** Back to the bare question (RFC 2181 §9: what does not fit is not sent in part). */
  dropContent(): void {
    this.at = this.#contentAt;
    this.counts.fill(0);
  }

  /**
   * Writes the RRset of directory entry `entry`, owned by `owner[ownerAt]`, whole or not at all. Returns false, and writes nothing, when
   * it does not fit or something did not before.
   */
  putRrset(
    section: number,
    owner: Uint8Array,
    ownerAt: number,
    node: Uint8Array,
    entry: number,
    ttl: number,
    withSignatures: boolean,
  ): boolean {
    const records = entryRecords(node, entry);
    const signatures = withSignatures ? entrySignatures(node, entry) : 0;
    return this.#put(section, owner, ownerAt, node, bodyOffset(node, entry), entryType(node, entry), ttl, records, signatures);
  }

  /** The same for the RRSIGs alone of an RRset. */
  putSignatures(section: number, owner: Uint8Array, ownerAt: number, node: Uint8Array, entry: number, ttl: number): boolean {
    let at = bodyOffset(node, entry);
    for (let left = entryRecords(node, entry); left > 0; left--) at += 2 + readU16(node, at);
    return this.#put(section, owner, ownerAt, node, at, TYPE.RRSIG, ttl, entrySignatures(node, entry), 0);
  }

  /**
   * Writes the RRset of a stored node at its place `body`, with its signatures, whole or not at all, into the answer
   * section: for messages that hold hundreds of them. `owner` is where the message has the node's owner; 0: not yet.
   * Returns that place for the next RRset of the node (0: it cannot be pointed at), or -1 when the RRset does not fit.
   */
  putStored(node: Uint8Array, entry: number, body: number, owner: number): number {
    const type = entryType(node, entry);
    const records = entryRecords(node, entry);
    const total = records + entrySignatures(node, entry);
    const bytes = entryBodyBytes(node, entry) + total * STORED_HEAD_BYTES;
    const end = this.at + NAME_BYTES_MAX + bytes;
    const hasNames = type < OLD_TYPES && NAMES_COUNT[type]! > 0;
    // What is measured before needs no look at each octet whether it fits.
    if (hasNames || end > this.limit || end > POINTER_OFFSET_MAX || node[OWNER_OFFSET] === 0) {
      const [ttl, signatures] = [entryTtl(node, entry), total - records];
      if (!this.#put(SECTION.ANSWER, node, OWNER_OFFSET, node, body, type, ttl, records, signatures)) return -1;
      return Math.max(this.#ownerAt, 0);
    }
    let place = owner;
    let next = body;
    for (let each = 0; each < total; each++) {
      if (place === 0) {
        this.at = this.#names.write(node, OWNER_OFFSET, this.at, this.limit);
        place = this.#names.lastOffset;
      } else {
        this.out[this.at++] = 0xc0 | (place >> 8);
        this.out[this.at++] = place & 0xff;
      }
      next = this.#putStoredRecord(each < records ? type : TYPE.RRSIG, node, entry, next);
    }
    this.counts[SECTION.ANSWER]! += total;
    return place;
  }

  /** What follows the owner, which fits; returns where the next record is stored. */
  #putStoredRecord(type: RrType, node: Uint8Array, entry: number, record: number): number {
    const { out, at } = this;
    out[at] = type >> 8;
    out[at + 1] = type & 0xff;
    out[at + 2] = 0;
    out[at + 3] = CLASS.IN;
    copyOctets(node, entry + ENTRY_TTL, out, at + 4, 4);
    // RDLENGTH and RDATA stand in the node as in the message.
    const bytes = 2 + readU16(node, record);
    if (bytes > COPY_STORED_BY_LOOP_BYTES) copyRun(node, record, record + bytes, out, at + 8);
    else copyOctets(node, record, out, at + 8, bytes);
    this.at = at + 8 + bytes;
    return record + bytes;
  }

  /**
   * Puts the answer section of another message without a question, `records` records, into this one, which has nothing
   * yet. Nothing can be pointed at in it. False, and nothing is written, when it does not fit.
   */
  putSection(octets: Uint8Array, length: number, records: number): boolean {
    assert(this.at === HEADER_BYTES, 'a section stands where it stood in the other message');
    if (this.at + length > this.limit) return false;
    this.out.set(length === octets.length ? octets : octets.subarray(0, length), this.at);
    this.at += length;
    this.counts[SECTION.ANSWER] = records;
    return true;
  }

  /** A CNAME whose target is the name at `target[targetAt]`: the one that a DNAME makes (RFC 6672 §3.1). Nothing can follow one that does not fit. */
  putAlias(section: number, owner: Uint8Array, ownerAt: number, target: Uint8Array, targetAt: number, ttl: number): boolean {
    if (this.overflowed) return false;
    const start = this.at;
    this.at = this.#names.write(owner, ownerAt, start, this.limit);
    if (this.#putRecord(TYPE.CNAME, ttl, target, targetAt, wireLength(target, targetAt))) {
      this.counts[section]! += 1;
      return true;
    }
    this.at = start;
    return false;
  }

  #put(
    section: number,
    owner: Uint8Array,
    ownerAt: number,
    node: Uint8Array,
    body: number,
    type: RrType,
    ttl: number,
    records: number,
    signatures: number,
  ): boolean {
    if (this.overflowed) return false;
    const start = this.at;
    const mark = this.#names.mark();
    const pointersBefore = this.pointerCount;
    const total = records + signatures;
    let pointer = -1;
    let next = body;
    for (let each = 0; each < total; each++) {
      if (pointer < 0) {
        this.at = this.#names.write(owner, ownerAt, this.at, this.limit);
        pointer = this.#names.lastOffset;
        this.#ownerAt = pointer;
        if (this.#names.lastPointer >= 0) this.#notePointer(this.#names.lastPointer | POINTER_OF_OWNER);
      } else {
        this.out[this.at] = 0xc0 | (pointer >> 8);
        this.out[this.at + 1] = pointer & 0xff;
        this.#notePointer(this.at | POINTER_OF_OWNER);
        this.at += 2;
      }
      const length = readU16(node, next);
      if (!this.#putRecord(each < records ? type : TYPE.RRSIG, ttl, node, next + 2, length)) {
        this.#names.forgetFrom(mark);
        this.pointerCount = pointersBefore;
        this.at = start;
        this.omitted = true;
        return false;
      }
      next += length + 2;
    }
    this.counts[section]! += total;
    return true;
  }

  #notePointer(place: number): void {
    if (this.pointerCount < this.pointers.length) this.pointers[this.pointerCount++] = place;
  }

  /** What follows the owner. False when it, or the owner before it (`at` is -1), does not fit. */
  #putRecord(type: RrType, ttl: number, rdata: Uint8Array, rdataAt: number, length: number): boolean {
    const { out, at, limit } = this;
    if (at < 0 || at + 10 > limit) return false;
    out[at] = type >> 8;
    out[at + 1] = type & 0xff;
    out[at + 2] = 0;
    out[at + 3] = CLASS.IN;
    out[at + 4] = ttl >>> 24;
    out[at + 5] = (ttl >> 16) & 0xff;
    out[at + 6] = (ttl >> 8) & 0xff;
    out[at + 7] = ttl & 0xff;
    let end = at + 10;
    let read = rdataAt;
    const rdataEnd = rdataAt + length;
    if (type < OLD_TYPES && NAMES_COUNT[type]! > 0) {
      if (end + NAMES_BEFORE[type]! > limit) return false;
      for (let left = NAMES_BEFORE[type]!; left > 0; left--) out[end++] = rdata[read++]!;
      for (let left = NAMES_COUNT[type]!; left > 0; left--) {
        end = this.#names.write(rdata, read, end, limit);
        if (end < 0) return false;
        if (this.#names.lastPointer >= 0) this.#notePointer(this.#names.lastPointer);
        read += wireLength(rdata, read);
      }
    }
    const rest = rdataEnd - read;
    if (end + rest > limit) return false;
    if (rest > COPY_BY_LOOP_BYTES) out.set(rdata.subarray(read, rdataEnd), end);
    else copyOctets(rdata, read, out, end, rest);
    end += rest;
    const written = end - at - 10;
    out[at + 8] = written >> 8;
    out[at + 9] = written & 0xff;
    this.at = end;
    return true;
  }
}
