/**
 * The names of one zone in memory, in canonical order, with their flags: one search says whether a name exists, what
 * the closest encloser is, and where the NSEC that covers it stands (RFC 4034 §6.1, RFC 4592 §3.3.1, RFC 4035 §3.1.3).
 * A table of hashes beside the order says whether one name exists, with less to wait for.
 *
 * Keys are those of owner-key.ts without the apex's part. Every node has a number, which it keeps until it is removed; numbers are not used
 * again. Entries stand in order in pages of a fixed size, so that a new name moves at most one page. Memory is what a search waits for, so
 * the first four octets of the keys stand by themselves, close together, and nearly always decide; all else about a node is in one place.
 * Not here: which zones have such a list, filling it and keeping it up to date (negative.ts).
 */
import { NODE } from '#store/node-codec.ts';
import { FLAGS_BITS, FLAGS_MASK, KeyRecords } from './key-records.ts';
import { KeyTable } from './key-table.ts';
import { hashOctets } from './owner-key.ts';

/** Flag of a node that has a wildcard for a child, beside those of the store. */
export const HAS_WILDCARD = 64;

/** 128 entries: their first words are eight lines of the processor's cache. */
const PAGE_BITS_MAX = 7;
const PAGE_BITS_MIN = 4;
const ASTERISK = 0x2a;
/** Octets that a search compares as two words. */
const WORDS_BYTES = 8;

/** Words of an entry beside its key's first four octets: the next four, its record, length and flags as there. */
const SECOND = 0;
const PLACE = 1;
const LENGTH_FLAGS = 2;
const ENTRY_WORDS = 3;
/** A record with its key, of a name of usual length. */
const RECORD_BYTES = 28;

export class SortedKeys {
  readonly #records: KeyRecords;
  readonly #table: KeyTable | undefined;
  #size = 0;
  /** Page p has its entries from p << pageBits. */
  #firsts: Uint32Array;
  #entries: Uint32Array;
  readonly #pageBits: number;
  #pagesUsed = 0;
  #freePages: number[] = [];
  #fills: Uint16Array;
  /** Pages in order, and the words of the first entry of each. */
  #order: Uint32Array;
  #orderFirsts: Uint32Array;
  #orderSeconds: Uint32Array;
  #orderCount = 0;
  /** Where the last search ended, at the last node at or before the key: place in `#order`, and entry. */
  #page = 0;
  #entry = 0;
  /** Number of that node, and its flags. */
  number = 0;
  flags = 0;
  /** It has exactly the key searched for. */
  isExact = false;

  /** `nodesExpected` is a guess. `isFound`: `find` is called too. */
  constructor(nodesExpected: number, isFound = false) {
    const nodes = Math.max(nodesExpected, 8);
    this.#records = new KeyRecords(nodes * RECORD_BYTES);
    if (isFound) this.#table = new KeyTable(this.#records, nodes);
    this.#pageBits = Math.min(PAGE_BITS_MAX, Math.max(PAGE_BITS_MIN, Math.ceil(Math.log2(nodes * 1.4))));
    const pages = Math.ceil((nodes * 1.5) / 2 ** this.#pageBits) + 1;
    this.#firsts = new Uint32Array(pages << this.#pageBits);
    this.#entries = new Uint32Array((pages << this.#pageBits) * ENTRY_WORDS);
    this.#fills = new Uint16Array(pages);
    this.#order = new Uint32Array(pages);
    this.#orderFirsts = new Uint32Array(pages);
    this.#orderSeconds = new Uint32Array(pages);
  }

  /** Nodes there are. */
  get size(): number {
    return this.#size;
  }

  /** More has been removed than is left: better made anew. */
  get isWorn(): boolean {
    return this.#records.count > 64 && this.#records.count > 2 * this.#size;
  }

  /** Memory taken. */
  get bytes(): number {
    const keys = this.#records.bytes + (this.#table?.bytes ?? 0);
    return keys + 4 * (this.#firsts.length + this.#entries.length) + 14 * this.#order.length;
  }

  /** Copies the key of the node there to `out[at]`; returns where it ends. */
  copyKey(out: Uint8Array, at: number): number {
    const { octets } = this.#records;
    const from = this.#records.keyAt(this.number);
    const length = this.#keyLength();
    for (let each = 0; each < length; each++) out[at + each] = octets[from + each]!;
    return at + length;
  }

  /** Moves to the last node at or before the key `key[from…to]`. There is one always: the apex, whose key is empty. */
  search(key: Uint8Array, from: number, to: number): void {
    const first = wordAt(key, from, to);
    const second = wordAt(key, from + 4, to);
    const firsts = this.#firsts;
    const orderFirsts = this.#orderFirsts;
    let low = 0;
    let high = this.#orderCount - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const word = orderFirsts[middle]!;
      if (word > first || (word === first && this.#isPageAfter(middle, second, key, from, to))) high = middle - 1;
      else low = middle;
    }
    this.#page = low;
    const page = this.#order[low]!;
    low = page << this.#pageBits;
    high = low + this.#fills[page]! - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const word = firsts[middle]!;
      if (word > first || (word === first && this.#isAfter(middle, second, key, from, to))) high = middle - 1;
      else low = middle;
    }
    this.#moveTo(low);
    this.isExact = firsts[low] === first && this.#entries[low * ENTRY_WORDS + SECOND] === second && this.#isKey(key, from, to);
  }

  /** `find` may be called: it knows all nodes. */
  get isFound(): boolean {
    return this.#table?.isWhole === true;
  }

  /** The number of the node with the key `key[from…to]`; 0 for none. `hash` is that of `key[0…to]`. */
  find(hash: number, key: Uint8Array, from: number, to: number): number {
    return this.#table!.find(hash, key, from, to);
  }

  /** Number of the apex. */
  get apex(): number {
    return this.#entries[(this.#order[0]! << this.#pageBits) * ENTRY_WORDS + PLACE]!;
  }

  flagsOf(number: number): number {
    return this.#records.flags(number);
  }

  /** Moves to the apex. */
  toApex(): void {
    this.#page = 0;
    this.#moveTo(this.#order[0]! << this.#pageBits);
  }

  /** Moves to the last node. */
  toLast(): void {
    this.#page = this.#orderCount - 1;
    const page = this.#order[this.#page]!;
    this.#moveTo((page << this.#pageBits) + this.#fills[page]! - 1);
  }

  #moveTo(entry: number): void {
    this.#entry = entry;
    this.number = this.#entries[entry * ENTRY_WORDS + PLACE]!;
    this.flags = this.#entries[entry * ENTRY_WORDS + LENGTH_FLAGS]! & FLAGS_MASK;
  }

  #keyLength(): number {
    return this.#entries[this.#entry * ENTRY_WORDS + LENGTH_FLAGS]! >>> FLAGS_BITS;
  }

  /** How many octets the key and that of the node there have in common at their beginnings. */
  commonBytes(key: Uint8Array, from: number, to: number): number {
    // The word first: the octets are elsewhere in memory, and most names part before.
    const length = Math.min(this.#keyLength(), to - from);
    const difference = this.#firsts[this.#entry]! ^ wordAt(key, from, to);
    if (difference !== 0) return Math.min(Math.clz32(difference) >> 3, length);
    const { octets } = this.#records;
    const stored = this.#records.keyAt(this.number);
    let at = Math.min(4, length);
    while (at < length && octets[stored + at] === key[from + at]) at++;
    return at;
  }

  /** True when the node there has a key of that many octets. */
  isLength(length: number): boolean {
    return this.#keyLength() === length;
  }

  /** What `backTo` takes to come back to the node there, until the list changes. */
  get page(): number {
    return this.#page;
  }

  get entry(): number {
    return this.#entry;
  }

  backTo(page: number, entry: number): void {
    this.#page = page;
    this.#moveTo(entry);
  }

  /** Moves on to the node there or the last before it that has an NSEC, at most `stepsMax` before; false for none. */
  toNsec(stepsMax: number): boolean {
    for (let steps = 0; (this.flags & NODE.HAS_NSEC) === 0; steps++) {
      const first = this.#order[this.#page]! << this.#pageBits;
      if (steps === stepsMax || (this.#page === 0 && this.#entry === first)) return false;
      if (this.#entry > first) this.#moveTo(this.#entry - 1);
      else {
        const page = this.#order[--this.#page]!;
        this.#moveTo((page << this.#pageBits) + this.#fills[page]! - 1);
      }
    }
    return true;
  }

  /** Adds a node, or gives the one that has this key these flags. The apex comes first, parents before their children. */
  put(key: Uint8Array, from: number, to: number, flags: number): void {
    if (this.#orderCount === 0) this.#addPage(0);
    else {
      this.search(key, from, to);
      if (this.isExact) {
        this.#setFlags(flags | (this.flags & HAS_WILDCARD));
        return;
      }
    }
    this.#insert(key, from, to, flags);
    if (isWildcard(key, from, to)) this.#markParent(key, from, to, HAS_WILDCARD);
  }

  /** Takes the node with this key out, if there is one. */
  remove(key: Uint8Array, from: number, to: number): void {
    if (this.#orderCount === 0) return;
    this.search(key, from, to);
    if (!this.isExact) return;
    this.#table?.remove(this.number);
    const page = this.#order[this.#page]!;
    this.#move(this.#entry + 1, this.#entry, (page << this.#pageBits) + this.#fills[page]!);
    this.#fills[page]!--;
    this.#size--;
    if (this.#fills[page] === 0) {
      for (const words of [this.#order, this.#orderFirsts, this.#orderSeconds])
        words.copyWithin(this.#page, this.#page + 1, this.#orderCount);
      this.#orderCount--;
      this.#freePages.push(page);
    } else this.#noteFirst(this.#page);
    if (isWildcard(key, from, to)) this.#markParent(key, from, to, 0);
  }

  #setFlags(flags: number): void {
    const at = this.#entry * ENTRY_WORDS + LENGTH_FLAGS;
    this.#entries[at] = (this.#entries[at]! & ~FLAGS_MASK) | flags;
    this.#records.setFlags(this.number, flags);
  }

  #markParent(key: Uint8Array, from: number, to: number, mark: number): void {
    if (this.#orderCount === 0) return;
    this.search(key, from, to - 2);
    if (this.isExact) this.#setFlags((this.flags & ~HAS_WILDCARD) | mark);
  }

  /** Entries from `from` up to `end` move to `to`. */
  #move(from: number, to: number, end: number): void {
    this.#firsts.copyWithin(to, from, end);
    this.#entries.copyWithin(to * ENTRY_WORDS, from * ENTRY_WORDS, end * ENTRY_WORDS);
  }

  /** Puts a new node behind where the last search ended. */
  #insert(key: Uint8Array, from: number, to: number, flags: number): void {
    const size = 1 << this.#pageBits;
    let page = this.#order[this.#page]!;
    let place = this.#fills[page] === 0 ? 0 : this.#entry - (page << this.#pageBits) + 1;
    if (this.#fills[page] === size) {
      const isAtEnd = this.#page === this.#orderCount - 1 && place === size;
      this.#addPage(this.#page + 1);
      const next = this.#order[this.#page + 1]!;
      // Where names come in order, pages stay nearly full.
      const kept = isAtEnd ? size - (size >> 3) : size >> 1;
      this.#move((page << this.#pageBits) + kept, next << this.#pageBits, (page + 1) << this.#pageBits);
      this.#fills[page] = kept;
      this.#fills[next] = size - kept;
      this.#noteFirst(this.#page + 1);
      if (place > kept) {
        place -= kept;
        page = next;
        this.#page++;
      }
    }
    const start = page << this.#pageBits;
    this.#move(start + place, start + place + 1, start + this.#fills[page]!);
    this.#fills[page]!++;
    this.#size++;
    const at = (start + place) * ENTRY_WORDS;
    this.#firsts[start + place] = wordAt(key, from, to);
    this.#entries[at + SECOND] = wordAt(key, from + 4, to);
    const record = this.#records.add(key, from, to, flags, this.#table === undefined ? 0 : hashOctets(key, to));
    this.#table?.add(record);
    this.#entries[at + PLACE] = record;
    this.#entries[at + LENGTH_FLAGS] = ((to - from) << FLAGS_BITS) | flags;
    if (place === 0) this.#noteFirst(this.#page);
  }

  /** An empty page at `place` in the order. */
  #addPage(place: number): void {
    const page = this.#freePages.pop() ?? this.#pagesUsed++;
    if (page === this.#fills.length) {
      const pages = 2 * page;
      this.#fills = grown(this.#fills, new Uint16Array(pages));
      this.#firsts = grown(this.#firsts, new Uint32Array(pages << this.#pageBits));
      this.#entries = grown(this.#entries, new Uint32Array((pages << this.#pageBits) * ENTRY_WORDS));
      this.#order = grown(this.#order, new Uint32Array(pages));
      this.#orderFirsts = grown(this.#orderFirsts, new Uint32Array(pages));
      this.#orderSeconds = grown(this.#orderSeconds, new Uint32Array(pages));
    }
    for (const words of [this.#order, this.#orderFirsts, this.#orderSeconds]) words.copyWithin(place + 1, place, this.#orderCount);
    this.#order[place] = page;
    this.#fills[page] = 0;
    this.#orderCount++;
  }

  #noteFirst(place: number): void {
    const entry = this.#order[place]! << this.#pageBits;
    this.#orderFirsts[place] = this.#firsts[entry]!;
    this.#orderSeconds[place] = this.#entries[entry * ENTRY_WORDS + SECOND]!;
  }

  /** The page at this place in the order begins after the key, whose first word is that of its first entry. */
  #isPageAfter(place: number, second: number, key: Uint8Array, from: number, to: number): boolean {
    const word = this.#orderSeconds[place]!;
    return word > second || (word === second && this.#isAfter(this.#order[place]! << this.#pageBits, second, key, from, to));
  }

  /** The entry stands after the key, whose first word it has. */
  #isAfter(entry: number, second: number, key: Uint8Array, from: number, to: number): boolean {
    const entries = this.#entries;
    const word = entries[entry * ENTRY_WORDS + SECOND]!;
    if (word !== second) return word > second;
    const { octets } = this.#records;
    const stored = this.#records.keyAt(entries[entry * ENTRY_WORDS + PLACE]!);
    const storedLength = entries[entry * ENTRY_WORDS + LENGTH_FLAGS]! >>> FLAGS_BITS;
    const length = to - from;
    const shorter = Math.min(storedLength, length);
    for (let at = WORDS_BYTES; at < shorter; at++) {
      const octet = octets[stored + at]!;
      if (octet !== key[from + at]) return octet > key[from + at]!;
    }
    return storedLength > length;
  }

  /** The node there, whose first words are those of the key, has this key. */
  #isKey(key: Uint8Array, from: number, to: number): boolean {
    return this.#records.isKey(this.number, key, from, to, WORDS_BYTES);
  }
}

/** Four octets as a number that compares as they do; zeros stand for what is missing, and no label begins with one. */
function wordAt(key: Uint8Array, at: number, to: number): number {
  if (at + 4 <= to) return ((key[at]! << 24) | (key[at + 1]! << 16) | (key[at + 2]! << 8) | key[at + 3]!) >>> 0;
  let word = 0;
  for (let each = at; each < at + 4; each++) word = (word << 8) | (each < to ? key[each]! : 0);
  return word >>> 0;
}

/** The last label is an asterisk alone. An octet 0 inside a label is escaped: 0 always ends one. */
function isWildcard(key: Uint8Array, from: number, to: number): boolean {
  return to - from >= 2 && key[to - 2] === ASTERISK && (to - from === 2 || key[to - 3] === 0);
}

function grown<T extends Uint8Array | Uint16Array | Uint32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
