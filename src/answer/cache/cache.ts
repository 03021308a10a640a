/**
 * Finished answers, found by hashing the question where it stands. What is kept is everything between the question section and our OPT,
 * as octets: a hit copies them, and the question stays as the client sent it (0x20).
 *
 * Exact entries are found by question name, type and DO, and are only made for names that exist. Near entries serve many names at once, and
 * are found by nodes that exist: the NSEC and the closest encloser of a name that does not exist, the wildcard that answers for it, the cut
 * above it. So nothing that a client makes up becomes a key, and random names cannot fill the cache. A near entry was made for one name;
 * for a name of another length all its compression pointers move by the difference.
 *
 * Bodies lie one after the other in one ring; the newest overwrites the oldest, and an entry that is used when it has grown old is copied
 * to the front. A slot of the table names a place ever written; it is live while less than the ring's size was written since.
 * Not here: what an answer depends on and whether that changed (answer/names/dependencies.ts), when an entry may be made (answer/respond.ts).
 * Why so: docs/adr/0004-answer-cache.md.
 */
import { assert } from '#base/assert.ts';
import { ANSWER_CACHE_BODY_BYTES_MAX, ANSWER_CACHE_LABELS_MAX, ANSWER_CACHE_POINTERS_MAX } from '#base/limits/answer.ts';
import {
  COUNTS,
  ENTRY,
  EPOCH,
  HASH,
  HEAD_WORDS,
  KEY,
  NEAR_KEY_WORDS,
  RCODE,
  LIMIT,
  SIZES,
  SOA_MARK,
  SUBJECT,
  WITH_DNSSEC,
  ZONE,
  newFacts,
} from './entry.ts';
import { copyOctets } from '#answer/write/copy.ts';
import { type Dependencies } from '#answer/names/dependencies.ts';
import { finishHash, hashLabel, hashName, mixWord } from '#answer/names/hash.ts';

const WAYS = 4;
const SLOT_WORDS = 2;
const SET_WORDS = WAYS * SLOT_WORDS;
/** Octets of the ring for each slot: an entry of a usual size. */
const BYTES_PER_SLOT = 128;
/** A place is counted in these, so that 32 bits last for 32 GiB written. */
const UNIT_WORDS = 2;
const PLACE_MAX = 0xf000_0000;
/** Names of 255 octets, and the last word's zeros. */
const NAME_WORDS = 64;
/** Shorter bodies are copied by a loop, longer ones by the engine: measured, ADR 0004. */
const COPY_BY_LOOP_BYTES = 48;

export class AnswerCache {
  readonly #dependencies: Dependencies;
  readonly #seed: number;
  readonly #octets: Uint8Array;
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  /** Units of the ring; a power of two. */
  readonly #units: number;
  readonly #slots: Uint32Array;
  readonly #sets: number;
  /** The next place, counted in units from the cache's beginning. */
  #head: number;
  /** The name last looked for, lower-cased, and the hashes of what was looked for last. */
  readonly #name = new Int32Array(NAME_WORDS);
  #exactHash = 0;
  #exactKey = 0;
  #nearHash = 0;
  #nearKey = 0;
  readonly #near = new Uint32Array(NEAR_KEY_WORDS);
  /** For the caller that stores next. */
  readonly facts = newFacts();

  /** `bytes` is made a power of two. `seed`: random, one for the process. */
  constructor(dependencies: Dependencies, seed: number, bytes: number) {
    assert(bytes >= 16 * ANSWER_CACHE_BODY_BYTES_MAX, `an answer cache of ${bytes} octets`);
    const size = 2 ** Math.floor(Math.log2(bytes));
    const memory = new ArrayBuffer(size);
    this.#dependencies = dependencies;
    this.#seed = seed | 0;
    this.#octets = new Uint8Array(memory);
    this.#words = new Uint32Array(memory);
    this.#halves = new Uint16Array(memory);
    this.#units = size / 4 / UNIT_WORDS;
    this.#sets = size / BYTES_PER_SLOT / WAYS;
    this.#slots = new Uint32Array(this.#sets * SET_WORDS);
    this.#head = 2 * this.#units;
  }

  /** Entries that could be found, counted one by one. */
  size(): number {
    let count = 0;
    for (let slot = 0; slot < this.#slots.length; slot += SLOT_WORDS) if (this.#isLive(this.#slots[slot + 1]!)) count++;
    return count;
  }

  clear(): void {
    this.#slots.fill(0);
    this.#head = 2 * this.#units;
  }

  // --- finding; an entry is the number of its first word, and is good until the next `find…` or `store…` ---

  /** The entry for the question whose name is at `octets[at]`, for a message whose content ends at `upTo` or before; -1 for none. */
  findExact(octets: Uint8Array, at: number, nameLength: number, type: number, dnssecOk: boolean, upTo: number): number {
    const key = ((type << 16) | (nameLength << 8) | (dnssecOk ? WITH_DNSSEC : 0)) >>> 0;
    const hash = finishHash(hashName(mixWord(this.#seed, key), octets, at, nameLength, this.#name));
    this.#exactHash = hash;
    this.#exactKey = key;
    const slots = this.#slots;
    const first = (hash & (this.#sets - 1)) * SET_WORDS;
    for (let slot = first; slot < first + SET_WORDS; slot += SLOT_WORDS) {
      if (slots[slot] !== hash) continue;
      const entry = this.#live(slot);
      if (entry >= 0 && this.#words[entry + KEY] === key && this.#isName(entry, nameLength) && this.#fits(entry, at + nameLength + 4, upTo))
        return this.#used(slot, entry);
    }
    return -1;
  }

  /** The entry of this kind for the nodes numbered `first` and `second` of a zone. */
  findNear(kind: number, zoneId: number, first: number, second: number, type: number, dnssecOk: boolean, at: number, upTo: number): number {
    this.useNear(kind, zoneId, first, second, type, dnssecOk);
    const hash = this.#nearHash;
    const key = this.#nearKey;
    const near = this.#near;
    const slots = this.#slots;
    const words = this.#words;
    const set = (hash & (this.#sets - 1)) * SET_WORDS;
    for (let slot = set; slot < set + SET_WORDS; slot += SLOT_WORDS) {
      if (slots[slot] !== hash) continue;
      const entry = this.#live(slot);
      if (entry < 0 || (words[entry + KEY]! & 0xffff_00ff) >>> 0 !== key || !this.#fits(entry, at, upTo)) continue;
      const name = entry + HEAD_WORDS;
      if (words[name] === near[0] && words[name + 1] === near[1] && words[name + 2] === near[2]) return this.#used(slot, entry);
    }
    return -1;
  }

  /** What `storeNear` stores under, without looking for it. */
  useNear(kind: number, zoneId: number, first: number, second: number, type: number, dnssecOk: boolean): void {
    const key = ((type << 16) | kind | (dnssecOk ? WITH_DNSSEC : 0)) >>> 0;
    const near = this.#near;
    near[0] = zoneId;
    near[1] = first;
    near[2] = second;
    this.#nearHash = finishHash(mixWord(mixWord(mixWord(mixWord(this.#seed, key), zoneId), first), second));
    this.#nearKey = key;
  }

  /** The entry in this slot if it still stands and holds, else -1. */
  #live(slot: number): number {
    const slots = this.#slots;
    const words = this.#words;
    const place = slots[slot + 1]!;
    if (!this.#isLive(place)) return -1;
    const entry = (place & (this.#units - 1)) * UNIT_WORDS;
    const { epoch } = this.#dependencies;
    if (words[entry + EPOCH] === epoch) return entry;
    const count = (words[entry + SIZES]! >>> 8) & 0xff;
    if (!this.#dependencies.holds(words, entry + HEAD_WORDS + this.#keyWords(entry), count, words[entry + EPOCH]!)) {
      slots[slot + 1] = 0;
      return -1;
    }
    words[entry + EPOCH] = epoch;
    return entry;
  }

  #isLive(place: number): boolean {
    return this.#head - place <= this.#units;
  }

  #isName(entry: number, nameLength: number): boolean {
    const words = this.#words;
    const name = this.#name;
    for (let each = (nameLength - 1) >> 2; each >= 0; each--) if (words[entry + HEAD_WORDS + each] !== name[each]! >>> 0) return false;
    return true;
  }

  /** A complete body fits wherever its octets do; one that something was left out of is for that limit alone. */
  #fits(entry: number, at: number, upTo: number): boolean {
    const made = (this.#words[entry + LIMIT]! >>> 8) & 0xffff;
    return made === 0 ? at + (this.#words[entry + SIZES]! >>> 16) <= upTo : made === upTo;
  }

  /**
   * Moves an entry to the front when three quarters of the ring were written after it: what is in use is not overwritten, and what was found
   * stays while another is looked for. -1 in the rare case that it cannot be moved.
   */
  #used(slot: number, entry: number): number {
    const age = this.#head - this.#slots[slot + 1]!;
    if (age < this.#units - (this.#units >> 2)) return entry;
    const length = this.#entryWords(entry);
    const tag = this.#slots[slot]!;
    const to = this.#allocate(length, entry);
    if (to < 0) return -1;
    this.#words.copyWithin(to, entry, entry + length);
    this.#slots[slot] = tag;
    this.#slots[slot + 1] = this.#head - Math.ceil(length / UNIT_WORDS);
    return to;
  }

  #keyWords(entry: number): number {
    const key = this.#words[entry + KEY]!;
    return (key & 0xfe) === ENTRY.EXACT ? (((key >>> 8) & 0xff) + 3) >> 2 : NEAR_KEY_WORDS;
  }

  #entryWords(entry: number): number {
    return this.#bodyWord(entry) - entry + (((this.#words[entry + SIZES]! >>> 16) + 3) >> 2);
  }

  /** Behind the key come dependencies, labels, pointers, and the body. */
  #pointersWord(entry: number): number {
    const words = this.#words;
    return entry + HEAD_WORDS + this.#keyWords(entry) + ((words[entry + SIZES]! >>> 8) & 0xff) + (words[entry + LIMIT]! >>> 24);
  }

  #bodyWord(entry: number): number {
    return this.#pointersWord(entry) + (((this.#words[entry + SIZES]! & 0xff) + 1) >> 1);
  }

  // --- what an entry says ---

  answers(entry: number): number {
    return this.#words[entry + COUNTS]! >>> 16;
  }

  authorities(entry: number): number {
    return this.#words[entry + COUNTS]! & 0xffff;
  }

  additionals(entry: number): number {
    return this.#words[entry + RCODE]! >>> 16;
  }

  rcode(entry: number): number {
    return (this.#words[entry + RCODE]! >>> 8) & 0xff;
  }

  flags(entry: number): number {
    return this.#words[entry + RCODE]! & 0xff;
  }

  subjectKind(entry: number): number {
    return this.#words[entry + LIMIT]! & 0xff;
  }

  subject(entry: number): number {
    return this.#words[entry + SUBJECT]!;
  }

  zoneId(entry: number): number {
    return this.#words[entry + ZONE]!;
  }

  /** False when a name whose first own label is at `octets[at]` would be compressed in another way than the one that it was made for. */
  isFor(entry: number, octets: Uint8Array, at: number): boolean {
    const words = this.#words;
    const count = words[entry + LIMIT]! >>> 24;
    if (count === 0) return true;
    const hash = hashLabel(octets, at);
    const end = this.#pointersWord(entry);
    for (let each = end - count; each < end; each++) if (words[each] === hash) return false;
    return true;
  }

  soaMark(entry: number): number {
    return this.#words[entry + SOA_MARK]!;
  }

  bodyBytes(entry: number): number {
    return this.#words[entry + SIZES]! >>> 16;
  }

  /** Copies the body to `out[at]` for a question name of `nameLength` octets; returns where it ends. */
  copyBody(entry: number, out: Uint8Array, at: number, nameLength: number): number {
    const words = this.#words;
    const octets = this.#octets;
    const sizes = words[entry + SIZES]!;
    const bytes = sizes >>> 16;
    const pointers = this.#pointersWord(entry);
    const pointerCount = sizes & 0xff;
    const from = (pointers + ((pointerCount + 1) >> 1)) << 2;
    if (bytes > COPY_BY_LOOP_BYTES) out.set(octets.subarray(from, from + bytes), at);
    else copyOctets(octets, from, out, at, bytes);
    const moved = nameLength - ((words[entry + KEY]! >>> 8) & 0xff);
    if (moved !== 0) {
      const halves = this.#halves;
      for (let each = 2 * pointers; each < 2 * pointers + pointerCount; each++) {
        const place = at + halves[each]!;
        const target = ((out[place]! << 8) | out[place + 1]!) + moved;
        out[place] = target >> 8;
        out[place + 1] = target & 0xff;
      }
    }
    return at + bytes;
  }

  // --- storing ---

  /**
   * Stores `out[from…to]` under what `findExact` looked for last, with `facts` and what the answer depends on. Answers with more of anything
   * than an entry holds are not stored.
   */
  storeExact(nameLength: number, out: Uint8Array, from: number, to: number): void {
    const keyWords = (nameLength + 3) >> 2;
    this.pointerCount = 0;
    this.labelCount = 0;
    const entry = this.#newEntry(this.#exactHash, this.#exactKey, keyWords, out, from, to);
    if (entry >= 0) for (let each = 0; each < keyWords; each++) this.#words[entry + HEAD_WORDS + each] = this.#name[each]!;
  }

  /**
   * Stores `out[from…to]` under what `findNear` or `useNear` was given last. `pointers` are the places in `out` that point to what moves
   * with the length of the name; `labels` hash the labels that names in it have where a question's name goes its own way.
   */
  storeNear(nameLength: number, out: Uint8Array, from: number, to: number): void {
    const key = (this.#nearKey | (nameLength << 8)) >>> 0;
    const entry = this.#newEntry(this.#nearHash, key, NEAR_KEY_WORDS, out, from, to);
    if (entry >= 0) for (let each = 0; each < NEAR_KEY_WORDS; each++) this.#words[entry + HEAD_WORDS + each] = this.#near[each]!;
  }

  /** For `storeNear`. */
  readonly pointers = new Uint16Array(ANSWER_CACHE_POINTERS_MAX);
  pointerCount = 0;
  readonly labels = new Uint32Array(ANSWER_CACHE_LABELS_MAX);
  labelCount = 0;

  /** A new entry in its slot, all but its key filled in; -1 when there is too much to keep. */
  #newEntry(hash: number, key: number, keyWords: number, out: Uint8Array, from: number, to: number): number {
    const { count, isOpen, epoch, places } = this.#dependencies;
    const { facts, pointerCount, labelCount } = this;
    const bytes = to - from;
    if (isOpen || bytes > ANSWER_CACHE_BODY_BYTES_MAX) return -1;
    const length = HEAD_WORDS + keyWords + count + labelCount + ((pointerCount + 1) >> 1) + ((bytes + 3) >> 2);
    const entry = this.#allocate(length, -1);
    const words = this.#words;
    words[entry + HASH] = hash;
    words[entry + KEY] = key;
    words[entry + EPOCH] = epoch;
    words[entry + SIZES] = ((bytes << 16) | (count << 8) | pointerCount) >>> 0;
    words[entry + COUNTS] = ((facts.answer << 16) | facts.authority) >>> 0;
    words[entry + RCODE] = ((facts.additional << 16) | (facts.rcode << 8) | facts.flags) >>> 0;
    words[entry + LIMIT] = ((labelCount << 24) | (facts.limit << 8) | facts.subjectKind) >>> 0;
    words[entry + SUBJECT] = facts.subject;
    words[entry + ZONE] = facts.zoneId;
    words[entry + SOA_MARK] = facts.soaMark;
    let at = entry + HEAD_WORDS + keyWords;
    for (let each = 0; each < count; each++) words[at++] = places[each]!;
    for (let each = 0; each < labelCount; each++) words[at++] = this.labels[each]!;
    for (let each = 0; each < pointerCount; each++) this.#halves[2 * at + each] = this.pointers[each]! - from;
    const body = (at + ((pointerCount + 1) >> 1)) << 2;
    copyOctets(out, from, this.#octets, body, bytes);
    const slot = this.#slotFor(hash, key);
    this.#slots[slot] = hash;
    this.#slots[slot + 1] = this.#head - Math.ceil(length / UNIT_WORDS);
    return entry;
  }

  /** The first word of `length` new words at the head of the ring; -1 when they would overwrite the entry at `kept`. */
  #allocate(length: number, kept: number): number {
    const units = Math.ceil(length / UNIT_WORDS);
    const mask = this.#units - 1;
    // An entry lies in one piece.
    const rest = this.#units - (this.#head & mask);
    const skipped = rest < units ? rest : 0;
    const start = this.#head + skipped;
    if (kept >= 0) {
      const at = kept / UNIT_WORDS;
      const from = start & mask;
      if (skipped > 0 || (at + units > from && at < from + units)) return -1;
    }
    this.#head = start + units;
    if (this.#head > PLACE_MAX) {
      this.clear();
      return kept >= 0 ? -1 : this.#allocate(length, kept);
    }
    return (start & mask) * UNIT_WORDS;
  }

  /** One that is dead or has the same key, or the one that was written longest ago. */
  #slotFor(hash: number, key: number): number {
    const slots = this.#slots;
    const first = (hash & (this.#sets - 1)) * SET_WORDS;
    // Of near entries, the length of the name is no part of the key.
    const mask = (key & 0xfe) === ENTRY.EXACT ? 0xffff_ffff : 0xffff_00ff;
    let oldest = first;
    for (let slot = first; slot < first + SET_WORDS; slot += SLOT_WORDS) {
      const place = slots[slot + 1]!;
      if (!this.#isLive(place)) return slot;
      const known = this.#words[(place & (this.#units - 1)) * UNIT_WORDS + KEY]!;
      if (slots[slot] === hash && ((known ^ key) & mask) === 0 && this.facts.limit === 0) return slot;
      if (place < slots[oldest + 1]!) oldest = slot;
    }
    return oldest;
  }
}
