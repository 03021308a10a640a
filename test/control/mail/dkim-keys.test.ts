/** DKIM keys: how they are made and sealed, and which of a zone's keys a signer is given. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newDkimKey, storedDkimKeys } from '#control/mail/dkim-keys.ts';
import { nameOf } from '#dns/name.ts';
import { createSealer } from '#store/seal.ts';
import { SIGNED_ZONE, signingControl } from '../../support/signing-control.ts';
import { good } from '../../support/temporary-control.ts';
import { TEST_KEK, countedRandom, temporaryStore } from '../../support/temporary-store.ts';

/** "p=" of a private key: RFC 6376 §3.6.1 has SubjectPublicKeyInfo for RSA, RFC 8463 §4.2 the 32 octets alone for Ed25519. */
function publicPart(pem: string): string {
  const key = createPublicKey(createPrivateKey(pem));
  const spki = key.export({ type: 'spki', format: 'der' });
  return (key.asymmetricKeyType === 'rsa' ? spki : spki.subarray(-32)).toString('base64');
}

describe('a new key', () => {
  test.each([
    ['rsa2048', 'rsa'],
    ['ed25519', 'ed25519'],
  ] as const)('%s: sealed under its own id, with the public part of what is sealed', async (algorithm, kind) => {
    const sealer = createSealer(TEST_KEK, countedRandom());
    const { key, sealed } = await newDkimKey(algorithm, sealer, countedRandom());
    expect(Buffer.from(sealed).toString('latin1')).not.toContain('PRIVATE KEY');
    const opened = sealer.open({ purpose: 'dkim-key', id: key.secretId, version: 1 }, sealed);
    const pem = Buffer.from(opened.ok ? opened.value : []).toString('latin1');
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    const made = createPrivateKey(pem);
    expect(made.asymmetricKeyType).toBe(kind);
    // RFC 8301 §3.2.
    if (kind === 'rsa') expect(made.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048, publicExponent: 65_537n });
    expect(key).toMatchObject({ algorithm, publicKey: publicPart(pem) });
    expect(sealer.open({ purpose: 'dkim-key', id: `${key.secretId}0`, version: 1 }, sealed).ok).toBe(false);
  });

  test('has an id of its own', async () => {
    const sealer = createSealer(TEST_KEK, countedRandom());
    const random = countedRandom();
    const ids = [await newDkimKey('ed25519', sealer, random), await newDkimKey('ed25519', sealer, random)].map(({ key }) => key.secretId);
    expect(new Set(ids).size).toBe(2);
  });
});

describe('keys of the store', () => {
  test('those that mail is signed with, each with the private part of what it publishes', async () => {
    const room = await signingControl();
    const keys = storedDkimKeys(room.writer).keysFor(SIGNED_ZONE);
    expect(keys.map(({ selector }) => selector).toSorted()).toEqual(room.active().toSorted());
    expect(keys.map(({ algorithm }) => algorithm).toSorted()).toEqual(['ed25519-sha256', 'rsa-sha256']);
    for (const key of keys) {
      expect(publicPart(key.privateKeyPem())).toBe(key.publicKey);
      expect(key.state).toBe('active');
      expect(key.validUntilSeconds).toBeUndefined();
      expect(key.validFromSeconds * 1000).toBeLessThanOrEqual(room.clock.nowMs());
    }
  });

  test('none of a kind that the policy does without: its record goes when the mail of before has arrived', async () => {
    const room = await signingControl();
    good(await room.run({ kind: 'mail.apply', zone: SIGNED_ZONE, policy: { dkim: { algorithms: ['ed25519'] } } }));
    expect(storedDkimKeys(room.writer).keysFor(SIGNED_ZONE)).toMatchObject([{ algorithm: 'ed25519-sha256', state: 'active' }]);
    good(await room.run({ kind: 'mail.apply', zone: SIGNED_ZONE, policy: { dkim: { algorithms: [] } } }));
    expect(storedDkimKeys(room.writer).keysFor(SIGNED_ZONE)).toEqual([]);
  });

  test('RFC 4343: the case of the zone does not matter', async () => {
    const room = await signingControl();
    expect(storedDkimKeys(room.writer).keysFor(nameOf('POST.example.'))).toHaveLength(2);
  });

  test('none of a zone without a policy, nor of one that is not served', async () => {
    const room = await signingControl();
    expect(storedDkimKeys(room.writer).keysFor(nameOf('other.example.'))).toEqual([]);
    expect(storedDkimKeys(room.writer).keysFor(nameOf('gone.example.'))).toEqual([]);
    expect(storedDkimKeys(temporaryStore().writer).keysFor(SIGNED_ZONE)).toEqual([]);
  });
});
