/** From when to when a signer signs with which key: RFC 6376 §3.1, whatever the age of the answer. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SIGNER_CLOCK_SKEW_SECONDS } from '#base/limits/signers.ts';
import { type DkimSigningKey } from '#control/mail/dkim-keys.ts';
import { rspamdSelector } from '#control/signers/forms.ts';
import { signingNow, signingWindows } from '#control/signers/windows.ts';
import { publicKeyOf, signerKey } from '../../support/fake-signer-keys.ts';

const selectors = (keys: readonly DkimSigningKey[]) => keys.map(({ selector }) => selector);

describe('RFC 6376 §3.1: the key that signs', () => {
  test('of each algorithm the active one; a key on its way out is left to verifiers', () => {
    const keys = [signerKey('r1', 'retiring', 10), signerKey('e1', 'active', 5, 'ed25519-sha256'), signerKey('r2', 'active', 20)];
    expect(selectors(signingNow(signingWindows(keys), 100))).toEqual(['r2', 'e1']);
    expect(signingWindows(keys).every(({ endSeconds }) => endSeconds === undefined)).toBe(true);
  });

  test('the switch is in the answer when it is settled: the old key ends where the new one begins', () => {
    const windows = signingWindows([signerKey('r1', 'active', 10), signerKey('r2', 'visible', 50)]);
    expect(windows.map(({ key, startSeconds, endSeconds }) => [key.selector, startSeconds, endSeconds])).toEqual([
      ['r1', 10 - SIGNER_CLOCK_SKEW_SECONDS, 50],
      ['r2', 50, undefined],
    ]);
    expect([49, 50].map((now) => selectors(signingNow(windows, now)))).toEqual([['r1'], ['r2']]);
  });

  test('a signer whose clock is behind does not find the new key too young', () => {
    const windows = signingWindows([signerKey('r1', 'retiring', 0), signerKey('r2', 'active', 10_000)]);
    expect(selectors(signingNow(windows, 10_000 - 3000))).toEqual(['r2']);
  });

  test('while nothing else can sign, a key on its way out does: its record is still there', () => {
    expect(selectors(signingNow(signingWindows([signerKey('r1', 'retiring'), signerKey('r2', 'retiring', 5)]), 100))).toEqual(['r2']);
    const next = [signerKey('r1', 'retiring'), signerKey('r2', 'visible', 500)];
    expect([499, 500].map((now) => selectors(signingNow(signingWindows(next), now)))).toEqual([['r1'], ['r2']]);
  });

  test('keys that are not published, revoked or compromised are never given', () => {
    const keys = ['generated', 'revoked', 'compromised', 'removed'].map((state) => signerKey(`k${state}`, state));
    expect(signingWindows(keys)).toEqual([]);
  });

  test('at every moment exactly one key of each algorithm signs, with an answer of any age', () => {
    const lives = fc.record({
      steps: fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 6 }),
      fetchedAt: fc.integer({ min: 0, max: 5000 }),
      age: fc.integer({ min: 0, max: 5000 }),
      isKnown: fc.boolean(),
    });
    fc.assert(
      fc.property(lives, lives, (rsa, ed25519) => {
        const now = rsa.fetchedAt;
        const keys = [
          ...keysAt(rsa.steps, now, 'rsa-sha256', rsa.isKnown),
          ...keysAt(ed25519.steps, now, 'ed25519-sha256', ed25519.isKnown),
        ];
        const used = signingNow(signingWindows(keys), now + rsa.age);
        expect(used.filter(({ algorithm }) => algorithm === 'rsa-sha256')).toHaveLength(1);
        expect(used.filter(({ algorithm }) => algorithm === 'ed25519-sha256')).toHaveLength(1);
      }),
    );
  });
});

/** A row of keys, each taking over when its step is over, as the life cycle shows them at `now`; the next one only when it is known. */
function keysAt(steps: readonly number[], now: number, algorithm: DkimSigningKey['algorithm'], isKnown: boolean): DkimSigningKey[] {
  let start = 0;
  const starts = [0, ...steps.map((step) => (start += step))];
  const active = starts.findLastIndex((each) => each <= now);
  return starts.flatMap((from, at) => {
    if (at > active + (isKnown ? 1 : 0)) return [];
    return [signerKey(`k${at}`, at < active ? 'retiring' : at === active ? 'active' : 'visible', from, algorithm)];
  });
}

describe("keys as rspamd's own vault command makes them", () => {
  const data = Buffer.from('one message');

  test('RFC 8017 App. A.1.2: RSA as base64 of PKCS #1', () => {
    const given = rspamdSelector('example.com', { key: signerKey('r1', 'active'), startSeconds: 7, endSeconds: 9 });
    expect(given).toMatchObject({ selector: 'r1', domain: 'example.com', alg: 'rsa', valid_start: 7, valid_end: 9 });
    const key = createPrivateKey({ key: Buffer.from(given.key, 'base64'), format: 'der', type: 'pkcs1' });
    expect(verify('sha256', data, publicKeyOf('rsa-sha256'), sign('sha256', data, key))).toBe(true);
  });

  test('RFC 8032 §5.1.5: Ed25519 as base64 of its 32 octets and the public key', () => {
    const given = rspamdSelector('example.com', { key: signerKey('e1', 'active', 0, 'ed25519-sha256'), startSeconds: 7 });
    expect(given).not.toHaveProperty('valid_end');
    const octets = Buffer.from(given.key, 'base64');
    expect(octets).toHaveLength(64);
    const head = Buffer.from('302e020100300506032b657004220420', 'hex');
    const key = createPrivateKey({ key: Buffer.concat([head, octets.subarray(0, 32)]), format: 'der', type: 'pkcs8' });
    expect(verify(null, data, publicKeyOf('ed25519-sha256'), sign(null, data, key))).toBe(true);
    expect(createPublicKey(key).export({ format: 'jwk' }).x).toBe(octets.subarray(32).toString('base64url'));
  });
});
