/**
 * Counts queries for DKIM selectors that exist: one slot for each name, in memory that the reporting thread shares, one
 * row per worker, written by that worker alone. The slot's number is kept with the cached answer
 * (answer/cache/recall.ts), so a query answered from the cache costs one look at flags, and one addition where there is
 * a slot; only making an answer reads names.
 *
 *   one row: counts, float64 × slots · where each name ends, u32 × slots · slots used, u32 · full, u32 · names, wire form in lower case
 *
 * Slot 0 is none. Not here: what the counts mean (control/publish/selector-queries.ts).
 */
import { SELECTORS_COUNTED_MAX, SELECTOR_NAME_BYTES_MAX } from '#base/limits/events.ts';

const SLOTS = SELECTORS_COUNTED_MAX + 1;
const ENDS_AT = SLOTS * Float64Array.BYTES_PER_ELEMENT;
const HEAD_AT = ENDS_AT + SLOTS * Uint32Array.BYTES_PER_ELEMENT;
const USED = 0;
const FULL = 1;
const NAMES_AT = HEAD_AT + 2 * Uint32Array.BYTES_PER_ELEMENT;
/** Octets of one worker's row; rows stay aligned. */
export const SELECTOR_ROW_BYTES = Math.ceil((NAMES_AT + SELECTOR_NAME_BYTES_MAX) / 8) * 8;

/** At most half full: a power of two above twice the slots. */
const BUCKETS = 2 ** Math.ceil(Math.log2(2 * SLOTS));
const LABEL = Buffer.from('\x0a_domainkey', 'latin1');

interface Row {
  readonly counts: Float64Array;
  /** Where the name in each slot ends; it begins where the one before ends. */
  readonly ends: Uint32Array;
  readonly head: Uint32Array;
  readonly names: Uint8Array;
}

function rowOf(memory: SharedArrayBuffer, row: number): Row {
  const at = row * SELECTOR_ROW_BYTES;
  return {
    counts: new Float64Array(memory, at, SLOTS),
    ends: new Uint32Array(memory, at + ENDS_AT, SLOTS),
    head: new Uint32Array(memory, at + HEAD_AT, 2),
    names: new Uint8Array(memory, at + NAMES_AT, SELECTOR_NAME_BYTES_MAX),
  };
}

export class SelectorCounts {
  readonly #row: Row;
  /** Slots by the hash of their names, 0 for none; only this worker's, so not shared. */
  readonly #buckets = new Uint16Array(BUCKETS);

  /** Continues where the previous worker with this row ended. */
  constructor(memory: SharedArrayBuffer, row: number) {
    this.#row = rowOf(memory, row);
    const { ends, head, names } = this.#row;
    for (let slot = 1; slot <= head[USED]!; slot++) this.#buckets[this.#bucketOf(names, ends[slot - 1]!, ends[slot]!)] = slot;
  }

  /** The slot of the name at `octets[at]`, a new one if it has none; 0: no selector's name, or all slots are taken. */
  slotOf(octets: Uint8Array, at: number, length: number): number {
    if (!isSelector(octets, at)) return 0;
    const bucket = this.#bucketOf(octets, at, at + length);
    const known = this.#buckets[bucket]!;
    if (known > 0) return known;
    const { ends, head, names } = this.#row;
    const slot = head[USED]! + 1;
    const start = ends[slot - 1]!;
    if (slot >= SLOTS || start + length > SELECTOR_NAME_BYTES_MAX) {
      head[FULL] = 1;
      return 0;
    }
    for (let each = 0; each < length; each++) names[start + each] = lower(octets[at + each]!);
    ends[slot] = start + length;
    this.#buckets[bucket] = slot;
    // After the name: a reader looks at no more slots than this.
    Atomics.store(head, USED, slot);
    return slot;
  }

  /** `slot` is not 0. */
  count(slot: number): void {
    this.#row.counts[slot]! += 1;
  }

  /** Where this name's slot is, or would be. */
  #bucketOf(octets: Uint8Array, from: number, to: number): number {
    let hash = 0x811c_9dc5;
    for (let each = from; each < to; each++) hash = Math.imul(hash ^ lower(octets[each]!), 0x0100_0193);
    for (let bucket = (hash ^ (hash >>> 15)) & (BUCKETS - 1); ; bucket = (bucket + 1) & (BUCKETS - 1)) {
      const slot = this.#buckets[bucket]!;
      if (slot === 0 || this.#isName(slot, octets, from, to)) return bucket;
    }
  }

  #isName(slot: number, octets: Uint8Array, from: number, to: number): boolean {
    const { ends, names } = this.#row;
    const start = ends[slot - 1]!;
    if (ends[slot]! - start !== to - from) return false;
    for (let each = 0; each < to - from; each++) if (names[start + each] !== lower(octets[from + each]!)) return false;
    return true;
  }
}

/** True when the second label of the name at `octets[at]` is `_domainkey` (RFC 6376 §3.6.2.1). */
function isSelector(octets: Uint8Array, at: number): boolean {
  const second = at + 1 + octets[at]!;
  if (octets[at] === 0 || second + LABEL.length > octets.length) return false;
  for (let each = 0; each < LABEL.length; each++) if (lower(octets[second + each]!) !== LABEL[each]) return false;
  return true;
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/** What one worker has counted: shows each name in wire form and its count. True when some names did not fit. */
export function readSelectorCounts(memory: SharedArrayBuffer, row: number, show: (name: Uint8Array, count: number) => void): boolean {
  const { counts, ends, head, names } = rowOf(memory, row);
  const used = Atomics.load(head, USED);
  for (let slot = 1; slot <= used; slot++) show(names.slice(ends[slot - 1], ends[slot]), counts[slot]!);
  return head[FULL] === 1;
}

/** All that one worker has counted: when it is the same, nothing was asked. */
export function sumSelectorCounts(memory: SharedArrayBuffer, row: number): number {
  const { counts, head } = rowOf(memory, row);
  let sum = 0;
  for (let slot = Atomics.load(head, USED); slot > 0; slot--) sum += counts[slot]!;
  return sum;
}
