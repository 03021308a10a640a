/**
 * ECDSA Curve P-256 with SHA-256, the one signing algorithm: RFC 9904 recommends it for signing, its signatures are 64 octets, and
 * every validator has it. Two engines for verifying it, so that what one made is judged by the other.
 * Implements: RFC 6605 §4 (public key x‖y, signature r‖s).
 * Not here: private keys (key.ts).
 */
import { type KeyObject, createPublicKey, verify } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { assert } from '#base/assert.ts';
import { concatBytes } from '#base/bytes.ts';

/** IANA number of ECDSAP256SHA256. */
export const ECDSA_P256 = 13;
/** x and y, 32 octets each (RFC 6605 §4). */
export const PUBLIC_KEY_BYTES = 64;
/** r and s, 32 octets each (RFC 6605 §4). */
export const SIGNATURE_BYTES = 64;
/** A scalar below the order of the curve. */
export const SECRET_BYTES = 32;

/** True when `signature` is one by `publicKey` over `data`. False for octets that are no key or no signature. */
export type SignatureCheck = (publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array) => boolean;

/**
 * The reference: about 600 checks a second. `lowS: false` because DNSSEC knows no low-S rule, and half of all good signatures
 * have a high s.
 */
export const checkByReference: SignatureCheck = (publicKey, data, signature) => {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  try {
    return p256.verify(signature, data, concatBytes(UNCOMPRESSED, publicKey), { lowS: false });
  } catch {
    return false; // not a point of the curve, or r or s out of range
  }
};

/** The platform's: about 20,000 checks a second. */
export const checkByEngine: SignatureCheck = (publicKey, data, signature) => {
  const key = publicKey.length === PUBLIC_KEY_BYTES && signature.length === SIGNATURE_BYTES ? publicKeyObject(publicKey) : undefined;
  return key !== undefined && verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
};

const UNCOMPRESSED = Uint8Array.of(4);

/** Zones have one or two keys; the last one used is enough, and reading a key costs as much as a check. */
let latest: { readonly publicKey: Uint8Array; readonly key: KeyObject | undefined } | undefined;

function publicKeyObject(publicKey: Uint8Array): KeyObject | undefined {
  if (latest !== undefined && Buffer.compare(latest.publicKey, publicKey) === 0) return latest.key;
  latest = { publicKey: new Uint8Array(publicKey), key: readPublicKey(publicKey) };
  return latest.key;
}

function readPublicKey(publicKey: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', ...jwkPoint(publicKey) }, format: 'jwk' });
  } catch {
    return undefined; // not a point of the curve
  }
}

/** x and y of a public key as a JSON Web Key writes them. */
export function jwkPoint(publicKey: Uint8Array): { x: string; y: string } {
  assert(publicKey.length === PUBLIC_KEY_BYTES, `a P-256 public key of ${publicKey.length} octets`);
  const octets = Buffer.from(publicKey);
  return { x: octets.toString('base64url', 0, 32), y: octets.toString('base64url', 32) };
}
