/**
 * UPDATE messages as octets, from lines of text, and a client that signs and sends them. Independent of what reads them:
 * names and data are written by the zone file parser, sections and signatures here.
 *   yx NAME [TYPE [RDATA]]   prerequisite: it exists (with exactly these records)
 *   nx NAME [TYPE]           prerequisite: it does not exist
 *   add NAME TTL TYPE RDATA
 *   del NAME [TYPE [RDATA]]
 * Names are absolute with a last dot, or relative to the zone.
 */
import { createHmac, randomInt } from 'node:crypto';
import { type IpPort } from '#base/address.ts';
import { nameOf, parseName } from '#dns/name.ts';
import { parseRdataText, typeCode } from '#dns/registry.ts';
import { type Result } from '#base/problem.ts';
import { type KeyText } from '#transfer/grants.ts';
import { tcpQuery, udpQuery } from './dns-client.ts';

/** The benchmark uses this file too: nothing of vitest here. */
function good<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return result.value;
}

const [IN, NONE, ANY_CLASS] = [1, 254, 255];
const ANY = 255;
const SOA = 6;
const OPCODE_UPDATE = 5;

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const u32 = (value: number): number[] => [...u16(Math.floor(value / 0x1_0000)), ...u16(value % 0x1_0000)];

/** One record of any section. */
export function rawRecord(
  owner: Uint8Array,
  type: number,
  rrClass: number,
  ttl: number,
  rdata: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return Uint8Array.from([...owner, ...u16(type), ...u16(rrClass), ...u32(ttl), ...u16(rdata.length), ...rdata]);
}

export interface UpdateParts {
  readonly prerequisites: readonly Uint8Array[];
  readonly updates: readonly Uint8Array[];
}

/** The records of the two sections that `lines` say. */
export function updateParts(zone: string, lines: string): UpdateParts {
  const apex = nameOf(zone);
  const [prerequisites, updates]: [Uint8Array[], Uint8Array[]] = [[], []];
  for (const line of lines.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const [word = '', name = '', ...rest] = line.split(/\s+/);
    const owner = good(parseName(name, apex));
    const typed = (text: string | undefined) => (text === undefined ? ANY : (typeCode(text) ?? Number(text)));
    const data = (type: number, words: readonly string[]) => good(parseRdataText(type, words.join(' '), apex));
    const [first, ...more] = rest;
    if (word === 'add') {
      const type = typed(more[0]);
      updates.push(rawRecord(owner, type, IN, Number(first), data(type, more.slice(1))));
      continue;
    }
    const type = typed(first);
    if (word === 'yx' && more.length > 0) prerequisites.push(rawRecord(owner, type, IN, 0, data(type, more)));
    else if (word === 'yx') prerequisites.push(rawRecord(owner, type, ANY_CLASS, 0));
    else if (word === 'nx') prerequisites.push(rawRecord(owner, type, NONE, 0));
    else if (word === 'del' && more.length > 0) updates.push(rawRecord(owner, type, NONE, 0, data(type, more)));
    else if (word === 'del') updates.push(rawRecord(owner, type, ANY_CLASS, 0));
    else throw new Error(`no such line: ${line}`);
  }
  return { prerequisites, updates };
}

export interface MessageOptions {
  readonly id?: number;
  /** With OPT; true unless given. */
  readonly edns?: boolean;
  readonly zoneType?: number;
  readonly zoneClass?: number;
}

export function updateMessage(zone: string, parts: UpdateParts | string, options: MessageOptions = {}): Uint8Array {
  const { prerequisites, updates } = typeof parts === 'string' ? updateParts(zone, parts) : parts;
  const { id = randomInt(0x1_0000), edns = true, zoneType = SOA, zoneClass = IN } = options;
  const counts = [1, prerequisites.length, updates.length, edns ? 1 : 0].flatMap(u16);
  return Uint8Array.from([
    ...[...u16(id), OPCODE_UPDATE << 3, 0, ...counts, ...nameOf(zone), ...u16(zoneType), ...u16(zoneClass)],
    ...[...prerequisites, ...updates].flatMap((each) => [...each]),
    ...(edns ? [0, ...u16(41), ...u16(1232), ...u32(0), ...u16(0)] : []),
  ]);
}

/** RFC 8945 §4.3, written from the RFC: `message` with a TSIG record of HMAC-SHA256 at its end. */
export function signMessage(message: Uint8Array, key: Pick<KeyText, 'name' | 'secret'>, nowSeconds: number): Uint8Array {
  const name = nameOf(key.name);
  const algorithm = nameOf('hmac-sha256.');
  const time = [...u16(Math.floor(nowSeconds / 2 ** 32)), ...u32(nowSeconds % 2 ** 32), ...u16(300)];
  const mac = createHmac('sha256', Buffer.from(key.secret, 'base64'))
    .update(message)
    .update(Uint8Array.from([...name, ...u16(ANY_CLASS), ...u32(0), ...algorithm, ...time, ...u16(0), ...u16(0)]))
    .digest();
  const rdata = [...algorithm, ...time, ...u16(mac.length), ...mac, ...message.subarray(0, 2), ...u16(0), ...u16(0)];
  const signed = Uint8Array.from([...message, ...rawRecord(name, 250, ANY_CLASS, 0, Uint8Array.from(rdata))]);
  const additional = ((message[10]! << 8) | message[11]!) + 1;
  signed.set(u16(additional), 10);
  return signed;
}

export interface UpdateReply {
  readonly rcode: number;
  /** Text of the extended error; empty without one. */
  readonly text: string;
  readonly octets: Uint8Array;
}

/** The rcode of an answer, and the text of its extended error. */
export function readUpdateReply(octets: Uint8Array): UpdateReply {
  const buffer = Buffer.from(octets);
  // OPT of an answer: root, 41, 1232, then 4 octets, RDLENGTH, option 15, length, code, text.
  const opt = buffer.indexOf(Uint8Array.of(0, 0, 41, 4, 208));
  const hasText = opt >= 0 && buffer.readUInt16BE(opt + 9) > 6 && buffer.readUInt16BE(opt + 11) === 15;
  const text = hasText ? buffer.subarray(opt + 17, opt + 15 + buffer.readUInt16BE(opt + 13)).toString('utf8') : '';
  return { rcode: buffer[3]! & 0x0f, text, octets };
}

/** Sends one message and reads its answer; undefined when none comes. */
export async function sendUpdate(
  to: IpPort,
  zone: string,
  parts: UpdateParts | string,
  key: Pick<KeyText, 'name' | 'secret'> | undefined,
  { transport = 'tcp', ...options }: MessageOptions & { readonly transport?: 'udp' | 'tcp' } = {},
): Promise<UpdateReply | undefined> {
  const bare = updateMessage(zone, parts, options);
  const message = key === undefined ? bare : signMessage(bare, key, Math.floor(Date.now() / 1000));
  const reply = await (transport === 'udp' ? udpQuery(to, message, 2000) : tcpQuery(to, message, 10_000));
  return reply === undefined ? undefined : readUpdateReply(reply);
}
