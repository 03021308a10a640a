/**
 * Owner keys, each with a number, found by their octets: a hash table in one array, and the keys beside it.
 * Implements: RFC 4034 §6.1 (the order of keys).
 * Not here: what a key is (dns/name.ts).
 */
import { TABLE_CHUNK_BYTES, TABLE_ROWS_FIRST } from '#base/limits/dns.ts';
import { type OwnerKey } from '#dns/name.ts';
import { Column, OctetStore } from './columns.ts';

/** Keys by number, from 0 on in the order in which they came. */
export class KeyIndex {
  readonly #octets = new OctetStore();
  readonly #positions = new Column();
  readonly #lengths = new Column();
  readonly #hashes = new Column();
  /** Number + 1 of a key, 0 where none is; twice as many places as keys at least. */
  #slots = new Uint32Array(4 * TABLE_ROWS_FIRST);

  get size(): number {
    return this.#positions.length;
  }

  /** The key of this number. */
  keyAt(number: number): OwnerKey {
    return this.#octets.text(this.#positions.at(number), this.#lengths.at(number));
  }

  /** The number of `key`; -1 when it is not there. */
  find(key: OwnerKey): number {
    return this.#slots[this.#slotOf(key, hashOf(key))]! - 1;
  }

  /** The number of `key`, which is put in when it is not there. */
  add(key: OwnerKey): number {
    const hash = hashOf(key);
    const slot = this.#slotOf(key, hash);
    const known = this.#slots[slot]!;
    if (known > 0) return known - 1;
    const number = this.size;
    this.#positions.push(this.#octets.push(Buffer.from(key, 'latin1')));
    this.#lengths.push(key.length);
    this.#hashes.push(hash);
    this.#slots[slot] = number + 1;
    if (2 * (number + 1) > this.#slots.length) this.#grow();
    return number;
  }

  /** The numbers in canonical order. */
  inOrder(): Uint32Array {
    const numbers = Uint32Array.from({ length: this.size }, (_, number) => number);
    this.#sort(numbers, 0, numbers.length, 0);
    return numbers;
  }

  /** The place of `key`, or the empty one where it would be. */
  #slotOf(key: OwnerKey, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]! - 1;
      if (number < 0 || (this.#hashes.at(number) === hash && this.#isKey(number, key))) return slot;
    }
  }

  #isKey(number: number, key: OwnerKey): boolean {
    if (this.#lengths.at(number) !== key.length) return false;
    const position = this.#positions.at(number);
    const chunk = this.#octets.chunkOf(position);
    const from = position % TABLE_CHUNK_BYTES;
    for (let at = 0; at < key.length; at++) if (chunk[from + at] !== key.charCodeAt(at)) return false;
    return true;
  }

  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.size; number++) {
      let slot = this.#hashes.at(number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }

  /** Octet of a key; -1 behind its end, which sorts first. */
  #octet(number: number, at: number): number {
    if (at >= this.#lengths.at(number)) return -1;
    const position = this.#positions.at(number) + at;
    return this.#octets.chunkOf(position)[position % TABLE_CHUNK_BYTES]!;
  }

  /** Quicksort by one octet at a time (Bentley and Sedgewick): those before `depth` are the same in all of them. */
  #sort(numbers: Uint32Array, from: number, to: number, depth: number): void {
    while (to - from > 1) {
      const pivot = this.#octet(numbers[(from + to) >>> 1]!, depth);
      let [less, at, more] = [from, from, to];
      while (at < more) {
        const number = numbers[at]!;
        const octet = this.#octet(number, depth);
        if (octet === pivot) at++;
        else {
          const other = octet < pivot ? less++ : --more;
          numbers[at] = numbers[other]!;
          numbers[other] = number;
          if (octet < pivot) at++;
        }
      }
      // No key is there twice: of those that end here there is one.
      const same = { from: less, to: pivot < 0 ? less : more, depth: depth + 1 };
      const parts = [{ from, to: less, depth }, same, { from: more, to, depth }];
      // The largest comes last and without a call: no order of keys fills the stack.
      parts.sort((a, b) => a.to - a.from - (b.to - b.from));
      for (const part of parts.slice(0, 2)) this.#sort(numbers, part.from, part.to, part.depth);
      ({ from, to, depth } = parts[2]!);
    }
  }
}

/** Of this process: an author of a zone file cannot make names that share a place, which all look-ups would pass. */
const [START, FACTOR] = secretNumbers();

function secretNumbers(): readonly [number, number] {
  const [start, factor] = crypto.getRandomValues(new Uint32Array(2));
  return [start!, factor! | 1];
}

/** 32 bits; each octet is brought into all of them. */
function hashOf(key: OwnerKey): number {
  let hash = START;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), FACTOR);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
