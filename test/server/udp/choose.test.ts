/** What holds for UDP whichever way it is served: node:dgram and the batched socket through one table. */
import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { formatIpPort, ipPort, type IpPort } from '#base/address.ts';
import { UDP_EDNS_BYTES_MAX } from '#base/limits/dns.ts';
import { UDP_SENDS_MAX } from '#base/limits/server.ts';
import { type OpenUdp, type QueryResponder, type UdpListener } from '#server/listener.ts';
import { openUdp as openDgram } from '#server/udp/dgram.ts';
import { openUdp as openMmsg } from '#server/udp/mmsg.ts';
import { eventually, idOf, simpleQuery, udpQuery } from '../../support/dns-client.ts';
import { exchangeUdp } from '../../support/exchange.ts';
import { echoResponder, freeAddress, testCounters } from '../fixtures/echo.ts';

const KINDS: [string, OpenUdp][] = [
  ['dgram', openDgram],
  ['mmsg', openMmsg],
];
let open: UdpListener[] = [];

afterEach(async () => {
  await Promise.all(open.map((each) => each.close(100)));
  open = [];
});

describe.each(KINDS)('%s', (_kind, openUdp) => {
  async function serve(at: IpPort, responder: QueryResponder = echoResponder()) {
    const { row, count } = testCounters();
    const listener = await openUdp([at], responder, row);
    open.push(listener);
    return { listener, count };
  }

  describe('RFC 1035 §4.2.1: one message per datagram', () => {
    test.each(['127.0.0.1', '::1'])('a query to %s is answered from there, and the responder is told by whom it was asked', async (ip) => {
      const at = await freeAddress(ip);
      const clients: string[] = [];
      const { listener, count } = await serve(at, {
        respond: (...query) => {
          const [, , , transport, client] = query;
          clients.push(`${transport} ${client.octets.subarray(0, client.length).join('.')}`);
          return echoResponder().respond(...query);
        },
      });
      expect(listener.addresses).toEqual([at]);
      expect(await udpQuery(at, simpleQuery(42))).toEqual(answerTo(simpleQuery(42)));
      expect(count('udpQueries')).toBe(1);
      expect(await eventually(() => count('udpAnswers') === 1)).toBe(true);
      expect(listener.pendingSends()).toBe(0);
      expect(clients).toEqual([at.family === 4 ? 'udp 127.0.0.1' : 'udp 0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1']);
    });

    test('several addresses at once, IPv4 and IPv6', async () => {
      const addresses = [await freeAddress(), await freeAddress('::1'), await freeAddress('127.0.0.7')];
      const { row, count } = testCounters();
      const listener = await openUdp(addresses, echoResponder(), row);
      open.push(listener);
      expect(listener.addresses).toEqual(addresses);
      for (const [id, at] of addresses.entries()) expect(idOf((await udpQuery(at, simpleQuery(id)))!)).toBe(id);
      expect(count('udpQueries')).toBe(3);
    });

    test.each([0, 1, 12, 511, 512, 1232])('a query of %i octets reaches the responder whole', async (length) => {
      const at = await freeAddress();
      const lengths: number[] = [];
      await serve(at, {
        respond: (query, queryLength, out) => {
          lengths.push(queryLength);
          out.set(query.subarray(0, queryLength));
          return queryLength;
        },
      });
      const sent = Buffer.alloc(length, 0x5a);
      const reply = await udpQuery(at, sent, length === 0 ? 100 : 5000);
      expect(lengths).toEqual([length]);
      // No octets are no answer.
      expect(reply).toEqual(length === 0 ? undefined : sent);
    });

    test('the longest datagram there is is taken, and answers of the longest length sent whole', async () => {
      const at = await freeAddress();
      const lengths: number[] = [];
      await serve(at, {
        respond: (_query, queryLength, out) => {
          lengths.push(queryLength);
          out.fill(7, 0, UDP_EDNS_BYTES_MAX);
          return UDP_EDNS_BYTES_MAX;
        },
      });
      expect(await udpQuery(at, Buffer.alloc(65_507))).toEqual(Buffer.alloc(UDP_EDNS_BYTES_MAX, 7));
      expect(lengths).toEqual([65_507]);
    });

    test('what the responder drops gets no answer and holds no buffer', async () => {
      const at = await freeAddress();
      const { listener, count } = await serve(at);
      const dropped = Buffer.from(simpleQuery(1)).fill(0x78, 2, 3);
      for (let n = 0; n < 2 * UDP_SENDS_MAX; n++) void udpQuery(at, dropped, 100);
      expect(await eventually(() => count('udpNoAnswer') === 2 * UDP_SENDS_MAX)).toBe(true);
      expect(listener.pendingSends()).toBe(0);
      expect(idOf((await udpQuery(at, simpleQuery(2)))!)).toBe(2);
    });

    test('clients that are gone when the answer comes do no harm', async () => {
      const at = await freeAddress();
      const { count, listener } = await serve(at);
      for (let n = 0; n < 100; n++) {
        const gone = createSocket('udp4');
        await new Promise<void>((resolve) => gone.send(simpleQuery(n), at.port, at.ip, () => gone.close(() => resolve())));
      }
      expect(await eventually(() => count('udpQueries') === 100)).toBe(true);
      expect(idOf((await udpQuery(at, simpleQuery(7)))!)).toBe(7);
      expect(listener.pendingSends()).toBe(0);
    });
  });

  test('a burst: of 300 queries from one socket, some of them to be dropped, each answer is the one to its question', async () => {
    const at = await freeAddress();
    const { count } = await serve(at);
    const client = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 });
    const replies = new Map<number, Buffer>();
    client.on('message', (reply) => void replies.set(idOf(reply), reply));
    await new Promise<void>((resolve) => client.bind(0, '127.0.0.1', resolve));
    for (let id = 0; id < 300; id++) {
      const query = simpleQuery(id, `${'x'.repeat(1 + (id % 60))}.test`);
      if (id % 3 === 2) query[2] = 0x78;
      client.send(query, at.port, at.ip);
    }
    expect(await eventually(() => replies.size === 200 && count('udpNoAnswer') === 100)).toBe(true);
    for (const [id, reply] of replies) expect(reply).toEqual(answerTo(simpleQuery(id, `${'x'.repeat(1 + (id % 60))}.test`)));
    client.close();
  });

  describe('SO_REUSEPORT: two workers on one address', () => {
    test('2000 queries from many sockets are all answered, and both workers take part', async () => {
      const at = await freeAddress();
      const workers = [await serve(at), await serve(at)];
      const queries = Array.from({ length: 50 }, (_, id) => simpleQuery(id));
      for (let round = 0; round < 4; round++) {
        const replies = await Promise.all(
          Array.from({ length: 10 }, () => exchangeUdp({ name: 'echo', address: at.ip, port: at.port }, queries)),
        );
        expect(replies.flat().filter((reply) => reply !== undefined)).toHaveLength(500);
      }
      const shares = workers.map((each) => each.count('udpQueries'));
      expect(shares[0]! + shares[1]!).toBeGreaterThanOrEqual(2000);
      expect(Math.min(...shares)).toBeGreaterThan(0);
    });

    test('one worker closes: the other answers all', async () => {
      const at = await freeAddress();
      const first = await serve(at);
      await serve(at);
      await first.listener.close(100);
      for (let id = 0; id < 20; id++) expect(idOf((await udpQuery(at, simpleQuery(id)))!)).toBe(id);
    });
  });

  test('0.0.0.0 and [::] on one port do not stand in each other’s way', async () => {
    const { port } = await freeAddress('0.0.0.0');
    const { row } = testCounters();
    open.push(await openUdp([ipPort('0.0.0.0', port), ipPort('::', port)], echoResponder(), row));
    expect(idOf((await udpQuery(ipPort('127.0.0.1', port), simpleQuery(1)))!)).toBe(1);
    expect(idOf((await udpQuery(ipPort('::1', port), simpleQuery(2)))!)).toBe(2);
  });

  test('an address that is taken is the system’s error, and none of the others stays open', async () => {
    const good = await freeAddress();
    const { port } = await freeAddress();
    const exclusive = createSocket('udp4');
    await new Promise<void>((resolve) => exclusive.bind(port, '127.0.0.1', resolve));
    const before = openDescriptors();
    const tried = (async () => openUdp([good, ipPort('127.0.0.1', port)], echoResponder(), testCounters().row))();
    await expect(tried).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'bind', message: expect.stringContaining(String(port)) });
    expect(await eventually(() => openDescriptors() <= before)).toBe(true);
    exclusive.close();
    await expect((async () => openUdp([ipPort('192.0.2.1', port)], echoResponder(), testCounters().row))()).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
    });
  });

  test('200 times open and closed: no descriptor stays', async () => {
    const at = await freeAddress();
    const cycle = async () => {
      const listener = await openUdp([at], echoResponder(), testCounters().row);
      await listener.close(100);
    };
    await cycle();
    const before = openDescriptors();
    for (let n = 0; n < 200; n++) await cycle();
    expect(openDescriptors()).toBeLessThanOrEqual(before);
    expect(formatIpPort(at)).toContain('127.0.0.1');
  });
});

function answerTo(query: Buffer): Buffer {
  const answer = Buffer.from(query);
  answer[2] = query[2]! | 0x80;
  return answer;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
