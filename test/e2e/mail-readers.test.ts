/**
 * The mail of zones/ and of every profile as programs of others read it, over DNS, from the real server: mailauth reads and authenticates
 * like a receiver, Zonemaster like the parent, BIND like a secondary. None of them finds fault, and neither do we with ourselves.
 * Not here: rspamd, OpenDKIM and opendkim-testkey over a rotation (signers.test.ts).
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig, namedCheckzone } from '../support/dig.ts';
import { type RunningServer, runWaxseal, startServer } from '../support/running-server.ts';
import { type Finding, zonemaster } from '../support/zonemaster.ts';

const ZONES = join(import.meta.dirname, '../../zones');
const ZONE = 'meridian-post.example';

type LookUp = (name: string, type: string) => Promise<unknown>;
interface Status {
  readonly result: string;
}
interface Authentication {
  readonly spf: { readonly status: Status };
  readonly dkim: { readonly results: readonly { readonly selector: string; readonly status: Status & { readonly aligned: string } }[] };
  readonly dmarc: { readonly status: Status; readonly p: string };
  readonly bimi: { readonly status: Status; readonly location?: string };
}
const require = createRequire(import.meta.url);
// Their types leave out what these take.
const { authenticate }: { authenticate: (message: string, options: object) => Promise<Authentication> } = require('mailauth');
const { spf }: { spf: (mail: object) => Promise<{ status: Status }> } = require('mailauth/lib/spf/index.js');
const {
  dkimSign,
}: {
  dkimSign: (message: string, options: object) => Promise<{ signatures: string; errors: unknown[] }>;
} = require('mailauth/lib/dkim/sign.js');
const {
  resolvePolicy,
}: { resolvePolicy: (domain: string, options: object) => Promise<string | false> } = require('mailauth/lib/mta-sts.js');
const getDmarcRecord: (
  domain: string,
  resolver: LookUp,
) => Promise<Record<string, unknown> | false> = require('mailauth/lib/dmarc/get-dmarc-record.js');
const {
  getPublicKey,
}: {
  getPublicKey: (type: string, name: string, bits: number, resolver: LookUp) => Promise<{ rr: string }>;
} = require('mailauth/lib/tools.js');

let server: RunningServer;
let lookUp: LookUp;

beforeAll(async () => {
  server = await startServer({ zones: ZONES });
  const resolver = new Resolver();
  resolver.setServers([`${server.address}:${server.port}`]);
  lookUp = (name, type) => resolver.resolve(name, type);
}, 60_000);
afterAll(() => server?.stop());

const spfResult = async (domain: string, ip: string) =>
  (await spf({ sender: `a@${domain}`, ip, helo: 'x.test', mta: 'y.test', resolver: lookUp })).status.result;

async function selectors(zone: string): Promise<string[]> {
  const { keys } = (await (await server.api('GET', `/v1/zones/${zone}/dkim`)).json()) as { keys: { selector: string; stage: string }[] };
  return keys.map(({ selector }) => selector);
}

interface GivenKey {
  readonly selector: string;
  readonly algorithm: string;
  readonly privateKey: string;
}

/** Registers a signer; gives what asks for its keys. */
async function newSigner(name: string, domain: string): Promise<() => Promise<GivenKey[]>> {
  const added = await server.cli('dkim', 'signer', 'add', name, '--domain', domain);
  if (added.exit !== 0) throw new Error(added.err);
  const headers = { authorization: `Bearer ${added.out.trim()}` };
  return async () => {
    const answer = await fetch(`http://${server.address}:${server.adminPort}/v1/signers/${name}/keys`, { headers });
    return ((await answer.json()) as { keys: GivenKey[] }).keys;
  };
}

/** A message from `domain`, signed by mailauth with keys that our server gave. */
async function sign(domain: string, keys: readonly GivenKey[]): Promise<string> {
  const message = `From: a@${domain}\r\nTo: b@receiver.example\r\nSubject: hello\r\nMessage-ID: <1@${domain}>\r\n\r\nHello.\r\n`;
  const signatureData = keys.map(({ selector, algorithm, privateKey }) => ({ signingDomain: domain, selector, algorithm, privateKey }));
  const { signatures, errors } = await dkimSign(message, { canonicalization: 'relaxed/relaxed', signatureData });
  expect([keys.length, errors]).toEqual([2, []]);
  return signatures + message;
}

const receive = (text: string, ip: string) =>
  authenticate(text, { ip, helo: `mx1.${ZONE}`, sender: `a@${ZONE}`, mta: 'receiver.example', resolver: lookUp, disableArc: true });

describe('the policy of zones/', () => {
  test('is good for our own check, without a warning', async () => {
    for (const name of [ZONE, '2.0.192.in-addr.arpa', '8.b.d.0.1.0.0.2.ip6.arpa'])
      expect(await runWaxseal(['zone', 'check', name, join(ZONES, `${name}.zone`)])).toMatchObject({ exit: 0, err: '' });
    const check = await server.cli('mail', 'check', ZONE);
    expect(check).toMatchObject({ exit: 0, err: '' });
    expect(check.out).toMatch(/meridian-post\.example\. ok\n$/);
    expect(check.out).not.toMatch(/warning/i);
  });

  test('is what mailauth reads record by record', async () => {
    const senders = { '192.0.2.25': 'pass', '2001:db8:25::99': 'pass', '198.51.100.25': 'pass', '203.0.113.9': 'fail' };
    for (const [ip, result] of Object.entries(senders)) expect([ip, await spfResult(ZONE, ip)]).toEqual([ip, result]);
    // The mail hosts by themselves, as in HELO.
    expect(await spfResult(`mx1.${ZONE}`, '192.0.2.25')).toBe('pass');
    expect(await spfResult(`mx2.${ZONE}`, '192.0.2.25')).toBe('fail');
    expect(await getDmarcRecord(ZONE, lookUp)).toMatchObject({ p: 'none', np: 'reject', rua: `mailto:dmarc@${ZONE}` });
    // RFC 8461 §8.1: the id is announced when the body is seen from outside, and from here it is not.
    expect(await resolvePolicy(ZONE, { resolver: lookUp })).toBe(false);
    const published = await selectors(ZONE);
    expect(new Set(published.map((each) => each[0]))).toEqual(new Set(['e', 'r']));
    for (const selector of published)
      expect((await getPublicKey('DKIM', `${selector}._domainkey.${ZONE}`, 2048, lookUp)).rr).toMatch(/^v=DKIM1;k=(rsa|ed25519);p=/);
    // It has no reader for these two.
    expect(await lookUp(`_smtp._tls.${ZONE}`, 'TXT')).toEqual([[`v=TLSRPTv1; rua=mailto:tls@${ZONE}`]]);
    expect(await lookUp(`default._bimi.${ZONE}`, 'TXT')).toEqual([['v=BIMI1; l=; a=;']]);
  });

  test('RFC 8020 §2: names that only hold others are there and empty; selectors that never were do not exist', async () => {
    for (const name of ['_domainkey', '_tls', '_bimi', '_tcp.mx1', '_tcp'])
      for (const type of ['TXT', 'A']) {
        const { status, answer } = await dig(server, [`${name}.${ZONE}`, type]);
        expect([name, type, status, answer]).toEqual([name, type, 'NOERROR', []]);
      }
    for (const name of ['r20010101a._domainkey', 'a.b._domainkey', '_smtp', '_dmarc.www2'])
      expect([name, (await dig(server, [`${name}.${ZONE}`, 'TXT'])).status]).toEqual([name, 'NXDOMAIN']);
  });

  test('mail signed with its keys is authenticated; forged mail is not', async () => {
    // The quarter of an hour that negative answers last is not waited for here.
    for (const selector of await selectors(ZONE)) {
      const isVisible = () => selectorIs(ZONE, selector, 'visible');
      expect(await server.eventually(isVisible, 20_000)).toBe(true);
      const order = await server.cli('mail', 'override', ZONE, selector, 'negative-ttl', '--reason', 'nobody asked yet', '--yes');
      expect(order).toMatchObject({ exit: 0, err: '' });
      expect(await selectorIs(ZONE, selector, 'active')).toBe(true);
    }
    const message = await sign(ZONE, await (await newSigner('first', ZONE))());
    const good = await receive(message, '192.0.2.25');
    expect(good.spf.status.result).toBe('pass');
    expect(good.dkim.results.map(({ status }) => [status.result, status.aligned])).toEqual([
      ['pass', ZONE],
      ['pass', ZONE],
    ]);
    expect(good.dmarc).toMatchObject({ p: 'none', status: { result: 'pass' } });
    const forged = await receive(message.replace('Hello.', 'Pay me.'), '203.0.113.9');
    expect(forged.spf.status.result).toBe('fail');
    expect(forged.dkim.results.map(({ status }) => status.result)).not.toContain('pass');
    expect(forged.dmarc.status.result).toBe('fail');
  });
});

async function selectorIs(zone: string, selector: string, stage: string): Promise<boolean> {
  const { keys } = (await (await server.api('GET', `/v1/zones/${zone}/dkim`)).json()) as { keys: { selector: string; stage: string }[] };
  return keys.some((key) => key.selector === selector && key.stage === stage);
}

describe('a key that leaked', () => {
  test('is p= at once, is given to no signer, and nothing signed with it passes; the other algorithm goes on', async () => {
    const given = await newSigner('second', ZONE);
    const before = await given();
    const message = await sign(ZONE, before);
    const [leaked, kept] = ['ed25519-sha256', 'rsa-sha256'].map((name) => before.find(({ algorithm }) => algorithm === name)!.selector);
    const revoked = await server.cli('dkim', 'revoke', ZONE, leaked!, '--reason', 'on a stolen disk', '--yes');
    expect(revoked).toMatchObject({ exit: 0, err: '' });
    expect(await lookUp(`${leaked}._domainkey.${ZONE}`, 'TXT')).toEqual([['v=DKIM1; k=ed25519; p=']]);
    expect((await given()).map(({ selector }) => selector)).toEqual([kept]);
    const { dkim, dmarc } = await receive(message, '192.0.2.25');
    expect(Object.fromEntries(dkim.results.map(({ selector, status }) => [selector, status.result === 'pass']))).toEqual({
      [leaked!]: false,
      [kept!]: true,
    });
    expect(dmarc.status.result).toBe('pass');
    // Its successor is published, under a name that was never used.
    const successors = (await selectors(ZONE)).filter((each) => each.startsWith('e') && each !== leaked);
    expect(successors).toHaveLength(1);
    await getPublicKey('DKIM', `${successors[0]}._domainkey.${ZONE}`, 2048, lookUp);
    expect(await server.cli('mail', 'check', ZONE)).toMatchObject({ exit: 0, err: '' });
  });
});

describe('a profile by itself', () => {
  const profiles: readonly (readonly [profile: string, strangers: string, dmarc: string])[] = [
    ['default', 'softfail', 'none'],
    ['m3aawg', 'softfail', 'none'],
    ['bsi', 'fail', 'none'],
    ['cisa', 'softfail', 'none'],
    ['internet.nl', 'softfail', 'none'],
    ['lockdown', 'fail', 'reject'],
  ];

  test.each(profiles)('%s', async (profile, strangers, dmarc) => {
    const zone = `${profile.replaceAll('.', '-')}.test`;
    const isLockdown = profile === 'lockdown';
    const text = ['@ SOA ns1 hostmaster 1 4h 1h 2w 15m', '@ NS ns1', '@ NS ns2', 'ns1 A 192.0.2.1', 'ns2 A 198.51.100.1'];
    const mail = isLockdown ? [] : ['@ MX 10 mx1', 'mx1 A 192.0.2.25'];
    writeFileSync(join(server.folder, 'zone'), `$TTL 1h\n${[...text, ...mail].join('\n')}\n`);
    writeFileSync(join(server.folder, 'policy.toml'), `profile = "${profile}"\n`);
    expect(await server.cli('zone', 'import', zone, 'zone')).toMatchObject({ exit: 0, err: '' });
    // No word of ours against our own defaults: on stderr there would be warnings.
    expect(await server.cli('mail', 'apply', zone, 'policy.toml', '--yes')).toMatchObject({ exit: 0, err: '' });
    const check = await server.cli('mail', 'check', zone, '--json');
    expect([check.exit, check.err, (JSON.parse(check.out) as { problems: unknown[] }).problems]).toEqual([0, '', []]);
    expect(await server.cli('mail', 'status', zone)).toMatchObject({ exit: 0, err: '' });

    const exported = await server.cli('zone', 'export', zone);
    const judged = await namedCheckzone(zone, exported.out);
    expect([judged.code, judged.stdout + judged.stderr]).toEqual([0, expect.stringMatching(/^zone \S+: loaded serial \d+\nOK\n$/)]);

    expect(await spfResult(zone, '203.0.113.9')).toBe(strangers);
    expect(await spfResult(zone, '192.0.2.25')).toBe(isLockdown ? 'fail' : 'pass');
    expect(await getDmarcRecord(zone, lookUp)).toMatchObject({ p: dmarc });
    if (!isLockdown) {
      for (const selector of await selectors(zone)) await getPublicKey('DKIM', `${selector}._domainkey.${zone}`, 2048, lookUp);
      return;
    }
    // RFC 7505 §3, and every selector revoked.
    expect(await lookUp(zone, 'MX')).toMatchObject([{ priority: 0, exchange: '' }]);
    await expect(getPublicKey('DKIM', `any._domainkey.${zone}`, 1024, lookUp)).rejects.toThrow('Missing key value');
  });

  test('BIMI is held back on the way to DMARC reject, and that is explained', async () => {
    const zone = 'bimi.test';
    const policy = (more: string) => `[bimi]\nlogo = "https://bimi.test/logo.svg"\n${more}`;
    writeFileSync(join(server.folder, 'zone'), '$TTL 1h\n@ SOA ns1 hostmaster 1 4h 1h 2w 15m\n@ NS ns1\n@ MX 10 ns1\nns1 A 192.0.2.1\n');
    expect(await server.cli('zone', 'import', zone, 'zone')).toMatchObject({ exit: 0 });
    writeFileSync(join(server.folder, 'policy.toml'), policy(''));
    expect(await server.cli('mail', 'apply', zone, 'policy.toml', '--yes')).toMatchObject({ exit: 0, err: '' });
    await expect(lookUp(`default._bimi.${zone}`, 'TXT')).rejects.toThrow('ENOTFOUND');
    expect((await server.cli('mail', 'status', zone)).out).toMatch(/BIMI record is held back .*\n.*waits for a DMARC policy of quarantine/);
    expect(await server.cli('mail', 'override', zone, 'dmarc', 'dwell', '--reason', 'the logo', '--yes')).toMatchObject({ exit: 0 });
    expect(await getDmarcRecord(zone, lookUp)).toMatchObject({ p: 'quarantine' });
    expect(await lookUp(`default._bimi.${zone}`, 'TXT')).toEqual([['v=BIMI1; l=https://bimi.test/logo.svg; a=;']]);
    expect((await server.cli('mail', 'status', zone)).out).not.toContain('BIMI record is held back');
  });
});

describe('Zonemaster, coming from the root', () => {
  const ROOT = '198.51.100.1';
  const PARENT = '198.51.100.2';
  const REVERSE = ['2.0.192.in-addr.arpa', '8.b.d.0.1.0.0.2.ip6.arpa'];
  let parent: RunningServer;

  const put = async (to: RunningServer, zone: string, text: string) => {
    const answer = await to.api('PUT', `/v1/zones/${zone === '.' ? '=2E' : zone}/zonefile?parent=ignore`, `$TTL 1h\n${text}`, 'text/dns');
    if (!answer.ok) throw new Error(await answer.text());
  };
  const dsOf = async (zone: string) => {
    const { ds } = (await (await server.api('GET', `/v1/zones/${zone}/dnssec/ds`)).json()) as { ds: { record: string }[] };
    return ds.map(({ record }) => record);
  };
  const delegation = async (zone: string) =>
    [`${zone}. NS ns1.${ZONE}.`, `${zone}. NS ns2.meridian-dns.example.`, ...(await dsOf(zone))].join('\n');
  const GLUE = `ns1.${ZONE}. A 192.0.2.53\nns1.${ZONE}. AAAA 2001:db8:53::53\n`;
  const OTHER = 'ns1 A 198.51.100.53\nns2 A 203.0.113.153\nns2 AAAA 2001:db8:153::53\n';
  const putParent = async (ofZone: string) =>
    put(
      parent,
      'example',
      `@ SOA a.nic h.nic 1 4h 1h 2w 1h\n@ NS a.nic\na.nic A ${PARENT}\na.root A ${ROOT}\n${ofZone}\n${GLUE}` +
        `$ORIGIN meridian-dns.example.\n@ NS ns1\n@ NS ns2\n${OTHER}`,
    );

  /** `ns2` is another's name server with its own zones; here it is the same server at other addresses. */
  const findings = (zone: string, ...tests: string[]): Promise<Finding[]> =>
    zonemaster(
      zone,
      ROOT,
      [
        [parent, ROOT, PARENT],
        [server, '192.0.2.53', '2001:db8:53::53', '198.51.100.53', '203.0.113.153', '2001:db8:153::53'],
      ],
      tests,
    );
  // Newer versions than Debian 12's read SPF too (ZONE11): it would be among these.
  const faults = (all: readonly Finding[]) =>
    all.filter(({ level }) => level !== 'INFO').map(({ level, tag, args }) => ({ level, tag, args }));

  beforeAll(async () => {
    parent = await startServer();
    const soa =
      '@ SOA ns1.meridian-dns.example. h.meridian-dns.example. 1 4h 1h 2w 1h\n@ NS ns1.meridian-dns.example.\n@ NS ns2.meridian-dns.example.\n';
    await put(server, 'meridian-dns.example', soa + OTHER);
    await put(server, '113.0.203.in-addr.arpa', `${soa}153 PTR ns2.meridian-dns.example.\n`);
    await put(server, '3.5.1.0.8.b.d.0.1.0.0.2.ip6.arpa', `${soa}3.5${'.0'.repeat(18)} PTR ns2.meridian-dns.example.\n`);
    const others = ['113.0.203.in-addr.arpa', '3.5.1.0.8.b.d.0.1.0.0.2.ip6.arpa'];
    const root = `@ SOA a.root.example. h.example. 1 4h 1h 2w 1h\n@ NS a.root.example.\nexample NS a.nic.example.\na.root.example. A ${ROOT}\na.nic.example. A ${PARENT}\n`;
    const reverse = await Promise.all([...REVERSE, ...others].map((zone) => delegation(zone)));
    await put(parent, '.', `${root}${reverse.join('\n')}\n`);
    await putParent(await delegation(ZONE));
  }, 60_000);
  afterAll(() => parent?.stop());

  test.each([ZONE, ...REVERSE])('%s has no fault but its addresses, which are for documentation', { timeout: 60_000 }, async (zone) => {
    const all = await findings(zone);
    expect(faults(all.filter(({ testcase }) => testcase !== 'ADDRESS01'))).toEqual([]);
    // It has looked: at the delegation, the DNSSEC chain and the mail hosts.
    const looked = ['ADDRESS01', 'BASIC01', 'CONSISTENCY05', 'DELEGATION07', 'DNSSEC05', 'DNSSEC10', 'SYNTAX05', 'ZONE07'];
    for (const each of zone === ZONE ? [...looked, 'ZONE09'] : looked) expect(all.map(({ testcase }) => testcase)).toContain(each);
  });

  test('and it can find one: a DS of another key', { timeout: 60_000 }, async () => {
    const lines = (await delegation(ZONE)).replaceAll(/(DS \d+ \d+ \d+ )[0-9A-F]{8}/g, '$100000000');
    await putParent(lines);
    expect(faults(await findings(ZONE, 'DNSSEC')).map(({ level }) => level)).toContain('ERROR');
  });
});
