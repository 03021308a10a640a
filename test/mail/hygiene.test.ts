/** TXT hygiene of names and zones. */
import { atRrset, formatPlace } from '#base/place.ts';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
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
