/**
 * TKEY queries, by which GSS-TSIG makes its keys: no mode of them is offered, and the answer says so.
 * Implements: RFC 2930 §2 (form), §2.6 (BADMODE in the record; the rcode of the message is NOERROR), §4 (the record of
 * the query is in its additional section), RFC 3645 §3.1 (mode 3).
 * PowerDNS answers in this form too; BIND without a keytab REFUSED, NSD FORMERR, Knot NXDOMAIN.
 * Not here: keys that are known beforehand (dns/tsig/).
 */
import { readU16 } from '#base/bytes.ts';
import { HEADER_BYTES, type QueryHead } from '#dns/message.ts';
import { nameLengthAt } from '#dns/name.ts';
import { readOwner } from '#dns/compression.ts';
import { CLASS, TYPE } from '#dns/types.ts';

/** Mode of GSS-TSIG (RFC 2930 §2.5). */
export const TKEY_MODE_GSS = 3;

/** What the answer repeats of a TKEY record: algorithm, two times, mode. */
export interface TkeyAsked {
  /** RDATA up to the mode, that included. */
  readonly begin: Uint8Array;
  readonly mode: number;
}

/** RFC 2930 §2.6. */
const BADMODE = 19;
/** Type, class, TTL, RDLENGTH. */
const HEAD_BYTES = 10;
/** Inception, expiration, mode. */
const TIMES_AND_MODE_BYTES = 10;
/** Error, key size, other size. */
const SIZES_BYTES = 6;

/** The TKEY record of a well-formed query for TKEY; undefined: it has none, or none of its form. */
export function readTkey(query: Uint8Array, length: number, head: Readonly<QueryHead>): TkeyAsked | undefined {
  let at = HEADER_BYTES + head.questionLength;
  // Windows 2000 has it in the answer section.
  for (let left = readU16(query, 6) + readU16(query, 8) + readU16(query, 10); left > 0; left--) {
    const owner = readOwner(query, at, length);
    if (owner === undefined) return undefined;
    const start = owner.end + HEAD_BYTES;
    const end = start + readU16(query, owner.end + 8);
    if (readU16(query, owner.end) === TYPE.TKEY) return readBegin(query.subarray(0, end), start);
    at = end;
  }
  return undefined;
}

function readBegin(octets: Uint8Array, start: number): TkeyAsked | undefined {
  const algorithmBytes = nameLengthAt(octets, start);
  const end = start + algorithmBytes + TIMES_AND_MODE_BYTES;
  if (algorithmBytes === 0 || end + SIZES_BYTES > octets.length) return undefined;
  return { begin: octets.slice(start, end), mode: readU16(octets, end - 2) };
}

const u16 = (value: number): readonly number[] => [value >> 8, value & 0xff];

/**
 * Writes the record at `at`, for the name of the question, and returns where it ends. It is no longer than that of the
 * query: a forged address is sent no more than was asked with.
 */
export function writeTkeyRefusal(out: Uint8Array, at: number, { begin }: TkeyAsked): number {
  const bytes = begin.length + SIZES_BYTES;
  // RFC 1035 §4.1.4: a pointer to the question; RFC 2930 §2.2–2.3: class ANY, TTL 0.
  const head = [0xc0, HEADER_BYTES, ...u16(TYPE.TKEY), ...u16(CLASS.ANY), 0, 0, 0, 0, ...u16(bytes)];
  const record = [...head, ...begin, ...u16(BADMODE), ...u16(0), ...u16(0)];
  out.set(record, at);
  return at + record.length;
}
