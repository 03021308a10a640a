/**
 * waxseal as secondary of NSD, Knot and BIND: unsigned zones, and zones that BIND has signed with NSEC and with NSEC3. What it
 * serves is what the primary serves, record by record; delv validates its answers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { delv, dig } from '../support/dig.ts';
import { type Endpoint } from '../support/exchange.ts';
import { PEER_KINDS, type PeerKind } from '../support/peer-kinds.ts';
import { type Peer, startPeer } from '../support/peers.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { type SignedFile, signedFile } from '../support/signed-files.ts';

const KINDS = ['plain', 'nsec', 'nsec3'] as const;
type Kind = (typeof KINDS)[number];

const textOf = (zone: string, serial: number): string => `$ORIGIN ${zone}.
$TTL 300
@ SOA ns host ${serial} 2 2 3600 60
@ NS ns
@ MX 10 ns
ns A 192.0.2.1
*.w TXT "x"
a.b.c A 192.0.2.2
MiXed A 192.0.2.4
al CNAME ns
sub NS ns.sub
ns.sub A 192.0.2.3
sec NS ns.sub
sec DS 12345 13 2 1FFDB0E5C36F733D4E29BA726FEBF6EE898818EA10CBBFF8DB73D018FB318181
ty TYPE65280 \\# 4 c0000201
`;

/** It comes unsigned, and is signed here. */
const WIRE = 'wire.example';

let server: RunningServer;
let folder = '';
const signed = new Map<string, SignedFile>();
const peers = new Map<PeerKind, Peer>();
const zoneOf = (kind: Kind, primary: PeerKind): string => `${kind}.${primary}.example`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waxseal-secondary-'));
  const starting = startServer();
  for (const primary of PEER_KINDS)
    for (const kind of ['nsec', 'nsec3'] as const) {
      const zone = zoneOf(kind, primary);
      signed.set(zone, await signedFile(folder, zone, textOf(zone, 1), kind));
    }
  const started = PEER_KINDS.map(async (primary) => {
    const zones = KINDS.map((kind) => {
      const zone = zoneOf(kind, primary);
      return { name: `${zone}.`, text: signed.get(zone)?.text ?? textOf(zone, 1) };
    });
    if (primary === 'nsd') zones.push({ name: `${WIRE}.`, text: textOf(WIRE, 70) });
    peers.set(primary, await startPeer(primary, zones));
  });
  await Promise.all(started);
  server = await starting;
}, 60_000);

afterAll(async () => {
  await Promise.all([server.stop(), ...[...peers.values()].map((peer) => peer.stop())]);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Every record of a zone by transfer, in one spelling. */
async function contentOf(at: Endpoint, zone: string): Promise<readonly string[]> {
  const lines = (await dig(at, [zone, 'AXFR'])).text.split('\n').filter((line) => /^[^;\s]/.test(line));
  return [...new Set(lines.map((line) => line.replaceAll(/\s+/g, ' ').toLowerCase()))].toSorted();
}

async function isServed(zone: string): Promise<boolean> {
  return (await dig(server, [zone, 'SOA'])).status === 'NOERROR';
}

describe.each(PEER_KINDS)('RFC 5936: zones of %s', (primary) => {
  test('come whole, signed or not, and are served as they came', async () => {
    const peer = peers.get(primary)!;
    for (const kind of KINDS) {
      const zone = zoneOf(kind, primary);
      const primaries = [{ address: '127.0.0.1', port: peer.port }];
      expect((await server.api('POST', '/v1/zones', JSON.stringify({ name: zone, primaries }))).status).toBe(201);
      // For the test to see what is served here.
      expect((await server.api('PUT', `/v1/zones/${zone}/secondaries/127.0.0.1`, '{}')).status).toBe(200);
    }
    for (const kind of KINDS) {
      const zone = zoneOf(kind, primary);
      expect([zone, await server.eventually(() => isServed(zone))]).toEqual([zone, true]);
      const [ours, theirs] = [await contentOf(server, zone), await contentOf(peer, zone)];
      expect(theirs.length).toBeGreaterThan(10);
      expect(ours).toEqual(theirs);
      // RFC 7314 §3.3: EXPIRE is 3600 seconds, and time has passed since the zone came.
      const left = Number(/; EXPIRE: (\d+) /.exec((await dig(server, [zone, 'SOA', '+expire'])).text)?.[1]);
      expect(left).toBeGreaterThan(3500);
      expect(left).toBeLessThanOrEqual(3600);
    }
  });

  test.each(['nsec', 'nsec3'] as const)('RFC 4035 §3.1, RFC 5155 §7.2: with %s, delv validates answers', async (kind) => {
    const zone = zoneOf(kind, primary);
    const { ds } = signed.get(zone)!;
    // RFC 5155 §9.2: what opt-out covers is not proved to be absent.
    const absent = kind === 'nsec' ? [`no.${zone}. A`, `q.w.${zone}. TXT`, `sub.${zone}. DS`] : [];
    const questions = [`ns.${zone}. A`, `ns.${zone}. AAAA`, `c.${zone}. A`, ...absent];
    const judged = await Promise.all(
      questions.map(async (each) => {
        const [name, type] = each.split(' ');
        return `${each} ${String((await delv(server, `${zone}.`, [ds], name!, type!)).isValid)}`;
      }),
    );
    expect(judged.filter((each) => !each.endsWith('true'))).toEqual([]);
  });

  test('what is not there is answered as the primary answers it', async () => {
    const peer = peers.get(primary)!;
    const ask = async (at: Endpoint, name: string, type: string) => {
      const { status, answer, authority } = await dig(at, [name, type, '+dnssec', '+bufsize=4096']);
      const lines = (all: readonly string[]) => all.map((line) => line.toLowerCase()).toSorted();
      return { name, type, status, answer: lines(answer), authority: lines(authority) };
    };
    const names = ['no', 'no.a.b.c', 'x.sub', 'sub', 'q.w', 'b.c'];
    const questions = KINDS.flatMap((kind) => names.map((name) => [`${name}.${zoneOf(kind, primary)}`, name] as const));
    await Promise.all(
      questions.map(async ([owner, name]) => {
        const type = name === 'sub' ? 'DS' : 'A';
        expect(await ask(server, owner, type)).toEqual(await ask(peer, owner, type));
      }),
    );
  });
});

test('a bump-in-the-wire signer: unsigned from NSD, signed here, with a mail policy on top; delv validates', async () => {
  const put = (path: string, body: object) => server.api('PUT', `/v1/zones/${WIRE}${path}`, JSON.stringify(body));
  const primaries = [{ address: '127.0.0.1', port: peers.get('nsd')!.port }];
  const made = await server.api('POST', '/v1/zones', JSON.stringify({ name: WIRE, primaries, sign: true }));
  expect(made.status).toBe(201);
  expect(await server.eventually(() => isServed(WIRE))).toBe(true);
  const shown = (await (await server.api('GET', `/v1/zones/${WIRE}`)).json()) as object;
  expect(shown).toMatchObject({ dnssec: 'on', serial: 70, secondary: { mode: 'sign', state: 'current', serial: 70 } });
  expect((await put('/mail', { tlsRpt: { rua: ['mailto:tls@wire.example'] } })).status).toBeLessThan(300);
  expect((await put(`/rrsets/ns.${WIRE}/A`, { ttl: 60, records: ['192.0.2.99'] })).status).toBe(409);
  const { ds } = (await (await server.api('GET', `/v1/zones/${WIRE}/dnssec/ds`)).json()) as { ds: readonly { record: string }[] };
  const anchor = JSON.stringify(ds).match(/(\d+ 13 2 [0-9A-Fa-f]{64})/)![1]!;
  const questions = [`ns.${WIRE}. A`, `no.${WIRE}. A`, `q.w.${WIRE}. TXT`, `_smtp._tls.${WIRE}. TXT`];
  for (const each of questions) {
    const [name = '', type = ''] = each.split(' ');
    const text = `${WIRE}. IN DS ${anchor}`;
    expect([each, (await delv(server, `${WIRE}.`, [text], name, type)).isValid]).toEqual([each, true]);
  }
});
