/**
 * Messages: what a query asks for, and a response's octets written the plain way.
 * Implements: RFC 1035 §4.1, RFC 9619 (one question), RFC 6891 §6.1.1 and §7 (OPT rules), RFC 8906 §3 (every query gets an answer),
 * RFC 4035 §3.1.6 (AD, CD), RFC 2181 §9 (TC), RFC 9471 (glue or TC), RFC 8945 §5.1 (where TSIG may stand).
 * Not here: what the answer is (zone/lookup.ts), the same octets written at speed (answer/respond.ts).
 */
import { concatBytes, readU16 } from '#base/bytes.ts';
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { CompressionMap } from './compression.ts';
import { EDNS_VERSION, FLAG_DO, areOptionsWellFormed, askedOptions, findCookie } from './edns.ts';
import { optBytes, udpLimitBytes, writeOpt } from './edns.ts';
import { type Name, nameLengthAt } from './name.ts';
import { rdataNames } from './registry.ts';
import { type SignedRrset } from './rrset.ts';
import { CLASS, OPCODE, RCODE, TYPE, type RrType } from './types.ts';

export const HEADER_BYTES = 12;

/** Bits of the header's third octet. */
export const HEADER = { QR: 0x80, OPCODE: 0x78, AA: 0x04, TC: 0x02, RD: 0x01 } as const;

export interface Question {
  /** As sent, case kept. */
  readonly name: Name;
  readonly type: RrType;
  readonly class: number;
  /** Octets of the question section. */
  readonly length: number;
}

/** Why a packet gets no real answer; the order is that of the counters. */
export const FAULT = {
  NONE: 0,
  /** Shorter than a header. */
  SHORT: 1,
  /** QR is set: answering responses makes loops. */
  RESPONSE: 2,
  OPCODE: 3,
  QUESTION_COUNT: 4,
  QUESTION: 5,
  RECORD: 6,
  TRAILING: 7,
  OPT: 8,
  VERSION: 9,
  /** A COOKIE option of a length that none has; who does not serve cookies does not look at it. */
  COOKIE: 10,
  /** TSIG that is not the last record of the additional section. */
  TSIG: 11,
} as const;

/** `QueryHead.verdict` of a packet that gets no answer at all. */
export const DROP = -1;

/** What `parseQuery` finds, as numbers, so that one record serves a worker for all its queries. */
export interface QueryHead {
  id: number;
  opcode: number;
  recursionDesired: boolean;
  /** DROP, or the rcode to answer at once with, or NOERROR: the question is to be looked up. */
  verdict: number;
  /** One of FAULT. */
  fault: number;
  /** The same of the form alone: the sections of a message of any opcode have the same form (RFC 2136 §2). */
  form: number;
  /** Octets of the question section, which starts at HEADER_BYTES; 0 when there is no single, well-formed question. */
  questionLength: number;
  nameLength: number;
  type: RrType;
  class: number;
  /** An OPT was there: the answer has one too. */
  edns: boolean;
  /** What the client can take over UDP, as it says; 0 without EDNS. */
  payloadBytes: number;
  dnssecOk: boolean;
  /** Where the data of its COOKIE option starts, 0 for none; what it says is for answer/defence/cookie.ts. */
  cookieAt: number;
  cookieLength: number;
  /**
   * Bits of ASKED (edns.ts): options that ask something of the answer. What they contain does not count (RFC 5001 §2.1,
   * RFC 9660 §3.1).
   */
  asked: number;
  /** Where its TSIG record begins, the last of the message; 0 for none. What it says is not looked at here. */
  tsigAt: number;
}

export function newQueryHead(): QueryHead {
  return {
    id: 0,
    opcode: 0,
    recursionDesired: false,
    verdict: DROP,
    fault: FAULT.NONE,
    form: FAULT.NONE,
    questionLength: 0,
    nameLength: 0,
    type: 0,
    class: 0,
    edns: false,
    payloadBytes: 0,
    dnssecOk: false,
    cookieAt: 0,
    cookieLength: 0,
    asked: 0,
    tsigAt: 0,
  };
}

/** Reads the first `length` octets of `octets` into `head`. Never throws: any octets have a verdict. */
export function parseQuery(octets: Uint8Array, length: number, head: QueryHead): void {
  head.questionLength = 0;
  head.nameLength = 0;
  head.type = 0;
  head.class = 0;
  head.edns = false;
  head.payloadBytes = 0;
  head.dnssecOk = false;
  head.cookieAt = 0;
  head.cookieLength = 0;
  head.asked = 0;
  head.tsigAt = 0;
  head.verdict = DROP;
  head.fault = FAULT.NONE;
  head.form = FAULT.NONE;
  if (length < HEADER_BYTES) {
    head.fault = FAULT.SHORT;
    return;
  }
  const flags = octets[2]!;
  if ((flags & HEADER.QR) !== 0) {
    head.fault = FAULT.RESPONSE;
    return;
  }
  head.id = readU16(octets, 0);
  head.opcode = (flags & HEADER.OPCODE) >> 3;
  head.recursionDesired = (flags & HEADER.RD) !== 0;
  const fault = parseSections(octets, length, head);
  head.fault = fault;
  head.form = fault;
  if (head.opcode !== OPCODE.QUERY) {
    head.verdict = RCODE.NOTIMP;
    head.fault = FAULT.OPCODE;
  } else if (fault === FAULT.VERSION) head.verdict = RCODE.BADVERS;
  else head.verdict = fault === FAULT.NONE ? RCODE.NOERROR : RCODE.FORMERR;
}

/** The fault of everything behind the header. */
function parseSections(octets: Uint8Array, length: number, head: QueryHead): number {
  const questions = readU16(octets, 4);
  const beforeAdditional = readU16(octets, 6) + readU16(octets, 8);
  const records = beforeAdditional + readU16(octets, 10);
  let at = HEADER_BYTES;
  for (let each = 0; each < questions; each++) {
    const nameLength = nameLengthAt(octets, at);
    const end = at + nameLength + 4;
    if (nameLength === 0 || end > length) return questions === 1 ? FAULT.QUESTION : FAULT.QUESTION_COUNT;
    if (questions === 1) {
      head.questionLength = nameLength + 4;
      head.nameLength = nameLength;
      head.type = readU16(octets, end - 4);
      head.class = readU16(octets, end - 2);
    }
    at = end;
  }
  // That there is no question is said last: with a cookie, it may be no fault (RFC 7873 §5.4).
  let fault: number = questions <= 1 ? FAULT.NONE : FAULT.QUESTION_COUNT;
  for (let each = 0; each < records; each++) {
    const owner = at;
    at = skipName(octets, at, length);
    if (at === 0 || at + 10 > length) return worse(fault, FAULT.RECORD);
    const end = at + 10 + readU16(octets, at + 8);
    if (end > length) return worse(fault, FAULT.RECORD);
    const type = readU16(octets, at);
    if (type === TYPE.OPT) fault = worse(fault, parseOpt(octets, owner, at, end, each >= beforeAdditional, head));
    // RFC 8945 §5.1: once, and last.
    else if (type === TYPE.TSIG) {
      if (each !== records - 1 || each < beforeAdditional) fault = worse(fault, FAULT.TSIG);
      else head.tsigAt = owner;
    }
    at = end;
  }
  if (at !== length) return worse(fault, FAULT.TRAILING);
  return questions === 0 ? worse(fault, FAULT.QUESTION_COUNT) : fault;
}

/** Takes what an OPT says into `head`; it is there for the answer even when something in it is wrong. `at` is that of its type. */
function parseOpt(octets: Uint8Array, owner: number, at: number, end: number, isAdditional: boolean, head: QueryHead): number {
  // RFC 6891 §6.1.1: one OPT, in the additional section; §6.1.2: its owner is the root.
  if (!isAdditional || octets[owner] !== 0 || head.edns) return FAULT.OPT;
  head.edns = true;
  head.payloadBytes = readU16(octets, at + 2);
  head.dnssecOk = (octets[at + 6]! & FLAG_DO) !== 0;
  // RFC 6891 §6.1.3: of another version only the version is ours to read.
  if (octets[at + 5] !== EDNS_VERSION) return FAULT.VERSION;
  if (!areOptionsWellFormed(octets, at + 10, end)) return FAULT.OPT;
  head.asked = askedOptions(octets, at + 10, end);
  const cookie = findCookie(octets, at + 10, end);
  if (cookie > 0) {
    head.cookieAt = cookie + 4;
    head.cookieLength = readU16(octets, cookie + 2);
  }
  return FAULT.NONE;
}

/** The fault that decides: the first found, but a malformed packet is FORMERR before it is BADVERS. */
function worse(first: number, second: number): number {
  if (first === FAULT.NONE || (first === FAULT.VERSION && second !== FAULT.NONE)) return second;
  return first;
}

/** Where a name of a record in a query ends, compressed or not; 0 when it is malformed. Where its pointer leads does not matter here. */
function skipName(octets: Uint8Array, offset: number, length: number): number {
  let at = offset;
  while (at < length) {
    const size = octets[at]!;
    if (size === 0) return at + 1;
    if (size >= 0xc0) return at + 2 <= length && (((size & 0x3f) << 8) | octets[at + 1]!) < offset ? at + 2 : 0;
    if (size > 63) return 0;
    at += size + 1;
  }
  return 0;
}

/** Type of the last record of a well-formed message; 0 when it has none. */
export function lastRecordType(octets: Uint8Array, length: number): RrType {
  let at = HEADER_BYTES;
  let type: RrType = 0;
  for (let left = readU16(octets, 4); left > 0; left--) at += nameLengthAt(octets, at) + 4;
  for (let left = readU16(octets, 6) + readU16(octets, 8) + readU16(octets, 10); left > 0; left--) {
    at = skipName(octets, at, length);
    type = readU16(octets, at);
    at += 10 + readU16(octets, at + 8);
  }
  return type;
}

/** The question that `head` was read from. Its name is a copy. */
export function questionOf(octets: Uint8Array, head: QueryHead): Question {
  return {
    name: octets.slice(HEADER_BYTES, HEADER_BYTES + head.nameLength),
    type: head.type,
    class: head.class,
    length: head.questionLength,
  };
}

/** `tls`: TCP below it (RFC 7858). */
export type Transport = 'udp' | 'tcp' | 'tls';

/** Octets the answer to `head` may have. */
export function answerLimitBytes(head: QueryHead, transport: Transport): number {
  return transport === 'udp' ? udpLimitBytes(head.payloadBytes) : MESSAGE_BYTES_MAX;
}

/** Everything a response says, section by section; the parts of it that may be left out are in `additional`. */
export interface MessageContent {
  /** Twelve bits: the upper eight go into OPT (RFC 6891 §6.1.3). */
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answer: readonly SignedRrset[];
  readonly authority: readonly SignedRrset[];
  /** Glue a referral is useless without: it is in the answer, or the answer is truncated (RFC 9471 §2). */
  readonly requiredGlue: readonly SignedRrset[];
  /** Each left out when it does not fit, without TC (RFC 2181 §9). */
  readonly additional: readonly SignedRrset[];
  readonly ede?: { readonly code: number; readonly text: string };
}

/** A response that is only a code. */
export function bareContent(rcode: number): MessageContent {
  return { rcode, authoritative: false, answer: [], authority: [], requiredGlue: [], additional: [] };
}

/**
 * The response to `query`, which `head` was read from, in at most `limitBytes` octets. What does not fit into a message of any size is SERVFAIL:
 * TC would have the question come again for ever (RFC 1035 §4.2.1 is about UDP).
 */
export function writeMessage(query: Uint8Array, head: QueryHead, content: MessageContent, limitBytes: number): Uint8Array {
  const ede = content.ede?.code ?? -1;
  const limit = limitBytes - (head.edns ? optBytes(ede) : 0);
  const question = query.subarray(HEADER_BYTES, HEADER_BYTES + head.questionLength);
  const names = new CompressionMap();
  if (head.questionLength > 0) names.compress(query.slice(HEADER_BYTES, HEADER_BYTES + head.nameLength), HEADER_BYTES);
  let body: Uint8Array = question.slice();
  const counts = [0, 0, 0];
  let truncated = false;
  const put = (rrset: SignedRrset, section: number): boolean => {
    const before = HEADER_BYTES + body.length;
    const records = rrsetBytes(rrset, before, names);
    if (before + records.length > limit) {
      names.forgetFrom(before);
      return false;
    }
    body = concatBytes(body, records);
    counts[section]! += rrset.rdatas.length + rrset.signatures.length;
    return true;
  };
  const required = [content.answer, content.authority, content.requiredGlue];
  if (!required.every((rrsets, section) => rrsets.every((rrset) => put(rrset, section)))) {
    truncated = true;
    body = question.slice();
    counts.fill(0);
  } else for (const rrset of content.additional) put(rrset, 2);
  const opt = new Uint8Array(head.edns ? optBytes(ede) : 0);
  const isBeyondAll = truncated && limitBytes === MESSAGE_BYTES_MAX;
  if (head.edns) writeOpt(opt, 0, isBeyondAll ? RCODE.SERVFAIL : content.rcode, head.dnssecOk, ede);
  const header = new Uint8Array(HEADER_BYTES);
  if (isBeyondAll) writeHeader(header, head, RCODE.SERVFAIL, false, false);
  else writeHeader(header, head, content.rcode, content.authoritative, truncated);
  const view = new DataView(header.buffer);
  view.setUint16(6, counts[0]!);
  view.setUint16(8, counts[1]!);
  view.setUint16(10, counts[2]! + (head.edns ? 1 : 0));
  return concatBytes(header, body, opt);
}

/** The records of an RRset and its RRSIGs, as they stand at `offset`. */
function rrsetBytes(rrset: SignedRrset, offset: number, names: CompressionMap): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = offset;
  const put = (type: RrType, rdata: Uint8Array) => {
    const owner = names.compress(rrset.owner, at);
    const fixed = new Uint8Array(10);
    const view = new DataView(fixed.buffer);
    const data = compressRdata(type, rdata, at + owner.length + fixed.length, names);
    view.setUint16(0, type);
    view.setUint16(2, CLASS.IN);
    view.setUint32(4, rrset.ttl);
    view.setUint16(8, data.length);
    parts.push(owner, fixed, data);
    at += owner.length + fixed.length + data.length;
  };
  for (const rdata of rrset.rdatas) put(rrset.type, rdata);
  for (const rrsig of rrset.signatures) put(TYPE.RRSIG, rrsig);
  return concatBytes(...parts);
}

function compressRdata(type: RrType, rdata: Uint8Array, offset: number, names: CompressionMap): Uint8Array {
  const parts: Uint8Array[] = [];
  let read = 0;
  let written = 0;
  const put = (part: Uint8Array) => {
    parts.push(part);
    written += part.length;
  };
  for (const span of rdataNames(type, rdata)) {
    if (!span.compressible) continue;
    put(rdata.subarray(read, span.offset));
    put(names.compress(rdata.subarray(span.offset, span.offset + span.length), offset + written));
    read = span.offset + span.length;
  }
  put(rdata.subarray(read));
  return concatBytes(...parts);
}

/** Fills a header for the answer to `head`, its record counts left 0. RD is copied; RA, AD and CD are 0 (RFC 4035 §3.1.6). */
export function writeHeader(out: Uint8Array, head: QueryHead, rcode: number, authoritative: boolean, truncated: boolean): void {
  out[0] = head.id >> 8;
  out[1] = head.id & 0xff;
  out[2] =
    HEADER.QR |
    (head.opcode << 3) |
    (authoritative ? HEADER.AA : 0) |
    (truncated ? HEADER.TC : 0) |
    (head.recursionDesired ? HEADER.RD : 0);
  out[3] = rcode & 0x0f;
  out[4] = 0;
  out[5] = head.questionLength > 0 ? 1 : 0;
  // Not `fill`: a call into the engine costs more than six octets do.
  out[6] = 0;
  out[7] = 0;
  out[8] = 0;
  out[9] = 0;
  out[10] = 0;
  out[11] = 0;
}
