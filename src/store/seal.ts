/**
 * Secrets at rest: AES-256-GCM under the key-encryption key (KEK), so that neither the store nor a backup of it holds a usable key.
 *
 *   0  u8   format: 1
 *   1  12   nonce, random
 *  13  the encrypted octets, then 16 octets of tag
 *
 * What a secret is for, its id and its version are authenticated with it: a sealed key copied to another zone's place does not open.
 * Implements: NIST SP 800-38D (GCM; random nonces are good for 2³² seals under one key, far above any number of keys and rotations).
 * Not here: where the KEK comes from (kek.ts), where sealed octets are kept (writer.ts).
 */
import { type KeyObject, createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync } from 'node:crypto';

import { assert } from '#base/assert.ts';
import { atObject } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

export const KEK_BYTES = 32;
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES;

/** What a secret is: authenticated, not encrypted. */
export interface SealLabel {
  /** `dnssec-key`, `kek-check`. */
  readonly purpose: string;
  readonly id: string;
  /** Raised when a secret under the same id is replaced; 1 otherwise. */
  readonly version: number;
}

export interface Sealer {
  /** Sealed octets, safe to store. */
  seal(label: SealLabel, secret: Uint8Array): Uint8Array;
  /** The secret, or SECRET_SEALED when the KEK, the label or one octet is not what it was. Never garbage. */
  open(label: SealLabel, sealed: Uint8Array): Result<Uint8Array>;
  /** HMAC-SHA-256 of `data` under a key for `purpose`, derived from the KEK. */
  mac(purpose: string, data: Uint8Array): Uint8Array;
}

/** A sealer whose key can become another: new seals and MACs are of the next key, and seals of both open. */
export interface ChangingSealer extends Sealer {
  /** Absent: nothing changes now. */
  readonly next: Sealer | undefined;
  /** From now on. */
  begin(next: Sealer): void;
  /** Nothing is sealed under the key of before any more: it is forgotten. */
  end(): void;
}

export function changingSealer(first: Sealer): ChangingSealer {
  let current = first;
  let next: Sealer | undefined;
  return {
    get next() {
      return next;
    },
    begin: (to) => void (next = to),
    end() {
      assert(next !== undefined, 'no key follows');
      current = next;
      next = undefined;
    },
    seal: (label, secret) => (next ?? current).seal(label, secret),
    mac: (purpose, data) => (next ?? current).mac(purpose, data),
    open(label, sealed) {
      const opened = next?.open(label, sealed);
      return opened?.ok === true ? opened : current.open(label, sealed);
    },
  };
}

/** A sealer for the given KEK. The octets given may be wiped afterwards; the key is never shown in errors or by inspection. */
export function createSealer(kek: Uint8Array, random: (bytes: number) => Uint8Array): Sealer {
  assert(kek.length === KEK_BYTES, 'a key-encryption key has 32 octets');
  const key: KeyObject = createSecretKey(kek);
  /** Keys of MACs by purpose; deriving one takes longer than a MAC. */
  const macKeys = new Map<string, KeyObject>();
  const macKey = (purpose: string): KeyObject => {
    const info = `waxseal mac ${purpose}`;
    const derive = () => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), info, KEK_BYTES));
    const known = macKeys.get(purpose) ?? createSecretKey(derive());
    macKeys.set(purpose, known);
    return known;
  };
  return {
    seal(label, secret) {
      const nonce = random(NONCE_BYTES);
      assert(nonce.length === NONCE_BYTES, 'random gave another length');
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(associatedData(label));
      return new Uint8Array(Buffer.concat([Buffer.from([FORMAT]), nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]));
    },
    open(label, sealed) {
      const refused = (why: string): Result<Uint8Array> =>
        fail(
          problem('SECRET_SEALED', atObject(`${label.purpose} ${label.id}`), `the sealed secret does not open: ${why}`, {
            fix: 'give the key-encryption key that this store was made with, or restore the secret from a backup',
          }),
        );
      if (sealed.length < HEAD_BYTES + TAG_BYTES) return refused('it is cut short');
      if (sealed[0] !== FORMAT) return refused(`it has format ${sealed[0]}, this version reads ${FORMAT}`);
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, HEAD_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(associatedData(label));
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
      try {
        return ok(
          new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES, sealed.length - TAG_BYTES)), decipher.final()])),
        );
      } catch {
        // Only the tag can fail here; OpenSSL's text says nothing more.
        return refused('another key-encryption key, or changed octets');
      }
    },
    mac(purpose, data) {
      return new Uint8Array(createHmac('sha256', macKey(purpose)).update(data).digest());
    },
  };
}

/** Unambiguous whatever the texts hold. */
function associatedData(label: SealLabel): Buffer {
  return Buffer.from(JSON.stringify(['waxseal seal', FORMAT, label.purpose, label.id, label.version]), 'utf8');
}
