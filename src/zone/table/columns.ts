/**
 * Numbers and octets of a large zone in a few large arrays: an object for each record would take ten times the memory.
 * Not here: what the numbers mean (zone-table.ts).
 */
import { assert } from '#base/assert.ts';
import { TABLE_CHUNK_BYTES, TABLE_ROWS_FIRST } from '#base/limits/dns.ts';

/** Numbers of one kind by row, 0…2³² − 1; it grows at its end. */
export class Column {
  #values = new Uint32Array(TABLE_ROWS_FIRST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds a row. */
  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Uint32Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** The number of a row that is there. */
  at(row: number): number {
    return this.#values[row]!;
  }

  set(row: number, value: number): void {
    this.#values[row] = value;
  }
}

/** Short pieces of octets, each found by the position that `push` returned. They are never moved. */
export class OctetStore {
  readonly #chunks: Uint8Array[] = [];
  /** The same memory, for texts. */
  readonly #texts: Buffer[] = [];
  #used = TABLE_CHUNK_BYTES;

  /** Copies the octets; their position. Asserts that there are no more than in one RDATA. */
  push(octets: Uint8Array): number {
    const { length } = octets;
    assert(length < TABLE_CHUNK_BYTES, 'a piece of octets that is longer than any record');
    // A piece of no octets has a place too.
    if (this.#used + length >= TABLE_CHUNK_BYTES) {
      const chunk = new Uint8Array(TABLE_CHUNK_BYTES);
      this.#chunks.push(chunk);
      this.#texts.push(Buffer.from(chunk.buffer));
      this.#used = 0;
    }
    const last = this.#chunks.length - 1;
    this.#chunks[last]!.set(octets, this.#used);
    this.#used += length;
    return last * TABLE_CHUNK_BYTES + this.#used - length;
  }

  /** `length` octets from `position` on, which share the memory of this store. */
  read(position: number, length: number): Uint8Array {
    const from = position % TABLE_CHUNK_BYTES;
    return this.chunkOf(position).subarray(from, from + length);
  }

  /** The same as text, one character for each octet. */
  text(position: number, length: number): string {
    const from = position % TABLE_CHUNK_BYTES;
    return this.#texts[Math.floor(position / TABLE_CHUNK_BYTES)]!.toString('latin1', from, from + length);
  }

  /** The array that has the piece at `position`, from `position % TABLE_CHUNK_BYTES` on. */
  chunkOf(position: number): Uint8Array {
    return this.#chunks[Math.floor(position / TABLE_CHUNK_BYTES)]!;
  }
}
