/**
 * Hashed owner names, and what NSEC3 and NSEC3PARAM RDATA is made of.
 * Implements: RFC 5155 §3 (NSEC3), §4 (NSEC3PARAM), §5 (the hash), §3.3 (base32hex without padding), RFC 9276 §3
 * (which iterations and salts are taken).
 * Not here: which names are hashed (dnssec/plan-nsec3.ts), proofs (zone/lookup-nsec3.ts, answer/denial-nsec3.ts).
 */
import { assert } from '#base/assert.ts';
import { concatBytes } from '#base/bytes.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { type Name, lowerName, lowerOctet } from './name.ts';
import { SHA1_BYTES, sha1 } from './sha1.ts';

/** RFC 5155 §11: the one hash algorithm there is. */
const ALGORITHM_SHA1 = 1;
export const HASH_BYTES = SHA1_BYTES;
/** Characters of a hash in base32hex: the first label of a hashed owner name. */
export const HASH_LABEL_BYTES = 32;
/** RFC 5155 §3.1.2.1 */
export const OPT_OUT = 1;
/** Longest apex, in octets, whose names have hashed owner names (RFC 5155 §3: one label is put before it). */
export const HASHED_APEX_BYTES_MAX = NAME_BYTES_MAX - HASH_LABEL_BYTES - 1;

/** How names of a zone are hashed (RFC 5155 §4.1). The algorithm is SHA-1. */
export interface Nsec3Parameters {
  /** Times that the hash is taken again. */
  readonly iterations: number;
  readonly salt: Uint8Array;
}

/** RFC 9276 §3.1: what a signer uses. */
export const NSEC3_PARAMETERS: Nsec3Parameters = { iterations: 0, salt: new Uint8Array(0) };

/** Base32hex digits in lower case: what owner names are looked up by (RFC 4648 §7). */
const DIGITS = Uint8Array.from(Buffer.from('0123456789abcdefghijklmnopqrstuv', 'latin1'));

const hashing = new Uint8Array(NAME_BYTES_MAX + 255);

/**
 * Writes the hash of the name `wire[from…to]`, which is in lower case, to `out[at]` (RFC 5155 §5: H(name ‖ salt), then
 * H(hash ‖ salt) for each iteration).
 */
export function hashNameInto(
  { iterations, salt }: Nsec3Parameters,
  wire: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
): void {
  if (salt.length === 0) {
    sha1(wire, from, to, out, at);
    for (let left = iterations; left > 0; left--) sha1(out, at, at + HASH_BYTES, out, at);
    return;
  }
  for (let each = from; each < to; each++) hashing[each - from] = wire[each]!;
  hashing.set(salt, to - from);
  sha1(hashing, 0, to - from + salt.length, out, at);
  for (let left = iterations; left > 0; left--) {
    for (let each = 0; each < HASH_BYTES; each++) hashing[each] = out[at + each]!;
    hashing.set(salt, HASH_BYTES);
    sha1(hashing, 0, HASH_BYTES + salt.length, out, at);
  }
}

/** The hash of a name in any case. */
export function hashName(parameters: Nsec3Parameters, name: Name): Uint8Array {
  const lower = lowerName(name);
  const hash = new Uint8Array(HASH_BYTES);
  hashNameInto(parameters, lower, 0, lower.length, hash, 0);
  return hash;
}

/** Writes the 32 digits of the hash at `hash[at]` to `out[to]`. */
export function putHashDigits(hash: Uint8Array, at: number, out: Uint8Array, to: number): void {
  // 5 octets are 8 digits.
  for (let group = 0; group < HASH_BYTES / 5; group++) {
    const from = at + 5 * group;
    const [a, b, c] = [hash[from]!, hash[from + 1]!, hash[from + 2]!];
    const [d, e] = [hash[from + 3]!, hash[from + 4]!];
    const into = to + 8 * group;
    out[into] = DIGITS[a >> 3]!;
    out[into + 1] = DIGITS[((a << 2) | (b >> 6)) & 31]!;
    out[into + 2] = DIGITS[(b >> 1) & 31]!;
    out[into + 3] = DIGITS[((b << 4) | (c >> 4)) & 31]!;
    out[into + 4] = DIGITS[((c << 1) | (d >> 7)) & 31]!;
    out[into + 5] = DIGITS[(d >> 2) & 31]!;
    out[into + 6] = DIGITS[((d << 3) | (e >> 5)) & 31]!;
    out[into + 7] = DIGITS[e & 31]!;
  }
}

/** The hashed owner name of a hash (RFC 5155 §3). Asserts that it is no longer than a name may be. */
export function hashedOwner(hash: Uint8Array, apex: Name): Name {
  assert(apex.length <= HASHED_APEX_BYTES_MAX, 'the apex is too long for hashed owner names');
  const owner = new Uint8Array(1 + HASH_LABEL_BYTES + apex.length);
  owner[0] = HASH_LABEL_BYTES;
  putHashDigits(hash, 0, owner, 1);
  owner.set(lowerName(apex), 1 + HASH_LABEL_BYTES);
  return owner;
}

/** The hash in a hashed owner name; undefined when its first label is none. */
export function hashOfOwner(owner: Name): Uint8Array | undefined {
  if (owner[0] !== HASH_LABEL_BYTES) return undefined;
  const hash = new Uint8Array(HASH_BYTES);
  for (let digit = 0; digit < HASH_LABEL_BYTES; digit++) {
    const value = DIGITS.indexOf(lowerOctet(owner[1 + digit]!));
    if (value < 0) return undefined;
    for (let bit = 0; bit < 5; bit++) {
      const place = 5 * digit + bit;
      if ((value & (16 >> bit)) !== 0) hash[place >> 3]! |= 0x80 >> (place & 7);
    }
  }
  return hash;
}

/** NSEC3PARAM RDATA (RFC 5155 §4.2): its flags are 0 (§4.1.2). */
export function nsec3paramRdata(parameters: Nsec3Parameters): Uint8Array {
  return parameterOctets(parameters, 0);
}

/** NSEC3 RDATA (RFC 5155 §3.2). `bitmap` is a type bit maps field, empty for a name without types. */
export function nsec3Rdata(
  parameters: Nsec3Parameters,
  flags: number,
  nextHash: Uint8Array,
  bitmap: Uint8Array,
): Uint8Array {
  return concatBytes(parameterOctets(parameters, flags), Uint8Array.of(nextHash.length), nextHash, bitmap);
}

function parameterOctets({ iterations, salt }: Nsec3Parameters, flags: number): Uint8Array {
  return concatBytes(Uint8Array.of(ALGORITHM_SHA1, flags, iterations >> 8, iterations & 0xff, salt.length), salt);
}

/** The parts of well-formed NSEC3 RDATA. */
export interface Nsec3Fields extends Nsec3Parameters {
  readonly flags: number;
  readonly nextHash: Uint8Array;
  readonly bitmap: Uint8Array;
}

export function nsec3Fields(rdata: Uint8Array): Nsec3Fields {
  const nextAt = 6 + rdata[4]!;
  const bitmapAt = nextAt + rdata[nextAt - 1]!;
  return {
    ...nsec3Parameters(rdata),
    flags: rdata[1]!,
    nextHash: rdata.subarray(nextAt, bitmapAt),
    bitmap: rdata.subarray(bitmapAt),
  };
}

/** The parameters in well-formed NSEC3 or NSEC3PARAM RDATA, from `at` on. */
export function nsec3Parameters(rdata: Uint8Array, at = 0): Nsec3Parameters {
  const saltAt = at + 5;
  return { iterations: (rdata[at + 2]! << 8) | rdata[at + 3]!, salt: rdata.slice(saltAt, saltAt + rdata[at + 4]!) };
}
