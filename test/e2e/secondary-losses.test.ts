/**
 * waxseal follows NSD, Knot, BIND and PowerDNS over a bad network: zones without signatures, and signed ones with NSEC and
 * NSEC3; from NSD and BIND over TLS too. Datagrams are lost, transfers break off, and the server is killed in between.
 * Nothing is half taken in: at each serial that it serves, the zone is the one of that serial, and signed ones validate.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyPin } from '#base/tls/key-pin.ts';
import { dig, ldnsVerifyZone } from '../support/dig.ts';
import { type LossyProxy, lossyProxy } from '../support/lossy-proxy.ts';
import { PEER_KINDS, type PeerKind } from '../support/peer-kinds.ts';
import { freePort } from '../support/peers.ts';
import { startPowerdnsServer } from '../support/powerdns-server.ts';
import { type PrimaryOf, type PrimaryPeer, startPrimary } from '../support/primary-peers.ts';
import { seededRandom } from '../support/random.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { signedFile } from '../support/signed-files.ts';
import { throwawayCa } from '../support/throwaway-ca.ts';

const KEY = { name: 'k.example', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 8).toString('base64') };
const LOSS = 0.3;
/** Octets within which a transfer breaks off: a signed zone here has some 20 KB. */
const BREAK_BYTES = 20_000;
const ROUNDS = 5;
const NAMES = 40;
type Kind = PeerKind | 'powerdns';
type Primary = Pick<PrimaryPeer, 'port' | 'change' | 'stop'>;

/** One zone and its primary. */
interface Row {
  readonly kind: Kind;
  readonly denial: 'none' | 'nsec' | 'nsec3';
  readonly isTls: boolean;
  readonly zone: string;
}

function rowOf(kind: Kind, denial: Row['denial'], isTls = false): Row {
  return { kind, denial, isTls, zone: `${kind}-${denial}${isTls ? '-tls' : ''}.losses.example` };
}

/** PowerDNS sends no NOTIFY here: the zone's REFRESH brings each change. Knot and PowerDNS of Debian 12 do not transfer over TLS. */
const ROWS: readonly Row[] = [
  ...[...PEER_KINDS, 'powerdns' as const].flatMap((kind) =>
    (['none', 'nsec', 'nsec3'] as const).map((denial) => rowOf(kind, denial)),
  ),
  rowOf('nsd', 'nsec', true),
  rowOf('bind', 'nsec3', true),
];

/** Each record says the serial that it is of. */
const textOf = ({ zone }: Row, serial: number): string =>
  `$ORIGIN ${zone}.\n$TTL 60\n@ SOA ns host ${serial} 2 1 600 60\n@ NS ns\nns A 192.0.2.1\n` +
  Array.from({ length: NAMES }, (_, at) => `n${at} TXT "${serial}"\n`).join('');

// Each peer is killed when this process exits.
process.setMaxListeners(3 * ROWS.length);
const folder = mkdtempSync(join(tmpdir(), 'waxseal-losses-'));
let server: RunningServer;
const primaries = new Map<Row, Primary>();
const proxies = new Map<Row, LossyProxy>();

/** What the primary reads: PowerDNS signs by itself. */
async function fileOf(row: Row, serial: number): Promise<string> {
  const text = textOf(row, serial);
  if (row.denial === 'none' || row.kind === 'powerdns') return text;
  return (await signedFile(folder, row.zone, text, row.denial)).text;
}

async function order(method: string, path: string, body: object): Promise<void> {
  const answer = await server.api(method, path, JSON.stringify(body));
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

/** A certificate for the primary, as files, and its pin. */
function tlsOf(row: Row, port: number) {
  const ca = throwawayCa();
  const { cert, key } = ca.leaf([`ns.${row.zone}`]);
  ca.remove();
  const [certFile, keyFile] = [join(folder, `${row.zone}.pem`), join(folder, `${row.zone}.key`)];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { port, certFile, keyFile, pin: keyPin(new X509Certificate(cert).publicKey) };
}

async function begin(row: Row, at: number): Promise<void> {
  const tls = row.isTls ? tlsOf(row, await freePort()) : undefined;
  const of = { port: server.port, zone: `${row.zone}.`, text: await fileOf(row, 1), key: KEY, ...(tls && { tls }) };
  const { kind } = row;
  const primary = kind === 'powerdns' ? await startPowerdnsPrimary(row, of) : await startPrimary(kind, of);
  primaries.set(row, primary);
  const proxy = await lossyProxy(tls?.port ?? primary.port, seededRandom(at + 1), LOSS, BREAK_BYTES);
  proxies.set(row, proxy);
  const how = tls && { tls: { pins: [tls.pin] } };
  const from = [{ address: '127.0.0.1', port: proxy.port, key: KEY.name, ...how }];
  await order('POST', '/v1/zones', { name: row.zone, primaries: from });
  await order('PUT', `/v1/zones/${row.zone}/secondaries/127.0.0.1`, {});
}

beforeAll(async () => {
  server = await startServer();
  await order('POST', '/v1/tsig', { ...KEY, zones: 'all' });
  for (const [at, row] of ROWS.entries()) await begin(row, at);
}, 120_000);

afterAll(async () => {
  const all = [server, ...primaries.values(), ...proxies.values()];
  await Promise.all(all.map((each) => each?.stop()));
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function startPowerdnsPrimary({ denial }: Row, { zone, text, key }: PrimaryOf): Promise<Primary> {
  const name = zone.replace(/\.$/, '');
  const peer = await startPowerdnsServer(async (prepare) => {
    await prepare(['load-zone', name, 'FILE'], text);
    await prepare(['set-kind', name, 'primary']);
    if (denial !== 'none') await prepare(['secure-zone', name]);
    if (denial === 'nsec3') await prepare(['set-nsec3', name, '1 0 5 ab01']);
    await prepare(['rectify-zone', name]);
    await prepare(['import-tsig-key', key.name, key.algorithm, key.secret]);
    await prepare(['activate-tsig-key', name, key.name, 'primary']);
  }, name);
  const change = async (to: string): Promise<void> => {
    await peer.util(['load-zone', name, 'FILE'], to);
    await peer.util(['rectify-zone', name]);
  };
  return { port: peer.port, stop: () => peer.stop(), change };
}

/** The serial, what the records say, and the zone's records, from one transfer; undefined while there is no zone. */
async function seen({ zone }: Row) {
  const { text } = await dig(server, [zone, 'AXFR', '+onesoa']);
  const serial = /\sSOA\s+\S+ \S+ (\d+) /.exec(text)?.[1];
  if (serial === undefined) return undefined;
  const said = [...text.matchAll(/\sTXT\s+"(\d+)"/g)].map((match) => match[1]!);
  return { serial: Number(serial), said, text: text.replaceAll(/^;.*\n/gm, '') };
}

async function follows(row: Row, serial: number): Promise<void> {
  let last = '';
  const isThere = async (): Promise<boolean> => {
    const now = await seen(row);
    if (now === undefined) return false;
    const whole = Array.from({ length: NAMES }, () => String(now.serial));
    expect([row.zone, now.serial, now.said]).toEqual([row.zone, now.serial, whole]);
    last = now.text;
    return now.serial === serial;
  };
  expect([row.zone, serial, await server.eventually(isThere, 90_000)]).toEqual([row.zone, serial, true]);
  if (row.denial === 'none') return;
  expect(last).toMatch(row.denial === 'nsec' ? /\sNSEC\s/ : /\sNSEC3\s/);
  const { code, stderr } = await ldnsVerifyZone(last);
  expect([row.zone, serial, code, stderr]).toEqual([row.zone, serial, 0, '']);
}

test('RFC 1995, RFC 5936: through losses and kills each serial that is served is whole and valid, and the last one comes', async () => {
  await Promise.all(ROWS.map((row) => follows(row, 1)));
  for (let round = 2; round <= ROUNDS; round++) {
    for (const row of ROWS) await primaries.get(row)!.change(await fileOf(row, round));
    if (round % 2 === 0) {
      await server.killAll();
      await server.start();
    }
    await Promise.all(ROWS.map((row) => follows(row, round)));
  }
  const lost = [...proxies.values()].map((proxy) => proxy.lost);
  expect(lost.every(({ datagrams, connections }) => datagrams + connections > 0)).toBe(true);
}, 480_000);
