/**
 * Faults of a zone as strangers meet it, one at a time, and what they are called. What each check is about stands in
 * control/doctor/checks.ts with its source.
 */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Area, CHECKS, type CheckId } from '#control/doctor/checks.ts';
import { HTTPS_PROBE } from '#control/outside/https-probe.ts';
import { ProbeFailure } from '#control/outside/probe-failure.ts';
import { STARTTLS_LOOK } from '#control/outside/starttls-look.ts';
import { type MessageContent } from '#dns/message.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { hostedFileName } from '#mail/bimi/hosted-file.ts';
import {
  DKIM_KEY,
  LOGO,
  type Fault,
  MX_IP,
  NS1,
  NS2,
  PARENTS,
  WEB_IP,
  certificateFor,
  doctorWorld,
  fails,
  findingsOf,
  rrsetOfText,
  servesPolicy,
  shows,
  tlsaOf,
} from './doctor-world.ts';
import { ISSUED, ISSUED_TLSA, ISSUED_WILDCARD } from './issued-certificate.ts';
import { TEST_NOW_MS } from './temporary-store.ts';

const DAY_MS = 86_400_000;
const OTHER_KEY = 'MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
const OTHER_DS = `post 3600 DS 4711 13 2 ${'ab'.repeat(32)}\n`;
const now = () => TEST_NOW_MS;
/** A hop to the answer of one server for one type, `@` is the apex. */
const atServer =
  (
    ip: string,
    name: string,
    type: number,
    change: (content: MessageContent) => MessageContent | undefined,
  ): NonNullable<Fault['content']> =>
  (from, content, asked, of) =>
    from === ip && of === type && asked.toLowerCase() === (name === '@' ? 'post.example.' : `${name}.post.example.`)
      ? change(content)
      : content;
const answers =
  (...rrsets: readonly Parameters<typeof rrsetOfText>[]) =>
  (content: MessageContent): MessageContent => ({ ...content, answer: rrsets.map((each) => rrsetOfText(...each)) });
const flip =
  (ip: string, octet: number, bit: number): NonNullable<Fault['octets']> =>
  (from, octets) => {
    if (from === ip) octets[octet]! ^= bit;
    return octets;
  };
const mailHost = (look: ReturnType<typeof shows>): NonNullable<Fault['witnesses']> => ({
  liveChecks: new Map([[STARTTLS_LOOK, look]]),
});
/** One web host shows this certificate, the others what they always do. */
const webHost =
  (host: string, certificate: Uint8Array): NonNullable<NonNullable<Fault['witnesses']>['webHosts']> =>
  (asked) =>
    shows(WEB_IP, asked === host ? certificate : certificateFor(asked, TEST_NOW_MS))();
const policy = (body: string, days?: number): Fault => ({ witnesses: servesPolicy(now, body, days) });
const policyFails = (step: 'connect' | 'certificate' | 'HTTP', why: string): Fault => ({
  witnesses: { probes: new Map([[HTTPS_PROBE, () => Promise.reject(new ProbeFailure(step, why))]]) },
});
const bimiFile = (octets: Uint8Array | ProbeFailure): NonNullable<Fault['witnesses']> => ({
  bimiProbes: new Map([
    [HTTPS_PROBE, () => (octets instanceof ProbeFailure ? Promise.reject(octets) : Promise.resolve(octets))],
  ]),
});
const resolver = (answer: NonNullable<Fault['resolver']>): Fault => ({ resolver: answer });

const many = (owner: string): string =>
  Array.from({ length: 13 }, (_, at) => `${owner} 3600 NS n${at}.other.test.\n`).join('');

/** OPT stands last, and has 11 octets here. */
function withoutOpt(octets: Uint8Array): Uint8Array {
  const shorter = Uint8Array.from(octets.subarray(0, octets.length - 11));
  shorter[11]! -= 1;
  return shorter;
}

const SHORT_KEY = generateKeyPairSync('rsa', { modulusLength: 1024 })
  .publicKey.export({ type: 'spki', format: 'der' })
  .toString('base64');

function withEvidence(octets: ProbeFailure): Fault {
  const logo = `https://bimi.post.example/bimi/${hostedFileName(LOGO, 'svg')}`;
  const evidence = `https://bimi.post.example/bimi/${'0'.repeat(32)}.pem`;
  const fetch = (url: string) => (url === logo ? Promise.resolve(new Uint8Array(LOGO)) : Promise.reject(octets));
  return {
    resolver: { 'default._bimi.post.example. TXT': [`"v=BIMI1; l=${logo}; a=${evidence};"`] },
    witnesses: { bimiProbes: new Map([[HTTPS_PROBE, fetch]]) },
  };
}

/** What is wrong, the world with it, and the findings: `check verdict`. */
export const FAULTS: readonly (readonly [string, Fault, ...string[]])[] = [
  // delegation
  [
    'the parent does not delegate the zone',
    { parent: (text) => text.replaceAll(/^(ns1\.)?post .*\n|^ns1\.post.*\n/gm, '') },
    'delegated failed',
  ],
  ['the parent names a stranger', { parent: (text) => `${text}post 3600 NS ns.evil.test.\n` }, 'ns-not-ours failed'],
  [
    'the parent lacks a name server',
    { parent: (text) => text.replace(/post 3600 NS ns2.*\n/, '') },
    'parent-differs failed',
  ],
  [
    'the parent has old glue',
    { parent: (text) => text.replace(`ns1.post 3600 A ${NS1}`, 'ns1.post 3600 A 193.0.14.9') },
    'glue-differs failed',
  ],
  [
    'one server of the parent is silent',
    { content: (ip, same) => (ip === PARENTS[0] ? undefined : same) },
    'parent-unknown not_tested',
    'ds-unknown not_tested',
  ],
  ['a name server is an alias', resolver({ 'ns2.other.test. CNAME': ['a.nic.test.'] }), 'no-address failed'],
  ['a name server has an address inside', resolver({ 'ns2.other.test. A': ['10.0.0.1'] }), 'not-public failed'],
  [
    'a family of addresses cannot be looked up',
    resolver({ 'ns2.other.test. AAAA': 'timeout' }),
    'address-unknown not_tested',
  ],
  // servers
  ['a name server is silent', { content: (ip, same) => (ip === NS2 ? undefined : same) }, 'no-answer failed'],
  ['no TCP', { octets: (ip, same, way) => (ip === NS2 && way === 'tcp' ? undefined : same) }, 'no-tcp failed'],
  ['a name server offers recursion', { octets: flip(NS2, 3, 0x80) }, 'recursive failed'],
  [
    'a name server does not have the zone',
    {
      content: (ip, same) =>
        ip === NS2 ? { ...same, rcode: RCODE.REFUSED, authoritative: false, answer: [], authority: [] } : same,
    },
    'not-authoritative failed',
  ],
  ['a name server has an older version', { isBehind: true, laterMs: 120_000 }, 'serial-differs failed'],
  [
    'a name server has other NS records',
    { content: atServer(NS2, '@', TYPE.NS, answers(['post.example.', 'NS', 'ns1.post.example.'])) },
    'servers-differ failed',
  ],
  [
    'a name server strips signatures',
    {
      content: (ip, content) =>
        ip === NS2 ? { ...content, answer: content.answer.map((each) => ({ ...each, signatures: [] })) } : content,
    },
    'unsigned failed',
  ],
  // dnssec
  ['no DS at the parent', { parent: (text) => text.replace(/post 3600 DS.*\n/, '') }, 'ds-missing warning'],
  ['a DS that no key has', { parent: (text) => text.replace(/post 3600 DS.*\n/, OTHER_DS) }, 'ds-no-key failed'],
  ['a DS of a key that is gone, beside a good one', { parent: (text) => text + OTHER_DS }, 'ds-stray warning'],
  [
    'one server of the parent lacks the DS',
    {
      content: (ip, content, _name, type) =>
        ip === PARENTS[1] && type === TYPE.DS ? { ...content, answer: [] } : content,
    },
    'ds-differs failed',
  ],
  ['a DS for an unsigned zone', { isUnsigned: true, parent: (text) => text + OTHER_DS }, 'ds-no-key failed'],
  ['the zone is not signed', { isUnsigned: true }, 'not-signed warning'],
  [
    'a forged signature',
    {
      content: atServer(NS2, '@', TYPE.SOA, (content) => ({
        ...content,
        answer: content.answer.map((each) => ({
          ...each,
          signatures: each.signatures.map((rrsig) => rrsig.with(rrsig.length - 1, rrsig.at(-1)! ^ 1)),
        })),
      })),
    },
    'chain-of-trust failed',
  ],
  ['signatures that have ended', { laterMs: 15 * DAY_MS }, 'signature-expired failed'],
  ['signatures that nobody renews', { laterMs: 10 * DAY_MS }, 'signature-ending warning'],
  [
    'a name that is not there without proof',
    {
      content: (ip, content) =>
        ip === NS2 && content.rcode === RCODE.NXDOMAIN
          ? { ...content, authority: content.authority.filter(({ type }) => type === TYPE.SOA) }
          : content,
    },
    'denial failed',
  ],
  ['the resolver takes the zone for bogus', resolver({ 'post.example. SOA': 'servfail' }), 'resolves failed'],
  ['the resolver is silent about the zone', resolver({ 'post.example. SOA': 'timeout' }), 'resolves not_tested'],
  // drift
  [
    'a name server has a record more',
    { content: atServer(NS2, '@', TYPE.MX, answers(['post.example.', 'MX', '10 mx1', '5 mx.evil.test.'])) },
    'record-not-ours failed',
  ],
  [
    'a name server has a record that is not here at all',
    { content: atServer(NS2, 'www', TYPE.AAAA, answers(['www.post.example.', 'AAAA', '2001:db8::1'])) },
    'record-not-ours failed',
  ],
  ['a name server lacks a record', { content: atServer(NS2, '_dmarc', TYPE.TXT, answers()) }, 'record-not-ours failed'],
  // addresses
  ['a mail host is an alias', resolver({ 'mx1.post.example. CNAME': ['www'] }), 'mail-host-alias failed'],
  ['a mail host has no address', resolver({ 'mx1.post.example. A': 'nodata' }), 'mail-host-no-address failed'],
  [
    'a mail host has an address inside',
    resolver({ 'mx1.post.example. A': ['192.168.1.1'], '1.1.168.192.in-addr.arpa. PTR': ['mx1'] }),
    'mail-host-not-public failed',
  ],
  ['no PTR', resolver({ '25.14.0.193.in-addr.arpa. PTR': 'nxdomain' }), 'ptr-missing warning'],
  ['a PTR to another host', resolver({ '25.14.0.193.in-addr.arpa. PTR': ['www'] }), 'ptr-differs warning'],
  // mail
  ['a null MX beside another', resolver({ 'post.example. MX': ['0 .', '10 mx1'] }), 'null-mx failed'],
  [
    'a domain without MX that has an address',
    resolver({ 'post.example. MX': 'nodata', 'post.example. A': [WEB_IP], 'post.example. TXT': ['"v=spf1 -all"'] }),
    'null-mx-missing warning',
  ],
  [
    'a domain without mail whose SPF lets hosts send',
    resolver({ 'post.example. MX': ['0 .'], 'post.example. TXT': [`"v=spf1 ip4:${MX_IP} -all"`] }),
    'no-mail-spf warning',
  ],
  [
    'a domain without mail whose DMARC does not reject',
    resolver({
      'post.example. MX': ['0 .'],
      'post.example. TXT': ['"v=spf1 -all"'],
      '_dmarc.post.example. TXT': ['"v=DMARC1; p=quarantine"'],
      'default._bimi.post.example. TXT': 'nodata',
    }),
    'no-mail-dmarc warning',
  ],
  [
    'the MX records cannot be looked up',
    resolver({ 'post.example. MX': 'servfail' }),
    'mx not_tested',
    'spf not_tested',
  ],
  // spf
  ['no SPF record', resolver({ 'post.example. TXT': ['"hello"'] }), 'spf-missing failed'],
  ['two SPF records', resolver({ 'post.example. TXT': ['"v=spf1 mx -all"', '"v=spf1 -all"'] }), 'spf-multiple failed'],
  ['SPF with an unknown mechanism', resolver({ 'post.example. TXT': ['"v=spf1 mxx -all"'] }), 'spf-record failed'],
  [
    'SPF with eleven look-ups',
    resolver({
      'post.example. TXT': [`"v=spf1 ${Array.from({ length: 11 }, () => 'a:www.post.example').join(' ')} -all"`],
      'www.post.example. AAAA': ['2a00::80'],
    }),
    'spf-lookups failed',
  ],
  ['SPF that lets everybody send', resolver({ 'post.example. TXT': ['"v=spf1 mx +all"'] }), 'spf-open warning'],
  ['SPF that ends without all', resolver({ 'post.example. TXT': ['"v=spf1 mx"'] }), 'spf-open warning'],
  ['SPF that cannot be looked up', resolver({ 'post.example. TXT': 'timeout' }), 'spf not_tested'],
  // dkim
  ['a selector without record', resolver({ 's1._domainkey.post.example. TXT': 'nxdomain' }), 'dkim-missing failed'],
  [
    'a selector with two records',
    resolver({
      's1._domainkey.post.example. TXT': [`"v=DKIM1; p=${DKIM_KEY}"`, '"v=DKIM1; p="'].map((each) =>
        each.replace(DKIM_KEY, `${DKIM_KEY.slice(0, 200)}" "${DKIM_KEY.slice(200)}`),
      ),
    }),
    'dkim-multiple failed',
  ],
  [
    'a selector with another key',
    resolver({ 's1._domainkey.post.example. TXT': [`"v=DKIM1; k=ed25519; p=${OTHER_KEY.slice(-44)}"`] }),
    'dkim-key-differs failed',
  ],
  [
    'a selector that is revoked outside',
    resolver({ 's1._domainkey.post.example. TXT': ['"v=DKIM1; p="'] }),
    'dkim-key-differs failed',
  ],
  [
    'a selector that nobody can read',
    resolver({ 's1._domainkey.post.example. TXT': ['"v=DKIM1; k=rsa"'] }),
    'dkim-record failed',
  ],
  [
    'a selector in test mode',
    resolver({
      's1._domainkey.post.example. TXT': [`"v=DKIM1; t=y; p=${DKIM_KEY.slice(0, 200)}" "${DKIM_KEY.slice(200)}"`],
    }),
    'dkim-testing warning',
  ],
  ['_domainkey does not exist', resolver({ '_domainkey.post.example. TXT': 'nxdomain' }), 'dkim-tree failed'],
  // dmarc
  [
    'no DMARC record',
    resolver({ '_dmarc.post.example. TXT': 'nodata', 'default._bimi.post.example. TXT': 'nodata' }),
    'dmarc-missing failed',
  ],
  [
    'two DMARC records',
    resolver({
      '_dmarc.post.example. TXT': ['"v=DMARC1; p=reject"', '"v=DMARC1; p=none"'],
      'default._bimi.post.example. TXT': 'nodata',
    }),
    'dmarc-multiple failed',
  ],
  [
    'a DMARC record with a mistake',
    resolver({
      '_dmarc.post.example. TXT': ['"v=DMARC1; p=rejekt; rua=mailto:d@reports.test"'],
      'default._bimi.post.example. TXT': 'nodata',
    }),
    'dmarc-record failed',
  ],
  [
    'DMARC policy none',
    resolver({
      '_dmarc.post.example. TXT': ['"v=DMARC1; p=none; rua=mailto:d@reports.test"'],
      'default._bimi.post.example. TXT': 'nodata',
    }),
    'dmarc-policy warning',
  ],
  [
    'DMARC without reports',
    resolver({ '_dmarc.post.example. TXT': ['"v=DMARC1; p=reject"'] }),
    'dmarc-reports warning',
  ],
  [
    'DMARC reports to a stranger',
    resolver({ 'post.example._report._dmarc.reports.test. TXT': 'nxdomain' }),
    'dmarc-consent failed',
  ],
  // mta-sts
  [
    'two MTA-STS records',
    resolver({ '_mta-sts.post.example. TXT': ['"v=STSv1; id=1;"', '"v=STSv1; id=2;"'] }),
    'mta-sts-multiple failed',
  ],
  ['an MTA-STS record without id', resolver({ '_mta-sts.post.example. TXT': ['"v=STSv1;"'] }), 'mta-sts-record failed'],
  ['the policy host is down', policyFails('connect', 'refused'), 'mta-sts-fetch failed'],
  [
    'the policy host has the wrong certificate',
    policyFails('certificate', 'it is for www.example.com'),
    'mta-sts-certificate failed',
  ],
  ['the policy cannot be read', policy('version: STSv1\nmode: enforced\n'), 'mta-sts-policy failed'],
  [
    'the policy lacks a mail host',
    policy('version: STSv1\nmode: enforce\nmx: mx9.post.example\nmax_age: 1209600\n'),
    'mta-sts-mx failed',
  ],
  [
    'the policy is kept for a minute',
    policy('version: STSv1\nmode: enforce\nmx: mx1.post.example\nmax_age: 60\n'),
    'mta-sts-max-age warning',
  ],
  [
    'the certificate of the policy host ends',
    policy('version: STSv1\nmode: enforce\nmx: mx1.post.example\nmax_age: 1209600\n', 7),
    'certificate-ending warning',
  ],
  [
    'the mail host has the certificate of another',
    { witnesses: mailHost(shows(MX_IP, certificateFor('www.post.example', TEST_NOW_MS))) },
    'mta-sts-mx-certificate failed',
  ],
  [
    'the certificate of the mail host ends',
    { witnesses: mailHost(shows(MX_IP, certificateFor('mx1.post.example', TEST_NOW_MS, { days: 7 }))) },
    'certificate-ending warning',
  ],
  [
    'the certificate of the mail host has ended',
    { witnesses: mailHost(shows(MX_IP, certificateFor('mx1.post.example', TEST_NOW_MS, { days: -1 }))) },
    'mta-sts-mx-certificate failed',
  ],
  // tls-rpt
  ['no TLS-RPT record', resolver({ '_smtp._tls.post.example. TXT': 'nodata' }), 'tls-rpt-missing warning'],
  [
    'two TLS-RPT records',
    resolver({
      '_smtp._tls.post.example. TXT': [
        '"v=TLSRPTv1; rua=mailto:a@post.example"',
        '"v=TLSRPTv1; rua=mailto:b@post.example"',
      ],
    }),
    'tls-rpt-multiple failed',
  ],
  [
    'a TLS-RPT record without address',
    resolver({ '_smtp._tls.post.example. TXT': ['"v=TLSRPTv1;"'] }),
    'tls-rpt-record failed',
  ],
  // tlsa
  [
    'TLSA records of other keys',
    resolver({ '_25._tcp.mx1.post.example. TLSA': [`3 1 1 ${'ab'.repeat(32)}`, `3 1 1 ${'cd'.repeat(32)}`] }),
    'tlsa-mismatch failed',
  ],
  [
    'TLSA records that senders cannot use',
    resolver({ '_25._tcp.mx1.post.example. TLSA': [`1 1 1 ${'ab'.repeat(32)}`] }),
    'tlsa-record failed',
  ],
  [
    'TLSA records that cannot be looked up',
    resolver({ '_25._tcp.mx1.post.example. TLSA': 'servfail' }),
    'tlsa-unknown not_tested',
  ],
  ['no STARTTLS', { witnesses: mailHost(fails('STARTTLS', 'it is not offered')) }, 'starttls failed'],
  ['port 25 is closed', { witnesses: mailHost(fails('connect', 'refused')) }, 'mail-host-silent not_tested'],
  [
    'TLSA of port 443 of another key',
    { witnesses: { webHosts: shows(WEB_IP, certificateFor('www.post.example', TEST_NOW_MS, { isNext: true })) } },
    'tlsa-https-mismatch failed',
  ],
  [
    'a web host with TLSA is down',
    { witnesses: { webHosts: fails('connect', 'refused') } },
    'web-host-silent not_tested',
  ],
  // bimi
  [
    'a BIMI record with a mistake',
    resolver({ 'default._bimi.post.example. TXT': ['"v=BIMI1; l=http://x.test/a.svg;"'] }),
    'bimi-record failed',
  ],
  [
    'BIMI with a weak DMARC policy',
    resolver({ '_dmarc.post.example. TXT': ['"v=DMARC1; p=none; rua=mailto:d@reports.test"'] }),
    'dmarc-policy warning',
    'bimi-dmarc failed',
  ],
  ['the logo is gone', { witnesses: bimiFile(new ProbeFailure('HTTP', 'status 404, not 200')) }, 'bimi-logo failed'],
  [
    'the logo is no logo',
    { witnesses: bimiFile(Buffer.from(LOGO.toString().replace('<rect', '<script/><rect'))) },
    'bimi-logo failed',
  ],
  // caa
  [
    'a critical CAA property that nobody knows',
    resolver({ 'post.example. CAA': ['128 tbs "x"'] }),
    'caa-critical failed',
  ],
  [
    'CAA with a value that no CA reads',
    resolver({ 'post.example. CAA': ['0 issue "https://ca.test"'] }),
    'caa-record warning',
  ],
  [
    'a mail host with a certificate of a CA that CAA does not allow',
    { ...resolver({ '_25._tcp.mx1.post.example. TLSA': [ISSUED_TLSA] }), witnesses: mailHost(shows(MX_IP, ISSUED)) },
    'caa-issuer warning',
  ],
  [
    'the policy host with one',
    { witnesses: { webHosts: webHost('mta-sts.post.example', ISSUED) } },
    'caa-issuer warning',
  ],
  [
    'a wildcard certificate of a CA that may issue others',
    {
      ...resolver({ 'post.example. CAA': ['0 issue "letsencrypt.org"', '0 issuewild "ca.test"'] }),
      witnesses: { webHosts: webHost('mta-sts.post.example', ISSUED_WILDCARD) },
    },
    'caa-issuer warning',
  ],
  ['CAA that cannot be looked up', resolver({ 'post.example. CAA': 'timeout' }), 'caa not_tested'],
  // the rest of the table
  [
    'one name server',
    {
      zone: (text) => text.replace('@ 3600 NS ns2.other.test.\n', ''),
      parent: (text) => text.replace(/post 3600 NS ns2.*\n/, ''),
    },
    'too-few-servers failed',
  ],
  [
    'fifteen name servers',
    { zone: (text) => text + many('@'), parent: (text) => text + many('post') },
    'too-many-servers not_tested',
  ],
  ['all name servers in one network', { ...resolver({ 'ns2.other.test. A': ['193.0.14.2'] }) }, 'one-network warning'],
  [
    'a name server with six addresses',
    resolver({ 'ns2.other.test. A': [1, 2, 3, 4, 5, 6].map((last) => `198.41.0.${last}`) }),
    'not-asked not_tested',
  ],
  [
    'a name server without EDNS',
    { octets: (ip, octets) => (ip === NS2 ? withoutOpt(octets) : octets) },
    'no-edns failed',
  ],
  [
    'a name server with other keys',
    {
      content: atServer(NS2, '@', TYPE.DNSKEY, (content) => ({
        ...content,
        answer: content.answer.map((each) => ({
          ...each,
          rdatas: [
            Uint8Array.from([
              ...each.rdatas[0]!.subarray(0, 20),
              ...each.rdatas[0]!.subarray(20).map((octet) => octet ^ 1),
            ]),
          ],
        })),
      })),
    },
    'keys-differ failed',
  ],
  [
    'a DS by SHA-1 alone',
    { parent: (text) => text.replace(/post 3600 DS (\d+) 13 2 [0-9A-F]+/i, `post 3600 DS $1 13 1 ${'ab'.repeat(20)}`) },
    'ds-digest warning',
  ],
  [
    'a mail host that cannot be looked up',
    resolver({ 'mx1.post.example. AAAA': 'timeout' }),
    'mail-host-unknown not_tested',
    'spf not_tested',
  ],
  [
    'a short DKIM key',
    { zone: (text) => text.replaceAll(/s1\._domainkey.*\n/g, `s1._domainkey 3600 TXT "v=DKIM1; p=${SHORT_KEY}"\n`) },
    'dkim-weak warning',
  ],
  [
    'evidence for a logo that is gone',
    withEvidence(new ProbeFailure('HTTP', 'status 404, not 200')),
    'bimi-evidence failed',
  ],
];

/** What is said beside findings: `check verdict`. */
export const NOTES: readonly (readonly [string, Fault, string])[] = [
  ['a name server that is on its way to a change of now', { isBehind: true }, 'servers-answer passed'],
  [
    'MTA-STS in mode testing',
    policy('version: STSv1\nmode: testing\nmx: mx1.post.example\nmax_age: 1209600\n'),
    'mta-sts-mode info',
  ],
  ['one TLSA record', resolver({ '_25._tcp.mx1.post.example. TLSA': [tlsaOf(TEST_NOW_MS)] }), 'tlsa-rollover info'],
  [
    'a certificate of a CA that CAA allows, by whatever method and account',
    {
      ...resolver({
        'post.example. CAA': ['0 issue "letsencrypt.org; validationmethods=http-01; accounturi=https://x.test/1"'],
      }),
      witnesses: { webHosts: webHost('mta-sts.post.example', ISSUED) },
    },
    'caa passed',
  ],
  [
    'CAA of the host itself, which counts before that of the domain',
    {
      ...resolver({ 'mta-sts.post.example. CAA': ['0 issue "letsencrypt.org"'] }),
      witnesses: { webHosts: webHost('mta-sts.post.example', ISSUED) },
    },
    'caa passed',
  ],
  ['no CAA', resolver({ 'post.example. CAA': 'nodata' }), 'caa info'],
  ['no MTA-STS', resolver({ '_mta-sts.post.example. TXT': 'nodata' }), 'mta-sts info'],
  ['no BIMI', resolver({ 'default._bimi.post.example. TXT': 'nodata' }), 'bimi good_not_tested'],
  ['a zone without selectors', { zone: (text) => text.replaceAll(/s1\._domainkey.*\n/g, '') }, 'dkim info'],
  [
    'a domain that says that it has no mail',
    resolver({
      'post.example. MX': ['0 .'],
      'post.example. TXT': ['"v=spf1 -all"'],
      '_smtp._tls.post.example. TXT': 'nodata',
      '_mta-sts.post.example. TXT': 'nodata',
    }),
    'mta-sts good_not_tested',
  ],
];

/** Tests of the faults of these areas: each is found by its name, and nothing else is. */
export function testFaults(...areas: readonly Area[]): void {
  const chosen = FAULTS.filter(([, , first]) => areas.includes(CHECKS[first!.split(' ')[0] as CheckId].area));
  describe(`each of ${chosen.length} faults by itself is found, and nothing else`, () => {
    test.each(chosen.map(([name, fault, ...expected]) => ({ name, fault, expected })))(
      '$name',
      async ({ fault, expected }) => {
        const results = await (await doctorWorld(fault)).check();
        expect(findingsOf(results).toSorted()).toEqual(expected.toSorted());
        for (const { verdict, fix } of results)
          // What is wrong comes with the next step.
          if (verdict === 'failed' || verdict === 'warning') expect(fix).toMatch(/\S/);
      },
    );
  });
}
