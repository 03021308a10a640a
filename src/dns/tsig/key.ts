/**
 * A TSIG key ready for use, and keys by name.
 * Implements: RFC 8945 §4.2 (a key's name is a domain name), §8 (secrets as long as the hash is).
 * Not here: where keys are kept and what they are granted (control/transfer/, transfer/grants.ts).
 */
import { type KeyObject, createSecretKey } from 'node:crypto';
import { type Name, type OwnerKey, lowerName, ownerKey } from '#dns/name.ts';
import { type TsigAlgorithm } from './algorithm.ts';

export interface TsigKey {
  /** Lower-case. */
  readonly name: Name;
  readonly algorithm: TsigAlgorithm;
  /** Never printed: an object that shows no octets. */
  readonly secret: KeyObject;
  /** Octets of the MACs that it makes, and the fewest that are taken: all, or fewer where both sides agreed on that. */
  readonly macBytes: number;
}

/** Takes over `secret`: its octets are set to 0. */
export function tsigKey(
  name: Name,
  algorithm: TsigAlgorithm,
  secret: Uint8Array,
  // All of it unless both sides agreed on fewer.
  macBytes = algorithm.macBytes,
): TsigKey {
  const key = { name: lowerName(name), algorithm, secret: createSecretKey(secret), macBytes };
  secret.fill(0);
  return key;
}

/** Finds keys by the name that a message gives. */
export class TsigKeys<Key extends TsigKey = TsigKey> {
  readonly #byName: ReadonlyMap<OwnerKey, Key>;

  constructor(keys: readonly Key[] = []) {
    this.#byName = new Map(keys.map((key) => [ownerKey(key.name), key]));
  }

  get size(): number {
    return this.#byName.size;
  }

  find(name: Name): Key | undefined {
    return this.#byName.get(ownerKey(name));
  }
}
