import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type IpPort } from '#base/address.ts';
import { startWorkerListeners, type WorkerListeners } from '#server/listen.ts';
import { type QueryResponder } from '#server/listener.ts';
import { TCP_LIMITS, type TcpLimits } from '#server/tcp/table.ts';
import { eventually, framed, idOf, simpleQuery, TcpClient, tcpQuery } from '../../support/dns-client.ts';
import { echoResponder, freeAddress, testCounters } from '../fixtures/echo.ts';
import { CARRIERS } from '../fixtures/carriers.ts';

describe.each(CARRIERS)('%s', (_kind, carrierFor) => {
  const open: { listeners: WorkerListeners[]; clients: TcpClient[] } = { listeners: [], clients: [] };

  async function serve(responder: QueryResponder = echoResponder(), limits: Partial<TcpLimits> = {}, ip = '127.0.0.1') {
    const { row, count } = testCounters();
    const addresses = [await freeAddress(ip)];
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

  afterEach(async () => {
    for (const each of open.clients) each.destroy();
    await Promise.all(open.listeners.map((each) => each.close(0)));
    open.clients = [];
    open.listeners = [];
  });

  describe('RFC 7766 §6.2.1.1: pipelining', () => {
    test('1000 queries in one write are answered once each, in their order', async () => {
      const { at, count } = await serve();
      const one = await client(at);
      one.send(Buffer.concat(Array.from({ length: 1000 }, (_, id) => framed(simpleQuery(id)))));
      const replies = await one.receive(1000);
      expect(replies.map(idOf)).toEqual(Array.from({ length: 1000 }, (_, id) => id));
      expect(count('tcpQueries')).toBe(1000);
      expect(count('tcpAnswers')).toBe(1000);
    });

    test('a megabyte of queries with large answers, read slowly, all answered in order', async () => {
      const { at } = await serve(echoResponder(1200));
      const one = await client(at);
      const queries = 1_000_000 / framed(simpleQuery(0)).length;
      one.send(Buffer.concat(Array.from({ length: queries }, (_, id) => framed(simpleQuery(id & 0xffff)))));
      let next = 0;
      while (next < Math.floor(queries)) {
        one.socket.pause();
        await setImmediate();
        one.socket.resume();
        const replies = await one.receive(Math.min(3000, Math.floor(queries) - next));
        expect(replies.length).toBeGreaterThan(0);
        for (const reply of replies) expect(idOf(reply)).toBe(next++ & 0xffff);
      }
    });

    test('two connections that both pipeline get their turns', async () => {
      const { at } = await serve();
      const many = await client(at);
      const few = await client(at);
      many.send(Buffer.concat(Array.from({ length: 20_000 }, (_, id) => framed(simpleQuery(id)))));
      few.send(framed(simpleQuery(7)));
      expect((await few.receive(1)).map(idOf)).toEqual([7]);
      expect(await many.receive(20_000)).toHaveLength(20_000);
    });

    test('answers to one read leave in one segment (RFC 7766 §8)', async () => {
      const { at } = await serve();
      const one = await client(at);
      const chunks: number[] = [];
      one.socket.on('data', (chunk) => chunks.push(chunk.length));
      const stream = Buffer.concat(Array.from({ length: 10 }, (_, id) => framed(simpleQuery(id))));
      one.send(stream);
      await one.receive(10);
      expect(chunks).toEqual([stream.length]);
    });
  });

  describe('RFC 7766 §8: the length may come in pieces', () => {
    test('two queries split at every octet', async () => {
      const { at } = await serve();
      const stream = Buffer.concat([framed(simpleQuery(1)), framed(simpleQuery(2))]);
      const one = await client(at);
      for (let split = 1; split < stream.length; split++) {
        await one.sendNow(stream.subarray(0, split));
        await one.sendNow(stream.subarray(split));
        expect((await one.receive(2)).map(idOf)).toEqual([1, 2]);
      }
    });

    test('octet by octet', async () => {
      const { at } = await serve();
      const one = await client(at);
      for (const octet of framed(simpleQuery(99))) await one.sendNow(Buffer.from([octet]));
      expect((await one.receive(1)).map(idOf)).toEqual([99]);
    });

    test('the longest query and the longest answer, 65,535 octets', async () => {
      const { at } = await serve();
      const longest = Buffer.concat([simpleQuery(5), Buffer.alloc(65_535 - simpleQuery(5).length, 1)]);
      const reply = await tcpQuery(at, longest);
      expect(reply?.length).toBe(65_535);
      expect(reply?.subarray(3).equals(longest.subarray(3))).toBe(true);
    });
  });

  describe('RFC 7766 §6.2.4: closing', () => {
    test('FIN right after the queries: all are answered, then FIN comes back', async () => {
      const { at, listeners } = await serve();
      const one = await client(at);
      one.send(Buffer.concat(Array.from({ length: 300 }, (_, id) => framed(simpleQuery(id)))));
      one.finish();
      expect(await one.receive(300)).toHaveLength(300);
      expect(await one.ending()).toBe('end');
      expect(await eventually(() => listeners.table.size === 0)).toBe(true);
    });

    test('FIN while answers wait for a slow reader: all still come', async () => {
      const { at, listeners } = await serve(echoResponder(60_000));
      const one = await client(at, { reading: false });
      one.send(Buffer.concat(Array.from({ length: 300 }, (_, id) => framed(simpleQuery(id)))));
      one.finish();
      expect(await eventually(() => listeners.table.phases().includes('blocked'))).toBe(true);
      one.socket.resume();
      expect((await one.receive(300)).map(idOf)).toEqual(Array.from({ length: 300 }, (_, id) => id));
      expect(await one.ending()).toBe('end');
    });

    test('FIN without a query, and FIN inside a message', async () => {
      const { at, listeners, count } = await serve();
      const silent = await client(at);
      silent.finish();
      expect(await silent.ending()).toBe('end');
      const cut = await client(at);
      await cut.sendNow(framed(simpleQuery(1)).subarray(0, 9));
      cut.finish();
      expect(await cut.ending()).toBe('end');
      expect(count('tcpCut')).toBe(1);
      expect(await eventually(() => listeners.table.size === 0)).toBe(true);
    });

    test.each([
      ['an empty message', Buffer.from([0, 0])],
      ['11 octets', framed(simpleQuery(2).subarray(0, 11))],
      ['an answer (QR = 1)', framed(Buffer.from(simpleQuery(2)).fill(0x80, 2, 3))],
      ['what the responder drops', framed(Buffer.from(simpleQuery(2)).fill(0x78, 2, 3))],
    ])('%s: what came before is answered, then the connection is closed', async (_, garbage) => {
      const { at, count } = await serve();
      const one = await client(at);
      one.send(Buffer.concat([framed(simpleQuery(1)), garbage]));
      expect((await one.receive(2)).map(idOf)).toEqual([1]);
      expect(await one.ending()).toBe('end');
      expect(count('tcpGarbage')).toBe(1);
    });

    test('drain: idle connections end at once, a message under way is still answered, a silent one is cut at the grace time', async () => {
      const { at, listeners } = await serve();
      const idle = await client(at);
      idle.send(framed(simpleQuery(1)));
      await idle.receive(1);
      const busy = await client(at);
      const never = await client(at);
      const query = framed(simpleQuery(2));
      await busy.sendNow(query.subarray(0, 5));
      await never.sendNow(query.subarray(0, 5));
      expect(await eventually(() => listeners.table.phases().join() === 'idle,message,message')).toBe(true);
      const startedMs = performance.now();
      const closed = listeners.close(400);
      expect(await idle.ending()).toBe('end');
      await expect(TcpClient.open(at)).rejects.toThrow(/ECONNREFUSED/);
      busy.send(query.subarray(5));
      expect((await busy.receive(1)).map(idOf)).toEqual([2]);
      expect(await busy.ending()).toBe('end');
      expect(await never.ending()).toBe('reset');
      await closed;
      expect(performance.now() - startedMs).toBeLessThan(1500);
    });
  });

  test('IPv6: the same, and the address keeps its brackets', async () => {
    const { at } = await serve(echoResponder(), {}, '::1');
    expect(at).toMatchObject({ ip: '::1', family: 6 });
    expect(idOf((await tcpQuery(at, simpleQuery(3)))!)).toBe(3);
  });
});
