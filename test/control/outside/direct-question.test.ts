/** One question to a server on loopback: UDP, a lost datagram, forged ones, TCP after truncation, silence. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { askDirectly } from '#control/outside/direct-question.ts';
import { bareContent, newQueryHead, parseQuery, writeMessage } from '#dns/message.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';

const NAME = nameOf('keys.example.');
const RDATA = Uint8Array.of(0, 1, 13, 2, ...Buffer.alloc(32, 7));

function reply(query: Uint8Array, count: number, limit = 65_535): Uint8Array {
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  const rdatas = Array.from({ length: count }, (_, at) => RDATA.with(0, at >>> 8).with(1, at & 255));
  const answer = [{ owner: NAME, type: TYPE.DS, ttl: 60, rdatas, signatures: [] }];
  return writeMessage(query, head, { ...bareContent(0), authoritative: true, answer }, limit);
}

/** A server: what it sends for each datagram, and over TCP. */
async function server(onDatagram: (query: Uint8Array, turn: number) => readonly Uint8Array[], overTcp?: (query: Uint8Array) => Uint8Array) {
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (octets: Buffer) => {
      const answer = overTcp?.(octets.subarray(2));
      if (answer === undefined) return void socket.destroy();
      const framed = Buffer.concat([Buffer.from([answer.length >>> 8, answer.length & 255]), answer]);
      // In two pieces, the length apart.
      socket.write(framed.subarray(0, 1));
      setTimeout(() => socket.end(framed.subarray(1)), 5);
    });
  });
  await new Promise<void>((done) => tcp.listen(0, '127.0.0.1', done));
  const { port } = tcp.address() as { port: number };
  const udp = createSocket('udp4');
  let turn = 0;
  udp.on('message', (query, from) => {
    for (const each of onDatagram(query, turn++)) udp.send(each, from.port, from.address);
  });
  await new Promise<void>((done) => udp.bind(port, '127.0.0.1', done));
  onTestFinished(() => {
    udp.close();
    tcp.close();
  });
  return ipPort('127.0.0.1', port);
}

const countOf = async (at: ReturnType<typeof ipPort>) => {
  const answer = await askDirectly(at, NAME, TYPE.DS);
  return 'reply' in answer ? answer.reply.count : answer.failure;
};

describe('one server', () => {
  test('answers over UDP', async () => expect(await countOf(await server((query) => [reply(query, 3)]))).toBe(3));
  test('a lost datagram is asked for again', async () => {
    expect(await countOf(await server((query, turn) => (turn === 0 ? [] : [reply(query, 2)])))).toBe(2);
  });
  test('RFC 5452 §9: replies with another id or question are passed over', async () => {
    const at = await server((query) => [reply(query, 9).with(0, query[0]! ^ 1), reply(query, 9).with(14, 0x7a), reply(query, 1)]);
    expect(await countOf(at)).toBe(1);
  });
  test('a stream of them ends the look', async () => {
    const at = await server((query) => Array.from({ length: 40 }, () => reply(query, 9).with(0, query[0]! ^ 1)));
    expect(await countOf(at)).toContain('no reply');
  });
  test('RFC 7766 §5: TCP after truncation', async () => {
    const at = await server(
      (query) => [reply(query, 60, 512)],
      (query) => reply(query, 60),
    );
    expect(await countOf(at)).toBe(60);
  });
  test('truncation without TCP behind it', async () => {
    expect(await countOf(await server((query) => [reply(query, 60, 512)]))).toMatch(/closes|ECONNRESET/);
  });
  test('nothing', async () => expect(await countOf(await server(() => []))).toBe('does not answer'));
});
