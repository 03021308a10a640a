/** RFC 1034 §4.3.5, RFC 9103 §6.1: the SOA of a primary, over UDP, or over TLS and nothing else. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { nameOf } from '#dns/name.ts';
import { askSoa } from '#control/secondary/ask-soa.ts';
import { freeAddress } from '../../server/fixtures/echo.ts';

const APEX = nameOf('a.test.');
const SOA = [1, 0x61, 0, 1, 0x62, 0, 0, 0, 0, 77, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];

/** A reply to the query with these flags, and with the SOA of serial 77 or no record. */
function replyTo(query: Uint8Array, flags: number, hasSoa: boolean): Uint8Array {
  const question = query.subarray(12, 12 + APEX.length + 4);
  const record = [0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, SOA.length, ...SOA];
  const head = [query[0]!, query[1]!, flags >> 8, flags & 0xff, 0, 1, 0, hasSoa ? 1 : 0, 0, 0, 0, 0];
  return Uint8Array.of(...head, ...question, ...(hasSoa ? record : []));
}

async function ask(reply: (query: Uint8Array) => Uint8Array) {
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.on('message', (query, { port, address }) => socket.send(reply(query), port, address));
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  const server = ipPort('127.0.0.1', socket.address().port);
  return askSoa({ server, apex: APEX, key: undefined, now: () => 0 });
}

test('the serial, from an authoritative reply', async () => {
  expect(await ask((query) => replyTo(query, 0x8400, true))).toEqual({ serial: 77, expireSeconds: undefined });
  const notOurs = await ask((query) => replyTo(query, 0x8000, true));
  expect(notOurs).toEqual({ failure: 'is not authoritative for the zone', isSilent: false });
  expect(await ask((query) => replyTo(query, 0x8400, false))).toMatchObject({ failure: 'has no SOA of the zone' });
  expect(await ask((query) => replyTo(query, 0x8405, false))).toMatchObject({ failure: 'answers REFUSED' });
});

test('RFC 7766 §5: after a truncated reply TCP may be tried', async () => {
  expect(await ask((query) => replyTo(query, 0x8600, false))).toMatchObject({ isSilent: true });
});

test('RFC 9103 §6.1: a primary that is asked over TLS is sent no datagram, and nothing in the clear', async () => {
  const { port } = await freeAddress();
  const datagrams: Buffer[] = [];
  const udp = createSocket('udp4').on('message', (octets) => void datagrams.push(octets));
  await new Promise<void>((resolve) => void udp.bind(port, '127.0.0.1', resolve));
  const octets: number[] = [];
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      octets.push(...chunk);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => void tcp.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    udp.close();
    tcp.close();
  });
  const tls = { pins: [Buffer.alloc(32).toString('base64')] };
  const server = ipPort('127.0.0.1', port);
  const answer = await askSoa({ server, tls, apex: APEX, key: undefined, now: () => 0 });
  // Nothing else is tried after this: it is no silence.
  expect(answer).toMatchObject({ failure: expect.stringContaining('cannot be asked over TLS'), isSilent: false });
  // RFC 8446 §5.1: a record of a handshake.
  expect([octets[0], datagrams]).toEqual([22, []]);
  expect(Buffer.from(octets).includes(Buffer.from(APEX))).toBe(false);
});
