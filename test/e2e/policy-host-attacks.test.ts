/**
 * Hostile clients of the policy host, the real process: whatever they do, a calm client at another address is served all the while, every
 * attack ends by a limit that is counted, and memory stays bounded. RFC 9113 §10.5.
 */
import { readFileSync } from 'node:fs';
import { type Socket, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type TLSSocket, connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../support/running-server.ts';

const ZONES = join(import.meta.dirname, '../../zones');
const HOST = 'mta-sts.meridian-post.example';
const PATH = '/.well-known/mta-sts.txt';
const ATTACKER = '127.0.6.66';
const CALM = '127.0.7.7';
const CALM_EVERY_MS = 50;
const MIB_MAX = 128;

let server: RunningServer;
beforeAll(async () => {
  const environment = { WAXSEAL_HTTPS__SELF_SIGNED: 'true', WAXSEAL_HTTPS__ACCESS_LOG: 'false' };
  server = await startServer({ zones: ZONES, environment });
  await server.eventually(async () => (await calmGet()) === 200, 60_000);
});
afterAll(() => server?.stop());

const residentMib = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pids().policyHost}/status`, 'latin1'))![1]) / 1024;

/** A TLS connection from `from`; rejects when the handshake fails. */
function shake(from: string, protocol: 'h2' | 'http/1.1'): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port: server.httpsPort, localAddress: from };
    const socket = connect({ ...to, servername: HOST, rejectUnauthorized: false, ALPNProtocols: [protocol] }, () => {
      socket.off('error', reject).on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

/** Everything until the end, or until `ms` are over. */
function read(socket: TLSSocket, ms: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

const GET = `GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;

/** The status of one request on a connection of its own. */
async function calmGet(): Promise<number> {
  const socket = await shake(CALM, 'http/1.1').catch(() => undefined);
  if (socket === undefined) return 0;
  socket.write(GET);
  return Number(/^HTTP\/1\.1 (\d+)/.exec(await read(socket, 10_000))?.[1] ?? 0);
}

/** Runs `attack` beside a calm client, which must get every answer. Gives the limits that were counted meanwhile. */
async function during(attack: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await limits();
  const statuses: number[] = [];
  const attacking = { isOver: false };
  const calm = (async () => {
    while (!attacking.isOver || statuses.length < 3) {
      statuses.push(await calmGet());
      await delay(CALM_EVERY_MS);
    }
  })();
  const pid = server.pids().policyHost;
  await attack();
  attacking.isOver = true;
  await calm;
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  // The process is the same one.
  expect(server.pids().policyHost).toBe(pid);
  expect(residentMib()).toBeLessThan(residentBefore + MIB_MAX);
  // Its counters come every second.
  await delay(1_200);
  const after = await limits();
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}

async function limits(): Promise<Record<string, number>> {
  const text = await (await server.api('GET', '/metrics')).text();
  const rows = [...text.matchAll(/^waxseal_https_limits_total\{limit="(\w+)"\} (\d+)/gm)];
  return Object.fromEntries(rows.map(([, name, value]) => [name!, Number(value)]));
}

let residentBefore = 0;
test('before: what it takes at rest', async () => {
  for (let each = 0; each < 20; each++) expect(await calmGet()).toBe(200);
  residentBefore = residentMib();
  expect(residentBefore).toBeGreaterThan(30);
});

test('10,000 connections of one address: 32 handshakes at once are its share, all others are cut off at once', async () => {
  const ended = { count: 0 };
  const counted = await during(async () => {
    const open = new Set<Socket>();
    for (let batch = 0; batch < 100; batch++) {
      for (let each = 0; each < 100; each++) {
        const socket = connectTcp({ host: '127.0.0.1', port: server.httpsPort, localAddress: ATTACKER });
        open.add(socket);
        socket.on('error', () => undefined);
        socket.once('close', () => {
          open.delete(socket);
          ended.count += 1;
        });
      }
      await delay(10);
    }
    for (let waited = 0; open.size > 40 && waited < 10_000; waited += 50) await delay(50);
    expect(open.size).toBeLessThanOrEqual(32);
    for (const each of open) each.destroy();
  });
  expect(ended.count).toBeGreaterThan(9_900);
  // Those that had a place, and lost it when the time of a handshake was over, made one for others.
  expect(counted['network_handshakes']! + counted['handshake_time']!).toBeGreaterThan(9_800);
  expect(counted['network_handshakes']).toBeGreaterThan(9_000);
});

test('hellos that do not end, octet by octet: cut off when the time of a handshake is over', async () => {
  const counted = await during(async () => {
    const sockets = Array.from({ length: 30 }, () => connectTcp({ host: '127.0.0.1', port: server.httpsPort, localAddress: ATTACKER }));
    const ends = sockets.map((socket) => new Promise((resolve) => void socket.on('error', () => undefined).once('close', resolve)));
    // The beginning of a record of 16 KiB.
    for (const each of sockets) each.write(Buffer.from([22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xf0]));
    const timer = setInterval(() => {
      for (const each of sockets) if (!each.destroyed) each.write('x');
    }, 20);
    await Promise.all(ends);
    clearInterval(timer);
  });
  expect(counted['handshake_time']).toBe(30);
});

test('slow requests and headers that are too large, over HTTP/1.1: 431, or the end', async () => {
  await during(async () => {
    const large = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = await shake(ATTACKER, 'http/1.1');
        socket.write(`GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\nX: ${'a'.repeat(64 * 1024)}`);
        return read(socket, 12_000);
      }),
    );
    for (const each of large) expect(each).toMatch(/^(?:HTTP\/1\.1 431 |$)/);
  });
});

/** RFC 9113 §4.1: length, type, flags, stream. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const TYPE = { HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, CONTINUATION: 9 };
const END_STREAM = 1;
const END_HEADERS = 4;
const NOTHING = new Uint8Array(0);
const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(TYPE.SETTINGS, 0, 0, NOTHING)]);
const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
/** RFC 7541: `:method: GET`, `:scheme: https`, `:path` and `:authority` as literals without indexing. */
const BLOCK = Buffer.concat([Buffer.from([0x82, 0x87, 0x04]), text(PATH), Buffer.from([0x01]), text(HOST)]);

/** Writes `frames` on `count` connections until each is ended; true when all were within 8 s. */
async function floodFrames(count: number, frames: (round: number) => Buffer): Promise<boolean> {
  const ends = Array.from({ length: count }, async () => {
    const socket = await shake(ATTACKER, 'h2');
    socket.resume();
    const ended = new Promise<boolean>((resolve) => void socket.once('close', () => resolve(true)));
    socket.write(PREFACE);
    for (let round = 0; round < 400 && !socket.destroyed; round++) {
      if (!socket.write(frames(round))) await Promise.race([new Promise((resolve) => void socket.once('drain', resolve)), delay(200)]);
      else await delay(1);
    }
    const isEnded = await Promise.race([ended, delay(8_000).then(() => false)]);
    socket.destroy();
    return isEnded;
  });
  return (await Promise.all(ends)).every(Boolean);
}

/** Streams 1, 3, 5 …, some in each round. */
const PER_ROUND = 50;
const streamsOf = (round: number) => Array.from({ length: PER_ROUND }, (_, at) => 1 + 2 * (round * PER_ROUND + at));

test('HTTP/2: the frames of these tests are good ones: one request has its answer, and its session stays', async () => {
  const socket = await shake(CALM, 'h2');
  let said = '';
  socket.on('data', (part: Buffer) => (said += part.toString('latin1')));
  socket.write(Buffer.concat([PREFACE, frame(TYPE.HEADERS, END_STREAM | END_HEADERS, 1, BLOCK)]));
  expect(await server.eventually(() => said.includes('version: STSv1'), 10_000)).toBe(true);
  socket.write(Buffer.concat([frame(TYPE.HEADERS, END_STREAM, 3, BLOCK), frame(TYPE.CONTINUATION, END_HEADERS, 3, NOTHING)]));
  expect(await server.eventually(() => said.split('version: STSv1').length === 3, 10_000)).toBe(true);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

test.each<[string, (round: number) => Buffer]>([
  [
    'rapid reset (CVE-2023-44487)',
    (round) =>
      Buffer.concat(
        streamsOf(round).flatMap((stream) => [
          frame(TYPE.HEADERS, END_STREAM | END_HEADERS, stream, BLOCK),
          frame(TYPE.RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
        ]),
      ),
  ],
  [
    'CONTINUATION without end (CVE-2024-27316)',
    (round) =>
      round === 0
        ? frame(TYPE.HEADERS, END_STREAM, 1, BLOCK)
        : Buffer.concat(
            Array.from({ length: 20 }, () =>
              frame(TYPE.CONTINUATION, 0, 1, Buffer.concat([Buffer.from([0x00]), text('x'), text('y'.repeat(100))])),
            ),
          ),
  ],
  [
    'CONTINUATION frames of nothing',
    (round) =>
      round === 0
        ? frame(TYPE.HEADERS, END_STREAM, 1, BLOCK)
        : Buffer.concat(Array.from({ length: 500 }, () => frame(TYPE.CONTINUATION, 0, 1, NOTHING))),
  ],
  ['pings', () => Buffer.concat(Array.from({ length: 100 }, () => frame(TYPE.PING, 0, 0, Buffer.alloc(8))))],
  ['settings', () => Buffer.concat(Array.from({ length: 100 }, () => frame(TYPE.SETTINGS, 0, 0, NOTHING)))],
  [
    'headers beyond the limit',
    () =>
      frame(
        TYPE.HEADERS,
        END_STREAM | END_HEADERS,
        1,
        Buffer.concat(
          Array.from({ length: 16 }, () => Buffer.concat([Buffer.from([0x00]), text('x'), text('y'.repeat(120)), Buffer.alloc(700)])),
        ),
      ),
  ],
])('HTTP/2: %s: every session is ended', async (_, frames) => {
  let areEnded = false;
  await during(async () => {
    areEnded = await floodFrames(6, frames);
  });
  expect(areEnded).toBe(true);
});

test('after all that: its connections are gone, and its memory', async () => {
  const connections = async () => Number(/^waxseal_https_connections (\d+)/m.exec(await (await server.api('GET', '/metrics')).text())![1]);
  expect(await server.eventually(async () => (await connections()) <= 2, 20_000)).toBe(true);
  expect(residentMib()).toBeLessThan(residentBefore + MIB_MAX);
  // https.access_log is off.
  expect(server.log()).not.toContain('https.request');
});
