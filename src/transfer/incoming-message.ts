/**
 * Messages that a primary sends: requests to it are written, and its answers read with care, because a primary may have
 * been taken over.
 * Implements: RFC 1995 §3 (IXFR request), RFC 5936 §2.2 (answers: header, question in the first message, records), RFC
 * 1035 §4.1.4 (compression), RFC 7314 §2–3 (EXPIRE).
 * Not here: what the records of all messages make together (incoming-transfer.ts), signatures (dns/tsig/).
 */
import { copyOf, readU16, readU32 } from '#base/bytes.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { EXPIRE_OPTION_BYTES, OPTION, OPT_BYTES, findOption, udpLimitBytes } from '#dns/edns.ts';
import { HEADER, HEADER_BYTES } from '#dns/message.ts';
import { readCompressedName, readOwner, readTtl } from '#dns/compression.ts';
import { type Name, compressedNameEnd, equalNames } from '#dns/name.ts';
import { readRdata, typeName } from '#dns/registry.ts';
import { rcodeName } from '#dns/reply.ts';
import { CLASS, OPCODE, RCODE, TYPE, type RrType } from '#dns/types.ts';

export interface ReceivedRecord {
  readonly owner: Name;
  readonly type: RrType;
  readonly ttl: number;
  /** Uncompressed wire form, checked. */
  readonly rdata: Uint8Array;
}

export interface TransferQuestion {
  readonly id: number;
  readonly apex: Name;
  readonly type: RrType;
}

/** The SOA that the client has, for IXFR. */
export interface KnownSoa {
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/** A question about a zone to one of its primaries; with `known` for what changed since then. EXPIRE is asked for. */
export function writeTransferRequest({ id, apex, type }: TransferQuestion, known?: KnownSoa): Uint8Array {
  const authority = known === undefined ? 0 : 2 + RECORD_HEAD_BYTES + known.rdata.length;
  const question = HEADER_BYTES + apex.length + 4;
  const octets = new Uint8Array(question + authority + OPT_BYTES + EXPIRE_OPTION_BYTES);
  const view = new DataView(octets.buffer);
  view.setUint16(0, id);
  view.setUint16(4, 1);
  view.setUint16(8, known === undefined ? 0 : 1);
  view.setUint16(10, 1);
  octets.set(apex, HEADER_BYTES);
  view.setUint16(question - 4, type);
  view.setUint16(question - 2, CLASS.IN);
  if (known !== undefined) {
    octets.set(POINTER_TO_QUESTION, question);
    view.setUint16(question + 2, TYPE.SOA);
    view.setUint16(question + 4, CLASS.IN);
    view.setUint32(question + 6, known.ttl);
    view.setUint16(question + 10, known.rdata.length);
    octets.set(known.rdata, question + 12);
  }
  const opt = question + authority;
  view.setUint16(opt + 1, TYPE.OPT);
  view.setUint16(opt + 3, udpLimitBytes(0xffff));
  view.setUint16(opt + 9, EXPIRE_OPTION_BYTES);
  // RFC 7314 §2: without data in a question.
  view.setUint16(opt + 11, OPTION.EXPIRE);
  return octets;
}

const RECORD_HEAD_BYTES = 10;
const POINTER_TO_QUESTION = [0xc0, HEADER_BYTES] as const;

/** What a primary says in one message. */
export interface TransferMessage {
  /** Of the answer section. */
  readonly records: readonly ReceivedRecord[];
  readonly isTruncated: boolean;
  readonly isAuthoritative: boolean;
  /** Where the TSIG record begins; 0 for none. */
  readonly tsigAt: number;
  /** Seconds until the zone expires at the primary, when it says so. */
  readonly expireSeconds: number | undefined;
}

/** What is wrong with a message, in words that follow the primary's address. `isOther`: it is no answer to ours. */
interface BadMessage {
  readonly failure: string;
  readonly isOther?: true;
  readonly rcode?: number;
  readonly tsigAt?: number;
}

export type ReadMessage = { readonly message: TransferMessage } | BadMessage;

/** A message whose records have not been read. */
export interface FramedMessage extends Omit<TransferMessage, 'records'> {
  /** Where each record of the answer section begins. */
  readonly sections: readonly number[];
  /** How many of them are SOA records: one of them is the end of a transfer (RFC 5936 §2.2, RFC 1995 §4). */
  readonly soaCount: number;
}

const OTHER = { failure: 'answers with octets that are no reply', isOther: true } as const;

/**
 * Reads a whole message. `isFirst`: it must repeat the question; later ones may (RFC 5936 §2.2.1). `isShared`: records
 * share its memory. Never throws.
 */
export function readTransferMessage(
  octets: Uint8Array,
  asked: TransferQuestion,
  isFirst: boolean,
  isShared = false,
): ReadMessage {
  const framed = frameTransferMessage(octets, asked, isFirst);
  if ('failure' in framed) return framed;
  const { sections, soaCount: _soaCount, ...rest } = framed.message;
  const records = readRecords(octets, sections, isShared);
  return typeof records === 'string' ? { failure: records } : { message: { records, ...rest } };
}

/** The same but for its records, of which only the form is looked at. */
export function frameTransferMessage(
  octets: Uint8Array,
  asked: TransferQuestion,
  isFirst: boolean,
): { readonly message: FramedMessage } | BadMessage {
  if (octets.length < HEADER_BYTES || readU16(octets, 0) !== asked.id) return OTHER;
  const flags = octets[2]!;
  if ((flags & HEADER.QR) === 0 || (flags & HEADER.OPCODE) >> 3 !== OPCODE.QUERY) return OTHER;
  const questions = readU16(octets, 4);
  let at = HEADER_BYTES;
  if (questions > 1) return MALFORMED;
  if (questions === 1) {
    const question = readOwner(octets, at);
    if (question === undefined || question.end + 4 > octets.length) return MALFORMED;
    const isOurs = equalNames(question.name, asked.apex) && readU16(octets, question.end) === asked.type;
    if (!isOurs || readU16(octets, question.end + 2) !== CLASS.IN) return OTHER;
    at = question.end + 4;
  }
  const walked = walkRecords(octets, at);
  if (walked === undefined) return MALFORMED;
  const { tsigAt, optAt, sections, soaCount } = walked;
  const rcode = (octets[3]! & 0x0f) | (optAt === 0 ? 0 : octets[optAt + 5]! << 4);
  if (rcode !== RCODE.NOERROR) return { failure: `answers ${rcodeName(rcode)}`, rcode, tsigAt };
  if (isFirst && questions === 0) return { failure: 'answers without the question' };
  return {
    message: {
      sections,
      soaCount,
      isTruncated: (flags & HEADER.TC) !== 0,
      isAuthoritative: (flags & HEADER.AA) !== 0,
      tsigAt,
      expireSeconds: optAt === 0 ? undefined : readExpire(octets, optAt),
    },
  };
}

const MALFORMED = { failure: 'sends a malformed message' } as const;

interface Walked {
  /** 0 for none; then the type of the first OPT. */
  readonly optAt: number;
  readonly tsigAt: number;
  /** Where the records of the answer section begin, one after the other. */
  readonly sections: readonly number[];
  readonly soaCount: number;
}

/** All records of a message, as to their form alone; undefined when that is wrong. */
function walkRecords(octets: Uint8Array, from: number): Walked | undefined {
  const answers = readU16(octets, 6);
  const total = answers + readU16(octets, 8) + readU16(octets, 10);
  const sections: number[] = [];
  let optAt = 0;
  let tsigAt = 0;
  let soaCount = 0;
  let at = from;
  for (let each = 0; each < total; each++) {
    // RFC 8945 §5.1: it is the last.
    if (tsigAt !== 0) return undefined;
    const end = compressedNameEnd(octets, at);
    if (end === 0 || end + RECORD_HEAD_BYTES > octets.length) return undefined;
    const type = readU16(octets, end);
    if (each < answers) {
      sections.push(at);
      if (type === TYPE.SOA) soaCount++;
    } else if (type === TYPE.TSIG) tsigAt = at;
    else if (type === TYPE.OPT && optAt === 0) optAt = end;
    at = end + RECORD_HEAD_BYTES + readU16(octets, end + 8);
    if (at > octets.length) return undefined;
  }
  return at === octets.length ? { optAt, tsigAt, sections, soaCount } : undefined;
}

/** The records of one type in the answer section of a message; or what is wrong with them. */
export function recordsOfType(
  octets: Uint8Array,
  { sections }: Pick<FramedMessage, 'sections'>,
  type: RrType,
): readonly ReceivedRecord[] | string {
  const ofType = sections.filter((start) => readU16(octets, compressedNameEnd(octets, start)) === type);
  return readRecords(octets, ofType);
}

function readRecords(
  octets: Uint8Array,
  starts: readonly number[],
  isShared = false,
): readonly ReceivedRecord[] | string {
  const records: ReceivedRecord[] = [];
  // Most records have the owner of the one before: they share it.
  let name: Name = NO_NAME;
  for (const start of starts) {
    const owner = readCompressedName(octets, start, octets.length, OWNER);
    if (owner === undefined) return MALFORMED.failure;
    const { length: octetCount, end } = owner;
    if (!isName(name, octetCount)) name = OWNER.slice(0, octetCount);
    const type = readU16(octets, end);
    if (readU16(octets, end + 2) !== CLASS.IN) return 'sends a record of another class than IN';
    const length = readU16(octets, end + 8);
    const rdata = readRdata(type, { message: octets, offset: end + RECORD_HEAD_BYTES, length, isShared });
    if (rdata === undefined) return `sends a malformed ${typeName(type)} record`;
    records.push({ owner: name, type, ttl: readTtl(octets, end + 4), rdata });
  }
  return records;
}

const OWNER = new Uint8Array(NAME_BYTES_MAX);
const NO_NAME: Name = new Uint8Array(0);

/** Whether the first octets of OWNER are this name, in the same case. */
function isName(name: Name, octetCount: number): boolean {
  if (name.length !== octetCount) return false;
  for (let at = 0; at < octetCount; at++) if (name[at] !== OWNER[at]) return false;
  return true;
}

/** RFC 7314 §3.1: the option in an answer has four octets. `at`: of the type of the OPT record. */
function readExpire(octets: Uint8Array, at: number): number | undefined {
  const from = at + RECORD_HEAD_BYTES;
  const options = copyOf(octets, from, from + readU16(octets, at + 8));
  const found = findOption(options, OPTION.EXPIRE);
  return found?.length === 4 ? readU32(found, 0) : undefined;
}
