/** Warnings about mail records that a change brings: each line of the kind, its right form, and nothing about other records. */
import { describe, expect, test } from 'vitest';
import { formatPlace, inFile } from '#base/place.ts';
import { nameOf } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { typeCode } from '#dns/registry.ts';
import { mailRecordWarnings } from '#mail/record-warnings.ts';

const APEX = nameOf('post.example');

function brought(owner: string, mnemonic: string, ...texts: readonly string[]) {
  const type = typeCode(mnemonic)!;
  const rdatas = texts.map((text) => {
    const rdata = parseRecordData(type, text, APEX);
    if (!rdata.ok) throw new Error(text);
    return rdata.value;
  });
  return { owner: nameOf(owner), type, rdatas };
}
const codes = (owner: string, mnemonic: string, ...texts: readonly string[]) =>
  mailRecordWarnings([brought(owner, mnemonic, ...texts)]).map(({ code }) => code);

describe('what receivers cannot use', () => {
  test.each([
    ['post.example', 'TXT', ['v=spf1 mx -all', 'v=spf1 a -all'], 'SPF_MULTIPLE'], // RFC 7208 §3.2
    ['host.post.example', 'TXT', ['v=spf1 mx -all', 'v=spf1 a -all'], 'SPF_MULTIPLE'],
    ['post.example', 'TXT', ['v=spf1 mx –all'], 'SPF_CHARACTER'], // an en dash
    ['post.example', 'TXT', ['v=spf1 include:bücher.example -all'], 'SPF_CHARACTER'],
    ['post.example', 'TXT', ['v=spf1\u00a0mx -all'], 'SPF_VERSION'], // a no-break space, as web pages have
    ['post.example', 'TXT', ['v=spf1; mx -all'], 'SPF_VERSION'],
    ['post.example', 'TXT', ['v=spf10 mx -all'], undefined], // another version than 1, RFC 7208 §4.5
    ['post.example', 'TXT', ['v=spf1mx -all'], 'TXT_NEAR_MISS'], // RFC 7208 §3.3: strings are joined without a blank
    ['post.example', 'TXT', ['"v=spf1" "include:_spf.example.net -all"'], 'TXT_NEAR_MISS'],
    ['post.example', 'TXT', ['v=spfv1 ip4:192.0.2.1 -all'], 'TXT_NEAR_MISS'],
    ['post.example', 'TXT', ['spf1 mx -all'], 'TXT_NEAR_MISS'],
    ['post.example', 'TXT', ['spf1 is not what we use'], undefined],
    ['post.example', 'TXT', ['mx -all; v=spf1'], 'TXT_NEAR_MISS'],
    ['post.example', 'TXT', ['post.example. 300 IN TXT v=spf1 mx -all'], 'TXT_NEAR_MISS'],
    ['_dmarc.post.example', 'TXT', ['"v=DMARC1" "p=none"'], 'TXT_NEAR_MISS'],
    ['_dmarc.post.example', 'TXT', ['p=none; rua=mailto:r@post.example'], 'TXT_NEAR_MISS'],
    ['_mta-sts.post.example', 'TXT', ['id=20260101'], 'TXT_NEAR_MISS'],
    ['b.example._report._dmarc.post.example', 'TXT', ['v=DMARC1 ok'], 'TXT_NEAR_MISS'], // no consent (RFC 9990 §4)
    ['b.example._report._dmarc.post.example', 'TXT', ['v=DMARC1'], undefined],
    ['_smtp._tls.post.example', 'TXT', ['v=TLSRPT1; rua=mailto:r@post.example'], 'TXT_NEAR_MISS'],
    ['default._bimi.post.example', 'TXT', ['v=BIMI 1; l=https://post.example/l.svg'], 'TXT_NEAR_MISS'],
    ['post.example', 'TXT', ['" v=spf1 mx -all"'], 'SPF_VERSION'],
    ['post.example', 'TXT', ['v=spf1 ipv4:192.0.2.1 -all'], 'SPF_TERM'],
    ['_dmarc.post.example', 'TXT', ['v=DMARC1'], 'DMARC_POLICY_MISSING'], // cut at the semicolon
    ['_dmarc.post.example', 'TXT', ['v=DMARC1; p=reject', 'v=DMARC1; p=none'], 'TXT_MULTIPLE'],
    ['_dmarc.post.example', 'TXT', ['v=DMARC1; p=rejekt'], 'DMARC_POLICY'],
    ['s1._domainkey.post.example', 'TXT', ['v=DKIM1'], 'DKIM_KEY_MISSING'],
    ['_mta-sts.post.example', 'TXT', ['v=STSv1'], 'STS_ID_MISSING'],
    ['_smtp._tls.post.example', 'TXT', ['v=TLSRPTv1'], 'TLSRPT_NO_RUA'],
    ['default._bimi.post.example', 'TXT', ['v=BIMI1'], 'BIMI_LOCATION_MISSING'],
    ['post.example', 'TXT', ['v=DMARC1; p=reject'], 'TXT_MISPLACED'],
    ['post.example', 'MX', ['0 .', '10 mail'], 'MX_NULL'], // RFC 7505 §3
    ['host.post.example', 'MX', ['10 .', '20 mail'], 'MX_NULL'],
    ['post.example', 'MX', ['10 .'], 'MX_NULL'],
    ['_25._tcp.mail.post.example', 'TLSA', [`0 0 1 ${'00'.repeat(32)}`], 'DANE_USAGE'],
    // The digest of nothing, at whatever port; and one of another length (RFC 6698 §2.1.3).
    ['_443._tcp.www.post.example', 'TLSA', ['1 0 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'], 'DANE_DIGEST'],
    ['_443._tcp.www.post.example', 'TLSA', ['3 1 2 0102'], 'DANE_DIGEST'],
    ['post.example', 'TXT', ['v=spf1 ip4:10.0.0.0/8 -all'], 'SPF_NETWORK'],
    ['_dmarc.post.example', 'TXT', ['v=DMARC1; p=none; rua=r@post.example'], 'DMARC_URI'],
    ['_smtp._tls.post.example', 'TXT', ['v=TLSRPTv1; rua=http://post.example/'], 'TLSRPT_SCHEME'],
    ['default._bimi.post.example', 'TXT', ['v=BIMI1; l=http://post.example/l.svg'], 'BIMI_LOCATION'],
  ] as const)('%s %s %j', (owner, mnemonic, texts, code) => {
    const found = codes(owner, mnemonic, ...texts);
    expect(code === undefined ? found : [...new Set(found)].filter((each) => each === code)).toEqual(code === undefined ? [] : [code]);
    for (const each of mailRecordWarnings([brought(owner, mnemonic, ...texts)])) expect(each.severity).toBe('warning');
  });
});

describe('what is good, or no mail record, is not spoken of', () => {
  test.each([
    ['post.example', 'TXT', ['v=spf1 mx -all', 'google-site-verification=x']],
    ['post.example', 'TXT', ['hello; world', 'a=1;b=2']],
    ['_dmarc.post.example', 'TXT', ['v=DMARC1; p=reject; rua=mailto:r@post.example']],
    ['post.example', 'MX', ['0 .']],
    ['post.example', 'MX', ['10 a', '20 b']],
    ['_acme-challenge.post.example', 'TXT', ['abc', 'def']],
    ['_443._tcp.www.post.example', 'TLSA', [`0 0 1 ${'00'.repeat(32)}`]], // no port of mail
    ['www.post.example', 'A', ['192.0.2.1']],
  ])('%s %s %j', (owner, mnemonic, texts) => {
    expect(codes(owner, mnemonic, ...texts)).toEqual([]);
  });
});

test('a place in a file stands for the name, with the part of the text', () => {
  const rrset = { ...brought('post.example', 'TXT', 'v=spf1 mx –all'), at: inFile('z', 7, 1) };
  expect(mailRecordWarnings([rrset]).map(({ at }) => formatPlace(at))).toEqual(['z:7:1: column 11']);
});

test('of many, as many as are shown', () => {
  const many = Array.from({ length: 300 }, (_, at) => brought(`h${at}.post.example`, 'MX', '0 .', '10 mail'));
  const found = mailRecordWarnings(many);
  expect(found.length).toBeLessThan(200);
  expect(found.at(-1)).toMatchObject({ code: 'PROBLEMS_MORE' });
});
