/**
 * Zone keys: used through the platform's engine, and checked by another implementation, which is twenty times slower.
 * Implements: RFC 4034 §2.1 (DNSKEY), App. B (key tag); RFC 6979 (deterministic ECDSA).
 * Not here: the algorithms (algorithm.ts), keeping secrets (store/seal.ts), what a key does at which stage (key-stage.ts).
 *
 * What a secret is depends on its algorithm. It goes into no error, log line or text: messages name key tags only.
 */
import { sign } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { assert } from '#base/assert.ts';
import { concatBytes } from '#base/bytes.ts';
import { type AlgorithmNumber, ECDSA_P256, PUBLIC_KEY_AT, algorithmOf } from './algorithm.ts';
import { type OwnCheck } from './algorithm-form.ts';

/** DNSKEY flags: a zone key (256), with the secure entry point bit (257, RFC 4034 §2.1.1). */
export type KeyFlags = 256 | 257;

export interface SigningKey {
  readonly keyTag: number;
  readonly algorithm: AlgorithmNumber;
  readonly flags: KeyFlags;
  /** DNSKEY RDATA. */
  readonly dnskey: Uint8Array;
  /** Octets of each of its signatures. */
  readonly signatureBytes: number;
  /** The signature over `data`, as RRSIG has it. */
  sign(data: Uint8Array): Uint8Array;
  /** What the reference says of a signature by this key; false for octets that are none. */
  isGoodByReference(data: Uint8Array, signature: Uint8Array): boolean;
}

type Random = (length: number) => Uint8Array;

/** A new secret. `random` returns that many octets of cryptographic randomness. */
export function generateSecret(random: Random, algorithm: AlgorithmNumber = ECDSA_P256): Uint8Array {
  return algorithmOf(algorithm).generateSecret(random);
}

/** True when `secret` can be a key of this algorithm. */
export function isSecret(secret: Uint8Array, algorithm: AlgorithmNumber = ECDSA_P256): boolean {
  return algorithmOf(algorithm).isSecret(secret);
}

/**
 * The key that signs zones: about 50,000 signatures a second with P-256. What it signs first is a probe that the
 * reference must accept; a key whose two engines disagree asserts here and never signs a zone.
 */
export function engineKey(secret: Uint8Array, flags: KeyFlags = 257, number: AlgorithmNumber = ECDSA_P256): SigningKey {
  const algorithm = algorithmOf(number);
  const publicKey = algorithm.publicKeyOf(secret);
  const dnskey = dnskeyRdata(publicKey, flags, number);
  const options = { key: algorithm.privateKey(secret, publicKey), dsaEncoding: 'ieee-p1363' } as const;
  const check = algorithm.ownReference(secret, publicKey);
  const signing = signingKey(dnskey, check, (data) => sign(algorithm.digest, data, options));
  const isAgreed = signing.isGoodByReference(dnskey, signing.sign(dnskey));
  assert(isAgreed, `key ${signing.keyTag}: the signing engine and the reference disagree`);
  return signing;
}

/** A P-256 key signing by RFC 6979: equal data, equal signature. Slow (2,500 a second); for vectors and tests. */
export function deterministicKey(secret: Uint8Array, flags: KeyFlags = 257): SigningKey {
  const own = new Uint8Array(secret);
  const publicKey = publicKeyOf(secret);
  const check = algorithmOf(ECDSA_P256).ownReference(own, publicKey);
  return signingKey(dnskeyRdata(publicKey, flags), check, (data) => p256.sign(data, own, { lowS: false }));
}

/** The public key of a secret, as DNSKEY has it. Asserts that `secret` can be a key. */
export function publicKeyOf(secret: Uint8Array, algorithm: AlgorithmNumber = ECDSA_P256): Uint8Array {
  return algorithmOf(algorithm).publicKeyOf(secret);
}

/** DNSKEY RDATA (RFC 4034 §2.1: flags, protocol 3, algorithm, key). */
export function dnskeyRdata(
  publicKey: Uint8Array,
  flags: KeyFlags,
  algorithm: AlgorithmNumber = ECDSA_P256,
): Uint8Array {
  return concatBytes(Uint8Array.of(flags >>> 8, flags & 0xff, 3, algorithm), publicKey);
}

/**
 * The key tag of DNSKEY RDATA. Two keys can have the same one. Implements RFC 4034 App. B (algorithm 1 is not ours).
 */
export function keyTagOf(dnskey: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < dnskey.length; at++) sum += (at & 1) === 1 ? dnskey[at]! : dnskey[at]! << 8;
  return (sum + (sum >>> 16)) & 0xffff;
}

function signingKey(dnskey: Uint8Array, check: OwnCheck, make: (data: Uint8Array) => Uint8Array): SigningKey {
  const algorithm = algorithmOf(dnskey[3]!);
  const flags = (dnskey[1]! & 1) === 1 ? 257 : 256;
  const signatureBytes = algorithm.signatureBytes(dnskey.subarray(PUBLIC_KEY_AT));
  const isGoodByReference = (data: Uint8Array, signature: Uint8Array): boolean => {
    try {
      return check(data, signature);
    } catch {
      return false;
    }
  };
  const { number } = algorithm;
  return { keyTag: keyTagOf(dnskey), algorithm: number, flags, dnskey, signatureBytes, sign: make, isGoodByReference };
}
