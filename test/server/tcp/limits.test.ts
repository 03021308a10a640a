import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type IpPort } from '#base/address.ts';
import { startWorkerListeners, type WorkerListeners } from '#server/listen.ts';
import { type QueryResponder } from '#server/listener.ts';
import { idleTimeMs, TCP_LIMITS, type TcpLimits } from '#server/tcp/table.ts';
import { eventually, framed, idOf, simpleQuery, TcpClient, tcpQuery } from '../../support/dns-client.ts';
import { echoResponder, freeAddress, testCounters } from '../fixtures/echo.ts';
import { CARRIERS } from '../fixtures/carriers.ts';

describe.each(CARRIERS)('%s', (_kind, carrierFor) => {
  const open: { listeners: WorkerListeners[]; clients: TcpClient[] } = { listeners: [], clients: [] };

  async function serve(limits: Partial<TcpLimits>, responder: QueryResponder = echoResponder()) {
    const { row, count } = testCounters();
    const addresses = [await freeAddress()];
    const listeners = await startWorkerListeners({
      responder,
      addresses,
      tcp: carrierFor(addresses),
      counters: row,
      tcpLimits: { ...TCP_LIMITS, ...limits },
    });
    open.listeners.push(listeners);
    return { listeners, count, at: listeners.addresses[0]! };
  }

  async function client(to: IpPort, options?: { from?: string; reading?: boolean }): Promise<TcpClient> {
    const made = await TcpClient.open(to, options);
    open.clients.push(made);
    return made;
  }

  /** Loopback addresses: each is another client. */
  const source = (n: number) => `127.0.${1 + (n >> 7)}.${1 + (n & 127)}`;

  /** Clients in another process, so that their own buffers are not counted as ours. */
  function startAttackers(at: IpPort, connections: number, queries: number): ChildProcess {
    const script = new URL('../fixtures/never-readers.ts', import.meta.url);
    return fork(script, [at.ip, String(at.port), String(connections), String(queries)], { execArgv: [] });
  }

  /** A new client gets an answer within a second (facts T2). */
  async function expectHonestAnswer(at: IpPort): Promise<void> {
    const reply = await tcpQuery(at, simpleQuery(4711), 1000);
    expect(reply === undefined ? 'no answer' : idOf(reply)).toBe(4711);
  }

  afterEach(async () => {
    for (const each of open.clients) each.destroy();
    await Promise.all(open.listeners.map((each) => each.close(0)));
    open.clients = [];
    open.listeners = [];
  });

  describe('RFC 7766 §6.2.3, RFC 9210 §4: time limits', () => {
    test('nothing sent: closed after the first-message time', async () => {
      const { at, count } = await serve({ firstMessageMs: 150 });
      const one = await client(at);
      expect(await one.ending(1000)).toBe('end');
      expect(count('tcpTimeoutFirst')).toBe(1);
    });

    test('idle after an answer: closed after the idle time, which starts anew with each answer', async () => {
      const { at, count } = await serve({ idleMs: 300 });
      const one = await client(at);
      for (let id = 0; id < 4; id++) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        one.send(framed(simpleQuery(id)));
        expect((await one.receive(1)).map(idOf)).toEqual([id]);
      }
      expect(await one.ending(1500)).toBe('end');
      expect(count('tcpTimeoutIdle')).toBe(1);
    });

    test('slow loris: octets that complete no message do not prolong its time', async () => {
      const { at, count } = await serve({ messageMs: 250, firstMessageMs: 5000 });
      const one = await client(at);
      const startedMs = performance.now();
      const feeder = setInterval(() => one.send(Buffer.from([1])), 40);
      expect(await one.ending(2000)).toBe('reset');
      clearInterval(feeder);
      expect(performance.now() - startedMs).toBeLessThan(1000);
      expect(count('tcpTimeoutMessage')).toBe(1);
    });

    test('half a length prefix after an answer has the message time, not the idle time', async () => {
      const { at, count } = await serve({ messageMs: 200, idleMs: 5000 });
      const one = await client(at);
      one.send(framed(simpleQuery(1)));
      await one.receive(1);
      one.send(Buffer.from([0]));
      expect(await one.ending(1000)).toBe('reset');
      expect(count('tcpTimeoutMessage')).toBe(1);
    });

    test('the first message has no more than the first-message time in all', async () => {
      const { at } = await serve({ messageMs: 5000, firstMessageMs: 300 });
      const one = await client(at);
      one.send(Buffer.from([0]));
      expect(await one.ending(1200)).toBe('reset');
    });

    test('a client that does not read is reset after the write time', async () => {
      const { at, count, listeners } = await serve({ writeMs: 300 }, echoResponder(60_000));
      const one = await client(at, { reading: false });
      one.send(Buffer.concat(Array.from({ length: 500 }, (_, id) => framed(simpleQuery(id)))));
      expect(await eventually(() => count('tcpAccepted') === 1 && listeners.table.size === 0, 2000)).toBe(true);
      expect(count('tcpTimeoutWrite')).toBe(1);
      expect(count('tcpQueries')).toBeLessThan(500);
    });

    test('idle time is whole up to half occupancy, then falls to its minimum', () => {
      expect([0, 0.5, 0.75, 1].map((occupancy) => idleTimeMs(TCP_LIMITS, occupancy))).toEqual([10_000, 10_000, 5_500, 1_000]);
    });
  });

  describe('RFC 9210 §4.2: connection limits', () => {
    test('one client has its share, others are not touched', async () => {
      const { at, count, listeners } = await serve({ connectionsPerClient: 3 });
      const mine = [await client(at), await client(at), await client(at)];
      // The reset may come before or after the client knows that it is connected.
      const refused = await TcpClient.open(at).then(
        (extra) => extra.ending(1000),
        () => 'reset',
      );
      expect(refused).toBe('reset');
      expect(count('tcpRefusedClient')).toBe(1);
      for (const [id, each] of mine.entries()) {
        each.send(framed(simpleQuery(id)));
        expect((await each.receive(1)).map(idOf)).toEqual([id]);
      }
      const elsewhere = await client(at, { from: '127.0.0.9' });
      elsewhere.send(framed(simpleQuery(9)));
      expect((await elsewhere.receive(1)).map(idOf)).toEqual([9]);
      mine[0]!.destroy();
      expect(await eventually(() => listeners.table.size === 3)).toBe(true);
      const again = await client(at);
      again.send(framed(simpleQuery(10)));
      expect((await again.receive(1)).map(idOf)).toEqual([10]);
    });

    test('full: the connection longest without progress makes room', async () => {
      const { at, count } = await serve({ connections: 3 });
      const [first, second, third] = [await client(at), await client(at), await client(at)];
      for (const each of [second, third, first]) {
        each.send(framed(simpleQuery(1)));
        await each.receive(1);
      }
      await expectHonestAnswer(at);
      expect(await second.ending(1000)).toBe('end');
      expect(count('tcpEvictedFull')).toBe(1);
      for (const each of [third, first]) {
        each.send(framed(simpleQuery(2)));
        expect((await each.receive(1)).map(idOf)).toEqual([2]);
      }
    });

    const attacks: readonly (readonly [string, (attacker: TcpClient) => void])[] = [
      ['say nothing', () => undefined],
      ['send half a length prefix', (attacker) => attacker.send(Buffer.from([0]))],
      ['are idle after an answer', (attacker) => attacker.send(framed(simpleQuery(1)))],
      ['never read', (attacker) => attacker.send(Buffer.concat(Array.from({ length: 200 }, (_, id) => framed(simpleQuery(id)))))],
    ];
    test.each(attacks.map(([what, attack]) => ({ what, attack })))(
      'a fifth more than the table holds $what: a new client is answered within a second',
      async ({ attack }) => {
        const { at, listeners } = await serve({ connections: 100, blockedConnections: 30 }, echoResponder(30_000));
        for (let n = 0; n < 120; n++) {
          const attacker = await client(at, { from: source(n), reading: false });
          attack(attacker);
        }
        expect(listeners.table.size).toBeLessThanOrEqual(100);
        await expectHonestAnswer(at);
      },
    );
  });

  describe('facts T1: clients that never read', () => {
    test('500 connections with 10,000 pipelined queries each cost at most 64 MB, and others are answered meanwhile', async () => {
      const { at, listeners, count } = await serve({}, echoResponder(8000));
      await expectHonestAnswer(at);
      globalThis.gc?.();
      const before = process.memoryUsage();
      const attackers = startAttackers(at, 500, 10_000);
      try {
        expect(await eventually(() => count('tcpAccepted') >= 500, 8000)).toBe(true);
        // Of those that do not read, no more than these stay.
        const evicted = () => count('tcpEvictedBlocked') + count('tcpEvictedFull');
        expect(await eventually(() => evicted() >= 500 - TCP_LIMITS.blockedConnections, 30_000)).toBe(true);
        await expectHonestAnswer(at);
        const after = process.memoryUsage();
        const grownBytes = after.external + after.heapUsed - before.external - before.heapUsed;
        expect(grownBytes).toBeLessThan(64 * 1024 * 1024);
        expect(after.rss - before.rss).toBeLessThan(64 * 1024 * 1024);
        expect(count('tcpQueries')).toBeLessThan(500 * 10_000);
      } finally {
        attackers.kill();
      }
      expect(await eventually(() => listeners.table.size === 0, 3000)).toBe(true);
    });
  });

  describe('facts T4: no descriptor is lost', () => {
    test('1500 connections ended by RST, by half close and inside a message', async () => {
      const { at, listeners, count } = await serve({});
      const descriptors = () => readdirSync('/proc/self/fd').length;
      await expectHonestAnswer(at);
      const baseline = descriptors();
      for (let round = 0; round < 50; round++) {
        const batch = await Promise.all(Array.from({ length: 30 }, () => TcpClient.open(at)));
        for (const [n, each] of batch.entries()) {
          if (n % 5 === 0) each.reset();
          else if (n % 5 === 1) {
            each.send(framed(simpleQuery(n)));
            each.reset();
          } else if (n % 5 === 2) {
            each.send(Buffer.concat([framed(simpleQuery(n)), Buffer.from([0])]));
            each.reset();
          } else if (n % 5 === 3) {
            each.send(framed(simpleQuery(n)));
            each.finish();
          } else {
            each.send(Buffer.from([0, 12, 1]));
            each.finish();
          }
        }
        await Promise.all(batch.map((each) => each.ending(3000)));
      }
      expect(await eventually(() => listeners.table.size === 0, 3000)).toBe(true);
      expect(await eventually(() => descriptors() <= baseline, 3000)).toBe(true);
      expect(count('tcpOpen')).toBe(0);
      expect(count('tcpAccepted')).toBeGreaterThan(0);
      await expectHonestAnswer(at);
    });
  });
});
