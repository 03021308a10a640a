import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import { type IpPort } from '#base/address.ts';
import { UDP_SENDS_MAX } from '#base/limits.ts';
import { type QueryResponder, type UdpListener } from '#server/listener.ts';
import { openUdp } from '#server/udp-dgram.ts';
import { eventually, idOf, simpleQuery, udpQuery } from '../support/dns-client.ts';
import { exchangeUdp } from '../support/exchange.ts';
import { echoResponder, freeAddress, testCounters } from './fixtures/echo.ts';

let open: UdpListener[] = [];

async function serve(at: IpPort, responder: QueryResponder = echoResponder()) {
  const { row, count } = testCounters();
  const listener = await openUdp(at, responder, row);
  open.push(listener);
  return { listener, count };
}

afterEach(async () => {
  await Promise.all(open.map((each) => each.close(100)));
  open = [];
});

describe('RFC 1035 §4.2.1: one message per datagram', () => {
  test.each(['127.0.0.1', '::1'])('a query to %s is answered from there', async (ip) => {
    const at = await freeAddress(ip);
    const { listener, count } = await serve(at);
    expect(listener.address).toEqual(at);
    const reply = await udpQuery(at, simpleQuery(42));
    expect(idOf(reply!)).toBe(42);
    expect(count('udpQueries')).toBe(1);
    expect(await eventually(() => count('udpAnswers') === 1)).toBe(true);
    expect(listener.pendingSends()).toBe(0);
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

  test('an answer longer than a datagram can be is an error that is counted, and the next query is answered', async () => {
    const at = await freeAddress();
    const { count } = await serve(at, {
      respond: (query, length, out, transport) => (idOf(query) === 1 ? 65_535 : echoResponder().respond(query, length, out, transport)),
    });
    expect(await udpQuery(at, simpleQuery(1), 200)).toBeUndefined();
    expect(count('udpSendErrors')).toBe(1);
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
