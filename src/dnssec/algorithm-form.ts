/**
 * What zone signing needs of an algorithm, and two engines for checking what it made: the platform's, and another
 * implementation, so that what one made is judged by the other.
 * Not here: the algorithms (algorithm-ecdsa.ts, algorithm-eddsa.ts, algorithm-rsa.ts), their table (algorithm.ts).
 */
import { type KeyObject } from 'node:crypto';

/** RFC 6605 §4: ECDSA Curve P-256 with SHA-256. */
export const ECDSA_P256 = 13;

/** IANA numbers of the algorithms that sign zones here (RFC 9904: the registry has the advice). */
const ALGORITHM_NUMBERS = [8, ECDSA_P256, 14, 15, 16] as const;

export type AlgorithmNumber = (typeof ALGORITHM_NUMBERS)[number];

export function isAlgorithmNumber(value: unknown): value is AlgorithmNumber {
  return ALGORITHM_NUMBERS.some((number) => number === value);
}

export interface Algorithm {
  readonly number: AlgorithmNumber;
  /** As in IANA's registry. */
  readonly mnemonic: string;
  /** New keys of it are made; otherwise it is only for zones that come with such keys, and for leaving it. */
  readonly isMade: boolean;
  /** A new secret. `random` returns that many octets of cryptographic randomness. Asserts `isMade`. */
  generateSecret(random: (length: number) => Uint8Array): Uint8Array;
  /** True when `secret` can be a key. */
  isSecret(secret: Uint8Array): boolean;
  /** The public key as DNSKEY has it. Asserts `isSecret`. */
  publicKeyOf(secret: Uint8Array): Uint8Array;
  /** The secret as the platform's engine takes it; `publicKey` saves making it again. */
  privateKey(secret: Uint8Array, publicKey?: Uint8Array): KeyObject;
  /** Undefined for octets that are no public key. */
  publicKey(octets: Uint8Array): KeyObject | undefined;
  /** Octets of each signature by this key. */
  signatureBytes(publicKey: Uint8Array): number;
  /** What the engine hashes with; null: the algorithm has its own. */
  readonly digest: 'sha256' | 'sha384' | null;
  /** The other implementation. False for octets that are no key or no signature; may throw for them. */
  reference(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
  /** The same for the holder of `secret`, where that costs less. The octets are kept, not copied. */
  ownReference(secret: Uint8Array, publicKey: Uint8Array): OwnCheck;
}

/** True when `signature` is one over `data` by a key whose secret is here. May throw for octets that are none. */
export type OwnCheck = (data: Uint8Array, signature: Uint8Array) => boolean;

/** For algorithms whose check gains nothing by the secret. */
export function byPublicKey(reference: Algorithm['reference'], publicKey: Uint8Array): OwnCheck {
  return (data, signature) => reference(publicKey, data, signature);
}
