/**
 * SHA-1 of short octets in place: no objects, no garbage.
 * Implements: FIPS 180-4 §6.1. For hashed owner names alone (RFC 5155 §5): nothing here depends on SHA-1 being hard
 * to collide. node:crypto gives the same (test/dns/sha1.test.ts) and takes two to five times as long for a name,
 * because each call makes objects (docs/adr/0022-nsec3.md).
 */
import { assert } from '#base/assert.ts';

export const SHA1_BYTES = 20;
/** A name and the longest salt. */
const LONGEST_INPUT_BYTES = 255 + 255;
const BLOCK_BYTES = 64;
/** The bit 1 that follows the message, and its length. */
const PADDING_BYTES = 9;

const padded = new Uint8Array(Math.ceil((LONGEST_INPUT_BYTES + PADDING_BYTES) / BLOCK_BYTES) * BLOCK_BYTES);
const schedule = new Int32Array(80);
const state = new Int32Array(5);

/** Writes the digest of `octets[from…to]` to `out[at…]`, which may be the same array. Asserts that it is short. */
export function sha1(octets: Uint8Array, from: number, to: number, out: Uint8Array, at: number): void {
  const length = to - from;
  assert(length >= 0 && length <= LONGEST_INPUT_BYTES, `SHA-1 of ${length} octets`);
  const end = Math.ceil((length + PADDING_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
  for (let each = 0; each < length; each++) padded[each] = octets[from + each]!;
  padded[length] = 0x80;
  for (let each = length + 1; each < end; each++) padded[each] = 0;
  padded[end - 2] = length >>> 5;
  padded[end - 1] = (length << 3) & 0xff;
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0;
  for (let block = 0; block < end; block += BLOCK_BYTES) addBlock(block);
  for (let word = 0; word < 5; word++) {
    const value = state[word]!;
    out[at + 4 * word] = value >>> 24;
    out[at + 4 * word + 1] = value >>> 16;
    out[at + 4 * word + 2] = value >>> 8;
    out[at + 4 * word + 3] = value;
  }
}

function addBlock(block: number): void {
  for (let word = 0, at = block; word < 16; word++, at += 4)
    schedule[word] = (padded[at]! << 24) | (padded[at + 1]! << 16) | (padded[at + 2]! << 8) | padded[at + 3]!;
  for (let word = 16; word < 80; word++) {
    const mixed = schedule[word - 3]! ^ schedule[word - 8]! ^ schedule[word - 14]! ^ schedule[word - 16]!;
    schedule[word] = (mixed << 1) | (mixed >>> 31);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  for (let round = 0; round < 80; round++) {
    let mixed: number;
    if (round < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (round < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (round < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (((a << 5) | (a >>> 27)) + mixed + e + schedule[round]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
}
