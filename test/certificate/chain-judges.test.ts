/** Certificate chains that openssl makes: good ones, and those that must never be installed. */
import { type KeyObject, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkChain } from '#certificate/chain.ts';
import { atObject } from '#base/place.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';

const HOST = 'mta-sts.post.example';
const NOW_MS = Date.now();
const DAY_MS = 86_400_000;

let ca: ThrowawayCa;
let pair: Pair;
beforeAll(() => {
  ca = throwawayCa();
  pair = ca.leaf([HOST, 'www.post.example']);
});
afterAll(() => ca.remove());

function check(text: string, key: string | KeyObject, host: string | undefined = HOST, nowMs = NOW_MS) {
  const privateKey = typeof key === 'string' ? createPrivateKey(key) : key;
  const checked = checkChain(text, { privateKey, nowMs, at: atObject(HOST), ...(host === undefined ? {} : { host }) });
  return checked.ok ? checked.value : checked.problems.map(({ message }) => message);
}

describe('a good chain', () => {
  test('has its names, times and issuer', () => {
    expect(check(`${pair.cert}${ca.root}`, pair.key)).toMatchObject({
      names: [HOST, 'www.post.example'],
      notBeforeMs: Date.UTC(2020, 0, 1),
      notAfterMs: Date.UTC(2049, 11, 31),
      issuer: 'CN=Throwaway CA',
    });
  });

  test('is kept without what stood between the certificates', () => {
    const checked = check(`subject=CN = x\n${pair.cert}\n; a comment\n${ca.root}`, pair.key);
    expect('pem' in checked && checked.pem.replaceAll(/[\s=A-Za-z0-9+/]/g, '')).toBe('-'.repeat(40));
    expect('pem' in checked && checked.pem.startsWith('-----BEGIN CERTIFICATE-----\n')).toBe(true);
  });
});

describe('rejected', () => {
  const rejected = (what: string, text: string, of: () => ReturnType<typeof check>) =>
    test(`a chain: ${what}`, () => {
      const found = of();
      expect(Array.isArray(found) ? found.join('; ') : 'accepted').toContain(text);
    });
  rejected('nothing', 'it contains no certificate', () => check('', pair.key));
  rejected('garbage', 'it contains no certificate', () => check('<html>404</html>', pair.key));
  rejected('a certificate of garbage', 'not a certificate', () =>
    check('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', pair.key),
  );
  rejected('another name', `it is for ${HOST}, www.post.example, not for mail.post.example`, () =>
    check(pair.cert, pair.key, 'mail.post.example'),
  );
  rejected('a name that only the subject has', 'it is for no name', () => {
    const old = ca.leaf([HOST], { isWithoutNames: true });
    return check(old.cert, old.key);
  });
  rejected('another key', 'another key', () => check(pair.cert, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey));
  rejected('the key of another kind', 'another key', () => check(pair.cert, generateKeyPairSync('ed25519').privateKey));
  rejected('expired', 'it has expired at 2020-02-01 00:00 UTC', () => {
    const old = ca.leaf([HOST], { to: '20200201000000Z' });
    return check(old.cert, old.key);
  });
  rejected('not valid yet', 'it is not valid before 2048-01-01 00:00 UTC', () => {
    const early = ca.leaf([HOST], { from: '20480101000000Z' });
    return check(early.cert, early.key);
  });
  rejected('a CA', 'it is the certificate of a CA', () => check(ca.root, pair.key));
  rejected('in the wrong order', 'it is for no name', () => check(`${ca.root}${pair.cert}`, pair.key));
  rejected('with a stranger behind it', 'certificate 2 of the chain did not sign the one before it', () =>
    check(`${pair.cert}${ca.leaf(['x.example']).cert}`, pair.key),
  );
  rejected('with an issuer that has expired', 'certificate 2 of the chain has expired', () =>
    check(`${pair.cert}${ca.root}`, pair.key, HOST, NOW_MS + 5 * DAY_MS),
  );
  rejected('endless', 'longer than any client takes', () => check(pair.cert.repeat(100), pair.key));
});
