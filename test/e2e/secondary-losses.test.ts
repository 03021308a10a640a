/**
 * waxseal follows NSD, Knot, BIND and PowerDNS over a bad network: datagrams are lost, transfers break off, and the server is
 * killed in between. Nothing is half taken in: at each serial that it serves, the zone is the one of that serial.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type LossyProxy, lossyProxy } from '../support/lossy-proxy.ts';
import { PEER_KINDS, type PeerKind } from '../support/peer-kinds.ts';
import { startPowerdnsServer } from '../support/powerdns-server.ts';
import { type PrimaryOf, type PrimaryPeer, startPrimary } from '../support/primary-peers.ts';
import { seededRandom } from '../support/random.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';

const KEY = { name: 'k.example', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 8).toString('base64') };
const LOSS = 0.3;
const ROUNDS = 5;
const NAMES = 40;
/** PowerDNS sends no NOTIFY here: the zone's REFRESH brings each change. */
const KINDS = [...PEER_KINDS, 'powerdns'] as const;
type Kind = PeerKind | 'powerdns';
type Primary = Pick<PrimaryPeer, 'port' | 'change' | 'stop'>;

const zoneOf = (kind: Kind): string => `${kind}.losses.example`;
/** Each record says the serial that it is of. */
const textOf = (kind: Kind, serial: number): string =>
  `$ORIGIN ${zoneOf(kind)}.\n$TTL 60\n@ SOA ns host ${serial} 2 1 600 60\n@ NS ns\nns A 192.0.2.1\n` +
  Array.from({ length: NAMES }, (_, at) => `n${at} TXT "${serial}"\n`).join('');

let server: RunningServer;
const primaries = new Map<Kind, Primary>();
const proxies = new Map<Kind, LossyProxy>();

beforeAll(async () => {
  server = await startServer();
  const order = async (method: string, path: string, body: object): Promise<void> => {
    const { status } = await server.api(method, path, JSON.stringify(body));
    if (status >= 300) throw new Error(`${method} ${path}: ${status}`);
  };
  await order('POST', '/v1/tsig', { ...KEY, zones: 'all' });
  for (const [at, kind] of KINDS.entries()) {
    const of = { port: server.port, zone: `${zoneOf(kind)}.`, text: textOf(kind, 1), key: KEY };
    const primary = kind === 'powerdns' ? await startPowerdnsPrimary(of) : await startPrimary(kind, of);
    const proxy = await lossyProxy(primary.port, seededRandom(at + 1), LOSS);
    primaries.set(kind, primary);
    proxies.set(kind, proxy);
    const from = [{ address: '127.0.0.1', port: proxy.port, key: KEY.name }];
    await order('POST', '/v1/zones', { name: zoneOf(kind), primaries: from });
    await order('PUT', `/v1/zones/${zoneOf(kind)}/secondaries/127.0.0.1`, {});
  }
}, 60_000);

afterAll(async () => {
  const all = [server, ...primaries.values(), ...proxies.values()];
  await Promise.all(all.map((each) => each?.stop()));
}, 60_000);

async function startPowerdnsPrimary({ zone, text, key }: PrimaryOf): Promise<Primary> {
  const name = zone.replace(/\.$/, '');
  const peer = await startPowerdnsServer(async (prepare) => {
    await prepare(['load-zone', name, 'FILE'], text);
    await prepare(['set-kind', name, 'primary']);
    await prepare(['import-tsig-key', key.name, key.algorithm, key.secret]);
    await prepare(['activate-tsig-key', name, key.name, 'primary']);
  }, name);
  const change = async (to: string): Promise<void> => void (await peer.util(['load-zone', name, 'FILE'], to));
  return { port: peer.port, stop: () => peer.stop(), change };
}

/** The serial and what the records say, from one transfer; undefined while there is no zone. */
async function seen(kind: Kind): Promise<{ readonly serial: number; readonly said: readonly string[] } | undefined> {
  const { text } = await dig(server, [zoneOf(kind), 'AXFR']);
  const serial = /\sSOA\s+\S+ \S+ (\d+) /.exec(text)?.[1];
  if (serial === undefined) return undefined;
  return { serial: Number(serial), said: [...text.matchAll(/\sTXT\s+"(\d+)"/g)].map((match) => match[1]!) };
}

async function follows(kind: Kind, serial: number): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const now = await seen(kind);
    if (now === undefined) return false;
    expect([kind, now.serial, now.said]).toEqual([
      kind,
      now.serial,
      Array.from({ length: NAMES }, () => String(now.serial)),
    ]);
    return now.serial === serial;
  };
  expect([kind, serial, await server.eventually(isThere, 60_000)]).toEqual([kind, serial, true]);
}

test('RFC 1995, RFC 5936: through losses and kills each serial that is served is whole, and the last one comes', async () => {
  await Promise.all(KINDS.map((kind) => follows(kind, 1)));
  for (let round = 2; round <= ROUNDS; round++) {
    await Promise.all(KINDS.map((kind) => primaries.get(kind)!.change(textOf(kind, round))));
    if (round % 2 === 0) {
      await server.killAll();
      await server.start();
    }
    await Promise.all(KINDS.map((kind) => follows(kind, round)));
  }
  const lost = [...proxies.values()].map((proxy) => proxy.lost);
  expect(lost.every(({ datagrams, connections }) => datagrams + connections > 0)).toBe(true);
}, 240_000);
