/** A name server on a UDP socket of the test: what it replies is in the test's hands, octet by octet. */
import { createSocket } from 'node:dgram';
import { type IpPort, ipPort } from '#base/address.ts';

/** A record of a reply: owner in wire form, type, TTL, RDATA. */
export interface FakeRecord {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

export interface FakeReply {
  readonly rcode?: number;
  readonly isAuthoritative?: boolean;
  readonly answer?: readonly FakeRecord[];
  readonly authority?: readonly FakeRecord[];
}

export interface FakeNameServer {
  readonly at: IpPort;
  /** Every message that came, as it came. */
  readonly received: Buffer[];
  close(): Promise<void>;
}

/** `reply` gets the name of the question in wire form, its type and the whole message; undefined: no reply. */
export async function fakeNameServer(
  reply: (name: Uint8Array, type: number, message: Buffer) => FakeReply | undefined,
): Promise<FakeNameServer> {
  const socket = createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', (message, from) => {
    received.push(message);
    const end = questionEnd(message);
    const found = reply(message.subarray(12, end - 4), message.readUInt16BE(end - 4), message);
    if (found !== undefined) socket.send(replyOctets(message, end, found), from.port, from.address);
  });
  const bound = Promise.withResolvers<void>();
  socket.bind(0, '127.0.0.1', () => bound.resolve());
  await bound.promise;
  return {
    at: ipPort('127.0.0.1', socket.address().port),
    received,
    close: () => new Promise((resolve) => void socket.close(() => resolve())),
  };
}

function questionEnd(message: Buffer): number {
  let at = 12;
  while (message[at] !== 0) at += message[at]! + 1;
  return at + 5;
}

function replyOctets(message: Buffer, end: number, found: FakeReply): Buffer {
  const { rcode = 0, isAuthoritative = true, answer = [], authority = [] } = found;
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  header[2] = 0x80 | (message[2]! & 0x78) | (isAuthoritative ? 4 : 0);
  header[3] = rcode;
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answer.length, 6);
  header.writeUInt16BE(authority.length, 8);
  const records = [...answer, ...authority].map(({ owner, type, ttl, rdata }) => {
    const fields = Buffer.alloc(10);
    fields.writeUInt16BE(type, 0);
    fields.writeUInt16BE(1, 2);
    fields.writeUInt32BE(ttl, 4);
    fields.writeUInt16BE(rdata.length, 8);
    return Buffer.concat([owner, fields, rdata]);
  });
  return Buffer.concat([header, message.subarray(12, end), ...records]);
}
