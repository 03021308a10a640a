/**
 * RSA with SHA-256: for zones that come with such keys, and for leaving it. New keys of it are not made: their
 * signatures are four times as long as those of ECDSA. A secret is the key in PKCS #8.
 * Implements: RFC 5702 §2.1 and §3 (RSA/SHA-256), RFC 3110 §2 (exponent and modulus in DNSKEY), RFC 8017 §8.2.2
 * (checking PKCS #1 v1.5).
 */
import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { assert } from '#base/assert.ts';
import { concatBytes, toHex } from '#base/bytes.ts';
import { RSA_EXPONENT_BYTES_MAX, RSA_MODULUS_BYTES_MAX, RSA_MODULUS_BYTES_MIN } from '#base/limits/dnssec.ts';
import { type Algorithm, byPublicKey } from './algorithm-form.ts';

/** RFC 8017 §9.2 note 1: DER of the DigestInfo of SHA-256, before the digest. */
const DIGEST_INFO = Uint8Array.from(Buffer.from('3031300d060960864801650304020105000420', 'hex'));
export const RSA_SHA256: Algorithm = {
  number: 8,
  mnemonic: 'RSASHA256',
  isMade: false,
  digest: 'sha256',
  generateSecret() {
    assert(false, 'new RSA keys are not made');
  },
  isSecret(secret) {
    const key = readPrivateKey(secret);
    return key !== undefined && partsOf(dnskeyOf(key)) !== undefined;
  },
  publicKeyOf(secret) {
    const key = readPrivateKey(secret);
    assert(key !== undefined, 'not an RSA secret');
    return dnskeyOf(key);
  },
  privateKey(secret) {
    const key = readPrivateKey(secret);
    assert(key !== undefined, 'not an RSA secret');
    return key;
  },
  publicKey(octets) {
    const parts = partsOf(octets);
    if (parts === undefined) return undefined;
    const [e, n] = [parts.exponent, parts.modulus].map((part) => Buffer.from(part).toString('base64url'));
    try {
      return createPublicKey({ key: { kty: 'RSA', e: e!, n: n! }, format: 'jwk' });
    } catch {
      return undefined;
    }
  },
  signatureBytes(publicKey) {
    const parts = partsOf(publicKey);
    assert(parts !== undefined, 'not an RSA public key');
    return parts.modulus.length;
  },
  reference,
  ownReference: (_secret, publicKey) => byPublicKey(reference, publicKey),
};

function reference(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  const parts = partsOf(publicKey);
  if (parts === undefined || signature.length !== parts.modulus.length) return false;
  const [base, exponent, modulus] = [signature, parts.exponent, parts.modulus].map(numberOf);
  if (base! >= modulus!) return false;
  const padding = new Uint8Array(parts.modulus.length - DIGEST_INFO.length - 32 - 3).fill(0xff);
  const encoded = concatBytes(Uint8Array.of(0, 1), padding, Uint8Array.of(0), DIGEST_INFO, sha256(data));
  return modularPower(base!, exponent!, modulus!) === numberOf(encoded);
}

function readPrivateKey(secret: Uint8Array): KeyObject | undefined {
  try {
    const key = createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' });
    return key.asymmetricKeyType === 'rsa' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 3110 §2: length of the exponent in one octet, or 0 and two octets; exponent; modulus. */
function dnskeyOf(key: KeyObject): Uint8Array {
  const { e, n } = createPublicKey(key).export({ format: 'jwk' });
  const [exponent, modulus] = [e, n].map((part) => new Uint8Array(Buffer.from(part!, 'base64url')));
  const { length } = exponent!;
  const head = length < 256 ? [length] : [0, length >>> 8, length & 0xff];
  return concatBytes(Uint8Array.from(head), exponent!, modulus!);
}

function partsOf(publicKey: Uint8Array): { readonly exponent: Uint8Array; readonly modulus: Uint8Array } | undefined {
  const isLong = publicKey[0] === 0;
  const at = isLong ? 3 : 1;
  const length = isLong ? ((publicKey[1] ?? 0) << 8) | (publicKey[2] ?? 0) : (publicKey[0] ?? 0);
  const exponent = publicKey.subarray(at, at + length);
  const modulus = publicKey.subarray(at + length);
  if (exponent.length === 0 || exponent.length > RSA_EXPONENT_BYTES_MAX) return undefined;
  const { length: bytes } = modulus;
  if (bytes < RSA_MODULUS_BYTES_MIN || bytes > RSA_MODULUS_BYTES_MAX || modulus[0] === 0) return undefined;
  return { exponent, modulus };
}

function numberOf(octets: Uint8Array): bigint {
  return octets.length === 0 ? 0n : BigInt(`0x${toHex(octets)}`);
}

function modularPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
