/** Messages of a zone transfer as a primary sends them, made by the rules of RFC 1035 and without compression; and a primary that sends them. */
import { type Server, type Socket, createServer } from 'node:net';
import { createHmac } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type IpPort, ipPort } from '#base/address.ts';
import { nameOf } from '#dns/name.ts';
import { parseRdataText, typeName } from '#dns/registry.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { good } from './temporary-control.ts';

export const ZONE = nameOf('z.example.');
const types = new Map(Object.values(TYPE).map((type) => [typeName(type), type]));

/** A record of `owner TTL TYPE rdata`; names relative to z.example. */
export function record(line: string): { owner: Uint8Array; type: RrType; ttl: number; rdata: Uint8Array } {
  const [owner = '', ttl = '', type = '', ...rest] = line.split(' ');
  const number = types.get(type)!;
  const name = owner === '@' ? ZONE : nameOf(owner.endsWith('.') ? owner : `${owner}.z.example.`);
  return { owner: name, type: number, ttl: Number(ttl), rdata: good(parseRdataText(number, rest.join(' '), ZONE)) };
}

export const soa = (serial: number): string => `@ 60 SOA ns host ${serial} 100 50 1000 60`;

export interface MessageParts {
  readonly id: number;
  readonly type: RrType;
  readonly lines?: readonly string[];
  readonly rcode?: number;
  readonly flags?: number;
  readonly question?: boolean;
}

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

export function message({ id, type, lines = [], rcode = 0, flags = 0x84, question = true }: MessageParts): Buffer {
  const header = Buffer.concat([u16(id), Buffer.from([flags, rcode]), u16(question ? 1 : 0), u16(lines.length), u16(0), u16(0)]);
  const asked = question ? [Buffer.from(ZONE), u16(type), u16(1)] : [];
  const records = lines.map(record).flatMap(({ owner, type: each, ttl, rdata }) => {
    const time = Buffer.alloc(4);
    time.writeUInt32BE(ttl);
    return [Buffer.from(owner), u16(each), u16(1), time, u16(rdata.length), Buffer.from(rdata)];
  });
  return Buffer.concat([header, ...asked, ...records]);
}

/** RFC 8945 §4.3: the MAC of a message, written straight from the RFC for HMAC-SHA256. */
export class HandSigner {
  readonly #name: Buffer;
  readonly #secret: Buffer;
  #prior: Buffer | undefined;
  #between: Buffer[] = [];
  #isFirst = true;

  /** `requestMac`: of the request that is answered; absent for a request. */
  constructor(name: string, secret: Buffer, requestMac?: Buffer) {
    this.#name = Buffer.from(nameOf(name));
    this.#secret = secret;
    this.#prior = requestMac;
  }

  /** A message that is sent without a signature. */
  skip(octets: Buffer): Buffer {
    this.#between.push(octets);
    return octets;
  }

  sign(octets: Buffer, nowSeconds: number): Buffer {
    const algorithm = Buffer.from(nameOf('hmac-sha256.'));
    const timers = Buffer.alloc(8);
    timers.writeUIntBE(nowSeconds, 0, 6);
    timers.writeUInt16BE(300, 6);
    const hmac = createHmac('sha256', this.#secret);
    if (this.#prior !== undefined) hmac.update(u16(this.#prior.length)).update(this.#prior);
    for (const each of this.#between) hmac.update(each);
    hmac.update(octets);
    if (this.#isFirst) {
      hmac
        .update(this.#name)
        .update(Buffer.from([0, 255, 0, 0, 0, 0]))
        .update(algorithm)
        .update(timers);
      hmac.update(u16(0)).update(u16(0));
    } else hmac.update(timers);
    const mac = hmac.digest();
    this.#prior = mac;
    this.#between = [];
    this.#isFirst = false;
    const rdata = Buffer.concat([algorithm, timers, u16(32), mac, octets.subarray(0, 2), u16(0), u16(0)]);
    const tsig = Buffer.concat([this.#name, u16(250), Buffer.from([0, 255, 0, 0, 0, 0]), u16(rdata.length), rdata]);
    const signed = Buffer.concat([octets, tsig]);
    signed.writeUInt16BE(octets.readUInt16BE(10) + 1, 10);
    return signed;
  }
}

/** What a request of ours says. */
export interface Asked {
  readonly id: number;
  readonly type: RrType;
  /** The MAC of its TSIG record, HMAC-SHA256; empty without one. */
  readonly mac: Buffer;
}

/** A primary that answers each request as `answer` says, then what `answer` does with the socket. */
export async function fakePrimary(answer: (asked: Asked, send: (octets: Buffer) => void, socket: Socket) => void): Promise<IpPort> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (chunk: Buffer) => {
      const octets = chunk.subarray(2);
      const nameLength = ZONE.length;
      const additional = octets.readUInt16BE(10);
      const mac = additional > 1 ? octets.subarray(octets.length - 38, octets.length - 6) : Buffer.alloc(0);
      const send = (bytes: Buffer): void => void (socket.destroyed || socket.write(Buffer.concat([u16(bytes.length), bytes])));
      answer({ id: octets.readUInt16BE(0), type: octets.readUInt16BE(12 + nameLength), mac }, send, socket);
    });
  });
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => void server.close(resolve));
  });
  const bound = server.address();
  return ipPort('127.0.0.1', typeof bound === 'object' && bound !== null ? bound.port : 0);
}
