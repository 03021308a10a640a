/**
 * Zone keys: made and checked by @noble/curves, used through the platform's engine, which is twenty times faster.
 * Implements: RFC 4034 §2.1 (DNSKEY), App. B (key tag); RFC 6605 §4; RFC 6979 (deterministic signatures).
 * Not here: keeping secrets (store/seal.ts), when keys change (lifecycle/).
 *
 * A secret is 32 octets. It goes into no error, log line or text: messages name key tags only.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { assert } from '#base/assert.ts';
import { ECDSA_P256, SECRET_BYTES, checkByReference, jwkPoint } from './algorithm.ts';

/** DNSKEY flags: a zone key (256), with the secure entry point bit (257, RFC 4034 §2.1.1). */
export type KeyFlags = 256 | 257;

export interface SigningKey {
  readonly keyTag: number;
  readonly algorithm: typeof ECDSA_P256;
  readonly flags: KeyFlags;
  /** DNSKEY RDATA. */
  readonly dnskey: Uint8Array;
  /** The signature over `data`, r‖s, 64 octets. */
  sign(data: Uint8Array): Uint8Array;
}

/** Octets of randomness for one secret: 128 bits more than the curve's order, so that reducing them leaves no bias (FIPS 186-5 A.2.1). */
const SEED_BYTES = 48;

/** A new secret. `random` gives that many octets of cryptographic randomness. */
export function generateSecret(random: (length: number) => Uint8Array): Uint8Array {
  const secret = p256.utils.randomSecretKey(random(SEED_BYTES));
  assert(p256.utils.isValidSecretKey(secret), 'a generated secret is not a scalar of the curve');
  return secret;
}

/** True when `secret` can be a key: 32 octets, between 1 and the curve's order. */
export function isSecret(secret: Uint8Array): boolean {
  return secret.length === SECRET_BYTES && p256.utils.isValidSecretKey(secret);
}

/**
 * The key that signs zones: about 50,000 signatures a second. What it signs first is a probe that the reference must accept; a key
 * whose two engines disagree asserts here and never signs a zone.
 */
export function engineKey(secret: Uint8Array, flags: KeyFlags = 257): SigningKey {
  const dnskey = dnskeyRdata(publicKeyOf(secret), flags);
  const publicKey = dnskey.subarray(4);
  const d = Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength).toString('base64url');
  const key = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d, ...jwkPoint(publicKey) }, format: 'jwk' });
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  const signing = signingKey(dnskey, flags, (data) => sign('sha256', data, options));
  assert(checkByReference(publicKey, dnskey, signing.sign(dnskey)), `key ${signing.keyTag}: the signing engine and the reference disagree`);
  return signing;
}

/** The same key signing by RFC 6979: equal data, equal signature. Slow (2,500 a second); for vectors and tests. */
export function deterministicKey(secret: Uint8Array, flags: KeyFlags = 257): SigningKey {
  const own = new Uint8Array(secret);
  return signingKey(dnskeyRdata(publicKeyOf(secret), flags), flags, (data) => p256.sign(data, own, { lowS: false }));
}

/** x‖y of the secret's public point, 64 octets. Asserts that `secret` can be a key. */
export function publicKeyOf(secret: Uint8Array): Uint8Array {
  assert(isSecret(secret), 'not a P-256 secret');
  return p256.getPublicKey(secret, false).slice(1);
}

/** DNSKEY RDATA of an ECDSA P-256 key (RFC 4034 §2.1: flags, protocol 3, algorithm, key). */
export function dnskeyRdata(publicKey: Uint8Array, flags: KeyFlags): Uint8Array {
  return new Uint8Array([flags >>> 8, flags & 0xff, 3, ECDSA_P256, ...publicKey]);
}

/** The key tag of DNSKEY RDATA. Two keys can have the same one. Implements RFC 4034 App. B (algorithm 1 is not ours). */
export function keyTagOf(dnskey: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < dnskey.length; at++) sum += (at & 1) === 1 ? dnskey[at]! : dnskey[at]! << 8;
  return (sum + (sum >>> 16)) & 0xffff;
}

function signingKey(dnskey: Uint8Array, flags: KeyFlags, make: (data: Uint8Array) => Uint8Array): SigningKey {
  return { keyTag: keyTagOf(dnskey), algorithm: ECDSA_P256, flags, dnskey, sign: make };
}
