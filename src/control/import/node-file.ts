/**
 * Names of zones as they will be stored, in a file: what the process of an import hands to the writer. A million of
 * them are too many for the memory of both.
 *
 *   0  u32  zone id
 *   4  u8   0: the name is no more · 1: a node · 2, 3: the same of a hashed owner name
 *   5  u16  octets of the key · u32 octets of the node
 *  11  the key (latin1), then the node as store/node-codec.ts encodes it
 *
 * Not here: what becomes of them in the store (store/apply.ts).
 */
import { readSync, writeSync } from 'node:fs';
import { assert } from '#base/assert.ts';
import { latin1 } from '#base/bytes.ts';
import { IMPORT_FILE_CHUNK_BYTES } from '#base/limits/changes.ts';
import { type NodeWrite } from '#store/writer.ts';

const HEAD_BYTES = 11;
const IS_NODE = 1;
const IS_HASHED = 2;

/** Writes names one after the other, from the beginning of the file on. Throws what the system says of the disk. */
export class NodeFileWriter {
  readonly #file: number;
  #chunk = Buffer.alloc(IMPORT_FILE_CHUNK_BYTES);
  #used = 0;
  #written = 0;

  constructor(file: number) {
    this.#file = file;
  }

  write({ zoneId, key, value, isHashed = false }: NodeWrite): void {
    const bytes = HEAD_BYTES + key.length + (value?.length ?? 0);
    if (this.#used + bytes > this.#chunk.length) this.#flush();
    if (bytes > this.#chunk.length) this.#chunk = Buffer.alloc(bytes);
    const chunk = this.#chunk;
    const at = this.#used;
    chunk.writeUInt32BE(zoneId, at);
    chunk[at + 4] = (value === null ? 0 : IS_NODE) | (isHashed ? IS_HASHED : 0);
    chunk.writeUInt16BE(key.length, at + 5);
    chunk.writeUInt32BE(value?.length ?? 0, at + 7);
    chunk.write(key, at + HEAD_BYTES, 'latin1');
    if (value !== null) chunk.set(value, at + HEAD_BYTES + key.length);
    this.#used += bytes;
  }

  /** Octets in the file, all of which are written now. */
  end(): number {
    this.#flush();
    return this.#written;
  }

  #flush(): void {
    for (let at = 0; at < this.#used;)
      at += writeSync(this.#file, this.#chunk, at, this.#used - at, this.#written + at);
    this.#written += this.#used;
    this.#used = 0;
  }
}

/**
 * The `fileBytes` octets that a NodeFileWriter wrote, again as names. A node is good until the next one is asked for.
 * Throws when the file is another than was written.
 */
export function* readNodes(file: number, fileBytes: number): Generator<NodeWrite, void> {
  let chunk = Buffer.alloc(IMPORT_FILE_CHUNK_BYTES);
  let [from, to, position] = [0, 0, 0];
  /** Makes `bytes` octets there from `from` on. */
  const have = (bytes: number): void => {
    if (to - from >= bytes) return;
    if (bytes > chunk.length) chunk = Buffer.concat([chunk.subarray(from, to)], bytes);
    else chunk.copyWithin(0, from, to);
    [from, to] = [0, to - from];
    while (to < bytes) {
      const read = readSync(file, chunk, to, chunk.length - to, position);
      assert(read > 0, 'the file of an import ends early');
      to += read;
      position += read;
    }
  };
  for (let left = fileBytes; left > 0;) {
    have(HEAD_BYTES);
    const keyBytes = chunk.readUInt16BE(from + 5);
    const valueBytes = chunk.readUInt32BE(from + 7);
    const bytes = HEAD_BYTES + keyBytes + valueBytes;
    assert(bytes <= left, 'the file of an import is cut inside a node');
    have(bytes);
    const flags = chunk[from + 4]!;
    const key = latin1(chunk.subarray(from + HEAD_BYTES, from + HEAD_BYTES + keyBytes));
    const value = (flags & IS_NODE) === 0 ? null : chunk.subarray(from + HEAD_BYTES + keyBytes, from + bytes);
    const isHashed = (flags & IS_HASHED) !== 0;
    yield { zoneId: chunk.readUInt32BE(from), key, value, ...(isHashed ? { isHashed } : {}) };
    from += bytes;
    left -= bytes;
  }
}
