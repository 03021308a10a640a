/** Answers of many messages: the seam that zone transfers will use (RFC 5936 §4.1, RFC 7766 §6.2.1.1). */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type IpPort } from '#base/address.ts';
import { TCP_WRITE_BATCH_BYTES } from '#base/limits/server.ts';
import { startWorkerListeners } from '#server/listen.ts';
import { sampled } from '#server/query-log.ts';
import { TCP_LIMITS, type TcpLimits } from '#server/tcp/table.ts';
import { eventually, framed, idOf, simpleQuery, TcpClient, tcpQuery } from '../../support/dns-client.ts';
import { freeAddress, testCounters } from '../fixtures/echo.ts';
import { numberOf, streamQuery, streamResponder } from '../fixtures/streams.ts';
import { CARRIERS } from '../fixtures/carriers.ts';

const COUNT = 4000;
const BYTES = 16_000;
/**
 * Kernel buffers on both sides of a loopback connection: tcp_wmem and tcp_rmem at most. Beyond them nothing may wait.
 */
const KERNEL_BYTES_MAX = 16 * 1024 * 1024;

describe.each(CARRIERS)('%s', (_kind, carrierFor) => {
  async function serve({
    count = COUNT,
    length = BYTES,
    limits = {},
  }: { count?: number; length?: number; limits?: Partial<TcpLimits> } = {}) {
    const { responder, streams } = streamResponder(count, length);
    const { row, count: counter } = testCounters();
    const addresses = [await freeAddress()];
    const listeners = await startWorkerListeners({
      responder,
      addresses,
      tcp: carrierFor(addresses),
      counters: row,
      tcpLimits: { ...TCP_LIMITS, ...limits },
    });
    onTestFinished(() => listeners.close(0));
    return { at: addresses[0]!, listeners, streams, counter };
  }

  async function open(at: IpPort, reading = true): Promise<TcpClient> {
    const client = await TcpClient.open(at, { reading });
    onTestFinished(() => client.destroy());
    return client;
  }

  const ask = (id: number) => framed(streamQuery(simpleQuery(id)));

  /** Numbers in their order, as ranges, so that a failure is readable. */
  function rangeOf(messages: readonly Buffer[]): string {
    const isInOrder = messages.every((message, at) => numberOf(message) === at);
    return isInOrder ? `0…${messages.length - 1}` : `out of order: ${messages.slice(0, 20).map(numberOf).join(' ')}`;
  }

  /** Longest wait for an answer on connections of its own while `busy` lasts. */
  async function slowestAnswerMs(at: IpPort, busy: Promise<unknown>): Promise<number> {
    const over = new AbortController();
    void busy.finally(() => over.abort());
    let slowestMs = 0;
    for (let id = 1; !over.signal.aborted; id++) {
      const askedAtMs = performance.now();
      const reply = await tcpQuery(at, simpleQuery(id));
      expect(reply === undefined ? 'no answer' : idOf(reply)).toBe(id);
      slowestMs = Math.max(slowestMs, performance.now() - askedAtMs);
    }
    return slowestMs;
  }

  describe('a client that reads', () => {
    test('gets every message once and in order; what it asked before and after is answered before and after', async () => {
      const { at, streams, counter } = await serve();
      const client = await open(at);
      client.send(Buffer.concat([framed(simpleQuery(1)), ask(2), framed(simpleQuery(3)), ask(4), framed(simpleQuery(5))]));
      const messages = await client.receive(3 + 2 * COUNT, 60_000);
      expect(messages).toHaveLength(3 + 2 * COUNT);
      expect([0, COUNT + 1, 2 * COUNT + 2].map((place) => idOf(messages[place]!))).toEqual([1, 3, 5]);
      expect(rangeOf(messages.slice(1, 1 + COUNT))).toBe(`0…${COUNT - 1}`);
      expect(rangeOf(messages.slice(COUNT + 2, 2 * COUNT + 2))).toBe(`0…${COUNT - 1}`);
      expect(streams).toEqual([
        { made: COUNT, closed: 1 },
        { made: COUNT, closed: 1 },
      ]);
      expect([counter('tcpQueries'), counter('tcpAnswers')]).toEqual([5, 3 + 2 * COUNT]);
    });

    test('others are answered at once meanwhile', async () => {
      const { at } = await serve({ count: 40_000, length: 4000 });
      const client = await open(at);
      client.send(ask(1));
      const received = client.receive(40_000, 60_000);
      expect(await slowestAnswerMs(at, received)).toBeLessThan(1000);
      expect(rangeOf(await received)).toBe('0…39999');
    });

    test('FIN after the query: the whole stream still comes, then the end (RFC 7766 §6.2.4)', async () => {
      const { at, streams } = await serve({ count: 500 });
      const client = await open(at);
      client.send(ask(1));
      client.finish();
      expect(rangeOf(await client.receive(500))).toBe('0…499');
      expect(await client.ending()).toBe('end');
      expect(streams).toEqual([{ made: 500, closed: 1 }]);
    });

    test('a stream without messages, and one of a single octet, are streams too', async () => {
      const { at, streams } = await serve({ count: 0 });
      const client = await open(at);
      client.send(Buffer.concat([ask(1), framed(simpleQuery(2))]));
      expect((await client.receive(1)).map(idOf)).toEqual([2]);
      expect(streams).toEqual([{ made: 0, closed: 1 }]);
    });

    test('many streams asked for in one write take turns with other connections', async () => {
      const { at, streams } = await serve({ count: 60, length: 16_000 });
      const client = await open(at);
      client.send(Buffer.concat(Array.from({ length: 60 }, (_, id) => ask(id))));
      const received = client.receive(3600, 60_000);
      expect(await slowestAnswerMs(at, received)).toBeLessThan(1000);
      expect(await received).toHaveLength(3600);
      expect(streams.filter(({ made, closed }) => made === 60 && closed === 1)).toHaveLength(60);
    });
  });

  describe('a client that reads slowly or not at all', () => {
    test('messages are made only as it takes them; others are answered', async () => {
      const { at, streams } = await serve({ limits: { writeMs: 60_000 } });
      const client = await open(at, false);
      client.send(ask(1));
      let before = -1;
      // Nothing is made any more once the kernel's buffers are full.
      const isStill = () => {
        const [now = 0, last] = [streams[0]?.made, before];
        before = now;
        return now > 0 && now === last;
      };
      expect(await eventually(async () => (await sleep(100), isStill()))).toBe(true);
      expect(before * BYTES).toBeLessThan(KERNEL_BYTES_MAX + TCP_WRITE_BATCH_BYTES);
      expect(before).toBeLessThan(COUNT);
      expect(await slowestAnswerMs(at, sleep(200))).toBeLessThan(1000);
      expect(streams[0]).toEqual({ made: before, closed: 0 });
      client.socket.resume();
      expect(rangeOf(await client.receive(COUNT, 60_000))).toBe(`0…${COUNT - 1}`);
      expect(await eventually(() => streams[0]?.closed === 1)).toBe(true);
      expect(streams[0]!.made).toBe(COUNT);
    });

    test('a little at a time is progress: the write time begins anew with each batch taken', async () => {
      const { at } = await serve({ count: 1500, limits: { writeMs: 700 } });
      const client = await open(at);
      // 24 MB with a pause of 10 ms after each 128 KiB: about two seconds.
      let taken = 0;
      client.socket.on('data', (chunk: Buffer) => {
        taken += chunk.length;
        if (taken < 128 * 1024) return;
        taken = 0;
        client.socket.pause();
        setTimeout(() => client.socket.resume(), 10);
      });
      client.send(ask(1));
      const startedMs = performance.now();
      expect(rangeOf(await client.receive(1500, 60_000))).toBe('0…1499');
      expect(performance.now() - startedMs).toBeGreaterThan(700);
    });

    test('nothing taken within the write time: closed with a reset, the stream too', async () => {
      const { at, streams, counter } = await serve({ limits: { writeMs: 200 } });
      const client = await open(at, false);
      client.send(ask(1));
      expect(await eventually(() => counter('tcpTimeoutWrite') === 1)).toBe(true);
      expect(await eventually(() => streams[0]?.closed === 1)).toBe(true);
      expect(streams[0]!.made).toBeLessThan(COUNT);
    });

    test('a stream takes no longer than its limit, however steadily it is read', async () => {
      const { at, streams, counter } = await serve({ count: Infinity, limits: { streamMs: 300 } });
      const client = await open(at);
      client.socket.removeAllListeners('data').on('data', () => undefined);
      client.send(ask(1));
      expect(await client.ending()).toBe('reset');
      expect(counter('tcpTimeoutWrite')).toBe(1);
      expect(streams.map(({ closed }) => closed)).toEqual([1]);
    });
  });

  describe('a client that goes', () => {
    test.each(['reset', 'destroy'] as const)('%s in the middle: the stream is closed once and makes no more', async (how) => {
      const { at, streams, listeners } = await serve({ count: Infinity });
      const client = await open(at);
      client.send(ask(1));
      await client.receive(50);
      client[how]();
      expect(await eventually(() => streams[0]?.closed === 1)).toBe(true);
      const made = streams[0]!.made;
      expect(await eventually(() => listeners.table.size === 0)).toBe(true);
      expect(await tcpQuery(at, simpleQuery(9))).toBeDefined();
      expect(streams[0]).toEqual({ made, closed: 1 });
    });
  });

  describe('the server drains', () => {
    test('a stream that ends within the grace time is finished, one that does not is cut', async () => {
      const { at, streams, listeners } = await serve({ count: 3000 });
      const [reader, sleeper] = [await open(at), await open(at, false)];
      for (const each of [reader, sleeper]) each.send(ask(1));
      expect(await eventually(() => streams.length === 2)).toBe(true);
      const closed = listeners.close(3000);
      expect(rangeOf(await reader.receive(3000, 20_000))).toBe('0…2999');
      expect(await reader.ending()).toBe('end');
      await closed;
      expect(await eventually(() => streams.every((each) => each.closed === 1))).toBe(true);
      expect(streams.filter(({ made }) => made === 3000)).toHaveLength(1);
    });
  });
});

test('a sampled query log passes streams on and logs their query', () => {
  const lines: unknown[] = [];
  const { responder } = streamResponder(1, 100);
  const logged = sampled(responder, 1, (line) => lines.push(line));
  const query = streamQuery(simpleQuery(1));
  const client = { octets: new Uint8Array(16), length: 0 };
  expect(logged.respond(query, query.length, new Uint8Array(100), 'tcp', client)).toBe(-1);
  expect(logged.stream?.(query, query.length, client).next(new Uint8Array(100))).toBe(100);
  expect(lines).toMatchObject([{ queryBytes: query.length, answerBytes: 0 }]);
});
