/** Answers that another process makes (answer/later-answer.ts), over each kind of socket. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSocket } from 'node:dgram';
import { type IpPort } from '#base/address.ts';
import { ANSWER_IS_LATER, type SendAnswer } from '#answer/later-answer.ts';
import { TCP_TURN_BYTES } from '#base/limits/server.ts';
import { startWorkerListeners } from '#server/listen.ts';
import { type OpenUdp, type QueryResponder } from '#server/listener.ts';
import { openUdp as openMmsg } from '#server/udp/mmsg.ts';
import { TcpClient, framed, idOf, simpleQuery } from '../support/dns-client.ts';
import { echoResponder, freeAddress, testCounters } from './fixtures/echo.ts';

/** Queries with an odd id are answered when the test says so, the others at once. */
async function serve(openUdp?: OpenUdp) {
  const waiting: { readonly id: number; readonly send: SendAnswer; readonly answer: Uint8Array }[] = [];
  const echo = echoResponder();
  let last = new Uint8Array(0);
  const responder: QueryResponder = {
    respond(query, length, out, ...rest) {
      if (idOf(query) % 2 === 0) return echo.respond(query, length, out, ...rest);
      last = new Uint8Array(query.subarray(0, length));
      last[2]! |= 0x80;
      return ANSWER_IS_LATER;
    },
    later: (send) => void waiting.push({ id: idOf(last), send, answer: last }),
  };
  const { row, count } = testCounters();
  const addresses = [await freeAddress()];
  const listeners = await startWorkerListeners({
    responder,
    addresses,
    counters: row,
    ...(openUdp === undefined ? {} : { openUdp }),
  });
  onTestFinished(() => listeners.close(0));
  const give = (id: number, answer?: Uint8Array): void => {
    const at = waiting.findIndex((each) => each.id === id);
    const [entry] = waiting.splice(at, 1);
    entry!.send(answer ?? entry!.answer);
  };
  return { at: addresses[0]!, waiting, give, count, listeners };
}

async function udpClient(to: IpPort) {
  const socket = createSocket('udp4');
  const got: number[] = [];
  socket.on('message', (reply) => got.push(idOf(reply)));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => void socket.close());
  return { got, send: (id: number) => socket.send(simpleQuery(id), to.port, to.ip) };
}

describe.each<[string, OpenUdp | undefined]>([
  ['node:dgram', undefined],
  ['recvmmsg', openMmsg],
])('over UDP by %s', (_, openUdp) => {
  test('others are answered meanwhile, and each answer reaches who asked', async () => {
    const { at, waiting, give } = await serve(openUdp);
    const [one, two] = [await udpClient(at), await udpClient(at)];
    one.send(1);
    two.send(3);
    one.send(2);
    two.send(4);
    await expect.poll(() => [one.got, two.got, waiting.length]).toEqual([[2], [4], 2]);
    give(3);
    give(1);
    await expect
      .poll(() => [one.got, two.got])
      .toEqual([
        [2, 1],
        [4, 3],
      ]);
  });

  test('no answer is none', async () => {
    const { at, waiting, give, count } = await serve(openUdp);
    const client = await udpClient(at);
    client.send(1);
    await expect.poll(() => waiting.length).toBe(1);
    give(1, new Uint8Array(0));
    client.send(2);
    await expect.poll(() => client.got).toEqual([2]);
    expect(count('udpNoAnswer')).toBe(1);
  });
});

describe('over TCP', () => {
  async function open(at: IpPort): Promise<TcpClient> {
    const client = await TcpClient.open(at);
    onTestFinished(() => client.destroy());
    return client;
  }

  test('RFC 7766 §6.2.1.1: answers are in the order of the queries; other connections do not wait', async () => {
    const { at, waiting, give } = await serve();
    const [client, other] = [await open(at), await open(at)];
    client.send(Buffer.concat([2, 1, 4, 3, 6].map((id) => framed(simpleQuery(id)))));
    expect((await client.receive(1)).map(idOf)).toEqual([2]);
    other.send(framed(simpleQuery(8)));
    expect((await other.receive(1)).map(idOf)).toEqual([8]);
    await expect.poll(() => waiting.map(({ id }) => id)).toEqual([1]);
    give(1);
    expect((await client.receive(2)).map(idOf)).toEqual([1, 4]);
    await expect.poll(() => waiting.map(({ id }) => id)).toEqual([3]);
    give(3);
    expect((await client.receive(2)).map(idOf)).toEqual([3, 6]);
  });

  test('RFC 7766 §6.2.1.1: queries of one write that is longer than a turn wait too', async () => {
    const { at, waiting, give } = await serve();
    const client = await open(at);
    const many = Math.ceil((2 * TCP_TURN_BYTES) / framed(simpleQuery(0)).length);
    const ids = [1, ...Array.from({ length: many }, (_, each) => 2 * each + 2)];
    client.send(Buffer.concat(ids.map((id) => framed(simpleQuery(id)))));
    await expect.poll(() => waiting.length).toBe(1);
    // Turns that were asked for before are over.
    for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve));
    give(1);
    expect((await client.receive(ids.length)).map(idOf)).toEqual(ids);
  });

  test('without an answer the connection ends', async () => {
    const { at, waiting, give } = await serve();
    const client = await open(at);
    client.send(framed(simpleQuery(1)));
    await expect.poll(() => waiting.length).toBe(1);
    give(1, new Uint8Array(0));
    expect(await client.ending(1000)).toBe('end');
  });

  test('RFC 7766 §6.2.4: FIN after the message, and a server that drains: the answer still comes', async () => {
    const { at, waiting, give, listeners } = await serve();
    const client = await open(at);
    client.send(framed(simpleQuery(1)));
    client.socket.end();
    await expect.poll(() => waiting.length).toBe(1);
    const closed = listeners.close(2000);
    give(1);
    expect((await client.receive(1)).map(idOf)).toEqual([1]);
    await closed;
  });

  test('a client that has gone leaves nothing behind', async () => {
    const { at, waiting, give, count } = await serve();
    const client = await open(at);
    client.send(framed(simpleQuery(1)));
    await expect.poll(() => waiting.length).toBe(1);
    client.destroy();
    expect(() => give(1)).not.toThrow();
    await expect.poll(() => count('tcpOpen')).toBe(0);
  });
});
