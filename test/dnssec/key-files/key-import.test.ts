/** What a set of keys must be to sign a zone, and DNSKEY records as servers and tools print them. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type AlgorithmNumber } from '#dnssec/algorithm.ts';
import { dnskeyOf, formatPrivateKey } from '#dnssec/key-files/key-file.ts';
import { type GivenKey, foreignKeyProblems, readDnskeys, readGivenKeys } from '#dnssec/key-files/key-import.ts';
import { generateSecret, keyTagOf } from '#dnssec/key.ts';
import { good } from '../../support/temporary-control.ts';
import { seededRandom } from '../../support/random.ts';

const ZONE = nameOf('example.com.');
const NOW = 1_790_000_000;
const random = seededRandom(11);
const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));

function make(flags: 256 | 257, algorithm: AlgorithmNumber = 13) {
  const secret = generateSecret(bytes, algorithm);
  const dnskey = dnskeyOf({ algorithm, secret }, flags);
  const privateKey = formatPrivateKey({ algorithm, secret }, NOW - 1000);
  return { dnskey, privateKey, publicKey: `example.com. 3600 IN DNSKEY ${formatRdata(TYPE.DNSKEY, dnskey)}`, tag: keyTagOf(dnskey) };
}

const [ksk, zsk, other] = [make(257), make(256), make(256)];
const given = ({ privateKey, publicKey }: ReturnType<typeof make>): GivenKey => ({ privateKey, publicKey });
const read = (keys: readonly GivenKey[], published: readonly string[] = [], areTimesIgnored = false) =>
  readGivenKeys(ZONE, { keys, published, areTimesIgnored }, NOW);

function problemsOf(result: ReturnType<typeof read>): string {
  return result.ok ? '' : result.problems.map(({ at, message }) => `${'pointer' in at ? at.pointer : ''} ${message}`).join('\n');
}

/** A DNSKEY record with other flags. */
const withFlags = (publicKey: string, flags: number) => publicKey.replace(/DNSKEY \d+/, `DNSKEY ${flags}`);
const withTimes = (key: ReturnType<typeof make>, lines: string) => ({
  ...given(key),
  privateKey: key.privateKey.replace(/(Publish|Activate).*\n/g, '') + lines,
});

describe('RFC 6781 §3.1: which key does what', () => {
  test('one key is a CSK, whatever its flags; two are KSK and ZSK by theirs, in any order', () => {
    const roles = (keys: readonly GivenKey[]) => good(read(keys)).keys.map(({ role, flags }) => `${role} ${flags}`);
    expect(roles([given(ksk)])).toEqual(['csk 257']);
    expect(roles([given(zsk)])).toEqual(['csk 256']);
    expect(roles([given(zsk), given(ksk)])).toEqual(['zsk 256', 'ksk 257']);
  });

  test('PowerDNS exports no DNSKEY record with the private key: the role says its flags', () => {
    const { keys } = good(
      read([
        { privateKey: ksk.privateKey, role: 'ksk' },
        { privateKey: zsk.privateKey, role: 'zsk' },
      ]),
    );
    expect(keys.map(({ dnskey }) => dnskey)).toEqual([ksk.dnskey, zsk.dnskey]);
    expect(problemsOf(read([{ privateKey: ksk.privateKey }]))).toMatch(/^\/keys\/0\/privateKey whether it is a CSK, KSK or ZSK/);
  });

  test.each<readonly [string, readonly GivenKey[], RegExp]>([
    ['a ZSK alone', [{ ...given(zsk), role: 'zsk' }], /one CSK, or by one KSK and one ZSK/],
    ['two ZSKs', [given(ksk), given(zsk), given(other)], /one CSK, or by one KSK and one ZSK/],
    ['two algorithms', [given(ksk), given(make(256, 15))], /of several algorithms/],
    ['a ZSK with the entry point bit', [{ ...given(ksk), role: 'zsk' }], /\/keys\/0\/role .*it is no ZSK/],
    ['a KSK without it', [{ ...given(zsk), role: 'ksk' }, given(other)], /\/keys\/0\/role .*it is no KSK/],
    [
      'the record of another key',
      [{ ...given(ksk), publicKey: zsk.publicKey }],
      new RegExp(`key tag ${zsk.tag}\\) is not of this private key`),
    ],
    [
      'the record of another algorithm',
      [{ ...given(ksk), publicKey: make(257, 15).publicKey }],
      /of algorithm 15, and the private key of 13/,
    ],
    ['a revoked key', [{ ...given(ksk), publicKey: withFlags(ksk.publicKey, 385) }], /is revoked/],
    ['no zone key', [{ ...given(ksk), publicKey: withFlags(ksk.publicKey, 1) }], /zone key bit is not set/],
    ['a reserved flag', [{ ...given(ksk), publicKey: withFlags(ksk.publicKey, 259) }], /reserved bit/],
    [
      'another protocol',
      [{ ...given(ksk), publicKey: ksk.publicKey.replace('257 3 13', '257 4 13') }],
      /protocol 4|no DNSKEY|PROTOCOL|protocol/i,
    ],
    ['another zone', [{ ...given(ksk), publicKey: ksk.publicKey.replace('example.com', 'example.net') }], /is of example\.net/],
    ['two records', [{ ...given(ksk), publicKey: `${ksk.publicKey}\n${zsk.publicKey}` }], /one DNSKEY record belongs to one/],
    ['the same key twice', [given(ksk), { ...given(ksk), role: 'zsk' }], /it is no ZSK|key tag/],
  ])('%s is refused', (_name, keys, message) => {
    expect(problemsOf(read(keys))).toMatch(message);
  });
});

test('RFC 7583 §3.1: keys that their files say are not in use are refused, unless that is ignored', () => {
  const cases: readonly (readonly [string, RegExp | undefined])[] = [
    ['Activate: 20200101000000\nInactive: 20210101000000\n', /signs nothing since 2021-01-01/],
    ['Activate: 20200101000000\nRevoke: 20210101000000\n', /was revoked on 2021/],
    ['Activate: 20200101000000\nDelete: 20210101000000\n', /went out of the zone on 2021/],
    ['Activate: 20500101000000\n', /does not sign before 2050/],
    ['Publish: 20200101000000\n', /is published and not used/],
    ['Activate: 20200101000000\nInactive: 20500101000000\n', undefined],
    ['', undefined],
  ];
  for (const [lines, message] of cases) {
    const key = withTimes(ksk, lines);
    if (message === undefined) good(read([key]));
    else expect(problemsOf(read([key]))).toMatch(message);
    good(read([key], [], true));
  }
  expect(read([withTimes(ksk, 'Activate: 20200101000000\nInactive: 20500101000000\n')])).toMatchObject({
    warnings: [{ message: expect.stringMatching(/the key policy decides/) as unknown }],
  });
});

test('RFC 4034 §2.2: DNSKEY records as people have them', () => {
  const data = formatRdata(TYPE.DNSKEY, ksk.dnskey);
  const split = data.replace(/(.{40})$/, '(\n\t$1 ) ; KSK');
  for (const text of [
    `example.com. IN DNSKEY ${data}`,
    `example.com IN DNSKEY ${data} ; ( ECDSAP256SHA256 )`,
    `EXAMPLE.com. 300 IN DNSKEY ${split}`,
    `example.com. IN 300 DNSKEY ${data}`,
    `; This is a key-signing key\nexample.com. DNSKEY ${data}\n\n`,
    `DNSKEY ${data}`,
    data,
  ])
    expect(good(readDnskeys(ZONE, text)).map(({ rdata }) => rdata)).toEqual([ksk.dnskey]);
  expect(
    good(readDnskeys(ZONE, `${ksk.publicKey}\n${zsk.publicKey.replace('3600', '86400')}`)).map(({ ttlSeconds }) => ttlSeconds),
  ).toEqual([3600, 86_400]);
  for (const text of ['hello', 'example.com. A 192.0.2.1', 'DNSKEY 257 3 13', `example.com. DNSKEY 257 3 13 (${'A'.repeat(20)}`])
    expect(readDnskeys(ZONE, text).ok).toBe(false);
});

test('keys of the server before stay published: not those that come themselves, none with a tag of theirs or of an algorithm of its own', () => {
  const whole = [`${ksk.publicKey}\n${zsk.publicKey}\n${other.publicKey}`];
  expect(good(read([given(ksk), given(zsk)], whole))).toMatchObject({ published: [other.dnskey], ttlSeconds: 3600 });
  expect(problemsOf(read([given(ksk), given(zsk)], [make(256, 15).publicKey]))).toMatch(/all who sign it use the same/);
  expect(problemsOf(read([given(ksk)], [withFlags(other.publicKey, 384)]))).toMatch(/\/published\/0 .*is revoked/);
  const many = Array.from({ length: 9 }, () => make(256).publicKey);
  expect(problemsOf(read([given(ksk)], many))).toMatch(/9 keys of others/);
});

test('RFC 4034 App. B: two different keys with one tag are never in a zone together', () => {
  // Swapping two octets at even places leaves the sum, which the tag is, as it was.
  const twin = new Uint8Array(other.dnskey);
  [twin[10], twin[12]] = [twin[12]!, twin[10]!];
  expect(keyTagOf(twin)).toBe(other.tag);
  expect(foreignKeyProblems([other.dnskey], [twin]).map(({ message }) => message)).toEqual([
    `key ${other.tag} has the key tag of another key of the zone`,
  ]);
  expect(foreignKeyProblems([other.dnskey], [other.dnskey])).toEqual([]);
});
