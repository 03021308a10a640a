/**
 * waxseal follows NSD and Knot with zones of 60,000 records: a process of its own makes each ready, while the server
 * answers and takes other changes. What is killed meanwhile leaves the zone as it was, and the next look brings it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig, ldnsVerifyZone } from '../support/dig.ts';
import { type PrimaryPeer, startPrimary } from '../support/primary-peers.ts';
import { importChild, importLitter } from '../support/import-child.ts';
import { type RunningServer, isAlive, startServer } from '../support/running-server.ts';
import { signedFile } from '../support/signed-files.ts';

const KEY = { name: 'k.example', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 8).toString('base64') };
const PLAIN = 'plain.example';
const PLAIN_NAMES = 60_000;
const SIGNED = 'signed.example';
/** Each with two records, two signatures. */
const SIGNED_NAMES = 15_000;
const OTHER = 'other.example';

/** Each record says the serial that it is of. REFRESH and RETRY are short. */
const textOf = (zone: string, serial: number, names: number): string =>
  `$ORIGIN ${zone}.\n$TTL 60\n@ SOA ns host ${serial} 2 1 600 60\n@ NS ns\nns A 192.0.2.1\n` +
  Array.from({ length: names }, (_, at) => `h${at} TXT "${serial}" "a text of some length"\n`).join('');

const folder = mkdtempSync(join(tmpdir(), 'waxseal-large-'));
let server: RunningServer;
const primaries = new Map<string, PrimaryPeer>();

async function order(method: string, path: string, body: object): Promise<void> {
  const answer = await server.api(method, path, JSON.stringify(body));
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

beforeAll(async () => {
  server = await startServer();
  await order('POST', '/v1/tsig', { ...KEY, zones: 'all' });
  const other = `@ 60 SOA ns host 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n`;
  const made = await server.api('PUT', `/v1/zones/${OTHER}/zonefile`, other, 'text/dns');
  if (made.status !== 201) throw new Error(`${OTHER}: ${made.status} ${await made.text()}`);
}, 60_000);

afterAll(async () => {
  await Promise.all([server, ...primaries.values()].map((each) => each?.stop()));
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** A primary with the zone, which is asked for from then on; for the test to be seen, it may be had from here. */
async function follow(kind: 'nsd' | 'knot', zone: string, text: string): Promise<PrimaryPeer> {
  const primary = await startPrimary(kind, { port: server.port, zone: `${zone}.`, text, key: KEY });
  primaries.set(zone, primary);
  const from = [{ address: '127.0.0.1', port: primary.port, key: KEY.name }];
  await order('POST', '/v1/zones', { name: zone, primaries: from });
  await order('PUT', `/v1/zones/${zone}/secondaries/127.0.0.1`, {});
  return primary;
}

/** What a name says; undefined while it is not there. */
const said = async (name: string) => / TXT "(\d+)" /.exec((await dig(server, [name, 'TXT'])).answer.join('\n'))?.[1];

async function serialOf(zone: string): Promise<number | undefined> {
  const [, found] = / SOA \S+ \S+ (\d+) /.exec((await dig(server, [zone, 'SOA'])).answer.join('\n')) ?? [];
  return found === undefined ? undefined : Number(found);
}

async function comes(zone: string, expected: number): Promise<void> {
  const isThere = async () => (await serialOf(zone)) === expected;
  expect([zone, await server.eventually(isThere)]).toEqual([zone, true]);
}

const logged = (word: string) =>
  server
    .log()
    .split('\n')
    .filter((line) => line.includes(word));

describe('a zone of 60,000 names from NSD', () => {
  const names = ['h0', 'h29999', `h${PLAIN_NAMES - 1}`].map((name) => `${name}.${PLAIN}`);
  const all = () => Promise.all(names.map(said));

  test('comes while /livez answers and another zone is changed, and is served', async () => {
    await follow('nsd', PLAIN, textOf(PLAIN, 1, PLAIN_NAMES));
    const pid = await importChild(server);
    let changes = 0;
    for (let looks = 0; looks < 2000 && (await serialOf(PLAIN)) === undefined; looks++) {
      expect((await fetch(`http://127.0.0.1:${server.adminPort}/livez`)).ok).toBe(true);
      const operations = [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [`192.0.2.${(changes % 250) + 1}`] }];
      const answer = await server.api('PATCH', `/v1/zones/${OTHER}/rrsets`, JSON.stringify(operations));
      expect(answer.status).toBe(200);
      // Those that were answered before the zone was there.
      if ((await serialOf(PLAIN)) === undefined) changes++;
      await delay(20);
    }
    expect(changes).toBeGreaterThan(2);
    expect([await serialOf(PLAIN), ...(await all())]).toEqual([1, '1', '1', '1']);
    expect((await dig(server, [`h${PLAIN_NAMES}.${PLAIN}`, 'TXT'])).status).toBe('NXDOMAIN');
    const shown = (await (await server.api('GET', `/v1/zones/${PLAIN}`)).json()) as object;
    expect(shown).toMatchObject({ serial: 1, dnssec: 'off', secondary: { mode: 'copy', state: 'current', serial: 1 } });
    expect(await server.eventually(() => !isAlive(pid))).toBe(true);
    expect(importLitter(server)).toEqual([]);
  });

  test('its process is killed: the zone is as it was, and the next look brings it', async () => {
    await primaries.get(PLAIN)!.change(textOf(PLAIN, 2, PLAIN_NAMES));
    const pid = await importChild(server);
    process.kill(pid, 'SIGKILL');
    const isSaid = () => logged('secondary.primary-failed').some((line) => line.includes('SIGKILL'));
    expect(await server.eventually(isSaid)).toBe(true);
    // Of one version as a whole, at each moment.
    const [now] = await Promise.all([all()]);
    expect(new Set(now).size).toBe(1);
    await comes(PLAIN, 2);
    expect(await all()).toEqual(['2', '2', '2']);
    expect(importLitter(server)).toEqual([]);
  });

  test('the control process is killed: the zone is answered as it was, and the next look brings it', async () => {
    await primaries.get(PLAIN)!.change(textOf(PLAIN, 3, PLAIN_NAMES));
    const pid = await importChild(server);
    process.kill(pid, 'SIGSTOP');
    await server.killChild('control');
    expect([await serialOf(PLAIN), ...(await all())]).toEqual([2, '2', '2', '2']);
    process.kill(pid, 'SIGCONT');
    expect(await server.eventually(() => !isAlive(pid))).toBe(true);
    await server.ready();
    await comes(PLAIN, 3);
    expect(await all()).toEqual(['3', '3', '3']);
    expect(importLitter(server)).toEqual([]);
  });

  test('the server stops: without a wait, no primary has failed, and the next start brings it', async () => {
    await primaries.get(PLAIN)!.change(textOf(PLAIN, 4, PLAIN_NAMES));
    const pid = await importChild(server);
    const failed = logged('secondary.primary-failed').length;
    expect(await server.terminate()).toBe(0);
    expect(await server.eventually(() => !isAlive(pid))).toBe(true);
    const [failures, left] = [logged('secondary.primary-failed').slice(failed), importLitter(server)];
    await server.start();
    expect([failures, left]).toEqual([[], []]);
    await comes(PLAIN, 4);
    expect(await all()).toEqual(['4', '4', '4']);
  });
});

describe('a signed zone of 60,000 records from Knot', () => {
  const signed = async (version: number): Promise<string> =>
    (await signedFile(folder, SIGNED, textOf(SIGNED, version, SIGNED_NAMES), 'nsec')).text;

  /** The zone as it is given out here. */
  async function content(): Promise<string> {
    const { text } = await dig(server, [SIGNED, 'AXFR', '+onesoa', '+time=20']);
    return text.replaceAll(/^;.*\n/gm, '');
  }

  test('RFC 5936, RFC 1995, RFC 4035: comes whole, then changes, and validates', async () => {
    const primary = await follow('knot', SIGNED, await signed(1));
    await comes(SIGNED, 1);
    const first = await content();
    expect(first.match(/\sTXT\s+"1"\s/g)).toHaveLength(SIGNED_NAMES);
    // Two of each name; those of the apex, of its keys and of its name server too.
    expect(first.match(/\sIN\s+RRSIG\s/g)).toHaveLength(2 * SIGNED_NAMES + 7);
    await primary.change(await signed(2));
    await comes(SIGNED, 2);
    const second = await content();
    expect(second.match(/\sTXT\s+"2"\s/g)).toHaveLength(SIGNED_NAMES);
    // Each signature is another: more differences than records.
    const came = logged('secondary.transferred').filter((line) => line.includes(SIGNED));
    expect(came).toEqual([expect.stringMatching(/serial 1 .*: AXFR, /), expect.stringMatching(/serial 2 .*: IXFR\b/)]);
    const { code, stderr } = await ldnsVerifyZone(second);
    expect([code, stderr]).toEqual([0, '']);
    expect(importLitter(server)).toEqual([]);
  }, 240_000);
});
