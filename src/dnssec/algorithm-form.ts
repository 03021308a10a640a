/**
 * What zone signing needs of an algorithm, and two engines for checking what it made: the platform's, and another
 * implementation, so that what one made is judged by the other.
 * Not here: the algorithms (algorithm-ecdsa.ts, algorithm-eddsa.ts, algorithm-rsa.ts), their table (algorithm.ts).
 */
import { type KeyObject } from 'node:crypto';

/** IANA numbers of the algorithms that sign zones here (RFC 9904: the registry has the advice). */
export type AlgorithmNumber = 8 | 13 | 14 | 15 | 16;

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
  /** The secret as the platform's engine takes it. */
  privateKey(secret: Uint8Array): KeyObject;
  /** Undefined for octets that are no public key. */
  publicKey(octets: Uint8Array): KeyObject | undefined;
  /** Octets of each signature by this key. */
  signatureBytes(publicKey: Uint8Array): number;
  /** What the engine hashes with; null: the algorithm has its own. */
  readonly digest: 'sha256' | 'sha384' | null;
  /** The other implementation. False for octets that are no key or no signature; may throw for them. */
  reference(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
}
