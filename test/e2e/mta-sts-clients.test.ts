/**
 * RFC 8461 as senders meet it, from the record in DNS to the body over HTTPS, all of it by waxseal: postfix-mta-sts-resolver follows a
 * policy through its modes and out again, and a fetcher that never stops sees no id before its body. Senders know no other ports than 53
 * and 443, so the server has a loopback address of its own.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { throwawayCa } from '../support/throwaway-ca.ts';
import { toolPath } from '../support/tools.ts';

const ZONE = 'sts.example';
/** Their policies change while a fetcher looks: what one of them waits for, the others do not. */
const CHANGED = ['a.example', 'b.example', 'c.example', 'd.example', 'e.example', 'f.example'];
const ADDRESS = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(2, 250)}`;
const CHANGES = 300;
const WAIT_MS = 120_000;
const hostOf = (zone: string) => `mta-sts.${zone}`;
const ZONE_FILE = `$TTL 1
@ SOA ns1 hostmaster 1 7200 900 1209600 1
@ NS ns1
@ MX 10 mx1
ns1 A ${ADDRESS}
mx1 A ${ADDRESS}
`;
const policy = (mode: string, ...mx: string[]) => ({
  dkim: { algorithms: [] },
  tlsRpt: { rua: [] },
  ttl: { default: '1s' },
  mtaSts: { mode, mx, maxAge: '3s', shortMaxAge: '2s', testingFor: '1s', shortFor: '1s' },
});

const folder = mkdtempSync(join(tmpdir(), 'waxseal-sts-'));
const roots = join(folder, 'roots.pem');
let server: RunningServer;
/** Of each zone's host: its own certificate, the only root that vouches for it. */
const rootOf = new Map<string, string>();

async function apply(zone: string, document: object): Promise<void> {
  const answer = await server.api('PUT', `/v1/zones/${zone}/mail`, JSON.stringify(document));
  if (!answer.ok) throw new Error(await answer.text());
}

const dns = new Resolver({ timeout: 2000, tries: 5 });

/** The id that DNS announces; undefined: none. */
async function announcedId(zone: string): Promise<string | undefined> {
  const texts = await dns.resolveTxt(`_mta-sts.${zone}`).catch(() => []);
  return /^v=STSv1; id=([0-9A-Za-z]+);$/.exec(texts.flat().join(''))?.[1];
}

/** The body, with the certificate verified; rejects with the status of anything but 200. */
function fetchBody(zone: string): Promise<string> {
  const [servername, ca] = [hostOf(zone), rootOf.get(zone)];
  return new Promise((resolve, reject) => {
    const request = get(
      { host: ADDRESS, port: 443, servername, headers: { host: servername }, path: '/.well-known/mta-sts.txt', ca },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (part: string) => (body += part));
        answer.once('end', () => (answer.statusCode === 200 ? resolve(body) : reject(new Error(`status ${answer.statusCode}`))));
      },
    );
    // The server closed the connection while it lay idle: as browsers do, once more on a new one.
    request.once('error', (error) => {
      if (request.reusedSocket) resolve(fetchBody(zone));
      else reject(error);
    });
  });
}

const idOf = (body: string) => createHash('sha256').update(body).digest('hex').slice(0, 32);
const isAnnounced = (zone: string, text: string) =>
  server.eventually(async () => {
    const [id, body] = [await announcedId(zone), await fetchBody(zone).catch(() => '')];
    return id === idOf(body) && body.includes(text);
  }, WAIT_MS);

beforeAll(async () => {
  const ca = throwawayCa();
  writeFileSync(roots, ca.root);
  ca.remove();
  const config = [
    '[https]',
    'self_signed = true',
    `addresses = ["${ADDRESS}"]`,
    '[mail]',
    `resolvers = ["${ADDRESS}:53"]`,
    'probe_networks = ["127.0.0.0/8"]',
    `probe_ca_file = "${roots}"`,
  ].join('\n');
  server = await startServer({ config, words: ['--dns', `${ADDRESS}:53`, '--https', `${ADDRESS}:443`] });
  dns.setServers([`${ADDRESS}:53`]);
  for (const zone of [ZONE, ...CHANGED]) {
    await server.api('PUT', `/v1/zones/${zone}/zonefile`, ZONE_FILE, 'text/dns');
    await apply(zone, policy('testing'));
  }
  for (const zone of [ZONE, ...CHANGED]) {
    const words = ['s_client', '-connect', `${ADDRESS}:443`, '-servername', hostOf(zone)];
    const shown = () => {
      const { stdout } = spawnSync(toolPath('openssl'), words, { input: '', encoding: 'latin1' });
      return /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----\n/.exec(stdout)?.[0];
    };
    if (!(await server.eventually(() => shown() !== undefined, WAIT_MS))) throw new Error(server.log());
    rootOf.set(zone, shown()!);
    appendFileSync(roots, rootOf.get(zone)!);
  }
  await server.terminate();
  await server.start();
}, 2 * WAIT_MS);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * What postfix-mta-sts-resolver makes of the zone: unmodified, with our address for its resolver and our certificate for its root. Not
 * synchronous: the fetcher beside it goes on, and its connections that lie idle are closed in time.
 */
async function askResolver(knownId?: string): Promise<string> {
  const conf = join(folder, 'resolv.conf');
  writeFileSync(conf, `nameserver ${ADDRESS}\n`);
  const script = `mount --bind ${conf} /etc/resolv.conf && exec ${toolPath('mta-sts-query')} ${ZONE} ${knownId ?? ''}`;
  const environment = { ...process.env, SSL_CERT_FILE: roots };
  const { stdout } = await promisify(execFile)('unshare', ['--mount', 'sh', '-c', script], { env: environment, timeout: 60_000 });
  return stdout;
}

test.concurrent(
  'postfix-mta-sts-resolver follows testing, enforce, a new id, and the removal',
  async () => {
    expect(await isAnnounced(ZONE, 'mode: testing')).toBe(true);
    const testing = await announcedId(ZONE);
    expect(await askResolver()).toMatch(new RegExp(`VALID.*'${testing}'.*'mx': \\['mx1.${ZONE}'\\].*'mode': 'testing'`));
    expect(await askResolver(testing)).toContain('NOT_CHANGED');

    await apply(ZONE, policy('enforce'));
    expect(await isAnnounced(ZONE, 'mode: enforce')).toBe(true);
    expect(await isAnnounced(ZONE, 'max_age: 3\r')).toBe(true);
    expect(await askResolver(testing)).toMatch(/VALID.*'mode': 'enforce'/);

    await apply(ZONE, policy('enforce', 'backup.example.net'));
    expect(await isAnnounced(ZONE, 'mx: backup.example.net')).toBe(true);
    expect(await askResolver(testing)).toMatch(/VALID.*'backup.example.net'/);

    await apply(ZONE, policy('off', 'backup.example.net'));
    expect(await isAnnounced(ZONE, 'mode: none')).toBe(true);
    expect(await askResolver(testing)).toMatch(/VALID.*'mode': 'none'/);
    expect(await server.eventually(async () => (await announcedId(ZONE)) === undefined, WAIT_MS)).toBe(true);
    expect(await askResolver(testing)).toContain('NONE');
    // Last of all the host.
    expect(
      await server.eventually(
        () =>
          dns.resolve4(hostOf(ZONE)).then(
            () => false,
            () => true,
          ),
        WAIT_MS,
      ),
    ).toBe(true);
  },
  6 * WAIT_MS,
);

test.concurrent(
  `a fetcher that never stops during ${CHANGES} changes sees no id before its body`,
  async () => {
    // Each body names its number.
    const numberOf = (body: string) => Number(/^mx: n(\d+)\.example\.net\r$/m.exec(body)?.[1] ?? -1);
    const bodyOf = (zone: string, at: number) =>
      ['version: STSv1', 'mode: testing', `mx: mx1.${zone}`, `mx: n${at}.example.net`, 'max_age: 2', ''].join('\r\n');
    const each = CHANGES / CHANGED.length;
    // The id is the hash of the body: known before anything is announced.
    const numbers = new Map(
      CHANGED.flatMap((zone) => Array.from({ length: each + 1 }, (_, at): [string, number] => [idOf(bodyOf(zone, at)), at])),
    );
    const faults: string[] = [];
    const counts = { fetches: 0, ids: new Set<string>() };
    const change = async (zone: string, at: number) => {
      await apply(zone, policy('testing', `n${at}.example.net`));
      if (at % 10 === 0) expect(await isAnnounced(zone, `mx: n${at}.example.net`)).toBe(true);
    };
    for (const zone of CHANGED) await change(zone, 0);
    const run = { isOver: false };
    const look = async (zone: string) => {
      const id = await announcedId(zone);
      const body = await fetchBody(zone).catch((error: unknown) => String(error));
      counts.fetches += 1;
      if (id === undefined || numberOf(body) < 0) return void faults.push(`${zone} ${id} ${body}`);
      counts.ids.add(id);
      numbers.set(idOf(body), numberOf(body));
      // A body that was never fetched is newer than all that were.
      if (numberOf(body) < (numbers.get(id) ?? -1)) faults.push(`${zone}: id of body ${numbers.get(id)}, then body ${numberOf(body)}`);
    };
    const fetcher = (async () => {
      while (!run.isOver) for (const zone of CHANGED) await look(zone);
    })();
    const changes = CHANGED.map(async (zone) => {
      for (let at = 1; at <= each; at++) await change(zone, at);
    });
    await Promise.all(changes).finally(() => void (run.isOver = true));
    await fetcher;
    if (faults.length > 0) throw new Error(`${faults.length} faults: ${faults.slice(0, 20).join('; ')}\n${server.log().slice(-8000)}`);
    expect(counts.ids.size).toBeGreaterThan(CHANGES / 10);
    expect(counts.fetches).toBeGreaterThan(CHANGES);
  },
  10 * WAIT_MS,
);
