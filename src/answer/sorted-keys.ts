/**
 * The names of one zone in memory, in canonical order, with their flags: one search says whether a name exists, what the closest encloser
 * is, and where the NSEC that covers it stands (RFC 4034 §6.1, RFC 4592 §3.3.1, RFC 4035 §3.1.3).
 *
 * Keys are those of owner-key.ts without the apex's part. Every node has a number, which it keeps until it is removed; numbers are not used
 * again. In order they stand in pages of a fixed size, so that a new name moves at most one page, with the first eight octets of each key
 * beside its number: a search nearly always decides by these alone.
 * Not here: which zones have such a list, filling it and keeping it up to date (negative.ts).
 */
import { NODE } from '#store/node-codec.ts';

/** Flag of a node that has a wildcard for a child, beside those of the store. */
export const HAS_WILDCARD = 64;

const PAGE_BITS_MAX = 9;
const PAGE_BITS_MIN = 4;
const ASTERISK = 0x2a;
/** Octets that a search compares as two words. */
const WORDS_BYTES = 8;

export class SortedKeys {
  /** Of each node, by number: its key's place in `octets` and length, its flags. */
  #offsets: Uint32Array;
  #lengths: Uint16Array;
  #flags: Uint8Array;
  #octets: Uint8Array;
  #octetsEnd = 0;
  #numbers = 0;
  #removed = 0;
  /** Entries of pages: first words of the keys, and numbers. Page p has its entries from p << pageBits. */
  #firsts: Uint32Array;
  #seconds: Uint32Array;
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
  /** Where the last search ended: place in `#order`, entry in that page; the last node at or before the key. */
  #page = 0;
  #entry = 0;
  /** Number of that node. */
  number = 0;
  /** It has exactly the key searched for. */
  isExact = false;

  /** `nodesExpected` is a guess. */
  constructor(nodesExpected: number) {
    const nodes = Math.max(nodesExpected, 8);
    this.#pageBits = Math.min(PAGE_BITS_MAX, Math.max(PAGE_BITS_MIN, Math.ceil(Math.log2(nodes * 1.4))));
    const pages = Math.ceil((nodes * 1.5) / 2 ** this.#pageBits) + 1;
    this.#offsets = new Uint32Array(nodes + 8);
    this.#lengths = new Uint16Array(nodes + 8);
    this.#flags = new Uint8Array(nodes + 8);
    this.#octets = new Uint8Array(nodes * 24);
    this.#firsts = new Uint32Array(pages << this.#pageBits);
    this.#seconds = new Uint32Array(pages << this.#pageBits);
    this.#entries = new Uint32Array(pages << this.#pageBits);
    this.#fills = new Uint16Array(pages);
    this.#order = new Uint32Array(pages);
    this.#orderFirsts = new Uint32Array(pages);
    this.#orderSeconds = new Uint32Array(pages);
  }

  /** Nodes there are. */
  get size(): number {
    return this.#numbers - this.#removed;
  }

  /** More has been removed than is left: better made anew. */
  get isWorn(): boolean {
    return this.#removed > 64 && this.#removed > this.size;
  }

  /** Memory taken. */
  get bytes(): number {
    return this.#octets.length + 7 * this.#offsets.length + 12 * this.#entries.length + 14 * this.#order.length;
  }

  flagsOf(number: number): number {
    return this.#flags[number]!;
  }

  /** Copies the key of node `number` to `out[at]`; returns where it ends. */
  copyKey(number: number, out: Uint8Array, at: number): number {
    const from = this.#offsets[number]!;
    const length = this.#lengths[number]!;
    for (let each = 0; each < length; each++) out[at + each] = this.#octets[from + each]!;
    return at + length;
  }

  /** Moves to the last node at or before the key `key[from…to]`. There is one always: the apex, whose key is empty. */
  search(key: Uint8Array, from: number, to: number): void {
    const first = wordAt(key, from, to);
    const second = wordAt(key, from + 4, to);
    let low = 0;
    let high = this.#orderCount - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const word = this.#orderFirsts[middle]!;
      let isAfter = word > first;
      if (word === first) {
        const next = this.#orderSeconds[middle]!;
        isAfter = next > second || (next === second && this.#isAfter(this.#entries[this.#order[middle]! << this.#pageBits]!, key, from, to));
      }
      if (isAfter) high = middle - 1;
      else low = middle;
    }
    this.#page = low;
    const page = this.#order[low]!;
    const start = page << this.#pageBits;
    low = start;
    high = start + this.#fills[page]! - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const word = this.#firsts[middle]!;
      let isAfter = word > first;
      if (word === first) {
        const next = this.#seconds[middle]!;
        isAfter = next > second || (next === second && this.#isAfter(this.#entries[middle]!, key, from, to));
      }
      if (isAfter) high = middle - 1;
      else low = middle;
    }
    this.#entry = low - start;
    this.number = this.#entries[low]!;
    this.isExact = this.#firsts[low] === first && this.#seconds[low] === second && this.#isKey(this.number, key, from, to);
  }

  /** After `search`: how many octets the key and the node's key have in common at their beginnings. */
  commonBytes(key: Uint8Array, from: number, to: number): number {
    const stored = this.#offsets[this.number]!;
    const length = Math.min(this.#lengths[this.number]!, to - from);
    const octets = this.#octets;
    let at = 0;
    while (at < length && octets[stored + at] === key[from + at]) at++;
    return at;
  }

  /** True when node `number` has a key of that many octets. */
  isLength(number: number, length: number): boolean {
    return this.#lengths[number] === length;
  }

  /** After `search`: the number of the node there or the last before it that has an NSEC, at most `stepsMax` before; -1 for none. */
  nsecNumber(stepsMax: number): number {
    let page = this.#page;
    let entry = this.#entry;
    for (let steps = 0; steps <= stepsMax; steps++) {
      const number = this.#entries[(this.#order[page]! << this.#pageBits) + entry]!;
      if ((this.#flags[number]! & NODE.HAS_NSEC) !== 0) return number;
      if (--entry >= 0) continue;
      if (--page < 0) return -1;
      entry = this.#fills[this.#order[page]!]! - 1;
    }
    return -1;
  }

  /** Adds a node whose key is above all others, or gives the one with this key these flags. Parents come before children. */
  put(key: Uint8Array, from: number, to: number, flags: number): void {
    if (this.#orderCount === 0) this.#addPage(0);
    else {
      this.search(key, from, to);
      if (this.isExact) {
        this.#flags[this.number] = flags | (this.#flags[this.number]! & HAS_WILDCARD);
        return;
      }
    }
    const number = this.#newNumber(key, from, to, flags);
    this.#insert(number, wordAt(key, from, to), wordAt(key, from + 4, to));
    if (isWildcard(key, from, to)) this.#markParent(key, from, to, true);
  }

  /** Takes the node with this key out, if there is one. */
  remove(key: Uint8Array, from: number, to: number): void {
    this.search(key, from, to);
    if (!this.isExact) return;
    const page = this.#order[this.#page]!;
    const at = (page << this.#pageBits) + this.#entry;
    const end = (page << this.#pageBits) + this.#fills[page]!;
    for (const words of [this.#firsts, this.#seconds, this.#entries]) words.copyWithin(at, at + 1, end);
    this.#fills[page]!--;
    this.#removed++;
    if (this.#fills[page] === 0) {
      for (const words of [this.#order, this.#orderFirsts, this.#orderSeconds]) words.copyWithin(this.#page, this.#page + 1, this.#orderCount);
      this.#orderCount--;
      this.#freePages.push(page);
    } else if (this.#entry === 0) this.#noteFirst(this.#page);
    if (isWildcard(key, from, to)) this.#markParent(key, from, to, false);
  }

  #markParent(key: Uint8Array, from: number, to: number, hasWildcard: boolean): void {
    if (this.#orderCount === 0) return;
    this.search(key, from, to - 2);
    if (!this.isExact) return;
    if (hasWildcard) this.#flags[this.number]! |= HAS_WILDCARD;
    else this.#flags[this.number]! &= ~HAS_WILDCARD;
  }

  #newNumber(key: Uint8Array, from: number, to: number, flags: number): number {
    const number = this.#numbers++;
    if (number === this.#offsets.length) {
      this.#offsets = grown(this.#offsets, new Uint32Array(2 * number));
      this.#lengths = grown(this.#lengths, new Uint16Array(2 * number));
      this.#flags = grown(this.#flags, new Uint8Array(2 * number));
    }
    const length = to - from;
    if (this.#octetsEnd + length > this.#octets.length) this.#octets = grown(this.#octets, new Uint8Array(2 * this.#octets.length + length));
    this.#offsets[number] = this.#octetsEnd;
    this.#lengths[number] = length;
    this.#flags[number] = flags;
    for (let at = 0; at < length; at++) this.#octets[this.#octetsEnd + at] = key[from + at]!;
    this.#octetsEnd += length;
    return number;
  }

  /** Puts a number behind where the last search ended. */
  #insert(number: number, first: number, second: number): void {
    const size = 1 << this.#pageBits;
    let page = this.#order[this.#page]!;
    let entry = this.#fills[page] === 0 ? 0 : this.#entry + 1;
    if (this.#fills[page] === size) {
      const isAtEnd = this.#page === this.#orderCount - 1 && entry === size;
      this.#addPage(this.#page + 1);
      const next = this.#order[this.#page + 1]!;
      // Where names come in order, pages stay nearly full.
      const kept = isAtEnd ? size - (size >> 3) : size >> 1;
      for (const words of [this.#firsts, this.#seconds, this.#entries])
        words.copyWithin(next << this.#pageBits, (page << this.#pageBits) + kept, (page + 1) << this.#pageBits);
      this.#fills[page] = kept;
      this.#fills[next] = size - kept;
      this.#noteFirst(this.#page + 1);
      if (entry > kept) {
        entry -= kept;
        page = next;
        this.#page++;
      }
    }
    const start = page << this.#pageBits;
    const end = start + this.#fills[page]!;
    for (const words of [this.#firsts, this.#seconds, this.#entries]) words.copyWithin(start + entry + 1, start + entry, end);
    this.#firsts[start + entry] = first;
    this.#seconds[start + entry] = second;
    this.#entries[start + entry] = number;
    this.#fills[page]!++;
    if (entry === 0) this.#noteFirst(this.#page);
  }

  /** An empty page at `place` in the order. */
  #addPage(place: number): void {
    const page = this.#freePages.pop() ?? this.#pagesUsed++;
    if (page === this.#fills.length) {
      const pages = 2 * page;
      this.#fills = grown(this.#fills, new Uint16Array(pages));
      this.#firsts = grown(this.#firsts, new Uint32Array(pages << this.#pageBits));
      this.#seconds = grown(this.#seconds, new Uint32Array(pages << this.#pageBits));
      this.#entries = grown(this.#entries, new Uint32Array(pages << this.#pageBits));
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
    const at = this.#order[place]! << this.#pageBits;
    this.#orderFirsts[place] = this.#firsts[at]!;
    this.#orderSeconds[place] = this.#seconds[at]!;
  }

  /** Node `number`, whose first words are those of the key, stands after it. */
  #isAfter(number: number, key: Uint8Array, from: number, to: number): boolean {
    const octets = this.#octets;
    const stored = this.#offsets[number]!;
    const storedLength = this.#lengths[number]!;
    const length = to - from;
    const shorter = Math.min(storedLength, length);
    for (let at = WORDS_BYTES; at < shorter; at++) {
      const octet = octets[stored + at]!;
      if (octet !== key[from + at]) return octet > key[from + at]!;
    }
    return storedLength > length;
  }

  /** Node `number`, whose first words are those of the key, has this key. */
  #isKey(number: number, key: Uint8Array, from: number, to: number): boolean {
    const length = to - from;
    if (this.#lengths[number] !== length) return false;
    const stored = this.#offsets[number]!;
    for (let at = WORDS_BYTES; at < length; at++) if (this.#octets[stored + at] !== key[from + at]) return false;
    return true;
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
