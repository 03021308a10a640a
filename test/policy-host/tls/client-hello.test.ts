/** The server name is read as OpenSSL would read it, from hellos that Node's client makes; from anything else it is not. */
import { type Socket, createServer } from 'node:net';
import { type AddressInfo } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { CLIENT_HELLO_BYTES_MAX, CLIENT_HELLO_RECORDS_MAX } from '#base/limits/https.ts';
import { peekServerName } from '#policy-host/tls/client-hello.ts';

const HOST = 'mta-sts.one.example';

/** The first record of a client. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    let octets: Buffer = Buffer.alloc(0);
    socket.on('data', (part: Buffer) => {
      octets = Buffer.concat([octets, part]);
      if (octets.length < 5 || octets.length < 5 + octets.readUInt16BE(3)) return;
      resolve(octets);
      socket.destroy();
    });
  });
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening));
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...options });
  client.on('error', () => undefined);
  try {
    return await promise;
  } finally {
    client.destroy();
    server.close();
  }
}

/** The same message in records of `bytes` octets. RFC 8446 §5.1. */
function inRecords(hello: Buffer, bytes: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 5; at < hello.length; at += bytes) {
    const part = hello.subarray(at, at + bytes);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(records);
}

const name = (octets: Buffer) => {
  const peeked = peekServerName(octets);
  return peeked.kind === 'more' ? 'more' : (peeked.name ?? 'nameless');
};

describe('hellos of a real client', () => {
  test.each<[string, ConnectionOptions]>([
    ['TLS 1.3', {}],
    ['TLS 1.3 with ML-KEM', { ecdhCurve: 'X25519MLKEM768:X25519' }],
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
    ['with ALPN', { ALPNProtocols: ['h2', 'http/1.1'] }],
  ])('%s: its name, after the last octet and not before', async (_, options) => {
    const hello = await helloOf({ ...options, servername: HOST });
    expect(name(hello)).toBe(HOST);
    for (let length = 0; length < hello.length; length++) expect(name(hello.subarray(0, length))).toBe('more');
    // What follows belongs to the handshake too.
    expect(name(Buffer.concat([hello, Buffer.from('more')]))).toBe(HOST);
  });

  test('without a server name: nameless', async () => {
    expect(name(await helloOf({ servername: '' }))).toBe('nameless');
  });

  test('RFC 8446 §5.1: a hello in several records', async () => {
    const hello = await helloOf({ servername: HOST });
    const records = inRecords(hello, Math.ceil(hello.length / CLIENT_HELLO_RECORDS_MAX));
    expect(name(records)).toBe(HOST);
    for (let length = 1; length < records.length; length++) expect(name(records.subarray(0, length))).toBe('more');
    // The first one has no more than the beginning of the message's head.
    expect(
      name(Buffer.concat([inRecords(hello.subarray(0, 7), 2), inRecords(Buffer.concat([Buffer.alloc(5), hello.subarray(7)]), 9999)])),
    ).toBe(HOST);
    expect(name(inRecords(hello, 4))).toBe('nameless');
  });

  test('with any octet changed: a name, or none, or a wait; never an exception', async () => {
    const hello = await helloOf({ servername: HOST });
    for (let at = 0; at < hello.length; at++)
      for (const value of [0, 1, 0x7f, 0xff]) {
        const changed = Buffer.from(hello);
        changed[at] = value;
        expect(typeof name(changed)).toBe('string');
      }
  });
});

describe('what is no hello has no name', () => {
  test.each<[string, Buffer]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['SSL 2', Buffer.from([0x80, 0x2e, 1, 3, 1])],
    ['an alert', Buffer.from([21, 3, 1, 0, 2, 1, 0])],
    ['a record of nothing', Buffer.from([22, 3, 1, 0, 0])],
    ['a record that is too long', Buffer.from([22, 3, 1, 0x40, 1])],
    ['another version', Buffer.from([22, 2, 0, 0, 5, 1, 0, 0, 1, 0])],
    ['another message', Buffer.from([22, 3, 1, 0, 5, 2, 0, 0, 1, 0])],
    ['a hello of nothing', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])],
    ['a hello that is too long', Buffer.from([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff])],
  ])('%s', (_, octets) => {
    expect(name(octets)).toBe('nameless');
  });

  test('a wait is for a bounded number of octets', () => {
    // A hello as long as one may be, which with the heads of its records is longer.
    const message = Buffer.alloc(CLIENT_HELLO_BYTES_MAX);
    message[0] = 1;
    message.writeUIntBE(message.length - 4, 1, 3);
    const records = inRecords(Buffer.concat([Buffer.alloc(5), message]), 4096);
    expect(name(records.subarray(0, CLIENT_HELLO_BYTES_MAX - 1))).toBe('more');
    expect(name(records.subarray(0, CLIENT_HELLO_BYTES_MAX))).toBe('nameless');
  });
});
