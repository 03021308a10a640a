/**
 * SipHash: a keyed hash that a sender without the key cannot aim. SipHash-2-4 makes server cookies (RFC 9018 §4.4);
 * HalfSipHash-1-3, a quarter of the work, places what strangers choose in our tables, where a forged cookie is not the
 * prize but only a collision.
 * Implements: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), and the authors' 32-bit variant HalfSipHash.
 * All arithmetic is on 32-bit halves in local variables: nothing is allocated, and V8 keeps it in registers.
 */
import { assert } from '#base/assert.ts';

/** Octets of a SipHash key. */
export const SIP_KEY_BYTES = 16;

/** A key as four 32-bit words, little-endian, as both functions take it. HalfSipHash uses the first two. */
export type SipKey = Int32Array;

export function sipKey(octets: Uint8Array): SipKey {
  assert(octets.length === SIP_KEY_BYTES, `a SipHash key has ${SIP_KEY_BYTES} octets, not ${octets.length}`);
  const key = new Int32Array(4);
  for (let word = 0; word < 4; word++) key[word] = readWord(octets, 4 * word);
  return key;
}

/** SipHash-2-4 of `data[0…length]`; `hash` receives the low and the high half. */
export function sipHash24(key: SipKey, data: Uint8Array, length: number, hash: Int32Array): void {
  let v0l = key[0]! ^ 0x70736575;
  let v0h = key[1]! ^ 0x736f6d65;
  let v1l = key[2]! ^ 0x6e646f6d;
  let v1h = key[3]! ^ 0x646f7261;
  let v2l = key[0]! ^ 0x6e657261;
  let v2h = key[1]! ^ 0x6c796765;
  let v3l = key[2]! ^ 0x79746573;
  let v3h = key[3]! ^ 0x74656462;
  const whole = length >>> 3;
  // Two rounds for each block of eight octets, the last of which carries the rest and the length; then four to finish.
  const absorbing = 2 * (whole + 1);
  let ml = 0;
  let mh = 0;
  for (let round = 0; round < absorbing + 4; round++) {
    if (round < absorbing && (round & 1) === 0) {
      const at = round << 2;
      if (round < 2 * whole) {
        ml = readWord(data, at);
        mh = readWord(data, at + 4);
      } else {
        ml = readRest(data, at, length);
        mh = readRest(data, at + 4, length) | ((length & 0xff) << 24);
      }
      v3l ^= ml;
      v3h ^= mh;
    } else if (round === absorbing) v2l ^= 0xff;

    let low = (v0l + v1l) | 0;
    v0h = (v0h + v1h + (low >>> 0 < v0l >>> 0 ? 1 : 0)) | 0;
    v0l = low;
    let turned = (v1l << 13) | (v1h >>> 19);
    v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
    v1l = turned ^ v0l;
    turned = v0l;
    v0l = v0h;
    v0h = turned;

    low = (v2l + v3l) | 0;
    v2h = (v2h + v3h + (low >>> 0 < v2l >>> 0 ? 1 : 0)) | 0;
    v2l = low;
    turned = (v3l << 16) | (v3h >>> 16);
    v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
    v3l = turned ^ v2l;

    low = (v0l + v3l) | 0;
    v0h = (v0h + v3h + (low >>> 0 < v0l >>> 0 ? 1 : 0)) | 0;
    v0l = low;
    turned = (v3l << 21) | (v3h >>> 11);
    v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
    v3l = turned ^ v0l;

    low = (v2l + v1l) | 0;
    v2h = (v2h + v1h + (low >>> 0 < v2l >>> 0 ? 1 : 0)) | 0;
    v2l = low;
    turned = (v1l << 17) | (v1h >>> 15);
    v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
    v1l = turned ^ v2l;
    turned = v2l;
    v2l = v2h;
    v2h = turned;

    if (round < absorbing && (round & 1) === 1) {
      v0l ^= ml;
      v0h ^= mh;
    }
  }
  hash[0] = v0l ^ v1l ^ v2l ^ v3l;
  hash[1] = v0h ^ v1h ^ v2h ^ v3h;
}

/**
 * HalfSipHash-1-3 of the four octets of `first` (little-endian) followed by `data[0…length]`, as a 32-bit integer. The leading word saves
 * callers from copying a name behind what it belongs to.
 */
export function halfSipHash13(key: SipKey, first: number, data: Uint8Array, length: number): number {
  let v0 = key[0]!;
  let v1 = key[1]!;
  let v2 = key[0]! ^ 0x6c796765;
  let v3 = key[1]! ^ 0x74656462;
  const whole = length >>> 2;
  const absorbing = whole + 2;
  let m = first | 0;
  for (let round = 0; round < absorbing + 3; round++) {
    if (round < absorbing) {
      const at = (round - 1) << 2;
      if (round > whole) m = readRest(data, at, length) | (((length + 4) & 0xff) << 24);
      else if (round > 0) m = readWord(data, at);
      v3 ^= m;
    } else if (round === absorbing) v2 ^= 0xff;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round < absorbing) v0 ^= m;
  }
  return v1 ^ v3;
}

function readWord(data: Uint8Array, at: number): number {
  return data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
}

/** The octets of `data[at…length]` that fill one word, the others 0. */
function readRest(data: Uint8Array, at: number, length: number): number {
  let word = 0;
  const end = Math.min(length, at + 4);
  for (let each = at; each < end; each++) word |= data[each]! << (8 * (each - at));
  return word;
}
