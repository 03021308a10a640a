/**
 * The keys of one zone's names, one behind the other, each with its length, flags and hash in front: a record. A record
 * keeps its place, which is the node's number; places are not used again.
 * Not here: the order of the keys (sorted-keys.ts), finding one by its hash (key-table.ts).
 */

/** Words before the key: its length and flags, its hash. */
const LENGTH_FLAGS = 0;
const HASH = 1;
const HEAD_WORDS = 2;
export const FLAGS_BITS = 8;
export const FLAGS_MASK = 255;
/** A word that begins no record: a place is never 0. */
const FIRST_PLACE = 1;

export class KeyRecords {
  #octets: Uint8Array;
  #words: Uint32Array;
  #end = FIRST_PLACE;
  /** Records there were ever. */
  count = 0;

  /** `bytesExpected` is a guess. */
  constructor(bytesExpected: number) {
    this.#words = new Uint32Array(FIRST_PLACE + (bytesExpected >> 2));
    this.#octets = new Uint8Array(this.#words.buffer);
  }

  /** Memory taken. */
  get bytes(): number {
    return this.#octets.length;
  }

  /** Adds one for the key `key[from…to]`; returns its place. */
  add(key: Uint8Array, from: number, to: number, flags: number, hash: number): number {
    const place = this.#end;
    const end = place + HEAD_WORDS + ((to - from + 3) >> 2);
    if (end > this.#words.length) {
      const larger = new Uint32Array(2 * end);
      larger.set(this.#words);
      this.#words = larger;
      this.#octets = new Uint8Array(larger.buffer);
    }
    this.#words[place + LENGTH_FLAGS] = ((to - from) << FLAGS_BITS) | flags;
    this.#words[place + HASH] = hash;
    const start = this.keyAt(place);
    for (let at = from; at < to; at++) this.#octets[start + at - from] = key[at]!;
    this.#end = end;
    this.count++;
    return place;
  }

  /** The octets of all records; `keyAt` says where a key begins. Good until the next `add`. */
  get octets(): Uint8Array {
    return this.#octets;
  }

  keyAt(place: number): number {
    return (place + HEAD_WORDS) << 2;
  }

  flags(place: number): number {
    return this.#words[place + LENGTH_FLAGS]! & FLAGS_MASK;
  }

  setFlags(place: number, flags: number): void {
    this.#words[place + LENGTH_FLAGS] = (this.#words[place + LENGTH_FLAGS]! & ~FLAGS_MASK) | flags;
  }

  hash(place: number): number {
    return this.#words[place + HASH]!;
  }

  /** True when the record there has the key `key[from…to]`, whose first `known` octets are known to be the same. */
  isKey(place: number, key: Uint8Array, from: number, to: number, known = 0): boolean {
    const length = to - from;
    if (this.#words[place + LENGTH_FLAGS]! >>> FLAGS_BITS !== length) return false;
    const octets = this.#octets;
    const start = this.keyAt(place);
    for (let at = known; at < length; at++) if (octets[start + at] !== key[from + at]) return false;
    return true;
  }
}
