/**
 * Finds a record (key-records.ts) by the hash of its key: open addressing, two slots of four octets for each key. A
 * slot has some bits of the hash beside the record's place, so that the table looks at few records in vain; the key
 * decides.
 *
 * The hash (owner-key.ts) has no secret: an author of a zone can make names that all have the same one. If a run of
 * slots is longer than chance makes it, the table ends, and the list is searched by its order instead.
 */
import { KEY_TABLE_RUN_MAX } from '#base/limits/answer.ts';
import { finishHash } from './hash.ts';
import { type KeyRecords } from './key-records.ts';

const SLOTS_PER_KEY = 2;
/** Of a small table, and some more than expected of every table: estimates are a little low. */
const SPARE_SLOTS = 16;
const SPARE_PART = 1 / 16;
/** Of a slot; the rest are bits of the hash. Places of 25 bits reach over NEGATIVE_INDEX_BYTES_MAX. */
const PLACE_BITS = 25;
const PLACE_MASK = 2 ** PLACE_BITS - 1;
const HASHES = 2 ** 32;

export class KeyTable {
  readonly #records: KeyRecords;
  /** 0 is empty. */
  #slots: Int32Array;
  #count = 0;
  /** Every record is in it; once false it stays so. */
  isWhole = true;

  /** `keysExpected` is a guess. */
  constructor(records: KeyRecords, keysExpected: number) {
    this.#records = records;
    const expected = SLOTS_PER_KEY * keysExpected;
    this.#slots = new Int32Array(SPARE_SLOTS + Math.floor(expected * (1 + SPARE_PART)));
  }

  /** Memory taken. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** The place of the record with this key, whose hash is `hash`; 0 for none. */
  find(hash: number, key: Uint8Array, from: number, to: number): number {
    const slots = this.#slots;
    const mixed = finishHash(hash);
    for (let at = this.#home(mixed); ;) {
      const slot = slots[at]!;
      if (slot === 0) return 0;
      const place = slot & PLACE_MASK;
      if ((slot ^ mixed) >>> PLACE_BITS === 0 && this.#records.isKey(place, key, from, to)) return place;
      if (++at === slots.length) at = 0;
    }
  }

  /** Takes a record in, whose key is not there yet. */
  add(place: number): void {
    if (!this.isWhole) return;
    if (SLOTS_PER_KEY * ++this.#count > this.#slots.length) this.#grow();
    this.#put(place);
  }

  remove(place: number): void {
    if (!this.isWhole) return;
    const slots = this.#slots;
    const { length } = slots;
    let free = this.#home(finishHash(this.#records.hash(place)));
    while ((slots[free]! & PLACE_MASK) !== place) free = free + 1 === length ? 0 : free + 1;
    this.#count--;
    // What stands behind moves up, unless it stands nearer to where it belongs.
    for (let at = free; ;) {
      at = at + 1 === length ? 0 : at + 1;
      const slot = slots[at]!;
      if (slot === 0) break;
      const home = this.#home(finishHash(this.#records.hash(slot & PLACE_MASK)));
      if ((at - home + length) % length < (at - free + length) % length) continue;
      slots[free] = slot;
      free = at;
    }
    slots[free] = 0;
  }

  #home(mixed: number): number {
    return Math.floor((mixed * this.#slots.length) / HASHES);
  }

  #put(place: number): void {
    const slots = this.#slots;
    const mixed = finishHash(this.#records.hash(place));
    let at = this.#home(mixed);
    let run = 0;
    for (; slots[at] !== 0 && run < KEY_TABLE_RUN_MAX; run++) if (++at === slots.length) at = 0;
    if (run === KEY_TABLE_RUN_MAX || place > PLACE_MASK) {
      this.isWhole = false;
      this.#slots = new Int32Array(0);
      return;
    }
    slots[at] = (mixed & ~PLACE_MASK) | place;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    for (const slot of old) if (slot !== 0 && this.isWhole) this.#put(slot & PLACE_MASK);
  }
}
