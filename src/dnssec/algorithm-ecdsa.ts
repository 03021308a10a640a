/**
 * ECDSA on P-256 with SHA-256 and on P-384 with SHA-384. P-256 is what zones are signed with unless asked: RFC 9904
 * recommends it, its signatures are 64 octets, and every validator has it.
 * Implements: RFC 6605 §4 (public key x‖y, signature r‖s), FIPS 186-5 A.2.1 (a secret from more randomness than its
 * length).
 */
import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto';
import { p256, p384 } from '@noble/curves/nist.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { assert } from '#base/assert.ts';
import { concatBytes, equalBytes, toHex } from '#base/bytes.ts';
import { type Algorithm, ECDSA_P256, type OwnCheck } from './algorithm-form.ts';

/** IANA number of ECDSAP384SHA384. */
export const ECDSA_P384 = 14;

const UNCOMPRESSED = Uint8Array.of(4);

interface Curve {
  readonly number: typeof ECDSA_P256 | typeof ECDSA_P384;
  readonly mnemonic: string;
  readonly name: 'P-256' | 'P-384';
  /** As the platform calls it. */
  readonly engineName: 'prime256v1' | 'secp384r1';
  readonly curve: typeof p256;
  /** Octets of a coordinate, and of a secret. */
  readonly bytes: number;
  /** Randomness for one secret: 128 bits or more beyond the order, so that reducing them leaves no bias. */
  readonly seedBytes: number;
  readonly digest: 'sha256' | 'sha384';
  /** The same by the reference. */
  readonly hash: (data: Uint8Array) => Uint8Array;
}

export const ECDSA_ALGORITHMS: readonly Algorithm[] = [
  ecdsa({
    number: ECDSA_P256,
    mnemonic: 'ECDSAP256SHA256',
    name: 'P-256',
    engineName: 'prime256v1',
    curve: p256,
    bytes: 32,
    seedBytes: 48,
    digest: 'sha256',
    hash: sha256,
  }),
  ecdsa({
    number: ECDSA_P384,
    mnemonic: 'ECDSAP384SHA384',
    name: 'P-384',
    engineName: 'secp384r1',
    curve: p384,
    bytes: 48,
    seedBytes: 72,
    digest: 'sha384',
    hash: sha384,
  }),
];

function ecdsa(shape: Curve): Algorithm {
  const { number, mnemonic, name, engineName, curve, bytes, seedBytes, digest } = shape;
  const point = (publicKey: Uint8Array) => {
    const octets = Buffer.from(publicKey);
    return { kty: 'EC', crv: name, x: octets.toString('base64url', 0, bytes), y: octets.toString('base64url', bytes) };
  };
  const isSecret = (secret: Uint8Array): boolean => secret.length === bytes && curve.utils.isValidSecretKey(secret);
  const publicKeyOf = (secret: Uint8Array): Uint8Array => {
    assert(isSecret(secret), `not a ${name} secret`);
    const engine = createECDH(engineName);
    engine.setPrivateKey(secret);
    // Whether it is the right one, the reference says of the key's first signature (key.ts).
    return new Uint8Array(engine.getPublicKey().subarray(UNCOMPRESSED.length));
  };
  return {
    number,
    mnemonic,
    isMade: true,
    digest,
    isSecret,
    publicKeyOf,
    generateSecret(random) {
      const secret = curve.utils.randomSecretKey(random(seedBytes));
      assert(isSecret(secret), 'a generated secret is not a scalar of the curve');
      return secret;
    },
    privateKey(secret, publicKey = publicKeyOf(secret)) {
      const key = { d: base64url(secret), ...point(publicKey) };
      return createPrivateKey({ key, format: 'jwk' });
    },
    publicKey(octets) {
      if (octets.length !== 2 * bytes) return undefined;
      try {
        return createPublicKey({ key: point(octets), format: 'jwk' });
      } catch {
        return undefined; // not a point of the curve
      }
    },
    signatureBytes: () => 2 * bytes,
    // `lowS: false`: DNSSEC knows no low-S rule, and half of all good signatures have a high s.
    reference: (publicKey, data, signature) =>
      publicKey.length === 2 * bytes &&
      signature.length === 2 * bytes &&
      curve.verify(signature, data, concatBytes(UNCOMPRESSED, publicKey), { lowS: false }),
    ownReference: (secret, publicKey) => ownReference(shape, secret, publicKey),
  };
}

/**
 * SEC 1 §4.1.5: who knows the secret d checks a signature without the public key, by (u1 + u2·d)·G in the place of
 * u1·G + u2·Q. The reference multiplies its base point by a table, so that takes a quarter of the time. That Q is d·G
 * it computes too, once. Both numbers are secret: the multiplications are those that take equal time for all of them.
 */
function ownReference({ curve, bytes, hash }: Curve, secret: Uint8Array, publicKey: Uint8Array): OwnCheck {
  const { BASE, Fn } = curve.Point;
  const isOwn = equalBytes(curve.getPublicKey(secret, false).subarray(UNCOMPRESSED.length), publicKey);
  return (data, signature) => {
    if (!isOwn || signature.length !== 2 * bytes) return false;
    const [r, s] = [signature.subarray(0, bytes), signature.subarray(bytes)].map(numberOf);
    if (r! <= 0n || r! >= Fn.ORDER || s! <= 0n || s! >= Fn.ORDER) return false;
    // The digest has as many octets as the order of the curve: nothing of it is cut off (FIPS 186-5 §6.4.2).
    const nonce = Fn.mul(Fn.inv(s!), Fn.add(Fn.create(numberOf(hash(data))), Fn.mul(r!, numberOf(secret))));
    return nonce !== 0n && Fn.create(BASE.multiply(nonce).toAffine().x) === r;
  };
}

function numberOf(octets: Uint8Array): bigint {
  return BigInt(`0x${toHex(octets)}`);
}

function base64url(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('base64url');
}
