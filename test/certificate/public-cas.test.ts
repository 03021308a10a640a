/** Which public CA a certificate is from. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { publicIssuerOf } from '#certificate/public-cas.ts';
import { selfSignedCertificate } from '#certificate/x509.ts';
import { ISSUED, ISSUED_WILDCARD } from '../support/issued-certificate.ts';

test("by the organization of its issuer, with the CA's domains in CAA records", () => {
  const expected = { organization: "Let's Encrypt", identities: ['letsencrypt.org'] };
  expect(publicIssuerOf(ISSUED, 'mx1.post.example')).toEqual({ ...expected, isWildcard: false });
  expect(publicIssuerOf(ISSUED, 'MTA-STS.post.example')).toEqual({ ...expected, isWildcard: false });
  expect(publicIssuerOf(ISSUED_WILDCARD, 'mx1.post.example')).toEqual({ ...expected, isWildcard: true });
});

test('of a host that it is not for, nothing follows: no CA was asked for it', () => {
  expect(publicIssuerOf(ISSUED, 'mx2.post.example')).toBeUndefined();
  expect(publicIssuerOf(ISSUED_WILDCARD, 'post.example')).toBeUndefined();
});

test('a CA that nobody knows, and what is no certificate', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const times = { notBeforeMs: 0, notAfterMs: 1e12 };
  const own = selfSignedCertificate({ hosts: ['a.example'], privateKey, ...times, random: (bytes) => new Uint8Array(bytes).fill(7) });
  expect(publicIssuerOf(own, 'a.example')).toBeUndefined();
  for (const octets of [new Uint8Array(), Uint8Array.of(0x30, 0x82), ISSUED.subarray(0, 200)])
    expect(publicIssuerOf(octets, 'mx1.post.example')).toBeUndefined();
});
