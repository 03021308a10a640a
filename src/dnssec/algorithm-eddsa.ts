/**
 * Ed25519 and Ed448.
 * Implements: RFC 8080 §3 (public key), §4 (signature), §5 (numbers); RFC 8032 §5.1.5 and §5.2.5 (a secret is any
 * octets of its length).
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { ed448 } from '@noble/curves/ed448.js';
import { assert } from '#base/assert.ts';
import { type Algorithm, byPublicKey } from './algorithm-form.ts';

interface Curve {
  readonly number: 15 | 16;
  readonly mnemonic: string;
  readonly name: 'Ed25519' | 'Ed448';
  readonly curve: Pick<typeof ed25519, 'getPublicKey' | 'verify'>;
  /** Octets of a secret and of a public key; a signature has twice as many. */
  readonly bytes: number;
}

export const EDDSA_ALGORITHMS: readonly Algorithm[] = [
  eddsa({ number: 15, mnemonic: 'ED25519', name: 'Ed25519', curve: ed25519, bytes: 32 }),
  eddsa({ number: 16, mnemonic: 'ED448', name: 'Ed448', curve: ed448, bytes: 57 }),
];

function eddsa({ number, mnemonic, name, curve, bytes }: Curve): Algorithm {
  const isSecret = (secret: Uint8Array): boolean => secret.length === bytes;
  const publicKeyOf = (secret: Uint8Array): Uint8Array => {
    assert(isSecret(secret), `not an ${name} secret`);
    return curve.getPublicKey(secret);
  };
  const reference: Algorithm['reference'] = (publicKey, data, signature) =>
    publicKey.length === bytes && signature.length === 2 * bytes && curve.verify(signature, data, publicKey);
  const x = (publicKey: Uint8Array): string => Buffer.from(publicKey).toString('base64url');
  return {
    number,
    mnemonic,
    isMade: true,
    digest: null,
    isSecret,
    publicKeyOf,
    generateSecret: (random) => random(bytes),
    privateKey(secret, publicKey = publicKeyOf(secret)) {
      const d = Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength).toString('base64url');
      return createPrivateKey({ key: { kty: 'OKP', crv: name, d, x: x(publicKey) }, format: 'jwk' });
    },
    publicKey(octets) {
      if (octets.length !== bytes) return undefined;
      try {
        return createPublicKey({ key: { kty: 'OKP', crv: name, x: x(octets) }, format: 'jwk' });
      } catch {
        return undefined;
      }
    },
    signatureBytes: () => 2 * bytes,
    reference,
    ownReference: (_secret, publicKey) => byPublicKey(reference, publicKey),
  };
}
