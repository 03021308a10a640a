/**
 * Validators of other projects judge the real server and its exports: delv, drill and kdig over the wire; ldns-verify-zone, dnssec-verify,
 * named-checkzone and ldns-read-zone on files. Each is also shown something wrong, which it must refuse.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { delv, dig, dnssecVerify, drillChase, kdig, ldnsReadZone, ldnsVerifyZone, namedCheckzone } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { exportSigned, exportZone, putZones } from '../support/waxseal.ts';

const MAIL = 'meridian-post.example.';
const REVERSE = '8.b.d.0.1.0.0.2.ip6.arpa.';
const NASTY = 'nasty.test.';
const NASTY_TEXT = `$TTL 3600
@               SOA   ns host 1 3600 600 86400 300
@               NS    ns
ns              A     192.0.2.1
; order: the asterisk, a zero octet, capitals, long names, names that differ late
*.wild          TXT   "wild"
wild            TXT   "beside"
b.wild          A     192.0.2.2
\\000.wild       A     192.0.2.3
MIXED.Case      A     192.0.2.4
z\\.dot          A     192.0.2.5
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.ddddddddddddddddddddddddddddddddddddd A 192.0.2.6
; empty non-terminals, one of them a wildcard
x.y.ent         TXT   "deep"
a.*.hollow      TXT   "below an asterisk"
; aliases
alias           CNAME host
*.walias        CNAME host
dangling        CNAME nothing
host            A     192.0.2.7
tree            DNAME target
a.target        A     192.0.2.8
; types: unknown, large, many windows of the bitmap
types           TYPE65280 \\# 4 c0000201
types           TYPE1000 \\# 0
types           CAA   0 issue "ca.example"
large           TXT   "${'x'.repeat(255)}" "${'y'.repeat(255)}" "${'z'.repeat(255)}" "${'w'.repeat(255)}" "${'v'.repeat(255)}"
; delegations: unsigned and signed, both served here too
plain           NS    ns.plain
ns.plain        A     192.0.2.9
hidden.plain    TXT   "occluded"
secure          NS    ns.secure
ns.secure       A     192.0.2.10
`;
const CHILD_TEXT = `$TTL 300
@   SOA ns host 1 3600 600 86400 300
@   NS  ns
ns  A   192.0.2.11
www A   192.0.2.12
`;

interface Ds {
  readonly digestType: number;
  readonly record: string;
  readonly dnskey: { readonly flags: number; readonly protocol: number; readonly algorithm: number; readonly publicKey: string };
}

let server: RunningServer;
let rsaKey = '';

function questionName(name: string): string {
  return name === RSA_KEY ? rsaKey : name;
}

/** DS lines, SHA-256 and SHA-384, and the DNSKEY line of each zone. */
const anchors = new Map<string, { readonly ds: readonly string[]; readonly key: string }>();

async function learnAnchors(zone: string): Promise<void> {
  const { ds }: { ds: readonly Ds[] } = JSON.parse(await (await server.api('GET', `/v1/zones/${zone}/dnssec/ds`)).text());
  const { flags, protocol, algorithm, publicKey } = ds[0]!.dnskey;
  anchors.set(zone, {
    ds: ds.map(({ record }) => record),
    key: `${zone} 3600 IN DNSKEY ${flags} ${protocol} ${algorithm} ${publicKey}`,
  });
}

beforeAll(async () => {
  server = await startServer({ zones: join(import.meta.dirname, '../../zones'), workers: 2 });
  await putZones(
    server,
    [
      { name: NASTY, text: NASTY_TEXT },
      { name: `secure.${NASTY}`, text: CHILD_TEXT },
    ],
    'on',
  );
  await putZones(server, [{ name: `plain.${NASTY}`, text: CHILD_TEXT }], 'off');
  const { keys }: { keys: readonly { selector: string; algorithm: string }[] } = JSON.parse(
    await (await server.api('GET', `/v1/zones/${MAIL}/dkim`)).text(),
  );
  rsaKey = `${keys.find(({ algorithm }) => algorithm === 'rsa2048')!.selector}._domainkey.${MAIL}`;
  for (const zone of [MAIL, REVERSE, NASTY, `secure.${NASTY}`]) await learnAnchors(zone);
  // The child's DS goes into the parent as a registrar would put it there.
  const records = anchors.get(`secure.${NASTY}`)!.ds.map((line) => line.split(' DS ')[1]);
  const put = await server.api('PUT', `/v1/zones/${NASTY}/rrsets/secure/DS?wait=served`, JSON.stringify({ ttl: 300, records }));
  if (!put.ok) throw new Error(await put.text());
});
afterAll(async () => {
  await server.stop();
});

/** The name of the RSA key depends on the day: `questionName` finds it. */
const RSA_KEY = 'the RSA key';

/** Kinds of answers: zone with the anchor, question, and whether drill 1.8 can chase it. */
const KINDS: readonly [kind: string, zone: string, name: string, type: string, drill?: 'no drill'][] = [
  ['positive', MAIL, MAIL, 'MX'],
  ['positive, an RSA-2048 DKIM key', MAIL, RSA_KEY, 'TXT'],
  ['DNSKEY', MAIL, MAIL, 'DNSKEY'],
  ['CDS', MAIL, MAIL, 'CDS'],
  ['NXDOMAIN', MAIL, `no-such-name.${MAIL}`, 'A'],
  ['NXDOMAIN, before the first name', MAIL, `${'!'.repeat(3)}.${MAIL}`, 'A'],
  ['NODATA', MAIL, MAIL, 'LOC'],
  // RFC 4035 §3.1.3.1 wants one NSEC for an empty non-terminal; drill asks for one that covers the wildcard too.
  ['empty non-terminal', MAIL, `_domainkey.${MAIL}`, 'TXT', 'no drill'],
  ['wildcard', MAIL, `x.customers.${MAIL}`, 'A'],
  ['wildcard, several labels deep', MAIL, `x.y.z.customers.${MAIL}`, 'AAAA'],
  ['wildcard NODATA', MAIL, `x.customers.${MAIL}`, 'TXT'],
  ['no wildcard through an existing name', MAIL, `x.vip.customers.${MAIL}`, 'A'],
  ['CNAME', MAIL, `www.${MAIL}`, 'AAAA'],
  // drill chases the CNAME that was made from the DNAME, which has no signature (RFC 6672 §5.3.1).
  ['DNAME', MAIL, `faq.helpdesk.${MAIL}`, 'A', 'no drill'],
  ['DNAME, NXDOMAIN behind it', MAIL, `nothing.helpdesk.${MAIL}`, 'A', 'no drill'],
  ['insecure delegation: no DS', MAIL, `lab.${MAIL}`, 'DS'],
  ['PTR in an IPv6 reverse zone', REVERSE, REVERSE, 'SOA'],
  ['NXDOMAIN in a reverse zone', REVERSE, `f.${REVERSE}`, 'PTR'],
  ['nasty: literal asterisk', NASTY, `*.wild.${NASTY}`, 'TXT'],
  ['nasty: wildcard beside a zero octet', NASTY, `a.wild.${NASTY}`, 'TXT'],
  ['nasty: a zero octet', NASTY, `\\000.wild.${NASTY}`, 'A'],
  ['nasty: capitals in question and zone', NASTY, `mIxEd.cAsE.${NASTY}`, 'A'],
  ['nasty: a dot in a label', NASTY, `z\\.dot.${NASTY}`, 'A'],
  ['nasty: a name of 242 octets', NASTY, `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(37)}.${NASTY}`, 'A'],
  ['nasty: empty non-terminal of two', NASTY, `ent.${NASTY}`, 'A', 'no drill'],
  ['nasty: NXDOMAIN below an empty non-terminal', NASTY, `z.ent.${NASTY}`, 'A'],
  // drill does not take the NSEC whose next name lies below the asterisk for a proof of NODATA.
  ['nasty: wildcard that is an empty non-terminal', NASTY, `q.hollow.${NASTY}`, 'TXT', 'no drill'],
  ['nasty: alias from a wildcard', NASTY, `q.walias.${NASTY}`, 'A'],
  ['nasty: alias of nothing', NASTY, `dangling.${NASTY}`, 'A'],
  ['nasty: unknown type', NASTY, `types.${NASTY}`, 'TYPE65280'],
  ['nasty: NODATA with four bitmap windows', NASTY, `types.${NASTY}`, 'A'],
  // drill -S does not go on over TCP.
  ['nasty: larger than UDP takes', NASTY, `large.${NASTY}`, 'TXT', 'no drill'],
  ['nasty: DS of a secure child', NASTY, `secure.${NASTY}`, 'DS'],
  ['nasty: through the child’s DS', NASTY, `www.secure.${NASTY}`, 'A'],
  ['nasty: NXDOMAIN in the secure child', NASTY, `none.secure.${NASTY}`, 'A'],
  ['nasty: no DS of an insecure child', NASTY, `plain.${NASTY}`, 'DS'],
];

/** The zone's anchor with one digit or letter of the digest or key changed. */
function tampered(line: string): string {
  const last = line.search(/[0-9A-Za-z]=*$/);
  return `${line.slice(0, last)}${line[last] === 'A' ? 'B' : 'A'}${line.slice(last + 1)}`;
}

describe('delv with the zone’s own DS as the only anchor', () => {
  test.each(KINDS)('RFC 4035 §5: %s', async (_kind, zone, given, type) => {
    const name = questionName(given);
    const { isValid, text } = await delv(server, zone, anchors.get(zone)!.ds, name, type);
    expect(isValid ? '' : text).toBe('');
  });

  test('over TCP, and with the DNSKEY as the anchor', async () => {
    const { key } = anchors.get(MAIL)!;
    for (const [name, type] of [
      [MAIL, 'MX'],
      [`no-such-name.${MAIL}`, 'A'],
      [`x.customers.${MAIL}`, 'A'],
    ] as const) {
      const { isValid, text } = await delv(server, MAIL, [key], name, type, ['+tcp']);
      expect(isValid ? '' : text).toBe('');
    }
  });

  test('each digest alone is enough', async () => {
    for (const line of anchors.get(MAIL)!.ds) expect(await delv(server, MAIL, [line], MAIL, 'SOA')).toMatchObject({ isValid: true });
  });

  test('data of an insecure child is called unsigned, not valid', async () => {
    const { isValid, text } = await delv(server, NASTY, anchors.get(NASTY)!.ds, `www.plain.${NASTY}`, 'A');
    expect(isValid).toBe(false);
    expect(text).toMatch(/^; unsigned answer/);
    expect(text).toContain('192.0.2.12');
  });

  test('an anchor with one digit changed validates nothing', async () => {
    const { ds, key } = anchors.get(MAIL)!;
    for (const anchor of [...ds, key]) {
      expect(tampered(anchor)).not.toBe(anchor);
      for (const [name, type] of [
        [MAIL, 'MX'],
        [`no-such-name.${MAIL}`, 'A'],
      ] as const)
        expect(await delv(server, MAIL, [tampered(anchor)], name, type)).toMatchObject({ isValid: false });
    }
  });
});

describe('drill -S, with the zone’s key', () => {
  test.each(KINDS.filter(([, , , , drill]) => drill === undefined))('%s', async (_kind, zone, given, type) => {
    const name = questionName(given);
    const { isValid, text } = await drillChase(server, [anchors.get(zone)!.key], name, type);
    expect(isValid ? '' : text).toBe('');
  });

  test('a key with one letter changed validates nothing', async () => {
    for (const name of [MAIL, `no-such-name.${MAIL}`])
      expect(await drillChase(server, [tampered(anchors.get(MAIL)!.key)], name, 'MX')).toMatchObject({ isValid: false });
  });
});

describe('kdig and dig read the same', () => {
  /** Owner, TTL, class and type of every record; RDATA has as many forms as there are tools. */
  const shapes = ({ status, flags, ...sections }: Awaited<ReturnType<typeof dig>>) => ({
    status,
    flags: flags.toSorted(),
    ...Object.fromEntries(
      (['answer', 'authority', 'additional'] as const).map((section) => [
        section,
        sections[section].map((line) => line.toLowerCase().split(' ', 4).join(' ')).toSorted(),
      ]),
    ),
  });

  test.each(KINDS.filter(([, , name]) => !name.includes('\\')))('%s', async (_kind, _zone, given, type) => {
    const name = questionName(given);
    const [byDig, byKdig] = await Promise.all([
      dig(server, [name, type, '+dnssec', '+nosplit', '+nocrypto']),
      kdig(server, [name, type, '+dnssec', '+nocrypto']),
    ]);
    expect(byDig.text).not.toMatch(/WARNING|malformed|extra/i);
    expect(byKdig.text).not.toMatch(/WARNING|malformed/i);
    expect(shapes(byKdig)).toEqual(shapes(byDig));
    expect([...byDig.answer, ...byDig.authority].some((line) => line.includes(' RRSIG '))).toBe(true);
  });
});

describe.each([MAIL, REVERSE, NASTY])('exports of %s', (zone) => {
  test('the signed one is accepted by ldns-verify-zone and dnssec-verify, from the API and from the command line', async () => {
    const text = await exportSigned(server, zone);
    expect(text).toContain('RRSIG');
    expect(await ldnsVerifyZone(text)).toMatchObject({ code: 0 });
    expect(await dnssecVerify(zone, text)).toMatchObject({ code: 0 });
    const byCommand = await server.cli('zone', 'export', zone, '--signed');
    expect(byCommand).toEqual({ exit: 0, out: text, err: '' });
  });

  test.each([
    [
      'an octet of a record',
      / A\t|\tA\t|\tPTR\t/,
      (line: string) => line.replace(/.(\.?)$/, (last, dot: string) => `${last[0] === '7' ? '8' : '7'}${dot}`),
    ],
    [
      'an octet of a signature',
      /\tRRSIG\tNSEC /,
      (line: string) => line.replace(/(.)(.{20})$/, (_all, one: string, rest: string) => `${one === 'A' ? 'B' : 'A'}${rest}`),
    ],
    ['a type in a bitmap', /\tNSEC\t/, (line: string) => line.replace(/ RRSIG NSEC/, ' TXT RRSIG NSEC HINFO')],
    ['a missing NSEC', /\tNSEC\t/, () => ''],
  ])('the signed one with a change is refused by both: %s', async (_what, pattern, change) => {
    const lines = (await exportSigned(server, zone)).split('\n');
    // Not the apex, and nothing that is not signed.
    const at = lines.findLastIndex(
      (line) => pattern.test(line) && !line.startsWith(zone) && !/^(?:ns\d?\.(?:lab|plain|secure)|hidden)\./.test(line),
    );
    expect(at).toBeGreaterThan(0);
    const altered = lines.with(at, change(lines[at]!));
    expect(altered[at]).not.toBe(lines[at]);
    const text = altered.join('\n');
    expect((await ldnsVerifyZone(text)).code).not.toBe(0);
    expect((await dnssecVerify(zone, text)).code).not.toBe(0);
  });

  test('the unsigned one is accepted by named-checkzone and ldns-read-zone, and imports to the same zone', async () => {
    const text = await exportZone(server, zone, false);
    expect(text).not.toContain('RRSIG');
    expect(await namedCheckzone(zone, text)).toMatchObject({ code: 0 });
    const read = await ldnsReadZone(text);
    expect(read.code).toBe(0);
    expect(read.stdout.trim().split('\n').length).toBe(text.trim().split('\n').length);
    const again = await server.api('PUT', `/v1/zones/${zone}/zonefile?dryRun=1`, text, 'text/dns');
    expect(await again.json()).toMatchObject({ changed: false });
  });
});
