/** UPDATE of zones from primaries: nsupdate and knsupdate send to waxseal, BIND and Knot carry it out, and it comes back by transfer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type Peer } from '../support/peers.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';
import { type UpdatePeerKind, startUpdatePeer } from '../support/update-peers.ts';

/** The key is at the primary and nowhere else. */
const KEY = { name: 'theirs.example', secret: Buffer.alloc(32, 'theirs').toString('base64') };
const OTHER = Buffer.alloc(32, 'other').toString('base64');
const KINDS = ['bind', 'knot'] as const;
const zoneOf = (kind: UpdatePeerKind): string => `${kind}.example`;
const ZONE = `$TTL 300
@ SOA ns1 host 1 1 1 86400 300
@ NS ns1
ns1 A 192.0.2.1
`;

let server: RunningServer;
const peers = new Map<UpdatePeerKind, Peer>();

beforeAll(async () => {
  const starting = startServer({ workers: 1 });
  const started = KINDS.map(async (kind) => {
    const text = `$ORIGIN ${zoneOf(kind)}.\n${ZONE}`;
    peers.set(kind, await startUpdatePeer(kind, { name: `${zoneOf(kind)}.`, text }, KEY));
  });
  await Promise.all(started);
  server = await starting;
  for (const kind of KINDS) {
    // The zone from Knot comes unsigned, and is signed here.
    const body = { name: zoneOf(kind), primaries: [{ address: '127.0.0.1', port: peers.get(kind)!.port }], sign: kind === 'knot' };
    await server.api('POST', '/v1/zones', JSON.stringify(body));
    const isServed = async () => (await dig(server, [zoneOf(kind), 'SOA'])).status === 'NOERROR';
    if (!(await server.eventually(isServed))) throw new Error(`${kind}: the zone has not come`);
  }
}, 60_000);
afterAll(async () => void (await Promise.all([server.stop(), ...[...peers.values()].map((peer) => peer.stop())])), 60_000);

async function nsupdate(zone: string, lines: string, { secret = KEY.secret, words = [] as readonly string[] } = {}) {
  const input = `server 127.0.0.1 ${server.port}\nzone ${zone}\n${lines}\nsend\nanswer\n`;
  const key = ['-y', `hmac-sha256:${KEY.name}:${secret}`, '-t', '10'];
  const { stdout, stderr } = await runTool('nsupdate', [...key, ...words], { input });
  const status = /opcode: UPDATE, status: (\w+)/.exec(stdout)?.[1];
  return `${/TSIG error|BADKEY|BADSIG/.exec(stderr)?.[0] ?? ''}${status ?? `none: ${stdout}${stderr}`}`;
}

const hasHost = (host: string) => server.eventually(async () => (await dig(server, [host, 'A', '+short'])).text.trim() === '192.0.2.9');

describe.each(KINDS)('RFC 2136 §6: the primary is %s', (kind) => {
  const zone = zoneOf(kind);

  test('its NOERROR reaches nsupdate with its signature, over UDP and TCP, and the record comes by transfer', async () => {
    expect(await nsupdate(zone, `update add udp.${zone} 60 A 192.0.2.9`)).toBe('NOERROR');
    expect(await nsupdate(zone, `update add tcp.${zone} 60 A 192.0.2.9`, { words: ['-v'] })).toBe('NOERROR');
    expect([await hasHost(`udp.${zone}`), await hasHost(`tcp.${zone}`)]).toEqual([true, true]);
  });

  test('its other answers do too: a prerequisite, a wrong key', async () => {
    expect(await nsupdate(zone, `prereq nxdomain ns1.${zone}\nupdate add x.${zone} 60 A 192.0.2.9`)).toBe('YXDOMAIN');
    expect(await nsupdate(zone, `update add x.${zone} 60 A 192.0.2.9`, { secret: OTHER })).toMatch(/BADSIG|TSIG error/);
  });
});

test('knsupdate verifies what comes back', async () => {
  const zone = zoneOf('knot');
  const input = `server 127.0.0.1 ${server.port}\nzone ${zone}.\nadd kns.${zone}. 60 A 192.0.2.9\nsend\nquit\n`;
  const { code, stderr } = await runTool('knsupdate', ['-y', `hmac-sha256:${KEY.name}:${KEY.secret}`], { input });
  expect([code, stderr]).toEqual([0, '']);
  expect(await hasHost(`kns.${zone}`)).toBe(true);
});

test('RFC 3007 §1.3: without a signature it is REFUSED here, and the primary hears nothing of it', async () => {
  const input = `server 127.0.0.1 ${server.port}\nzone ${zoneOf('bind')}\nupdate add x.${zoneOf('bind')} 60 A 192.0.2.9\nsend\n`;
  expect((await runTool('nsupdate', ['-t', '5'], { input })).stderr).toContain('update failed: REFUSED');
});

test('no primary there: SERVFAIL within seconds', async () => {
  await peers.get('bind')!.stop();
  expect(await nsupdate(zoneOf('bind'), `update add x.${zoneOf('bind')} 60 A 192.0.2.9`, { words: ['-v'] })).toContain('SERVFAIL');
});
