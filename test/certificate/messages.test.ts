/** Answers of CAs, in the forms of RFC 8555, and what is no answer. */
import { describe, expect, test } from 'vitest';
import { readAuthorization, readDirectory, readOrder, readProblem, readUrl } from '#certificate/messages.ts';

const CA = 'https://example.com/acme/directory';
const HOST = 'www.example.org';

/** RFC 8555 §7.1.1, with profiles and renewalInfo as CAs have them now. */
const DIRECTORY = {
  newNonce: 'https://example.com/acme/new-nonce',
  newAccount: 'https://example.com/acme/new-account',
  newOrder: 'https://example.com/acme/new-order',
  revokeCert: 'https://example.com/acme/revoke-cert',
  renewalInfo: 'https://example.com/acme/renewal-info',
  meta: {
    termsOfService: 'https://example.com/acme/terms/2017-5-30',
    caaIdentities: ['Example.com'],
    externalAccountRequired: true,
    profiles: { classic: 'https://example.com/classic', shortlived: 'six days' },
  },
};

const ORDER = {
  status: 'pending',
  expires: '2026-12-05T14:09:07.99Z',
  identifiers: [{ type: 'dns', value: HOST }],
  authorizations: ['https://example.com/acme/authz/PAniVnsZcis'],
  finalize: 'https://example.com/acme/order/TOlocE8rfgo/finalize',
};

const AUTHORIZATION = {
  status: 'pending',
  identifier: { type: 'dns', value: HOST },
  challenges: [
    { type: 'http-01', url: 'https://example.com/acme/chall/prV_B7yEyA4', token: 'DGyRejmCefe7v4NfDGDKfA' },
    { type: 'dns-01', url: 'https://example.com/acme/chall/Rg5dV14Gh1Q', status: 'pending', token: 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ' },
  ],
};

describe('RFC 8555 §7.1.1: a directory', () => {
  test('has its resources, what it offers, and by which names CAA calls it', () => {
    const read = readDirectory(DIRECTORY, CA);
    expect(read.ok && read.value).toEqual({
      url: CA,
      newNonce: DIRECTORY.newNonce,
      newAccount: DIRECTORY.newAccount,
      newOrder: DIRECTORY.newOrder,
      renewalInfo: DIRECTORY.renewalInfo,
      profiles: ['classic', 'shortlived'],
      caaIdentities: ['example.com'],
      isExternalAccountRequired: true,
    });
  });

  const bad: [string, unknown][] = [
    ['no object', 'directory'],
    ['null', null],
    ['a list', [DIRECTORY]],
    ['no newOrder', { ...DIRECTORY, newOrder: undefined }],
    ['a resource without TLS', { ...DIRECTORY, newOrder: 'http://example.com/acme/new-order' }],
    ['a resource on another server', { ...DIRECTORY, newNonce: 'https://169.254.169.254/latest' }],
    ['a resource on another port', { ...DIRECTORY, newNonce: 'https://example.com:8443/n' }],
    ['a resource that is too long', { ...DIRECTORY, newNonce: `https://example.com/${'n'.repeat(2000)}` }],
  ];
  for (const [what, value] of bad)
    test(`is not ${what}`, () => {
      const read = readDirectory(value, CA);
      expect(read.ok ? 'read' : read.problems.map(({ code }) => code)).toEqual(['ACME_ANSWER']);
    });

  test('renewal information elsewhere is not asked for; what meta says wrongly is not there', () => {
    const read = readDirectory({ ...DIRECTORY, renewalInfo: 'https://other.example/ari', meta: { profiles: 'x', caaIdentities: [7] } }, CA);
    expect(read.ok && read.value).toMatchObject({ profiles: [], caaIdentities: [], isExternalAccountRequired: false });
    expect(read.ok && 'renewalInfo' in read.value).toBe(false);
  });
});

describe('RFC 8555 §7.1.3: an order', () => {
  test('is for the host, with one authorization', () => {
    const read = readOrder(ORDER, HOST, CA);
    expect(read.ok && read.value).toEqual({
      status: 'pending',
      expiresAtMs: Date.UTC(2026, 11, 5, 14, 9, 7, 990),
      authorization: ORDER.authorizations[0],
      finalize: ORDER.finalize,
    });
  });

  test('an order that failed says why', () => {
    const error = { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA forbids it' };
    const read = readOrder({ ...ORDER, status: 'invalid', error }, HOST, CA);
    expect(read.ok && read.value.error).toEqual({ type: 'caa', detail: 'CAA forbids it' });
  });

  const bad: [string, unknown][] = [
    ['an unknown status', { ...ORDER, status: 'maybe' }],
    ['the order of another host', { ...ORDER, identifiers: [{ type: 'dns', value: 'evil.example' }] }],
    ['an order for two hosts', { ...ORDER, identifiers: [...ORDER.identifiers, { type: 'dns', value: 'evil.example' }] }],
    ['an order for an address', { ...ORDER, identifiers: [{ type: 'ip', value: HOST }] }],
    ['an order without authorizations', { ...ORDER, authorizations: [] }],
    ['an authorization elsewhere', { ...ORDER, authorizations: ['https://evil.example/authz'] }],
    ['a valid order without a certificate', { ...ORDER, status: 'valid' }],
    ['a certificate elsewhere', { ...ORDER, status: 'valid', certificate: 'https://evil.example/cert' }],
  ];
  for (const [what, value] of bad) test(`is not ${what}`, () => expect(readOrder(value, HOST, CA).ok).toBe(false));
});

describe('RFC 8555 §7.1.4: an authorization', () => {
  test('has the dns-01 challenge among others', () => {
    const read = readAuthorization(AUTHORIZATION, HOST, CA);
    expect(read.ok && read.value).toEqual({
      status: 'pending',
      dns01: { url: 'https://example.com/acme/chall/Rg5dV14Gh1Q', token: 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ', status: 'pending' },
    });
  });

  test('may have none', () => {
    const read = readAuthorization({ ...AUTHORIZATION, challenges: AUTHORIZATION.challenges.slice(0, 1) }, HOST, CA);
    expect(read.ok && read.value).toEqual({ status: 'pending' });
  });

  const challenge = (change: object) => ({ ...AUTHORIZATION, challenges: [{ ...AUTHORIZATION.challenges[1], ...change }] });
  const bad: [string, unknown][] = [
    ['for another host', { ...AUTHORIZATION, identifier: { type: 'dns', value: 'evil.example' } }],
    ['with a token that is no base64url', challenge({ token: 'evaGxfADs6pSRb2LAv9IZf17Dt3 xGJ' })],
    ['with a token that is too short to be random', challenge({ token: 'short' })],
    ['with an endless token', challenge({ token: 'a'.repeat(10_000) })],
    ['with a challenge elsewhere', challenge({ url: 'https://evil.example/chall' })],
    ['with endless challenges', { ...AUTHORIZATION, challenges: Array.from({ length: 1000 }, () => ({})) }],
  ];
  for (const [what, value] of bad) test(`is not one ${what}`, () => expect(readAuthorization(value, HOST, CA).ok).toBe(false));
});

describe('RFC 8555 §6.7: what a CA says went wrong', () => {
  test('subproblems are told, and the text has an end', () => {
    const value = {
      type: 'urn:ietf:params:acme:error:rejectedIdentifier',
      detail: 'Some of the identifiers requested were rejected',
      subproblems: [{ type: 'x', detail: 'Invalid underscore in "_example.org"' }],
    };
    expect(readProblem(value)).toEqual({
      type: 'rejectedIdentifier',
      detail: 'Some of the identifiers requested were rejected; Invalid underscore in "_example.org"',
    });
    expect(readProblem({ type: 't'.repeat(5000), detail: 'd'.repeat(5000) }).detail.length).toBeLessThan(600);
  });

  test('what is no problem document is one without a text', () => {
    for (const value of [undefined, null, 7, 'no', [], {}]) expect(readProblem(value)).toEqual({ type: 'unknown', detail: '' });
  });
});

describe('a URL that a CA names', () => {
  test('is asked when it is https and on the same server, whatever its path', () => {
    expect(readUrl('https://example.com/x?y=1', CA)).toBe('https://example.com/x?y=1');
    for (const url of ['https://u:p@example.com/', 'ftp://example.com/', '/relative', 'https://example.com.evil.example/', 7, undefined])
      expect(readUrl(url, CA)).toBeUndefined();
  });
});
