/**
 * What travels between the signing pool and its workers: many pieces of data in one transferable buffer, each as u32
 * length + octets.
 */
import { assert } from '#base/assert.ts';
import { type AlgorithmNumber } from '#dnssec/algorithm.ts';
import { type KeyFlags } from '#dnssec/key.ts';

/** A key for a worker. It goes by `workerData` only, never into a message, log or error. */
export interface SigningSecret {
  readonly secret: Uint8Array;
  readonly flags: KeyFlags;
  readonly algorithm: AlgorithmNumber;
}

export interface SigningRequest {
  readonly id: number;
  /** Which of the worker's keys signs. */
  readonly keyIndex: number;
  readonly count: number;
  readonly packed: Uint8Array<ArrayBuffer>;
}

export interface SigningReply {
  readonly id: number;
  /** `count` signatures, one after the other. */
  readonly signatures: Uint8Array<ArrayBuffer>;
}

const LENGTH_BYTES = 4;

/** All pieces in one buffer. */
export function packData(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(pieces.reduce((sum, piece) => sum + LENGTH_BYTES + piece.length, 0));
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const piece of pieces) {
    view.setUint32(at, piece.length);
    packed.set(piece, at + LENGTH_BYTES);
    at += LENGTH_BYTES + piece.length;
  }
  return packed;
}

/** The `count` pieces of a buffer that `packData` made; they share its memory. */
export function* unpackData(packed: Uint8Array, count: number): Generator<Uint8Array> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let at = 0;
  for (let left = count; left > 0; left--) {
    const start = at + LENGTH_BYTES;
    at = start + view.getUint32(at);
    yield packed.subarray(start, at);
  }
  assert(at === packed.length, 'a signing batch of another length');
}
