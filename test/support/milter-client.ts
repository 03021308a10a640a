/**
 * One message through a mail filter, as an MTA gives it: the part of the milter protocol that a signing filter needs (libmilter's
 * mfdef.h; there is no RFC). What comes back: the header fields that the filter adds.
 */
import { connect } from 'node:net';

const TIMEOUT_MS = 15_000;
const VERSION = 6;
/** What a filter may ask for: to add headers, to see all there is. */
const ACTIONS = 0x1ff;
const PROTOCOL = 0x1f_ffff;
/** Bits of the filter's answer: steps that it does not want, and steps that it does not answer. */
const SKIP = { connect: 0x1, helo: 0x2, mail: 0x4, recipient: 0x8, body: 0x10, headers: 0x20, endOfHeaders: 0x40, data: 0x200 } as const;
const SILENT = {
  connect: 0x1000,
  helo: 0x2000,
  mail: 0x4000,
  recipient: 0x8000,
  data: 0x10000,
  headers: 0x80,
  endOfHeaders: 0x40000,
  body: 0x80000,
};

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

interface Packet {
  readonly command: string;
  readonly data: Buffer;
}

/** Sends `message` (CRLF, header fields, empty line, body) from `sender` at a client on this machine; resolves to the fields added. */
export async function filterMessage(port: number, message: string, sender: string): Promise<readonly HeaderField[]> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('the mail filter does not answer')));
  const packets = readPackets(socket);
  const send = (command: string, data: Buffer | string = '') => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(1 + Buffer.byteLength(data, 'latin1'));
    head.write(command, 4, 'latin1');
    socket.write(Buffer.concat([head, typeof data === 'string' ? Buffer.from(data, 'latin1') : data]));
  };
  const next = async (): Promise<Packet> => {
    const { value, done } = await packets.next();
    if (done === true) throw new Error('the mail filter closed the connection');
    return value;
  };
  try {
    send('O', words(VERSION, ACTIONS, PROTOCOL));
    const steps = (await next()).data.readUInt32BE(8);
    const step = async (name: keyof typeof SKIP, command: string, data: Buffer | string = '') => {
      if ((steps & SKIP[name]) !== 0) return;
      send(command, data);
      if ((steps & SILENT[name]) !== 0) return;
      const reply = await next();
      // 's': no more of the same.
      if (reply.command !== 'c' && reply.command !== 's') throw new Error(`the mail filter answers ${reply.command} to ${name}`);
    };
    const [head = '', body = ''] = split(message);
    const address = Buffer.alloc(2);
    await step('connect', 'C', Buffer.concat([Buffer.from('localhost\x004'), address, Buffer.from('127.0.0.1\0')]));
    await step('helo', 'H', 'localhost\0');
    send('D', 'Mi\x00job1\0');
    await step('mail', 'M', `<${sender}>\0`);
    await step('recipient', 'R', '<somebody@receiver.example>\0');
    await step('data', 'T');
    for (const line of head.split(/\r\n(?![ \t])/)) {
      const at = line.indexOf(':');
      // RFC 5322 §2.2; with SMFIP_HDR_LEADSPC the blank after the colon belongs to the value.
      const value = (steps & 0x10_0000) === 0 ? line.slice(at + 1).replace(/^ /, '') : line.slice(at + 1);
      await step('headers', 'L', `${line.slice(0, at)}\0${value}\0`);
    }
    await step('endOfHeaders', 'N');
    await step('body', 'B', body);
    send('E');
    const added: HeaderField[] = [];
    for (;;) {
      const { command, data } = await next();
      if (command === 'h') added.push(fieldOf(data));
      else if (command === 'i') added.push(fieldOf(data.subarray(4)));
      else if (command === 'c' || command === 'a') return added;
      else if (command !== 'p') throw new Error(`the mail filter answers ${command} to the end of the message`);
    }
  } finally {
    socket.destroy();
  }
}

async function* readPackets(socket: AsyncIterable<Buffer>): AsyncGenerator<Packet> {
  let octets = Buffer.alloc(0);
  for await (const chunk of socket) {
    octets = Buffer.concat([octets, chunk]);
    while (octets.length >= 5 && octets.length >= 4 + octets.readUInt32BE(0)) {
      const end = 4 + octets.readUInt32BE(0);
      yield { command: octets.toString('latin1', 4, 5), data: octets.subarray(5, end) };
      octets = octets.subarray(end);
    }
  }
}

function words(...values: readonly number[]): Buffer {
  const data = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) data.writeUInt32BE(value, 4 * index);
  return data;
}

function split(message: string): string[] {
  const at = message.indexOf('\r\n\r\n');
  return [message.slice(0, at), message.slice(at + 4)];
}

/** Filters write lines as the system does; mail has CRLF. */
function fieldOf(data: Buffer): HeaderField {
  const [name = '', value = ''] = data.toString('latin1').split('\0');
  return { name, value: value.replaceAll(/\r?\n/g, '\r\n') };
}
