/**
 * Messages that a primary sends: requests to it are written, and its answers read with care, because a primary may have
 * been taken over.
 * Implements: RFC 1995 §3 (IXFR request), RFC 5936 §2.2 (answers: header, question in the first message, records), RFC
 * 1035 §4.1.4 (compression), RFC 7314 §2–3 (EXPIRE).
 * Not here: what the records of all messages make together (incoming-transfer.ts), signatures (dns/tsig/).
 */
import { copyOf, readU16, readU32 } from '#base/bytes.ts';
import { EXPIRE_OPTION_BYTES, OPTION, OPT_BYTES, findOption, udpLimitBytes } from '#dns/edns.ts';
import { HEADER, HEADER_BYTES } from '#dns/message.ts';
import { readOwner, readTtl } from '#dns/compression.ts';
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

/** A message, or what is wrong with it: words that follow the primary's address. `isOther`: it is no answer to ours. */
export type ReadMessage =
  | { readonly message: TransferMessage }
  | { readonly failure: string; readonly isOther?: true; readonly rcode?: number; readonly tsigAt?: number };

const OTHER = { failure: 'answers with octets that are no reply', isOther: true } as const;

/** Reads a whole message. `isFirst`: it must repeat the question; later ones may (RFC 5936 §2.2.1). Never throws. */
export function readTransferMessage(octets: Uint8Array, asked: TransferQuestion, isFirst: boolean): ReadMessage {
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
  const { tsigAt, optAt, sections } = walked;
  const rcode = (octets[3]! & 0x0f) | (optAt === 0 ? 0 : octets[optAt + 5]! << 4);
  if (rcode !== RCODE.NOERROR) return { failure: `answers ${rcodeName(rcode)}`, rcode, tsigAt };
  if (isFirst && questions === 0) return { failure: 'answers without the question' };
  const records = readRecords(octets, sections);
  if (typeof records === 'string') return { failure: records };
  return {
    message: {
      records,
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
}

/** All records of a message, as to their form alone; undefined when that is wrong. */
function walkRecords(octets: Uint8Array, from: number): Walked | undefined {
  const answers = readU16(octets, 6);
  const total = answers + readU16(octets, 8) + readU16(octets, 10);
  const sections: number[] = [];
  let optAt = 0;
  let tsigAt = 0;
  let at = from;
  for (let each = 0; each < total; each++) {
    // RFC 8945 §5.1: it is the last.
    if (tsigAt !== 0) return undefined;
    const end = compressedNameEnd(octets, at);
    if (end === 0 || end + RECORD_HEAD_BYTES > octets.length) return undefined;
    const type = readU16(octets, end);
    if (each < answers) sections.push(at);
    else if (type === TYPE.TSIG) tsigAt = at;
    else if (type === TYPE.OPT && optAt === 0) optAt = end;
    at = end + RECORD_HEAD_BYTES + readU16(octets, end + 8);
    if (at > octets.length) return undefined;
  }
  return at === octets.length ? { optAt, tsigAt, sections } : undefined;
}

function readRecords(octets: Uint8Array, starts: readonly number[]): readonly ReceivedRecord[] | string {
  const records: ReceivedRecord[] = [];
  for (const start of starts) {
    const owner = readOwner(octets, start);
    if (owner === undefined) return MALFORMED.failure;
    const { name, end } = owner;
    const type = readU16(octets, end);
    if (readU16(octets, end + 2) !== CLASS.IN) return 'sends a record of another class than IN';
    const rdata = readRdata(type, octets, end + RECORD_HEAD_BYTES, readU16(octets, end + 8));
    if (rdata === undefined) return `sends a malformed ${typeName(type)} record`;
    records.push({ owner: name, type, ttl: readTtl(octets, end + 4), rdata });
  }
  return records;
}

/** RFC 7314 §3.1: the option in an answer has four octets. `at`: of the type of the OPT record. */
function readExpire(octets: Uint8Array, at: number): number | undefined {
  const from = at + RECORD_HEAD_BYTES;
  const options = copyOf(octets, from, from + readU16(octets, at + 8));
  const found = findOption(options, OPTION.EXPIRE);
  return found?.length === 4 ? readU32(found, 0) : undefined;
}
