/** Signed requests to a CA, with keys and values of RFCs. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { dns01Owner, dns01Value } from '#certificate/challenge.ts';
import { accountJwk, externalBinding, jwkThumbprint, signRequest } from '#certificate/jws.ts';
import { formatName } from '#dns/name.ts';

/** RFC 7515 appendix A.3.1. */
const KEY = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
  },
});
const URL = 'https://ca.example/new-order';

const decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString());

describe('RFC 7638: the thumbprint of a key', () => {
  test('is what RFC 9449 §6.1 shows for its EC key', () => {
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
      y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
    } as const;
    expect(jwkThumbprint(jwk)).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I');
  });

  test('a private key and its public one have the same public JWK, without d', () => {
    expect(accountJwk(KEY)).toEqual(accountJwk(createPublicKey(KEY)));
    expect(Object.keys(accountJwk(KEY)).toSorted()).toEqual(['crv', 'kty', 'x', 'y']);
  });
});

describe('RFC 8555 §6.2: requests', () => {
  test('a new account signs with its key in the header, ES256 as two numbers, over both parts', () => {
    const jws = signRequest({ key: KEY }, URL, 'nonce-1', { termsOfServiceAgreed: true });
    expect(decode(jws.protected)).toEqual({ alg: 'ES256', nonce: 'nonce-1', url: URL, jwk: accountJwk(KEY) });
    expect(decode(jws.payload)).toEqual({ termsOfServiceAgreed: true });
    const signature = Buffer.from(jws.signature, 'base64url');
    expect(signature).toHaveLength(64);
    const key = { key: createPublicKey(KEY), dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', Buffer.from(`${jws.protected}.${jws.payload}`), key, signature)).toBe(true);
  });

  test('an account signs with its URL as kid, and POST-as-GET has an empty payload (§6.3)', () => {
    const jws = signRequest({ key: KEY, accountUrl: 'https://ca.example/acct/1' }, URL, 'n', undefined);
    expect(decode(jws.protected)).toEqual({ alg: 'ES256', nonce: 'n', url: URL, kid: 'https://ca.example/acct/1' });
    expect(jws.payload).toBe('');
  });

  test('§7.3.4: an external account binding has no nonce, and is a MAC over the account key', () => {
    // RFC 7515 appendix A.1: the key of its HS256 example.
    const mac = Buffer.from('AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow', 'base64url');
    const jws = externalBinding(KEY, 'https://ca.example/new-account', 'key-1', mac);
    expect(decode(jws.protected)).toEqual({ alg: 'HS256', kid: 'key-1', url: 'https://ca.example/new-account' });
    expect(decode(jws.payload)).toEqual(accountJwk(KEY));
    expect(Buffer.from(jws.signature, 'base64url')).toHaveLength(32);
  });

  test('another kind of key is a bug, not a request', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    expect(() => accountJwk(privateKey)).toThrow('P-256');
  });
});

describe('RFC 8555 §8.4: dns-01', () => {
  test('the value is 43 characters of base64url, and depends on token and key', () => {
    const value = dns01Value('evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA', accountJwk(KEY));
    expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(dns01Value('evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oB', accountJwk(KEY))).not.toBe(value);
  });

  test('the owner is _acme-challenge below the host; a host that leaves no place for it has none', () => {
    const owner = dns01Owner('mta-sts.example.com');
    expect(owner.ok && formatName(owner.value)).toBe('_acme-challenge.mta-sts.example.com.');
    expect(dns01Owner(Array.from({ length: 4 }, () => 'a'.repeat(60)).join('.')).ok).toBe(false);
  });
});
