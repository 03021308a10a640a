/**
 * facts X8: serials that secondaries can follow. NSD and Knot follow each step past 2³¹ and past 2³² (RFC 1982 §3.2). A
 * primary whose disk is lost: a secondary serves the zone until it expires, and follows the state of an old backup
 * when it is given a serial ahead of the one that it has.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type Peer } from '../support/peers.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { putZones } from '../support/waxseal.ts';

const HALF = 2 ** 31 - 3;
const WHOLE = 2 ** 32 - 3;
const ZONES = [`half.example.`, `whole.example.`] as const;
const textOf = (zone: string, serial: number): string =>
  `$ORIGIN ${zone}\n$TTL 60\n@ SOA ns host ${serial} 2 1 12 60\n@ NS ns\nns A 192.0.2.1\nw A 192.0.2.1\n`;
const LOST = 'lost.example.';

let server: RunningServer;
let key: { readonly name: string; readonly algorithm: string; readonly secret: string };
const peers = new Map<'nsd' | 'knot', Peer>();

const serialAt = async (at: Endpoint, zone: string): Promise<number> =>
  Number((await dig(at, [zone, 'SOA'])).answer[0]?.split(/\s+/)[6] ?? NaN);
const change = async (zone: string, octet: number): Promise<void> => {
  const rrset = JSON.stringify({ ttl: 60, records: [`192.0.2.${octet}`] });
  const { status } = await server.api('PUT', `/v1/zones/${zone}/rrsets/w.${zone}/A?wait=served`, rrset);
  if (status >= 300) throw new Error(`change of ${zone}: ${status}`);
};
const follows = async (peer: Peer, zone: string): Promise<readonly [number, number]> => {
  const wanted = await serialAt(server, zone);
  await server.eventually(async () => (await serialAt(peer, zone)) === wanted, 15_000);
  return [wanted, await serialAt(peer, zone)];
};

beforeAll(async () => {
  server = await startServer();
  const texts = [textOf(ZONES[0], HALF), textOf(ZONES[1], WHOLE), textOf(LOST, 10)];
  const zones = [...ZONES, LOST].map((name, at) => ({ name, text: texts[at]! }));
  await putZones(server, zones, 'off');
  const made = await server.cli('tsig', 'generate', 'k.example', '--all-zones');
  const [algorithm = '', name = '', secret = ''] = made.out.trim().split(':');
  key = { name, algorithm, secret };
  const ofKey = ['-y', made.out.trim(), LOST, 'AXFR'];
  await server.eventually(async () => /XFR size/.test((await dig(server, ofKey)).text));
  const of = { port: server.port, zones: [...ZONES, LOST], key };
  for (const kind of ['nsd', 'knot'] as const) peers.set(kind, await startSecondary(kind, of));
}, 60_000);

afterAll(async () => {
  await Promise.all([server?.stop(), ...[...peers.values()].map((peer) => peer.stop())]);
}, 60_000);

test.each(ZONES)('RFC 1982 §3.2: each step of %s is followed by NSD and Knot', async (zone) => {
  const before = await serialAt(server, zone);
  const seen: number[] = [];
  for (let step = 1; step <= 6; step++) {
    await change(zone, 10 + step);
    for (const [kind, peer] of peers) {
      const [ours, theirs] = await follows(peer, zone);
      expect([kind, step, theirs]).toEqual([kind, step, ours]);
      expect((await dig(peer, [`w.${zone}`, 'A'])).answer.join()).toContain(`192.0.2.${10 + step}`);
    }
    seen.push(await serialAt(server, zone));
  }
  // Always forward, one step each, and past the edge.
  for (const [at, serial] of seen.entries()) {
    const ahead = (serial - (at === 0 ? before : seen[at - 1]!)) >>> 0;
    expect([1, 2]).toContain(ahead);
  }
  expect(seen.at(-1)! < before === (zone === ZONES[1])).toBe(true);
});

test('a lost disk: secondaries serve on until EXPIRE; an old state continues with a serial that they follow', async () => {
  const peer = peers.get('nsd')!;
  await change(LOST, 20);
  const old = await serialAt(server, LOST);
  expect(await follows(peer, LOST)).toEqual([old, old]);
  // The backup is made here; what comes after it is lost.
  await server.killAll();
  const backup = join(server.folder, 'backup');
  cpSync(server.directory, backup, { recursive: true });
  await server.start();
  for (const octet of [21, 22, 23]) await change(LOST, octet);
  const [newest] = await follows(peer, LOST);
  expect(newest).toBe(old + 3);
  await server.killAll();
  rmSync(server.directory, { recursive: true });
  expect((await dig(peer, [`w.${LOST}`, 'A'])).answer.join()).toContain('192.0.2.23');
  // RFC 1034 §4.3.5: EXPIRE is 12 seconds.
  const isExpired = async (): Promise<boolean> => (await dig(peer, [`w.${LOST}`, 'A'])).status === 'SERVFAIL';
  expect(await server.eventually(isExpired, 40_000)).toBe(true);
  cpSync(backup, server.directory, { recursive: true });
  await server.start();
  expect(await serialAt(server, LOST)).toBe(old);
  await change(LOST, 30);
  // It has a newer serial still, so it does not follow; the way out is a serial ahead of it.
  const soa = `ns.${LOST} host.${LOST} ${newest + 10} 2 1 12 60`;
  const ahead = await server.cli('rrset', 'set', LOST, '@', 'SOA', '60', soa, '--yes');
  expect([ahead.exit, ahead.err]).toEqual([0, expect.any(String)]);
  expect(await serialAt(server, LOST)).toBeGreaterThanOrEqual(newest + 10);
  const hasOld = async (): Promise<boolean> =>
    (await dig(peer, [`w.${LOST}`, 'A'])).answer.join().includes('192.0.2.30');
  expect(await server.eventually(hasOld, 20_000)).toBe(true);
});
