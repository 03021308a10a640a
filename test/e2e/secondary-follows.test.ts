/**
 * waxseal follows primaries by NOTIFY, IXFR and TSIG: NSD, Knot and BIND change a zone again and again; the server is killed in
 * between; a primary is lost, and the zone is served until it expires.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dig, ldnsVerifyZone } from '../support/dig.ts';
import { type Endpoint } from '../support/exchange.ts';
import { PEER_KINDS, type PeerKind } from '../support/peer-kinds.ts';
import { type PrimaryPeer, startPrimary } from '../support/primary-peers.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { signedFile } from '../support/signed-files.ts';
import { exportZone } from '../support/waxseal.ts';

const KEY = { name: 'k.example', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 5).toString('base64') };
const zoneOf = (kind: PeerKind): string => `${kind}.follow.example`;

/** REFRESH of an hour: only NOTIFY leads to a look within the test. */
const textOf = (zone: string, serial: number): string => `$ORIGIN ${zone}.
$TTL 60
@ SOA ns host ${serial} 3600 1 4 60
@ NS ns
ns A 192.0.2.1
n${serial % 3} TXT "${serial}"
a.b.c A 192.0.2.${serial}
`;

let server: RunningServer;
let folder = '';
const primaries = new Map<PeerKind, PrimaryPeer>();

/** As a file: BIND's zone is signed with NSEC3 and signed again with each change. */
async function fileOf(kind: PeerKind, serial: number): Promise<string> {
  const zone = zoneOf(kind);
  const text = textOf(zone, serial);
  return kind === 'bind' ? (await signedFile(folder, zone, text, 'nsec3')).text : text;
}

async function order(method: string, path: string, body: object): Promise<void> {
  const { status } = await server.api(method, path, JSON.stringify(body));
  if (status >= 300) throw new Error(`${method} ${path}: ${status}`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waxseal-follows-'));
  server = await startServer();
  await order('POST', '/v1/tsig', { ...KEY, zones: 'all' });
  for (const kind of PEER_KINDS) {
    const zone = zoneOf(kind);
    const of = { port: server.port, zone: `${zone}.`, text: await fileOf(kind, 1), key: KEY };
    const primary = await startPrimary(kind, of);
    primaries.set(kind, primary);
    const from = [{ address: '127.0.0.1', port: primary.port, key: KEY.name }];
    await order('POST', '/v1/zones', { name: zone, primaries: from });
    await order('PUT', `/v1/zones/${zone}/secondaries/127.0.0.1`, {});
  }
}, 60_000);

afterAll(async () => {
  await Promise.all([server.stop(), ...[...primaries.values()].map((peer) => peer.stop())]);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function contentOf(at: Endpoint, zone: string): Promise<readonly string[]> {
  const lines = (await dig(at, [zone, 'AXFR'])).text.split('\n').filter((line) => /^[^;\s]/.test(line));
  return [...new Set(lines.map((line) => line.replaceAll(/\s+/g, ' ').toLowerCase()))].toSorted();
}

const serialAt = async (zone: string): Promise<string> => (await dig(server, [zone, 'SOA'])).answer[0]?.split(/\s+/)[6] ?? '';

async function follows(kind: PeerKind, serial: number): Promise<void> {
  const zone = zoneOf(kind);
  const isThere = await server.eventually(async () => (await serialAt(zone)) === String(serial), 8000);
  expect([zone, serial, isThere]).toEqual([zone, serial, true]);
}

test.each(PEER_KINDS)('RFC 1996, RFC 1995: each change of %s is followed at once', async (kind) => {
  const [zone, primary] = [zoneOf(kind), primaries.get(kind)!];
  await follows(kind, 1);
  for (const serial of [2, 3, 4]) {
    await primary.change(await fileOf(kind, serial));
    await follows(kind, serial);
  }
  expect(await contentOf(server, zone)).toEqual(await contentOf(primary, zone));
  const log = server.log();
  expect(log).toMatch(
    new RegExp(`${zone.replaceAll('.', '\\.')}\\. serial 4 from 127.0.0.1: ${kind === 'nsd' ? 'AXFR' : 'IXFR of 1 steps'}`),
  );
});

test('killed with SIGKILL, it serves what it had and follows on; a signed zone is whole', async () => {
  await server.killAll();
  const changing = PEER_KINDS.map(async (kind) => primaries.get(kind)!.change(await fileOf(kind, 5)));
  await Promise.all([server.start(), ...changing]);
  for (const kind of PEER_KINDS) {
    await follows(kind, 5);
    expect(await contentOf(server, zoneOf(kind))).toEqual(await contentOf(primaries.get(kind)!, zoneOf(kind)));
  }
  const verified = await ldnsVerifyZone(await exportZone(server, `${zoneOf('bind')}.`, true));
  expect([verified.code, verified.stderr]).toEqual([0, '']);
});

test('RFC 1034 §4.3.5: a primary that is lost: served until EXPIRE, then SERVFAIL, and served again from one with a higher serial', async () => {
  const zone = 'lost.example';
  const of = { port: server.port, zone: `${zone}.`, text: textOf(zone, 1).replace('3600 1 4 60', '2 2 4 60'), key: KEY };
  const first = await startPrimary('nsd', of);
  const make = (port: number) => JSON.stringify({ name: zone, primaries: [{ address: '127.0.0.1', port, key: KEY.name }] });
  expect((await server.api('POST', '/v1/zones', make(first.port))).status).toBe(201);
  expect(await server.eventually(async () => (await serialAt(zone)) === '1')).toBe(true);
  await first.stop();
  expect((await dig(server, [zone, 'SOA'])).status).toBe('NOERROR');
  expect(await server.eventually(async () => (await dig(server, [zone, 'SOA'])).status === 'SERVFAIL', 8000)).toBe(true);
  const state = await server.api('GET', `/v1/zones/${zone}`);
  expect(await state.json()).toMatchObject({ serial: 1, secondary: { state: 'expired', primaries: [{ failure: expect.any(String) }] } });
  const second = await startPrimary('knot', { ...of, text: of.text.replace('host 1 ', 'host 9 ') });
  const { primaries: list } = JSON.parse(make(second.port)) as { primaries: object };
  expect((await server.api('PUT', `/v1/zones/${zone}/primaries`, JSON.stringify({ primaries: list }))).status).toBe(200);
  expect(await server.eventually(async () => (await serialAt(zone)) === '9', 8000)).toBe(true);
  await second.stop();
});
