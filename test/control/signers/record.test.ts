/** A signer's record: what a request may ask for, which folders exclude each other, from where and for which domain keys may be had. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SIGNERS_MAX, SIGNER_DOMAINS_MAX, SIGNER_NETWORKS_MAX } from '#base/limits/signers.ts';
import { inBody } from '#base/place.ts';
import { type SignerRecord, type SignerRequest } from '#control/api/signers.ts';
import { checkSigner, factFor, isSignerRecord, mayAskFrom, scopeOf, signedZone, withSigner } from '#control/signers/record.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { bad, good } from '../../support/temporary-control.ts';

const REQUEST: SignerRequest = { name: 'mx1', delivery: 'fetch', domains: ['example.com'] };
const FILES: SignerRequest = { ...REQUEST, delivery: 'files', files: { form: 'opendkim' } };
const check = (more: Partial<SignerRequest>, base = REQUEST) => checkSigner({ ...base, ...more }, 1000, '/var/lib/waxseal/keys');
const recordOf = (more: Partial<SignerRequest> = {}, base = REQUEST): SignerRecord => good(check(more, base));

describe('a request', () => {
  test('without more: from this machine only, with its time', () => {
    expect(recordOf()).toEqual({
      name: 'mx1',
      delivery: 'fetch',
      domains: ['example.com.'],
      allow: ['127.0.0.0/8', '::1/128'],
      createdAtMs: 1000,
    });
    expect(isSignerRecord(recordOf())).toBe(true);
  });

  test('of files: in a folder of its name, unless it names one', () => {
    expect(recordOf({}, FILES).files).toEqual({ form: 'opendkim', folder: '/var/lib/waxseal/keys/mx1', command: [] });
    expect(recordOf({ files: { form: 'exim', folder: '/etc/exim' } }, FILES).files?.folder).toBe('/etc/exim');
  });

  test('RFC 4343: domains in lower case, each once', () => {
    expect(recordOf({ domains: ['Example.COM', 'example.com.', 'b.example'] }).domains).toEqual(['example.com.', 'b.example.']);
  });

  test.each<[string, Partial<SignerRequest>, string, string]>([
    ['a name in upper case', { name: 'MX1' }, 'SIGNER_NAME', '/name'],
    ['no name', { name: '' }, 'SIGNER_NAME', '/name'],
    ['a name that is a path', { name: '../mx1' }, 'SIGNER_NAME', '/name'],
    ['a name of 64 characters', { name: 'a'.repeat(64) }, 'SIGNER_NAME', '/name'],
    ['a name that ends in a hyphen', { name: 'mx-' }, 'SIGNER_NAME', '/name'],
    ['no domain', { domains: [] }, 'FIELD_VALUE', '/domains'],
    ['too many', { domains: Array.from({ length: SIGNER_DOMAINS_MAX + 1 }, (_, at) => `d${at}.example`) }, 'FIELD_VALUE', '/domains'],
    ['a domain that is no folder name', { domains: ['example.com', 'a/b.example'] }, 'SIGNER_NAME', '/domains/1'],
    ['the root', { domains: ['.'] }, 'SIGNER_NAME', '/domains/0'],
    ['no network', { allow: [] }, 'FIELD_VALUE', '/allow'],
    ['too many networks', { allow: Array.from({ length: SIGNER_NETWORKS_MAX + 1 }, () => '127.0.0.1') }, 'FIELD_VALUE', '/allow'],
    ['what is no network', { allow: ['127.0.0.1', 'mx1'] }, 'SIGNER_NETWORK', '/allow/1'],
    ['files that are not read', { files: { form: 'exim' } }, 'FIELD_VALUE', '/files'],
    ['files without their form', { delivery: 'files' }, 'FIELD_VALUE', '/files'],
    ['a relative folder', { ...FILES, files: { form: 'exim', folder: 'keys' } }, 'SIGNER_FOLDER', '/files/folder'],
    ['a folder with ".."', { ...FILES, files: { form: 'exim', folder: '/a/../b' } }, 'SIGNER_FOLDER', '/files/folder'],
    ['a folder with a blank', { ...FILES, files: { form: 'exim', folder: '/a b' } }, 'SIGNER_FOLDER', '/files/folder'],
    ['a command without its path', { ...FILES, files: { form: 'exim', command: ['reload'] } }, 'FIELD_VALUE', '/files/command'],
    ['a command with NUL', { ...FILES, files: { form: 'exim', command: ['/bin/x', 'a\0b'] } }, 'FIELD_VALUE', '/files/command'],
  ])('%s is rejected at its place', (_, more, code, at) => {
    expect(bad(check(more)).filter(({ severity }) => severity === 'error')).toMatchObject([{ code, at: inBody(at) }]);
  });

  test('all that is wrong is told at once', () => {
    expect(bad(check({ name: '', domains: ['.'], allow: ['x'] })).map(({ at }) => at)).toEqual(
      ['/name', '/domains/0', '/allow/0'].map((at) => inBody(at)),
    );
  });

  test.each([
    ['127.0.0.1', false],
    ['127.0.0.0/8', false],
    ['::1', false],
    ['126.0.0.0/7', true],
    ['192.0.2.25', true],
    ['::/127', true],
    ['2001:db8::/64', true],
  ])('private keys over plain HTTP to %s: a warning: %s', (network, isTold) => {
    const result = check({ allow: [network] });
    expect(good(result).allow).toEqual([network]);
    expect(result.ok && result.warnings.map(({ code }) => code)).toEqual(isTold ? ['SIGNER_NETWORK'] : []);
  });
});

describe('one more signer', () => {
  const inFolder = (name: string, folder: string) => recordOf({ name, files: { form: 'exim', folder } }, FILES);

  test('stands in the order of names, whatever the order of adding', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 8 });
    fc.assert(
      fc.property(names, (all) => {
        let signers: readonly SignerRecord[] = [];
        for (const name of all) signers = good(withSigner(signers, recordOf({ name })));
        expect(signers.map(({ name }) => name)).toEqual(all.toSorted());
      }),
      { numRuns: 50 },
    );
  });

  test('not with a name that is there, nor past the limit', () => {
    expect(bad(withSigner([recordOf()], recordOf()))[0]).toMatchObject({ code: 'SIGNER_EXISTS', at: inBody('/name') });
    const full = Array.from({ length: SIGNERS_MAX }, (_, at) => recordOf({ name: `s${at}` }));
    expect(bad(withSigner(full, recordOf()))[0]!.code).toBe('SIGNER_EXISTS');
  });

  test.each([
    ['/keys/a', true],
    ['/keys/a/b', true],
    ['/keys', true],
    ['/keys/ab', false],
    ['/other', false],
  ])('whose folder is %s beside one in /keys/a: taken: %s', (folder, isTaken) => {
    const result = withSigner([inFolder('a', '/keys/a')], inFolder('b', folder));
    expect(result.ok ? [] : result.problems.map(({ code }) => code)).toEqual(isTaken ? ['SIGNER_FOLDER_TAKEN'] : []);
  });

  test('a folder that a link leads to is the folder', () => {
    const linked: SignerRecord = {
      ...inFolder('b', '/link'),
      files: { form: 'exim', folder: '/link', realFolder: '/keys/a', command: [] },
    };
    expect(bad(withSigner([inFolder('a', '/keys/a')], linked))[0]!.code).toBe('SIGNER_FOLDER_TAKEN');
  });
});

describe('who may have which keys', () => {
  test.each([
    ['192.0.2.25', true],
    ['192.0.2.26', false],
    ['2001:db8::1', true],
    ['2001:db8:1::1', false],
    ['127.0.0.1', false],
  ])('from %s: %s', (from, may) => {
    expect(mayAskFrom(recordOf({ allow: ['192.0.2.25', '2001:db8::/64'] }), from)).toBe(may);
  });

  test.each(['example.com', 'example.com.', 'EXAMPLE.com'])('for its domain, written %s', (domain) => {
    expect(formatName(good(signedZone(recordOf(), domain)))).toBe('example.com.');
  });

  test.each(['example.org', 'sub.example.com', 'com', '', 'a..b'])('not for %j', (domain) => {
    expect(bad(signedZone(recordOf(), domain))).toMatchObject([{ code: 'SIGNER_DOMAIN' }]);
  });

  test('what mail has to know of it', () => {
    expect(factFor(recordOf(), nameOf('example.com.'))).toBe('given');
    expect(factFor(recordOf({ delivery: 'own-key' }), nameOf('example.com.'))).toBe('own-key');
    expect(factFor(recordOf({ delivery: 'own-key' }), nameOf('example.org.'))).toBe('other-domains');
    expect(scopeOf('mx1')).toBe('signer:mx1');
  });
});

test.each<[string, object]>([
  ['a name that is none', { name: '../x' }],
  ['another way of delivery', { delivery: 'mail' }],
  ['a domain that is no text', { domains: [1] }],
  ['no networks', { allow: undefined }],
  ['files of another form', { files: { form: 'x', folder: '/a', command: [] } }],
  ['a time that is none', { createdAtMs: '1000' }],
])('what is kept is not believed: %s', (_, more) => expect(isSignerRecord({ ...recordOf(), ...more })).toBe(false));
