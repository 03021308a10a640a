/** Random zones with mail records as they stand in real zones: right, odd, wrong, doubled, at the wrong name, aliased, delegated. */
import * as fc from 'fast-check';
import { PUBLIC_KEYS } from './mail-domain.ts';
import { tableResolver } from '../table-resolver.ts';

/** What the records refer to outside of the zone. */
export const REAL_OUTSIDE = tableResolver({
  '_spf.esp.example': { txt: ['v=spf1 include:_a.esp.example include:_b.esp.example include:_c.esp.example ~all'] },
  '_a.esp.example': { txt: ['v=spf1 ip4:198.51.100.0/24 ~all'] },
  '_b.esp.example': { txt: ['v=spf1 ip6:2001:db8:4000::/36 ~all'] },
  '_c.esp.example': { txt: ['v=spf1 ip4:203.0.113.0/24 ~all'] },
  'spf.crm.example': { txt: ['v=spf1 ip4:192.0.2.0/26 -all'] },
  'two.example': { txt: ['v=spf1 a -all', 'v=spf1 mx -all'] },
});

const SPF = [
  'v=spf1 include:_spf.esp.example ~all',
  'v=spf1 include:_spf.esp.example include:spf.crm.example a mx ptr a:one.example a:two.example exists:three.example ~all',
  'v=spf1 a mx include:gone.example -all',
  'v=spf1 include:two.example include:gone.example include:gone2.example a:gone3.example ?all',
  'v=spf1 +mx +a ip4:10.0.0.1/32 ip6:2001:DB8::/32 -all',
  'V=SPF1 MX -ALL',
  'v=spf1 include=_spf.esp.example ~all',
  'v=spf1 include:post.example -all',
  'v=spf1 redirect=_spf.esp.example',
  'v=spf1 mx -all redirect=_spf.esp.example',
  'v=spf1 all',
  'v=spf1',
  'v=spf1 ',
  'v=spf1 mx  a mx  -all ',
  'v=spf1 -all exp=why.post.example',
  'v=spf1 a/24//64 mx:%{d}/28 exists:%{i}._spf.%{d2} ~all',
  'v=spf1 ip4:192.0.2.1 moo=cow -all',
  'v=spf1 ip4:192.0.2.300 -all',
  'v=spf1 include:_spf.esp.example. -all',
  'v=spf1 ip4:192.0.2.0/24 ~all ip4:198.51.100.0/24',
  'v=spf1 ?include:_spf.esp.example -mx +all',
];
const OTHER = ['token', 'site-verification=x', ' v=spf1 a', '"v=spf1 mx"', 'x'.repeat(440), 'v=DMARC1; p=none'];
const DMARC = [
  'v=DMARC1; p=none',
  'v=DMARC1; p=none;',
  'v=DMARC1;p=reject;rua=mailto:r@post.example,mailto:x@reports.example!10m;ruf=mailto:f@post.example;fo=1:d:s;adkim=s;aspf=s;ri=86400',
  'v=DMARC1; p=quarantine; pct=50',
  'v=DMARC1; p=reject; t=y; sp=none; np=reject; psd=n',
  'v=DMARC1; P=reject',
  'v=DMARC1; rua=mailto:r@post.example',
  'v=DMARC1',
  'v=DMARC1; p=none; rua=https://r.example/x',
  'v=DMARC1; p=none; rua=r@post.example',
  'v=DMARC1; sp=reject; p=none; fo=1; unknown=1',
  'v=dmarc1; p=none',
  'v=DMARC1; p=monitor',
  'v=DMARC1; p=none; p=reject',
  'v=DMARC1; p=reject; psd=y; ruf=mailto:f@post.example',
  'v=DMARC1; p=none; rua=mailto:a@post.example; rua=mailto:b@post.example',
];
const RSA_1024 =
  'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDGMjj8MVaESl30KSPYdLaEreSYzvOVh15u9YKAmTLgk1ecr4BCRq3Vkg3Xa2QrEQWbIvQj9FNqBYOr3XIczzU8gkK5Kh42' +
  'P4C3DgNiBvlNNk2BlA5ITN/EvVAn/ImjoGq5IrcO+hAj2iSAozYTEpJAKe0NTrj49CIkj5JI6ibyJwIDAQAB';
const ED25519 = PUBLIC_KEYS.ed25519;
const DKIM = [
  `v=DKIM1; k=ed25519; p=${ED25519}`,
  `k=rsa; p=${RSA_1024}`,
  `v=DKIM1; k=rsa; t=y; p=${RSA_1024}`,
  `v=DKIM1; k=rsa; t=s; s=email; h=sha256; n=x=20y; p=${RSA_1024};`,
  `v=DKIM1; k=rsa; h=sha1; p=${RSA_1024}`,
  'v=DKIM1; p=',
  'v=DKIM1; k=rsa',
  'p=',
  'something else',
  `v=DKIM1;k=rsa;p=${RSA_1024.slice(0, 80)} ${RSA_1024.slice(80)}`,
  `v=DKIM1; k=ed25519; s=tlsrpt; p=${ED25519}`,
  `v=DKIM1; k=ed25519; s=other; p=${ED25519}`,
  `v=DKIM1; k=dsa; p=${ED25519}`,
  `V=DKIM1; k=ed25519; p=${ED25519}`,
  `v=DKIM1; g=*; k=ed25519; p=${ED25519}; x=y`,
];
const STS = ['v=STSv1; id=20260101T000000', 'v=STSv1;id=1;', 'v=STSv1 ; id=1', 'v=STSv1; id=a-b', 'v=STSv1; id=1; x=y'];
const TLS_RPT = [
  'v=TLSRPTv1; rua=mailto:t@post.example',
  'v=TLSRPTv1;rua=mailto:t@post.example,https://r.example/v1;',
  'v=TLSRPTv1; rua=http://r.example/',
  'v=TLSRPTv1 ; rua=mailto:t@post.example',
  'v=TLSRPTv1; rua=mailto:a@post.example; rua=mailto:b@post.example',
];
const BIMI = [
  'v=BIMI1; l=https://post.example/l.svg; a=',
  'v=BIMI1; l=; a=;',
  'v=BIMI1; l=http://post.example/l.svg',
  'v=BIMI1; l=https://post.example/l.svg; a=https://post.example/a.pem; avp=personal; lps=news',
  'v=BIMI1',
];
const TLSA = [
  `TLSA 3 1 1 ${'01'.repeat(32)}`,
  `TLSA 1 0 1 ${'01'.repeat(32)}`,
  `TLSA 3 0 2 ${'02'.repeat(64)}`,
  'TLSA 3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'TLSA 3 1 1 0102',
];

const txt = (owner: string, text: string): string => {
  const quoted = (text.match(/.{1,200}/gs) ?? ['']).map((each) => `"${each.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
  return `${owner} 300 TXT ${quoted.join(' ')}`;
};
const texts = (owner: string, from: readonly string[], most = 1) =>
  fc.uniqueArray(fc.constantFrom(...from), { maxLength: most }).map((all) => all.map((text) => txt(owner, text)));
/** None of the groups of lines, or one. */
const maybe = (...groups: readonly (readonly string[])[]) => fc.constantFrom<readonly string[]>([], ...groups);
const tlsa = (owner: string) =>
  fc.oneof(
    fc.uniqueArray(fc.constantFrom(...TLSA), { maxLength: 2 }).map((all) => all.map((data) => `${owner} 300 ${data}`)),
    fc.constant([`${owner} 300 CNAME tlsa.esp.example.`]),
  );

const HOSTS = [
  '@ 3600 SOA ns1 host 10 7200 900 1209600 900',
  '@ 3600 NS ns1',
  '@ 300 A 192.0.2.7',
  'ns1 300 A 192.0.2.1',
  'mx1 300 A 192.0.2.25',
  'alias 300 CNAME mx1',
];

/** The lines of a zone file for `post.example`. */
export const realZones: fc.Arbitrary<readonly string[]> = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom('@ 300 MX 10 mx1', '@ 300 MX 20 mx.other.example.', '@ 300 MX 10 alias', '@ 300 MX 5 @'), {
      maxLength: 2,
    }),
    texts('@', SPF, 2),
    texts('@', OTHER, 3),
    fc.oneof(texts('_dmarc', DMARC, 2), maybe(['_dmarc 300 CNAME d.esp.example.'], ['_dmarc 300 NS ns.esp.example.'])),
    texts('s1._domainkey', DKIM, 2),
    texts('a.b._domainkey', DKIM),
    maybe(['s2._domainkey 300 CNAME s2.esp.example.'], ['_x._domainkey 300 CNAME s.esp.example.'], ['_domainkey 300 NS ns.esp.example.']),
    maybe([txt('*._domainkey', 'v=DKIM1; p=')], [txt('*._domainkey', `v=DKIM1; k=ed25519; p=${ED25519}`)]),
    maybe(['* 300 CNAME www'], ...['v=spf1 -all', 'v=spf1 foo:x -all'].map((text) => [txt('*', text), txt('*', 'v=spf1 mx -all')])),
    fc.oneof(texts('_mta-sts', STS, 2), maybe(['_mta-sts 300 CNAME _mta-sts.esp.example.'])),
    texts('_smtp._tls', TLS_RPT, 2),
    texts('default._bimi', BIMI, 2),
    maybe(
      [txt('b.example._report._dmarc', 'v=DMARC1')],
      [txt('b.example._report._dmarc', 'v=DMARC1; rua=mailto:x@y.example')],
      [txt('*._report._dmarc', 'v=DMARC1;')],
      [txt('\\098.example._report._dmarc', 'v=DMARC1')],
    ),
    tlsa('_25._tcp.mx1'),
    tlsa('_25._tcp'),
    tlsa('_25._tcp.alias'),
  )
  .map((groups) => [...HOSTS, ...groups.flat()]);
