/**
 * Questions to other name servers, and their replies read with care: what is malformed, or an answer to something
 * else, is no reply.
 * Implements: RFC 1035 §4.1, RFC 6891 §6.1 (OPT), RFC 5452 §9.1 (id and question must be ours).
 * Not here: sending them (control/outside/direct-question.ts), our own answers (message.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { DIRECT_RECORDS_MAX, DIRECT_SIGNATURES_MAX } from '#base/limits/outside.ts';
import { OPT_BYTES, FLAG_DO, udpLimitBytes } from './edns.ts';
import { HEADER, HEADER_BYTES } from './message.ts';
import { readOwner, readTtl } from './compression.ts';
import { type Name, compressedNameEnd, equalNames, nameLengthAt } from './name.ts';
import { readRdata } from './registry.ts';
import { CLASS, RCODE, TYPE, type RrType } from './types.ts';

export interface ReplyRecord {
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

export interface Reply {
  /** With the upper bits of OPT. */
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  /** RA: the server offers recursion. Absent: not known. */
  readonly isRecursive?: boolean;
  /** It has an OPT record. */
  readonly hasEdns?: boolean;
  /** Those of the question's owner and type, the first so many. */
  readonly records: readonly ReplyRecord[];
  /** How many of them there are. */
  readonly count: number;
  /** RDATA of the RRSIG records over them, the first so many; of a wildcard's too. */
  readonly signatures?: readonly Uint8Array[];
  /** The resolver says that it has validated the answer (RFC 4035 §3.2.3). */
  readonly isValidated?: boolean;
  /** Owner of the SOA record in the authority section: the zone that says that there is no such record. */
  readonly denier?: Name;
}

/** In the fourth octet of a message (RFC 4035 §3.2). */
const FLAG_AD = 0x20;
/** RA, in the same. */
const FLAG_RA = 0x80;

/** A question to one server, DNSSEC records are welcome; without recursion, unless a resolver is to validate. */
export function writeQuestion(id: number, name: Name, type: RrType, isRecursive = false): Uint8Array {
  const octets = new Uint8Array(HEADER_BYTES + name.length + 4 + OPT_BYTES);
  const view = new DataView(octets.buffer);
  view.setUint16(0, id);
  if (isRecursive) octets.set([HEADER.RD, FLAG_AD], 2);
  view.setUint16(4, 1);
  view.setUint16(10, 1);
  octets.set(name, HEADER_BYTES);
  const end = HEADER_BYTES + name.length;
  view.setUint16(end, type);
  view.setUint16(end + 2, CLASS.IN);
  // OPT: owner root, size, no extended rcode, version 0, DO.
  view.setUint16(end + 5, TYPE.OPT);
  view.setUint16(end + 7, udpLimitBytes(0xffff));
  octets[end + 11] = FLAG_DO;
  return octets;
}

/** What the octets answer; undefined when they are no well-formed reply to this question. */
export function readReply(octets: Uint8Array, id: number, name: Name, type: RrType): Reply | undefined {
  if (octets.length < HEADER_BYTES || readU16(octets, 0) !== id || (octets[2]! & HEADER.QR) === 0) return undefined;
  const length = nameLengthAt(octets, HEADER_BYTES);
  const start = HEADER_BYTES + length + 4;
  if (readU16(octets, 4) !== 1 || length === 0 || start > octets.length) return undefined;
  const isOurs = equalNames(octets.subarray(HEADER_BYTES, HEADER_BYTES + length), name);
  if (!isOurs || readU16(octets, start - 4) !== type || readU16(octets, start - 2) !== CLASS.IN) return undefined;
  const answers = readU16(octets, 6);
  const total = answers + readU16(octets, 8) + readU16(octets, 10);
  const records: ReplyRecord[] = [];
  let rcode = octets[3]! & 0x0f;
  let count = 0;
  let hasEdns = false;
  let at = start;
  let denier: Name | undefined;
  const signatures: Uint8Array[] = [];
  const isTruncated = (octets[2]! & HEADER.TC) !== 0;
  for (let each = 0; each < total; each++) {
    const end = compressedNameEnd(octets, at);
    if (end === 0 || end + 10 > octets.length) return isTruncated ? truncated(octets, rcode) : undefined;
    const rdataAt = end + 10;
    const bytes = readU16(octets, end + 8);
    if (rdataAt + bytes > octets.length) return isTruncated ? truncated(octets, rcode) : undefined;
    const found = readU16(octets, end);
    if (found === TYPE.SOA && each >= answers && each < answers + readU16(octets, 8))
      denier ??= readOwner(octets, at)?.name;
    if (found === TYPE.OPT && each >= answers) {
      rcode |= octets[end + 4]! << 4;
      hasEdns = true;
    }
    const isSignature = each < answers && found === TYPE.RRSIG && bytes > 2 && readU16(octets, rdataAt) === type;
    if (isSignature && signatures.length < DIRECT_SIGNATURES_MAX && isOwner(octets, at, name)) {
      const rdata = readRdata(TYPE.RRSIG, { message: octets, offset: rdataAt, length: bytes });
      if (rdata === undefined) return undefined;
      signatures.push(rdata);
    }
    if (each < answers && found === type && readU16(octets, end + 2) === CLASS.IN && isOwner(octets, at, name)) {
      count++;
      if (records.length < DIRECT_RECORDS_MAX) {
        const rdata = readRdata(type, { message: octets, offset: rdataAt, length: bytes });
        if (rdata === undefined) return undefined;
        records.push({ ttl: readTtl(octets, end + 4), rdata });
      }
    }
    at = rdataAt + bytes;
  }
  return {
    rcode,
    isAuthoritative: (octets[2]! & HEADER.AA) !== 0,
    isValidated: (octets[3]! & FLAG_AD) !== 0,
    isTruncated,
    isRecursive: (octets[3]! & FLAG_RA) !== 0,
    hasEdns,
    records,
    count,
    signatures,
    ...(denier && { denier }),
  };
}

function truncated(octets: Uint8Array, rcode: number): Reply {
  return { rcode, isAuthoritative: (octets[2]! & HEADER.AA) !== 0, isTruncated: true, records: [], count: 0 };
}

/** True when the owner at `offset` is `name`. */
function isOwner(octets: Uint8Array, offset: number, name: Name): boolean {
  const owner = readOwner(octets, offset);
  return owner !== undefined && equalNames(owner.name, name);
}

/** As people know it: `NOERROR`, `SERVFAIL`. */
export function rcodeName(rcode: number): string {
  const found = Object.entries(RCODE).find(([, number]) => number === rcode);
  return found?.[0] ?? `rcode ${rcode}`;
}
