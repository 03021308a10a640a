/**
 * A client that reads a transfer as fast as it comes and looks at as little as it can: messages, octets, records, and
 * where the transfer ends. What it costs is not the server's.
 */
import { connect } from 'node:net';

/** RR types. */
const TYPES = { SOA: 6, IXFR: 251, AXFR: 252 } as const;

export interface Pulled {
  readonly messages: number;
  readonly bytes: number;
  readonly records: number;
  readonly seconds: number;
}

export interface Pull {
  readonly port: number;
  readonly zone: string;
  /** Of the zone that the client has: then IXFR is asked for. */
  readonly since?: number;
  /** An address of this machine; tells the server who asks. */
  readonly from?: string;
}

const HEADER_BYTES = 12;
/** SERIAL and the four numbers behind it end the RDATA (RFC 1035 §3.3.13). */
const SOA_NUMBERS_BYTES = 20;

/** Rejects when the transfer is not given, or does not end. */
export function pullZone({ port, zone, since, from = '127.0.0.1' }: Pull): Promise<Pulled> {
  const { promise, resolve, reject } = Promise.withResolvers<Pulled>();
  const startedMs = performance.now();
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  const total = { messages: 0, bytes: 0, records: 0 };
  let unread: Buffer = Buffer.alloc(0);
  let last: Buffer | undefined;
  const fail = (why: string): void => {
    socket.destroy();
    reject(new Error(`transfer of ${zone} from port ${port}: ${why}`));
  };
  socket.once('error', reject);
  socket.once('close', () => fail('the connection ended'));
  socket.once('connect', () => socket.write(requestFor(zone, since)));
  socket.on('data', (chunk: Buffer) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    let at = 0;
    while (unread.length - at >= 2 && unread.length - at >= 2 + unread.readUInt16BE(at)) {
      const message = unread.subarray(at + 2, at + 2 + unread.readUInt16BE(at));
      at += 2 + message.length;
      const rcode = message[3]! & 0x0f;
      if (rcode !== 0) return fail(`rcode ${rcode}`);
      total.messages += 1;
      total.bytes += 2 + message.length;
      total.records += message.readUInt16BE(6);
      last ??= Buffer.from(soaNumbers(message));
      const isEnd = total.records > 1 && message.subarray(-SOA_NUMBERS_BYTES).equals(last);
      if (!isEnd) continue;
      socket.removeAllListeners('close').destroy();
      return resolve({ ...total, seconds: (performance.now() - startedMs) / 1000 });
    }
    unread = unread.subarray(at);
  });
  return promise;
}

/** Without EDNS, so that a record is last in each message. */
function requestFor(zone: string, since: number | undefined): Buffer {
  const labels = zone.replace(/\.$/, '').split('.');
  const name = Buffer.concat([...labels.map((each) => Buffer.from([each.length, ...Buffer.from(each)])), Buffer.of(0)]);
  const question = [...name, 0, since === undefined ? TYPES.AXFR : TYPES.IXFR, 0, 1];
  const numbers = Buffer.alloc(SOA_NUMBERS_BYTES);
  if (since !== undefined) numbers.writeUInt32BE(since);
  const soa = since === undefined ? [] : [0xc0, HEADER_BYTES, 0, TYPES.SOA, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0, ...numbers];
  const head = [0, 1, 0, 0, 0, 1, 0, 0, 0, since === undefined ? 0 : 1, 0, 0];
  const message = Buffer.from([...head, ...question, ...soa]);
  return Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message]);
}

/** Of the first record of the first message. */
function soaNumbers(message: Buffer): Buffer {
  const afterQuestion = message.readUInt16BE(4) === 0 ? HEADER_BYTES : nameEnd(message, HEADER_BYTES) + 4;
  const at = nameEnd(message, afterQuestion);
  const end = at + 10 + message.readUInt16BE(at + 8);
  return message.subarray(end - SOA_NUMBERS_BYTES, end);
}

function nameEnd(message: Buffer, from: number): number {
  let at = from;
  while (message[at] !== 0 && message[at]! < 0xc0) at += 1 + message[at]!;
  return at + (message[at] === 0 ? 1 : 2);
}
