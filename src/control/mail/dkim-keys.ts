/**
 * DKIM private keys: made here, sealed into the store, opened for a moment when a signer fetches one. Never in an answer of the admin
 * API, in a log, or kept open.
 * Implements: RFC 8301 §3.2 (RSA of 2048 bits), RFC 8463 §3 (Ed25519).
 * Not here: when keys change (mail/dkim/lifecycle.ts), who may fetch them (signers).
 */
import { atObject } from '#base/place.ts';
import { type KeyObject, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

import { assert } from '#base/assert.ts';
import { type Name, lowerName } from '#dns/name.ts';
import { type LifecycleState } from '#lifecycle/state.ts';
import { dkimRecordFor } from '#mail/dkim/key.ts';
import { type DkimKey, type DkimState, type NewDkimKey, isDkimKeyWanted } from '#mail/dkim/lifecycle.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type DkimAlgorithm } from '#mail/policy/schema.ts';
import { StoreFailure } from '#store/failure.ts';
import { type SealLabel, type Sealer } from '#store/seal.ts';
import { type StoreWriter } from '#store/writer.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { readDkimState } from '#store/mail/state.ts';
import { readTimeline } from '#store/timeline.ts';

/** One key as signers see it. Only keys that mail may be signed with: `active`, and `retiring` until its signers have switched. */
export interface DkimSigningKey {
  readonly selector: string;
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  /** Stage of the key's life: `active` or `retiring`. */
  readonly state: string;
  /** base64, as in "p=". */
  readonly publicKey: string;
  /** Wall time from which mail may be signed with it. */
  readonly validFromSeconds: number;
  /** Wall time by which signers should have left it; absent while it is active. */
  readonly validUntilSeconds?: number;
  /** The private key in PKCS #8, PEM: opened now, for this call. Throws StoreFailure when it does not open. */
  privateKeyPem(): string;
}

/** Where signers' keys come from. */
export interface DkimKeySource {
  /** Keys of the zone's mail policy whose private part is here; empty when the zone has no policy or is not served. Newest last. */
  keysFor(zone: Name): readonly DkimSigningKey[];
}

const ALGORITHM = { rsa2048: 'rsa-sha256', ed25519: 'ed25519-sha256' } as const;
const SECRET_ID_BYTES = 12;
const label = (id: string): SealLabel => ({ purpose: 'dkim-key', id, version: 1 });

/** The keys that the store has. */
export function storedDkimKeys(writer: StoreWriter): DkimKeySource {
  return {
    keysFor(zone) {
      const record = writer.zoneByName(lowerName(zone));
      const policy = record === undefined ? undefined : readMailPolicy(writer, record);
      const state = record === undefined ? undefined : readDkimState(writer, record.id);
      if (record === undefined || policy === undefined || state === undefined) return [];
      const offsetMs = readTimeline(writer)?.wallOffsetMs ?? 0;
      return signable(state.lifecycle, policy.dkim).map(({ id, stage, data, enteredAtMs, history }): DkimSigningKey => {
        const activeMs = history.findLast((each) => each.to === 'active')?.atMs ?? enteredAtMs;
        const untilMs = enteredAtMs + policy.dkim.signerLagMs + offsetMs;
        return {
          selector: id,
          algorithm: ALGORITHM[data.algorithm],
          state: stage,
          publicKey: data.publicKey,
          validFromSeconds: Math.floor((activeMs + offsetMs) / 1000),
          ...(stage === 'active' ? {} : { validUntilSeconds: Math.ceil(untilMs / 1000) }),
          privateKeyPem: () => openPem(writer, record.id, data.secretId!),
        };
      });
    },
  };
}

/**
 * A key that is visible everywhere and waits for its turn is not given out beforehand with a start in the future, though rspamd would
 * heed it. Its turn comes in counted time, which signers do not have: a clock that is set, theirs or ours, would let them begin before
 * negative caches have forgotten. Until then it may be held, revoked, or unwanted and taken out of the zone, and who keeps an old answer
 * does not hear of it. Nothing is lost: rspamd asks for each message, files are written at once, other signers have `signerLag`.
 * A key that the policy does without is on its way out for good: mail that was signed with it until the end could not be verified.
 */
function signable({ objects }: LifecycleState<DkimKey['data']>, policy: MailPolicy['dkim']): readonly DkimKey[] {
  return objects.filter(({ stage, data }) => {
    const isOnItsWayOut = stage === 'retiring' && isDkimKeyWanted(data, policy);
    return data.secretId !== undefined && (stage === 'active' || isOnItsWayOut);
  });
}

function openPem(writer: StoreWriter, zoneId: number, secretId: string): string {
  const opened = writer.secret(zoneId, label(secretId));
  if (opened === undefined)
    throw new StoreFailure('STORE_DAMAGED', atObject(secretId), 'the secret of a DKIM key is not in the store', 'restore the last backup');
  const pem = Buffer.from(opened.buffer, opened.byteOffset, opened.length).toString('latin1');
  opened.fill(0);
  return pem;
}

/** A key that no transaction holds yet. */
export interface FreshDkimKey {
  readonly key: NewDkimKey & { readonly secretId: string };
  /** For the store's `secrets`, under `key.secretId`. */
  readonly sealed: Uint8Array;
}

const generate = promisify(generateKeyPair);

/** Makes a key pair off this thread and seals its private part. */
export async function newDkimKey(algorithm: DkimAlgorithm, sealer: Sealer, random: (bytes: number) => Uint8Array): Promise<FreshDkimKey> {
  const { publicKey, privateKey } =
    algorithm === 'rsa2048' ? await generate('rsa', { modulusLength: 2048, publicExponent: 65_537 }) : await generate('ed25519');
  const secretId = `dkim-${Buffer.from(random(SECRET_ID_BYTES)).toString('hex')}`;
  const pem = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'latin1');
  const sealed = sealer.seal(label(secretId), pem);
  pem.fill(0);
  return { key: { algorithm, publicKey: publicText(publicKey), secretId }, sealed };
}

function publicText(publicKey: KeyObject): string {
  const record = dkimRecordFor(publicKey);
  assert(record.ok, 'a key just made is not good for DKIM');
  return Buffer.from(record.value.publicKey).toString('base64');
}

export type { DkimState };
