/**
 * Signing keys of zones: made, sealed for the store, opened when a zone has to be signed. Secrets live here and in the
 * signer, nowhere else.
 * Implements: RFC 6781 §3.1 (one key in both roles: CSK), RFC 4034 App. B (a new key's tag differs from those in use).
 * Not here: the sealing itself (store/seal.ts), what a key does at which stage (dnssec/key-stage.ts).
 */
import { KEY_TAG_TRIES_MAX } from '#base/limits/dnssec.ts';
import { atObject } from '#base/place.ts';
import { assert } from '#base/assert.ts';
import { type AlgorithmNumber, ECDSA_P256 } from '#dnssec/algorithm.ts';
import { type SigningKey, engineKey, generateSecret, isSecret } from '#dnssec/key.ts';
import { type KeyRole, type KeyStage, roleFlags } from '#dnssec/key-stage.ts';
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

/** What a key's secret is sealed as. */
export const keyLabel = (id: string): SealLabel => ({ purpose: 'dnssec-key', id, version: 1 });

export interface WantedKey {
  readonly role: KeyRole;
  readonly algorithm: AlgorithmNumber;
  readonly stage: KeyStage;
}

/** What a zone that is signed for the first time gets. */
export const FIRST_KEY: WantedKey = { role: 'csk', algorithm: ECDSA_P256, stage: 'active' };

/** Keys that were made here, by their sealed octets: opening and probing one takes milliseconds. */
const MADE = new WeakMap<Uint8Array, OpenKey>();

/** Makes a key whose key tag is not among `tagsInUse`, sealed. */
export function newZoneKey(
  zone: string,
  tagsInUse: readonly number[],
  sealer: Sealer,
  random: (bytes: number) => Uint8Array,
  nowMs: number,
  { role, algorithm, stage }: WantedKey = FIRST_KEY,
): NewZoneKey {
  for (let tries = 0; tries < KEY_TAG_TRIES_MAX; tries++) {
    const secret = generateSecret(random, algorithm);
    const key = engineKey(secret, roleFlags(role), algorithm);
    if (tagsInUse.includes(key.keyTag)) continue;
    const id = `${zone}${key.keyTag}-${Buffer.from(random(4)).toString('hex')}`;
    const sealed = sealer.seal(keyLabel(id), secret);
    MADE.set(sealed, { key, secret });
    return {
      key,
      secret,
      sealed,
      ref: {
        id,
        keyTag: key.keyTag,
        algorithm,
        role,
        flags: key.flags,
        state: stage,
        createdAtMs: nowMs,
        dnskey: Buffer.from(key.dnskey).toString('base64'),
      },
    };
  }
  assert(false, 'every new key has a key tag in use: the random source repeats itself');
}

const NO_SECRETS: ReadonlyMap<string, Uint8Array> = new Map();

/** Opens a zone's keys once and keeps them, by key id. */
export class KeyRing {
  readonly #sealer: Sealer;
  readonly #sealedSecret: (zoneId: number, id: string) => Uint8Array | undefined;
  readonly #opened = new Map<string, OpenKey>();

  constructor(sealer: Sealer, sealedSecret: (zoneId: number, id: string) => Uint8Array | undefined) {
    this.#sealer = sealer;
    this.#sealedSecret = sealedSecret;
  }

  /**
   * The zone's keys in the order of its record; `fresh`: sealed secrets by key id that the store does not have yet.
   * Throws StoreFailure when one is missing, does not open, or is not the key it says.
   */
  keysOf(record: ZoneRecord, fresh: ReadonlyMap<string, Uint8Array> = NO_SECRETS): readonly OpenKey[] {
    return record.keys.map((ref) => {
      const id = `${record.id}/${ref.id}`;
      const sealed = fresh.get(ref.id);
      // Whether a fresh key stays is only known after the commit.
      if (sealed !== undefined) return MADE.get(sealed) ?? this.#open(record, ref, sealed);
      const known = this.#opened.get(id);
      if (known !== undefined) return known;
      const key = this.#open(record, ref, this.#sealedSecret(record.id, ref.id));
      this.#opened.set(id, key);
      return key;
    });
  }

  /** Of the keys in the store now, these were made here: they are open already. */
  keep(zoneId: number, fresh: ReadonlyMap<string, Uint8Array>): void {
    for (const [id, sealed] of fresh) {
      const made = MADE.get(sealed);
      if (made !== undefined) this.#opened.set(`${zoneId}/${id}`, made);
    }
  }

  /** These of the zone's keys are gone. */
  forget({ id, keys }: { readonly id: number; readonly keys: readonly Pick<ZoneKeyRef, 'id'>[] }): void {
    for (const ref of keys) this.#opened.delete(`${id}/${ref.id}`);
  }

  #open(record: ZoneRecord, ref: ZoneKeyRef, sealed: Uint8Array | undefined): OpenKey {
    if (sealed === undefined)
      throw new StoreFailure(
        'STORE_DAMAGED',
        atObject(`${record.name} key ${ref.keyTag}`),
        'the secret of a signing key is not in the store',
        'restore the last backup',
      );
    const secret = this.#sealer.open(keyLabel(ref.id), sealed);
    if (!secret.ok) {
      const [first] = secret.problems;
      throw new StoreFailure('SECRET_SEALED', atObject(`${record.name} key ${ref.keyTag}`), first!.message, first!.fix);
    }
    const isUsable = isSecret(secret.value, ref.algorithm);
    const key = isUsable ? engineKey(secret.value, ref.flags, ref.algorithm) : undefined;
    if (key === undefined || Buffer.from(key.dnskey).toString('base64') !== ref.dnskey)
      throw new StoreFailure(
        'STORE_DAMAGED',
        atObject(`${record.name} key ${ref.keyTag}`),
        'the stored secret does not belong to the published key',
        'restore the last backup',
      );
    return { key, secret: secret.value };
  }
}
