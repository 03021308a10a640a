/**
 * One part of the index, as it was made: blocks of some names that follow each other in a zone, and for each gram the
 * blocks that have it, as differences in LEB128. Nothing of it changes; what changes in the zones is kept beside it
 * (content-index.ts).
 */
import { assert } from '#base/assert.ts';
import { SEARCH_BLOCK_NAMES, SEARCH_LISTS_MAX } from '#base/limits/search.ts';
import { type OwnerKey } from '#dns/name.ts';
import { type NodeRrset } from '#zone/view.ts';
import { CODES, eachCode } from './node-text.ts';

/** Octets that a text of a key takes in memory beside its characters, and a place in a list of them. */
const KEY_BYTES = 24;

interface Lists {
  /** Ascending. */
  readonly codes: Uint32Array;
  /** Of each code's list in `lists`, and where the last one ends. */
  readonly starts: Uint32Array;
  readonly lists: Uint8Array;
}

interface Blocks {
  readonly zoneIds: readonly number[];
  /** Keys of the first and the last name. */
  readonly firsts: readonly OwnerKey[];
  readonly lasts: readonly OwnerKey[];
}

export class Part {
  readonly #lists: Lists;
  readonly #blocks: Blocks;
  /** Names in it. */
  readonly names: number;
  readonly bytes: number;

  constructor(lists: Lists, blocks: Blocks, names: number, bytes: number) {
    [this.#lists, this.#blocks, this.names, this.bytes] = [lists, blocks, names, bytes];
  }

  get entries(): number {
    return this.#blocks.zoneIds.length;
  }

  /** Calls `show` with each block that has all the codes, or most of many; in the order of blocks. */
  find(codes: readonly number[], show: (zoneId: number, first: OwnerKey, last: OwnerKey) => void): void {
    const { zoneIds, firsts, lasts } = this.#blocks;
    for (const block of this.#blocksOf(codes)) show(zoneIds[block]!, firsts[block]!, lasts[block]!);
  }

  #blocksOf(codes: readonly number[]): Iterable<number> {
    if (codes.length === 0) return this.#blocks.zoneIds.keys();
    const { starts } = this.#lists;
    const places = codes.map((code) => this.#placeOf(code));
    if (places.includes(-1)) return [];
    const bySize = places.toSorted((a, b) => starts[a + 1]! - starts[a]! - (starts[b + 1]! - starts[b]!));
    let blocks = this.#decode(bySize[0]!);
    for (const place of bySize.slice(1, SEARCH_LISTS_MAX)) {
      if (blocks.length === 0) break;
      blocks = this.#both(blocks, place);
    }
    return blocks;
  }

  #placeOf(code: number): number {
    const { codes } = this.#lists;
    let [from, to] = [0, codes.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (codes[middle]! < code) from = middle + 1;
      else to = middle;
    }
    return codes[from] === code ? from : -1;
  }

  #decode(place: number): readonly number[] {
    const blocks: number[] = [];
    this.#each(place, (block) => {
      blocks.push(block);
      return true;
    });
    return blocks;
  }

  #both(blocks: readonly number[], place: number): readonly number[] {
    const both: number[] = [];
    let at = 0;
    this.#each(place, (block) => {
      while (at < blocks.length && blocks[at]! < block) at++;
      if (blocks[at] === block) both.push(block);
      return at < blocks.length;
    });
    return both;
  }

  #each(place: number, show: (block: number) => boolean): void {
    const { lists, starts } = this.#lists;
    const end = starts[place + 1]!;
    let block = -1;
    for (let at = starts[place]!; at < end;) {
      let more = 0;
      let shift = 0;
      let octet = 0x80;
      while (octet >= 0x80) {
        octet = lists[at++]!;
        more |= (octet & 0x7f) << shift;
        shift += 7;
      }
      block += more;
      if (!show(block)) return;
    }
  }
}

export const EMPTY_PART = new Part(
  { codes: new Uint32Array(0), starts: new Uint32Array(1), lists: new Uint8Array(0) },
  { zoneIds: [], firsts: [], lasts: [] },
  0,
  0,
);

/** A list while it grows. */
interface Growing {
  readonly code: number;
  octets: Uint8Array;
  length: number;
  last: number;
}

/** Where the list of each code is, plus 1; 0: it has none. Eight MiB: for one builder after the other. */
export type ListPlaces = Int32Array;

export function newListPlaces(): ListPlaces {
  return new Int32Array(CODES);
}

const FIRST_LIST_OCTETS = 4;

/** Makes a part, of zones one after the other, their names in order. `finish` and `drop` clear `places`. */
export class PartBuilder {
  readonly #places: ListPlaces;
  readonly #growing: Growing[] = [];
  readonly #zoneIds: number[] = [];
  readonly #firsts: OwnerKey[] = [];
  readonly #lasts: OwnerKey[] = [];
  #namesInBlock = 0;
  #names = 0;
  #bytes = 0;

  constructor(places: ListPlaces = newListPlaces()) {
    this.#places = places;
  }

  /** Octets of what is there up to now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `text` is that of the name with the RRsets. */
  add(zoneId: number, key: OwnerKey, text: string, rrsets: readonly NodeRrset[]): void {
    if (this.#zoneIds.at(-1) !== zoneId || this.#namesInBlock >= SEARCH_BLOCK_NAMES) {
      this.#zoneIds.push(zoneId);
      this.#firsts.push(key);
      this.#lasts.push(key);
      this.#namesInBlock = 0;
      this.#bytes += 2 * (KEY_BYTES + key.length);
    }
    const block = this.#zoneIds.length - 1;
    this.#lasts[block] = key;
    this.#namesInBlock++;
    this.#names++;
    eachCode(text, rrsets, (code) => this.#note(code, block));
  }

  #note(code: number, block: number): void {
    let place = this.#places[code]! - 1;
    if (place < 0) {
      place = this.#growing.push({ code, octets: new Uint8Array(FIRST_LIST_OCTETS), length: 0, last: -1 }) - 1;
      this.#places[code] = place + 1;
      this.#bytes += 8;
    }
    const list = this.#growing[place]!;
    if (list.last === block) return;
    let more = block - list.last;
    list.last = block;
    // A difference of 32 bits takes five octets.
    if (list.length + 5 > list.octets.length) {
      const larger = new Uint8Array(list.octets.length * 2 + 4);
      larger.set(list.octets);
      list.octets = larger;
    }
    const before = list.length;
    while (more >= 0x80) {
      list.octets[list.length++] = (more & 0x7f) | 0x80;
      more >>>= 7;
    }
    list.octets[list.length++] = more;
    this.#bytes += list.length - before;
  }

  finish(): Part {
    const growing = this.#growing.toSorted((a, b) => a.code - b.code);
    const codes = Uint32Array.from(growing, ({ code }) => code);
    const starts = new Uint32Array(growing.length + 1);
    for (const [at, { length }] of growing.entries()) starts[at + 1] = starts[at]! + length;
    const lists = new Uint8Array(starts[growing.length]!);
    for (const [at, { octets, length }] of growing.entries()) lists.set(octets.subarray(0, length), starts[at]);
    this.drop();
    const blocks = { zoneIds: this.#zoneIds, firsts: this.#firsts, lasts: this.#lasts };
    return new Part({ codes, starts, lists }, blocks, this.#names, this.#bytes);
  }

  /** Gives up what was made. */
  drop(): void {
    for (const { code } of this.#growing) this.#places[code] = 0;
    this.#growing.length = 0;
    assert(this.#lasts.length === this.#firsts.length, 'each block has an end');
  }
}
