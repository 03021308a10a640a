/**
 * CVE-2023-50387 (KeyTrap): a child and a parent whose servers send hundreds of signatures and records are asked again and again, because
 * anyone sends NOTIFY(CDS); questions to this server are answered as before, nothing is believed, and the API answers.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LatencyProbe } from '../../bench/rollovers/probe.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { engineKey } from '#dnssec/key.ts';
import { writeCdsNotify } from '#transfer/notify-message.ts';
import { dig } from '../support/dig.ts';
import { type FakeNameServer, type FakeReply, fakeNameServer } from '../support/fake-name-server.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { signedBy } from '../support/signed-records.ts';
import { putZones } from '../support/waxseal.ts';

const CHILD = nameOf('kid.example.');
const [A, B] = [engineKey(new Uint8Array(32).fill(1)), engineKey(new Uint8Array(32).fill(2))] as const;
const RDATAS: Readonly<Record<number, readonly Uint8Array[]>> = {
  [TYPE.CDS]: [dsRdata(CHILD, B.dnskey, 2)],
  [TYPE.CDNSKEY]: [B.dnskey],
  [TYPE.DNSKEY]: [A.dnskey, B.dnskey],
};
const PROBE_MS = 4000;
const QUESTIONS_PER_SECOND = 200;

let server: RunningServer;
let trap: FakeNameServer;

/** The child's records, each with 500 signatures that look right and are wrong; 500 DS records at the parent. */
function trapped(name: Uint8Array, type: RrType): FakeReply {
  const owner = Uint8Array.from(name);
  const rdatas =
    type === TYPE.DS
      ? Array.from({ length: 500 }, (_, at) => Uint8Array.of(at >> 8, at, 13, 2, ...new Uint8Array(32)))
      : (RDATAS[type] ?? []);
  const { signatures } = signedBy({ owner: CHILD, type, ttl: 60, rdatas }, [A, B], Math.floor(Date.now() / 1000));
  const forged = Array.from({ length: type === TYPE.DS ? 0 : 500 }, (_, at) => {
    const octets = Uint8Array.from(signatures[at % 2]!);
    octets[octets.length - 1 - (at % 40)]! ^= 1 + (at % 255);
    return octets;
  });
  const of = (each: RrType, rdata: Uint8Array) => ({ owner, type: each, ttl: 60, rdata });
  return { answer: [...rdatas.map((each) => of(type, each)), ...forged.map((each) => of(TYPE.RRSIG, each))] };
}

beforeAll(async () => {
  trap = await fakeNameServer(trapped);
  server = await startServer({ config: '[mail]\nprobe_networks = ["127.0.0.0/8"]\nsecondaries = "listed"\n' });
  const ds = `kid DS ${A.keyTag} 13 2 ${Buffer.from(dsRdata(CHILD, A.dnskey, 2).subarray(4)).toString('hex')}\n`;
  const text = `$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.1\nkid NS ns.elsewhere.test.\n${ds}`;
  await putZones(server, [{ name: 'example.', text }], 'on');
  const policy = { keyTtlSeconds: 2, propagationSeconds: 1, parentServers: [`127.0.0.1:${trap.at.port}`] };
  await server.api('PATCH', '/v1/dnssec/policies/default', JSON.stringify(policy));
  const { exit, err } = await server.cli('dnssec', 'children', 'set', 'example.', '--on', '--child-server', `127.0.0.1:${trap.at.port}`);
  if (exit !== 0) throw new Error(err);
}, 60_000);

afterAll(async () => {
  await server?.stop();
  await trap?.close();
}, 30_000);

const probe = () =>
  new LatencyProbe(
    server.port,
    ['www.example', 'nothing.example', 'example'].map((name) => ({ name, type: 'A' as const })),
    QUESTIONS_PER_SECOND,
  );

test('questions are answered as before, the child is held, its DS stays, and the API answers', async () => {
  const before = probe();
  await delay(PROBE_MS);
  const quiet = await before.stop();
  const roll = await server.api('POST', '/v1/zones/example./dnssec/roll', JSON.stringify({ role: 'csk' }));
  expect(roll.ok).toBe(true);
  const socket = createSocket('udp4');
  const asked = trap.received.length;
  const during = probe();
  for (const untilMs = Date.now() + PROBE_MS; Date.now() < untilMs; await delay(20))
    socket.send(writeCdsNotify(Date.now() & 0xffff, CHILD), server.port, '127.0.0.1');
  const askedMs = performance.now();
  expect((await server.api('GET', '/livez')).ok).toBe(true);
  const liveMs = performance.now() - askedMs;
  const loaded = await during.stop();
  socket.close();
  // It was asked, two seconds apart at least, three questions each time; and the parent.
  expect(trap.received.length - asked).toBeGreaterThan(3);
  expect(trap.received.length - asked).toBeLessThan(20);
  expect({ ...loaded, quiet, liveMs }).toMatchObject({ lost: 0 });
  expect(loaded.maxMs).toBeLessThan(1000);
  expect(liveMs).toBeLessThan(1000);
  const children = (await (await server.api('GET', '/v1/zones/example./dnssec/children')).json()) as { readonly delegations: unknown };
  expect(children.delegations).toMatchObject([{ name: 'kid.example.', outcome: 'held' }]);
  const { answer } = await dig(server, ['kid.example.', 'DS']);
  expect(answer).toHaveLength(1);
  expect(answer[0]).toContain(` ${A.keyTag} 13 2 `);
}, 60_000);
