/** TXT hygiene of names and zones. */
import { atRrset, formatPlace } from '#base/place.ts';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { parseTlsa } from '#mail/dane/record.ts';
import { checkTextNode, checkTexts, txtRole } from '#mail/hygiene.ts';
import { txtRdata } from '#mail/text/txt.ts';
import { memoryZone } from '#zone/zone.ts';

const codes = (owner: string, ...texts: readonly string[]) =>
  checkTexts(nameOf(owner), texts).map((each) => (each.severity === 'error' ? each.code : `${each.code}?`));
const KEY = `v=DKIM1; p=${generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;

test.each([
  ['example.com', 'spf'],
  ['s1._domainkey.example.com', 'dkim'],
  ['a.b._DomainKey.example.com', 'dkim'],
  ['_domainkey.example.com', 'spf'], // nobody asks for a key here
  ['_dmarc.example.com', 'dmarc'],
  ['example.net._report._dmarc.example.com', 'dmarc-reports'],
  ['_report._dmarc.example.com', 'spf'],
  ['_mta-sts.example.com', 'mta-sts'],
  ['_smtp._tls.example.com', 'tls-rpt'],
  ['default._bimi.example.com', 'bimi'],
  ['.', 'spf'],
])('at %s readers look for %s', (owner, role) => expect(txtRole(nameOf(owner))).toBe(role));

describe('one record of a kind', () => {
  test.each<[string, string, string[], string[]]>([
    ['RFC 7208 §3.2: one SPF', 'example.com', ['v=spf1 -all', 'v=spf1 mx -all'], ['SPF_MULTIPLE']],
    ['with other text beside it', 'example.com', ['v=spf1 -all', 'some-verification=1'], []],
    ['RFC 9989 §4.10: one DMARC', '_dmarc.example.com', ['v=DMARC1; p=none', 'v=DMARC1; p=reject'], ['TXT_MULTIPLE']],
    [
      'RFC 6376 §3.6.2.2: one TXT at a selector',
      's1._domainkey.example.com',
      [KEY, KEY.replace('v=DKIM1;', 'v=DKIM1; t=s;')],
      ['TXT_MULTIPLE'],
    ],
    ['RFC 8461 §3.1: one MTA-STS', '_mta-sts.example.com', ['v=STSv1; id=a', 'v=STSv1; id=b'], ['TXT_MULTIPLE']],
    [
      'RFC 8460 §3: one TLS-RPT',
      '_smtp._tls.example.com',
      ['v=TLSRPTv1; rua=mailto:a@b.example', 'v=TLSRPTv1; rua=mailto:c@b.example'],
      ['TXT_MULTIPLE'],
    ],
    ['one consent', 'a.example._report._dmarc.example.com', ['v=DMARC1', 'v=DMARC1;'], ['TXT_MULTIPLE']],
    ['one BIMI', 'default._bimi.example.com', ['v=BIMI1; l=; a=', 'v=BIMI1; l='], ['TXT_MULTIPLE']],
  ])('%s', (_, owner, texts, expected) => expect(codes(owner, ...texts)).toEqual(expected));
});

describe('what records say, where they stand, how large they are', () => {
  test('the parser of the place is asked', () => {
    expect(codes('_dmarc.example.com', 'v=DMARC1; p=rejekt')).toEqual(['DMARC_POLICY']);
    expect(codes('_dmarc.example.com', 'v=dmarc1; p=none')).toEqual(['DMARC_VERSION']); // readers do not even take it
    expect(codes('s1._domainkey.example.com', 'v=DKIM1; p=QUJD')).toEqual(['DKIM_KEY_FORM']);
    expect(codes('s1._domainkey.example.com', 'hello')).toEqual(['DKIM_SYNTAX', 'DKIM_KEY_MISSING', 'DKIM_VERSION?']);
    expect(codes('_mta-sts.example.com', 'v=STSv1; id=a-b')).toEqual(['STS_ID']);
    expect(codes('a.example._report._dmarc.example.com', 'v=DMARC1;')).toEqual([]);
    expect(checkTexts(nameOf('_dmarc.example.com'), ['v=DMARC1; p=x'])[0]!.at).toEqual(
      atRrset('_dmarc.example.com.', 'TXT', { kind: 'tag', name: 'p' }),
    );
  });
  test.each([
    ['example.com', 'v=DMARC1; p=none'],
    ['dmarc.example.com', 'v=DMARC1; p=none'],
    ['_dmarc.example.com', 'v=spf1 -all'],
    ['s1.example.com', KEY],
    ['mta-sts.example.com', 'v=STSv1; id=a'],
    ['_tls.example.com', 'v=TLSRPTv1; rua=mailto:a@b.example'],
    ['_bimi.example.com', 'v=BIMI1; l='],
  ])('at %s nobody looks for %s', (owner, text) => expect(codes(owner, text)).toContain('TXT_MISPLACED?'));
  test('RFC 7208 §3.4: all TXT of a name with SPF count', () => {
    expect(codes('example.com', 'v=spf1 -all', 'x'.repeat(426))).toEqual([]);
    expect(codes('example.com', 'v=spf1 -all', 'x'.repeat(427))).toEqual(['SPF_SIZE?']);
    expect(codes('example.com', 'x'.repeat(1000))).toEqual([]);
  });
});

describe('wildcards (RFC 4592 §2.2.1)', () => {
  const zone = (...records: readonly (readonly [string, string])[]) => {
    const view = memoryZone(
      nameOf('example'),
      records.map(([owner, text]) => ({
        owner: nameOf(owner),
        type: text.startsWith('CNAME ') ? TYPE.CNAME : TYPE.TXT,
        ttl: 300,
        rdatas: [text.startsWith('CNAME ') ? nameOf(text.slice(6)) : txtRdata(text)],
      })),
    );
    const problems = [...view.ascend(view.apexKey)].flatMap((node) => checkTextNode(view, node));
    return problems.map((each) => `${each.code} ${/below (\S+):/.exec(each.message)?.[1] ?? formatPlace(each.at)}`);
  };

  test('a wildcard text answers for keys and DMARC', () =>
    expect(zone(['*.example', 'hello'])).toEqual(['TXT_WILDCARD_SHADOW _domainkey.example.', 'TXT_WILDCARD_SHADOW _dmarc.example.']));
  test('names that exist stop it, empty ones too', () => {
    expect(zone(['*.example', 'v=spf1 -all'], ['*._domainkey.example', 'v=DKIM1; p='], ['_dmarc.example', 'v=DMARC1; p=reject'])).toEqual(
      [],
    );
    expect(zone(['*.example', 'hello'], ['s1._domainkey.example', KEY])).toEqual(['TXT_WILDCARD_SHADOW _dmarc.example.']);
  });
  test('a DMARC text or an alias lets everybody send reports', () => {
    expect(zone(['*.example', 'v=DMARC1; p=none'], ['*._domainkey.example', 'v=DKIM1; p='])).toContain(
      'TXT_WILDCARD_SHADOW _report._dmarc.example.',
    );
    expect(zone(['*.example', 'CNAME www.example'])).toEqual(
      ['_domainkey', '_dmarc', '_report._dmarc'].map((label) => `TXT_WILDCARD_SHADOW ${label}.example.`),
    );
  });
  test('deeper wildcards shadow their own names', () =>
    expect(zone(['*.a.example', 'x'], ['_dmarc.example', 'v=DMARC1; p=none'])).toEqual([
      'TXT_WILDCARD_SHADOW _domainkey.a.example.',
      'TXT_WILDCARD_SHADOW _dmarc.a.example.',
    ]));
  test('a key for every selector; consent for every domain is meant so', () => {
    expect(zone(['*._domainkey.example', KEY])).toEqual(['TXT_WILDCARD_KEY *._domainkey.example. TXT']);
    expect(zone(['*._report._dmarc.example', 'v=DMARC1'])).toEqual([]);
  });
});

describe('RFC 7208 §4.5, RFC 9989 §4.10: a text that is nearly the record is named, with what stands there', () => {
  test.each([
    ['example.com', 'v=spf1; mx -all'],
    ['example.com', ' v=spf1 mx -all'],
    ['example.com', '"v=spf1 mx -all"'],
    ['example.com', 'mx -all v=spf1'],
    ['_dmarc.example.com', '"v=DMARC1; p=none"'],
    ['_dmarc.example.com', 'p=none; v=DMARC1'],
    ['_mta-sts.example.com', ' v=STSv1; id=1;'],
    ['_smtp._tls.example.com', '\\"v=TLSRPTv1; rua=mailto:r@example.com'],
    // Two strings, as a form with a field for each part makes them.
    ['example.com', 'v=spf1mx -all'],
    ['_dmarc.example.com', 'v=DMARC1p=none'],
    ['a.example._report._dmarc.example.com', 'v=DMARC1rua=mailto:r@example.com'],
    ['_mta-sts.example.com', 'v=STSv1id=1'],
    ['_smtp._tls.example.com', 'v=TLSRPTv1rua=mailto:r@example.com'],
    // A whole line, pasted into the field of the text.
    ['example.com', '@ TXT v=spf1 mx -all'],
  ])('%s %s', (owner, text) => {
    const found = checkTexts(nameOf(owner), [text]).filter(({ code }) => code === 'TXT_NEAR_MISS');
    expect(found).toMatchObject([{ severity: 'error' }]);
    expect(found[0]!.message).toContain(JSON.stringify(text));
  });

  test('a blank in front, which the grammar lets stand and not every reader, is a warning', () => {
    for (const [owner, text] of [
      ['_dmarc.example.com', ' v=DMARC1; p=none'],
      ['a.example._report._dmarc.example.com', '\tv=DMARC1'],
    ] as const)
      expect(checkTexts(nameOf(owner), [text])).toMatchObject([{ code: 'TXT_NEAR_MISS', severity: 'warning', fix: 'leave the blank out' }]);
  });

  test('a text of UTF-8 is shown as it was written', () => {
    const text = Buffer.from('“v=spf1 -all”').toString('latin1');
    expect(checkTexts(nameOf('example.com'), [text]).map(({ message }) => message)).toContainEqual(
      expect.stringContaining('"“v=spf1 -all”"'),
    );
  });

  test('beside the record that readers take it does no harm, and other texts are left alone', () => {
    const found = checkTexts(nameOf('example.com'), ['v=spf1 mx -all', ' v=spf1 a -all', 'google-site-verification=v1', 'xv=spf1 mx']);
    expect(found.filter(({ code }) => code === 'TXT_NEAR_MISS').map(({ severity }) => severity)).toEqual(['warning']);
  });

  test.each([
    ['v=spf1 include=_spf.example.net -all', 'write include:_spf.example.net'],
    ['v=spf1 -ip4=192.0.2.1 -all', 'write -ip4:192.0.2.1'],
  ])('%s: a mechanism with an equals sign is ignored by readers (RFC 7208 §6)', (text, fix) => {
    const found = checkTexts(nameOf('example.com'), [text]).filter(({ code }) => code === 'SPF_SIGN');
    expect(found).toMatchObject([{ severity: 'error', fix }]);
  });
});

describe('values that can only be mistakes', () => {
  const ED25519_KEY = 'igwNU6+qcN75RvA0F7aCuIo1Z5n4SbdQ2a4bT4GlXj8=';
  test.each([
    ['s=other; ', 'DKIM_SERVICE', 'error'],
    ['s=tlsrpt; ', 'DKIM_SERVICE', 'warning'],
    ['t=y; ', 'DKIM_FLAG', 'warning'],
  ])('a DKIM key with %s', (tag, code, severity) => {
    const found = checkTexts(nameOf('s._domainkey.example.com'), [`v=DKIM1; k=ed25519; ${tag}p=${ED25519_KEY}`]);
    expect(found).toContainEqual(expect.objectContaining({ code, severity }));
  });

  test('a key for mail and for reports is fine', () => {
    expect(checkTexts(nameOf('s._domainkey.example.com'), [`v=DKIM1; k=ed25519; s=email:tlsrpt; p=${ED25519_KEY}`])).toEqual([]);
  });

  test.each([
    // printf '' | sha256sum; printf '' | sha512sum
    ['3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'sha256'],
    [
      '3 1 2 cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
      'sha512',
    ],
  ])('TLSA %s is the digest of nothing', (text) => {
    const record = parseTlsa(text);
    expect(record.ok ? [] : record.problems.map(({ code }) => code)).toContain('DANE_DIGEST');
  });
});
