/**
 * Compressed names at speed: a trie of the labels in the message, its edges in one hash table. The rule is that of dns/compression.ts.
 * Implements: RFC 1035 §4.1.4, RFC 4343 §4.1.
 *
 * An entry is a name that stands somewhere in the message; its parent is the name without the first label. Since what is remembered
 * is always a whole name (dns/compression.ts, "all or nothing"), going from the root down finds the longest known suffix.
 */
import { LABELS_MAX } from '#base/limits/dns.ts';
import { POINTER_OFFSET_MAX } from '#dns/compression.ts';
import { hashLabel } from '#answer/names/hash.ts';
import { LOWER } from '#answer/names/owner-key.ts';

/** A label takes two octets at least, so below POINTER_OFFSET_MAX there are at most half as many; entry 0 is the root. */
const ENTRIES_MAX = (POINTER_OFFSET_MAX + 1) / 2 + 1;
/** Twice that: probes stay short. */
const SLOTS = 16_384;
const HASH_PRIME = 0x01000193;
const HASH_SPREAD = 0x9e3779b1;

export class NameTable {
  readonly #parents = new Int32Array(ENTRIES_MAX);
  readonly #offsets = new Int32Array(ENTRIES_MAX);
  readonly #slotOf = new Int32Array(ENTRIES_MAX);
  /** Entries; 0 is empty. */
  readonly #slots = new Int32Array(SLOTS);
  readonly #labels = new Uint16Array(LABELS_MAX + 1);
  #free = 0;
  #out: Uint8Array = new Uint8Array(0);
  /** Where the name just written can be pointed at; -1 when it cannot. */
  lastOffset = -1;
  /** Where the last name ends in a pointer; -1 when it does not. */
  lastPointer = -1;

  /** Forgets everything; from now on names are written into `out`. */
  begin(out: Uint8Array): void {
    this.forgetFrom(1);
    this.#out = out;
  }

  /** What to give to `forgetFrom` to come back to the names known now. */
  mark(): number {
    return this.#free;
  }

  forgetFrom(mark: number): void {
    // Newest first: a slot was taken after those probed before it, so nothing older is cut off.
    while (this.#free > mark) this.#slots[this.#slotOf[--this.#free]!] = 0;
    this.#free = mark;
  }

  /** Writes the uncompressed name at `name[offset]` to `out[at]`. Returns where it ends, or -1 when that is past `limit`. */
  write(name: Uint8Array, offset: number, at: number, limit: number): number {
    const out = this.#out;
    const labels = this.#labels;
    let count = 0;
    let next = offset;
    for (let size = name[next]!; size !== 0; size = name[next]!) {
      labels[count++] = next - offset;
      next += size + 1;
    }
    labels[count] = next - offset;
    let entry = 0;
    let literal = count;
    let slot = 0;
    while (literal > 0) {
      slot = this.#find(entry, name, offset + labels[literal - 1]!);
      const child = this.#slots[slot]!;
      if (child === 0) break;
      entry = child;
      literal--;
    }
    const literalBytes = labels[literal]!;
    const end = at + literalBytes + (entry === 0 ? 1 : 2);
    if (end > limit) return -1;
    for (let each = 0; each < literalBytes; each++) out[at + each] = name[offset + each]!;
    this.lastPointer = entry === 0 ? -1 : end - 2;
    if (entry === 0) out[end - 1] = 0;
    else {
      const target = this.#offsets[entry]!;
      out[end - 2] = 0xc0 | (target >> 8);
      out[end - 1] = target & 0xff;
    }
    this.lastOffset = literal === 0 ? (entry === 0 ? -1 : this.#offsets[entry]!) : -1;
    if (literal > 0 && at + labels[literal - 1]! <= POINTER_OFFSET_MAX) {
      // The slot where the search ended is that of the first new label.
      entry = this.#add(entry, at + labels[literal - 1]!, slot);
      for (let label = literal - 2; label >= 0; label--) {
        const start = at + labels[label]!;
        entry = this.#add(entry, start, this.#find(entry, out, start));
      }
      this.lastOffset = at;
    }
    return end;
  }

  /**
   * Fills `hashes` with those of the labels that names have below the last `depth` labels of the first name written, which has `firstLabels`
   * itself. Returns how many there are, -1 when that is more than `hashes` holds.
   */
  labelsBelow(depth: number, firstLabels: number, hashes: Uint32Array): number {
    let count = 0;
    // The first name has the first entries: the one for its last label, for its last two, and so on.
    for (let entry = firstLabels + 1; entry < this.#free; entry++) {
      if (this.#parents[entry] !== depth) continue;
      if (count === hashes.length) return -1;
      hashes[count++] = hashLabel(this.#out, this.#offsets[entry]!);
    }
    return count;
  }

  /** The slot of the child of `parent` whose first label is at `name[label]`, or the empty one where it would be. */
  #find(parent: number, name: Uint8Array, label: number): number {
    const out = this.#out;
    const size = name[label]!;
    let hash = Math.imul(parent + 1, HASH_SPREAD) ^ size;
    for (let at = label + 1, end = label + size; at <= end; at++) hash = Math.imul(hash ^ LOWER[name[at]!]!, HASH_PRIME);
    let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    for (;;) {
      const entry = this.#slots[slot]!;
      if (entry === 0) return slot;
      if (this.#parents[entry] === parent) {
        const known = this.#offsets[entry]!;
        let at = 0;
        if (out[known] === size) {
          at = 1;
          while (at <= size && LOWER[out[known + at]!] === LOWER[name[label + at]!]) at++;
        }
        if (at > size) return slot;
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
  }

  /** Remembers the name whose first label stands at `out[offset]` below `parent`, in an empty slot. */
  #add(parent: number, offset: number, slot: number): number {
    const entry = this.#free++;
    this.#parents[entry] = parent;
    this.#offsets[entry] = offset;
    this.#slotOf[entry] = slot;
    this.#slots[slot] = entry;
    return entry;
  }
}
