/**
 * Signing keys of zones: made, sealed for the store, opened when a zone has to be signed. Secrets live here and in the signer, nowhere else.
 * Implements: RFC 6781 §3.1 (one key in both roles: CSK), RFC 4034 App. B (a new key's tag differs from those in use).
 * Not here: the sealing itself (store/seal.ts), when a key is replaced (a rollover).
 */
import { KEY_TAG_TRIES_MAX } from '#base/limits/dnssec.ts';
import { atObject } from '#base/place.ts';
import { assert } from '#base/assert.ts';
import { ECDSA_P256 } from '#dnssec/algorithm.ts';
import { type SigningKey, engineKey, generateSecret } from '#dnssec/key.ts';
import { StoreFailure } from '#store/failure.ts';
import { type ZoneKeyRef, type ZoneRecord } from '#store/schema.ts';
import { type Sealer, type SealLabel } from '#store/seal.ts';

/** A key with its secret: only signing threads receive the secret. */
export interface OpenKey {
  readonly key: SigningKey;
  readonly secret: Uint8Array;
}

/** A key that no transaction holds yet. */
export interface NewZoneKey extends OpenKey {
  readonly ref: ZoneKeyRef;
  /** Octets for the store's `secrets`, under `ref.id`. */
  readonly sealed: Uint8Array;
}

const label = (id: string): SealLabel => ({ purpose: 'dnssec-key', id, version: 1 });

/** Makes a CSK whose key tag is not among `tagsInUse`, sealed. */
export function newZoneKey(
  zone: string,
  tagsInUse: readonly number[],
  sealer: Sealer,
  random: (bytes: number) => Uint8Array,
  nowMs: number,
): NewZoneKey {
  for (let tries = 0; tries < KEY_TAG_TRIES_MAX; tries++) {
    const secret = generateSecret(random);
    const key = engineKey(secret, 257);
    if (tagsInUse.includes(key.keyTag)) continue;
    const id = `${zone}${key.keyTag}-${Buffer.from(random(4)).toString('hex')}`;
    const sealed = sealer.seal(label(id), secret);
    return {
      key,
      secret,
      sealed,
      ref: {
        id,
        keyTag: key.keyTag,
        algorithm: ECDSA_P256,
        role: 'csk',
        flags: 257,
        state: 'active',
        createdAtMs: nowMs,
        dnskey: Buffer.from(key.dnskey).toString('base64'),
      },
    };
  }
  assert(false, 'every new key has a key tag in use: the random source repeats itself');
}

/** Opens a zone's keys once and keeps them, by key id. */
export class KeyRing {
  readonly #sealer: Sealer;
  readonly #sealedSecret: (zoneId: number, id: string) => Uint8Array | undefined;
  readonly #opened = new Map<string, OpenKey>();

  constructor(sealer: Sealer, sealedSecret: (zoneId: number, id: string) => Uint8Array | undefined) {
    this.#sealer = sealer;
    this.#sealedSecret = sealedSecret;
  }

  /** The zone's keys in the order of its record. Throws StoreFailure when one is missing, does not open, or is not the key it says. */
  keysOf(record: ZoneRecord): readonly OpenKey[] {
    return record.keys.map((ref) => {
      const id = `${record.id}/${ref.id}`;
      let key = this.#opened.get(id);
      if (key === undefined) this.#opened.set(id, (key = this.#open(record, ref)));
      return key;
    });
  }

  forget(record: ZoneRecord): void {
    for (const ref of record.keys) this.#opened.delete(`${record.id}/${ref.id}`);
  }

  #open(record: ZoneRecord, ref: ZoneKeyRef): OpenKey {
    const sealed = this.#sealedSecret(record.id, ref.id);
    if (sealed === undefined)
      throw new StoreFailure(
        'STORE_DAMAGED',
        atObject(`${record.name} key ${ref.keyTag}`),
        'the secret of a signing key is not in the store',
        'restore the last backup',
      );
    const secret = this.#sealer.open(label(ref.id), sealed);
    if (!secret.ok) {
      const [first] = secret.problems;
      throw new StoreFailure('SECRET_SEALED', atObject(`${record.name} key ${ref.keyTag}`), first!.message, first!.fix);
    }
    const key = engineKey(secret.value, ref.flags);
    if (Buffer.from(key.dnskey).toString('base64') !== ref.dnskey)
      throw new StoreFailure(
        'STORE_DAMAGED',
        atObject(`${record.name} key ${ref.keyTag}`),
        'the stored secret does not belong to the published key',
        'restore the last backup',
      );
    return { key, secret: secret.value };
  }
}
