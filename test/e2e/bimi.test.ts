/**
 * Hosted BIMI logos as their readers meet them: the real server, which gets the certificate of their host from pebble by
 * itself, the command line, curl, mailauth. Receivers know no other port than 443, so the server has a loopback address of its own.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pebble } from '../support/acme/pebble.ts';
import { LOGO, markCa } from '../support/mail/mark-certificate.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';

const ZONE = 'logo.example';
const HOST = `bimi.${ZONE}`;
const ADDRESS = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(2, 250)}`;
const WAIT_MS = 120_000;
const CHANGES = 4;
const ZONE_FILE = `$TTL 1\n@ SOA ns1 hostmaster 1 7200 900 1209600 1\n@ NS ns1\n@ MX 10 mx1\n@ CAA 0 issue "pebble.example"\nns1 A ${ADDRESS}\nmx1 A ${ADDRESS}\n`;
const POLICY = {
  dkim: { algorithms: [] },
  spf: { mechanisms: ['mx'], all: '-all' },
  dmarc: { policy: 'reject', ramp: { enabled: false } },
  mtaSts: { mode: 'off' },
  tlsRpt: { rua: [] },
  ttl: { default: '1s' },
  bimi: { hosted: true, keepOld: '4s' },
};
const marks = markCa(Date.now());
const folder = mkdtempSync(join(tmpdir(), 'waxseal-bimi-'));
const dns = new Resolver({ timeout: 2000, tries: 5 });
const rootsFile = join(folder, 'roots.pem');
let pebble: Pebble;
let server: RunningServer;

/** The record now; empty: none. */
const record = async () => (await dns.resolveTxt(`default._bimi.${ZONE}`).catch(() => [])).flat().join('');
const urlIn = (text: string, tag: string) => new RegExp(`${tag}=(https:[^;]+);`).exec(text)?.[1] ?? '';
const logo = (title: string) => LOGO.toString().replace('Example', title);

/** What curl gets, with the certificate verified. */
function curl(url: string, ...words: string[]): { readonly exit: number | null; readonly head: string; readonly body: string } {
  const given = ['-si', '--max-time', '10', '--cacert', rootsFile, '--resolve', `${HOST}:443:${ADDRESS}`];
  const { status, stdout } = spawnSync(toolPath('curl'), [...given, ...words, url], { encoding: 'latin1' });
  const at = stdout.indexOf('\r\n\r\n');
  return { exit: status, head: stdout.slice(0, at), body: stdout.slice(at + 4) };
}

async function upload(text: string, ...words: string[]) {
  const file = join(folder, 'logo.svg');
  writeFileSync(file, text);
  return server.cli('bimi', 'upload', ZONE, file, ...words);
}

const isNamed = (text: string) =>
  server.eventually(async () => {
    const url = urlIn(await record(), 'l');
    return url !== '' && curl(url).body === text;
  }, WAIT_MS);

beforeAll(async () => {
  pebble = await Pebble.start({ dns: `${ADDRESS}:53`, failing: 0, rejectedNonces: 0, sleepSeconds: 0 });
  writeFileSync(rootsFile, await pebble.issuingRoot());
  const config = [
    '[https]',
    `addresses = ["${ADDRESS}"]`,
    '[acme]',
    `directories = ["${pebble.directory}"]`,
    `contacts = ["mailto:hostmaster@${ZONE}"]`,
    'terms_agreed = true',
    `ca_file = "${pebble.rootFile}"`,
    '[mail]',
    `resolvers = ["${ADDRESS}:53"]`,
    'probe_networks = ["127.0.0.0/8"]',
    `probe_ca_file = "${rootsFile}"`,
  ].join('\n');
  server = await startServer({ config, words: ['--dns', `${ADDRESS}:53`, '--https', `${ADDRESS}:443`] });
  dns.setServers([`${ADDRESS}:53`]);
  const put = await server.api('PUT', `/v1/zones/${ZONE}/zonefile`, ZONE_FILE, 'text/dns');
  if (!put.ok) throw new Error(await put.text());
}, 4 * WAIT_MS);
afterAll(async () => {
  await server?.stop();
  await pebble?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('upload, policy, record: logo and evidence are fetched as a receiver fetches them', async () => {
  const mark = marks.issue({ names: [ZONE] });
  writeFileSync(join(folder, 'vmc.pem'), mark.chain);
  const done = await upload(LOGO.toString(), '--evidence', join(folder, 'vmc.pem'));
  expect([done.exit, done.err]).toEqual([0, expect.stringContaining('BIMI_EVIDENCE_TRUST')]);
  const applied = await server.api('PUT', `/v1/zones/${ZONE}/mail`, JSON.stringify(POLICY));
  expect([applied.status, await record()]).toEqual([201, '']);
  expect((await server.cli('bimi', 'list', ZONE)).out).toMatch(/bimi-logo-1 is served[^]*waits for/);
  expect(await isNamed(LOGO.toString())).toBe(true);

  // The host's certificate was ordered for it, once.
  const { certificates } = (await (await server.api('GET', `/v1/zones/${ZONE}/certificates`)).json()) as {
    certificates: { readonly host: string; readonly origin?: string }[];
  };
  expect([certificates.map(({ host }) => host), pebble.ordersFor(HOST)]).toEqual([[HOST], 1]);

  const text = await record();
  for (const version of ['--http1.1', '--http2']) {
    const { head, body } = curl(urlIn(text, 'l'), version);
    expect(body).toBe(LOGO.toString());
    expect(head).toMatch(/^HTTP\/\S+ 200[^]*content-type: image\/svg\+xml\r\n/i);
    expect(head).toContain("content-security-policy: default-src 'none'; frame-ancestors 'none'; sandbox");
    expect(head).toContain('x-content-type-options: nosniff');
  }
  const evidence = curl(urlIn(text, 'a'));
  expect(evidence.body).toBe(mark.chain);
  expect(evidence.head).toContain('application/pem-certificate-chain');
  expect(curl(urlIn(text, 'l').replace('.svg', '.pem')).head).toContain(' 404');

  // Two readers of others: BIMI records by mailauth, mark certificates by openssl.
  const { bimi } = createRequire(import.meta.url)('mailauth/lib/bimi') as {
    bimi: (data: object) => Promise<{ status: { result: string }; location?: string; authority?: string }>;
  };
  const dmarc = { status: { result: 'pass', header: { from: ZONE } }, domain: ZONE, policy: 'reject', p: 'reject' };
  const headers = { parsed: [] };
  const read = await bimi({ dmarc, headers, resolver: (name: string, type: string) => dns.resolve(name, type) });
  expect(read).toMatchObject({ status: { result: 'pass' }, location: urlIn(text, 'l'), authority: urlIn(text, 'a') });
  writeFileSync(join(folder, 'got.pem'), evidence.body);
  const shown = execFileSync(toolPath('openssl'), ['x509', '-in', join(folder, 'got.pem'), '-noout', '-ext', 'extendedKeyUsage'], {
    encoding: 'utf8',
  });
  // OpenSSL names the purpose since 3.0.
  expect(shown).toMatch(/Brand Indicator for Message Identification|1\.3\.6\.1\.5\.5\.7\.3\.31/);
});

test('a reader that never stops sees no record whose logo is not there, through changes of the logo', async () => {
  const seen = new Set<string>();
  const faults: string[] = [];
  const reader = { isStopped: false };
  const reading = (async () => {
    while (!reader.isStopped) {
      const url = urlIn(await record(), 'l');
      if (url === '') continue;
      const { head, body } = curl(url);
      const name = createHash('sha256').update(Buffer.from(body, 'latin1')).digest('hex').slice(0, 32);
      if (!head.includes(' 200') || !url.includes(name)) faults.push(`${url}: ${head.split('\r\n')[0]}`);
      seen.add(url);
    }
  })();
  for (let at = 0; at < CHANGES; at++) {
    expect((await upload(logo(`Brand ${at}`))).exit).toBe(0);
    expect(await isNamed(logo(`Brand ${at}`))).toBe(true);
  }
  reader.isStopped = true;
  await reading;
  expect(faults).toEqual([]);
  expect(seen.size).toBeGreaterThanOrEqual(CHANGES);
});

test('a private key in the evidence is not sent by the command line, not taken by the API, and nowhere on the disk', async () => {
  const { chain, key } = marks.issue({ names: [ZONE] });
  writeFileSync(join(folder, 'both.pem'), `${chain}${key}`);
  const secret = key.split('\n')[1]!;
  const tried = await upload(LOGO.toString(), '--evidence', join(folder, 'both.pem'));
  expect([tried.exit, tried.err]).toEqual([1, expect.stringContaining('was not sent')]);
  const answer = await server.api('PUT', `/v1/zones/${ZONE}/bimi/default`, JSON.stringify({ logo: logo('x'), evidence: `${chain}${key}` }));
  const text = await answer.text();
  expect([answer.status, text.includes('BIMI_EVIDENCE_KEY')]).toEqual([422, true]);
  for (const each of [tried.err, tried.out, text, server.log()]) expect(each).not.toContain(secret);
  const files = readdirSync(server.folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  for (const each of files) expect(readFileSync(join(each.parentPath, each.name)).includes(secret)).toBe(false);
});

test('removal goes backwards: the record, the files after their time, the host', async () => {
  const url = urlIn(await record(), 'l');
  expect((await server.cli('bimi', 'remove', ZONE, '--yes')).exit).toBe(0);
  expect(await server.eventually(async () => (await record()) === '', WAIT_MS)).toBe(true);
  // Mail of before keeps its logo for a time.
  expect(curl(url).head).toContain(' 200');
  expect(await server.eventually(() => curl(url).head.includes(' 404') || curl(url).exit !== 0, WAIT_MS)).toBe(true);
  expect(await server.eventually(async () => (await dns.resolve4(HOST).catch(() => [])).length === 0, WAIT_MS)).toBe(true);
  const { out } = await server.cli('bimi', 'list', ZONE);
  expect(out).not.toContain('https://');
  const isUnwanted = async () => !(await server.cli('cert', 'list', ZONE)).out.includes(HOST);
  expect(await server.eventually(isUnwanted, WAIT_MS)).toBe(true);
});
