/**
 * The OPT pseudo-record: is one well formed, and what ours looks like.
 * Implements: RFC 6891 §6.1 (form, version, sizes), RFC 8914 §2 (extended DNS error), RFC 3225 §3 (DO), RFC 7873 §4
 * (where a cookie is), RFC 5001 §2 (NSID), RFC 7314 §2 (EXPIRE), RFC 7828 §3 (keepalive), RFC 7830 §3 (padding), RFC
 * 9567 §6.2, RFC 9660 §2.
 * Not here: finding OPT in a query and rejecting a second one (message.ts).
 */
import { copyOf, readU16 } from '#base/bytes.ts';
import { EDE_TEXT_BYTES_MAX, UDP_EDNS_BYTES_MAX, UDP_PLAIN_BYTES_MAX } from '#base/limits/dns.ts';
import { TYPE } from './types.ts';

/** The only version there is (RFC 6891 §6.1.3). */
export const EDNS_VERSION = 0;
/** An OPT without options: root owner, type, class, TTL, RDLENGTH. */
export const OPT_BYTES = 11;
/** DO, in the upper half of the flags (RFC 3225 §3). */
export const FLAG_DO = 0x80;
/** Option codes that mean something here. */
export const OPTION = {
  NSID: 3,
  EXPIRE: 9,
  COOKIE: 10,
  KEEPALIVE: 11,
  PADDING: 12,
  EDE: 15,
  REPORT_CHANNEL: 18,
  ZONE_VERSION: 19,
} as const;
/** Bits of `askedOptions`. */
export const ASKED = { NSID: 1, KEEPALIVE: 2, PADDING: 4, ZONE_VERSION: 8, EXPIRE: 16 } as const;
/** Code and length of an option. */
export const OPTION_HEAD_BYTES = 4;
/** What ZONEVERSION (RFC 9660 §2) and EXPIRE say of a zone: labels of its apex, without the root's, and its serial. */
export interface ZoneVersion {
  readonly labels: number;
  readonly serial: number;
  /** Of an answer that is the zone's SOA: seconds until it expires (RFC 7314 §2). */
  readonly expireSeconds?: number;
}

/** Octets of an EXPIRE option in a question (RFC 7314 §2): it has no data. */
export const EXPIRE_OPTION_BYTES = 4;
/** And in an answer: seconds. */
export const EXPIRE_ANSWER_BYTES = 8;
/** Octets of a client cookie; a server cookie may follow (RFC 7873 §4). */
export const COOKIE_CLIENT_BYTES = 8;
const EDE_BYTES = 6;

/** True when `octets[at…end]` is a row of complete options. What they say is ignored: an option we do not know is no error (RFC 6891 §6.1.2). */
export function areOptionsWellFormed(octets: Uint8Array, at: number, end: number): boolean {
  let next = at;
  while (next < end) {
    if (next + 4 > end) return false;
    next += 4 + readU16(octets, next + 2);
  }
  return next === end;
}

/**
 * Where the COOKIE option of the well-formed options `octets[at…end]` starts, at its code; 0 without one. Of several, the first one counts
 * (RFC 7873 §5.2).
 */
export function findCookie(octets: Uint8Array, at: number, end: number): number {
  for (let next = at; next < end; next += 4 + readU16(octets, next + 2)) if (readU16(octets, next) === OPTION.COOKIE) return next;
  return 0;
}

/** Which of the well-formed options `octets[at…end]` ask something of the answer: bits of ASKED. */
export function askedOptions(octets: Uint8Array, at: number, end: number): number {
  let asked = 0;
  for (let next = at; next < end; next += OPTION_HEAD_BYTES + readU16(octets, next + 2)) {
    switch (readU16(octets, next)) {
      case OPTION.NSID:
        asked |= ASKED.NSID;
        break;
      case OPTION.KEEPALIVE:
        asked |= ASKED.KEEPALIVE;
        break;
      case OPTION.PADDING:
        asked |= ASKED.PADDING;
        break;
      case OPTION.EXPIRE:
        asked |= ASKED.EXPIRE;
        break;
      case OPTION.ZONE_VERSION:
        asked |= ASKED.ZONE_VERSION;
        break;
      default:
    }
  }
  return asked;
}

/** The data of the first of these options with this code; undefined: there is none, or they are not well formed. */
export function findOption(options: Uint8Array, code: number): Uint8Array | undefined {
  if (!areOptionsWellFormed(options, 0, options.length)) return undefined;
  for (let next = 0; next < options.length; next += 4 + readU16(options, next + 2))
    if (readU16(options, next) === code) return copyOf(options, next + 4, next + 4 + readU16(options, next + 2));
  return undefined;
}

/** An option with this data, as it is sent. */
export function ednsOption(code: number, data: Uint8Array): Uint8Array {
  return Uint8Array.of(code >> 8, code & 0xff, data.length >> 8, data.length & 0xff, ...data);
}

/** Writes code and length of an option with `bytes` octets of data at `at`; returns where the data begins. */
export function writeOptionHead(out: Uint8Array, at: number, code: number, bytes: number): number {
  out[at] = code >> 8;
  out[at + 1] = code & 0xff;
  out[at + 2] = bytes >> 8;
  out[at + 3] = bytes & 0xff;
  return at + OPTION_HEAD_BYTES;
}

/** Writes the EXPIRE option of an answer (RFC 7314 §2) at `at`; returns where it ends. */
export function writeExpire(out: Uint8Array, at: number, seconds: number): number {
  let end = writeOptionHead(out, at, OPTION.EXPIRE, EXPIRE_ANSWER_BYTES - OPTION_HEAD_BYTES);
  for (let shift = 24; shift >= 0; shift -= 8) out[end++] = (seconds >>> shift) & 0xff;
  return end;
}

/** Octets that our OPT takes; `ede` is the extended error's code, -1 for none. */
export function optBytes(ede: number): number {
  return ede < 0 ? OPT_BYTES : OPT_BYTES + EDE_BYTES;
}

/** Writes our OPT at `at` and returns where it ends. Only DO is echoed of the client's flags, its options never. */
export function writeOpt(out: Uint8Array, at: number, rcode: number, dnssecOk: boolean, ede: number): number {
  out[at] = 0;
  out[at + 1] = 0;
  out[at + 2] = TYPE.OPT;
  // RFC 6891 §6.2.3: the size we can take is also the size we send (RFC 9715 §3.1).
  out[at + 3] = UDP_EDNS_BYTES_MAX >> 8;
  out[at + 4] = UDP_EDNS_BYTES_MAX & 0xff;
  out[at + 5] = rcode >> 4;
  out[at + 6] = EDNS_VERSION;
  out[at + 7] = dnssecOk ? FLAG_DO : 0;
  out[at + 8] = 0;
  out[at + 9] = 0;
  out[at + 10] = ede < 0 ? 0 : EDE_BYTES;
  if (ede < 0) return at + OPT_BYTES;
  out[at + 11] = 0;
  out[at + 12] = OPTION.EDE;
  out[at + 13] = 0;
  out[at + 14] = EDE_BYTES - 4;
  out[at + 15] = ede >> 8;
  out[at + 16] = ede & 0xff;
  return at + OPT_BYTES + EDE_BYTES;
}

/** The extended error with this code and text, cut to what is worth its octets, as it is sent (RFC 8914 §2). */
export function edeOption(code: number, text: string): Uint8Array {
  const octets = new TextEncoder().encode(text);
  // A UTF-8 character is not cut in two.
  let end = Math.min(octets.length, EDE_TEXT_BYTES_MAX);
  while (end < octets.length && (octets[end]! & 0xc0) === 0x80) end -= 1;
  const length = 2 + end;
  const head = [0, OPTION.EDE, length >> 8, length & 0xff, code >> 8, code & 0xff];
  return Uint8Array.of(...head, ...octets.subarray(0, end));
}

/** Adds `bytes` octets of options to the length that the OPT at `out[at]` has. */
export function lengthenOpt(out: Uint8Array, at: number, bytes: number): void {
  const length = readU16(out, at + 9) + bytes;
  out[at + 9] = length >> 8;
  out[at + 10] = length & 0xff;
}

/** Octets that a UDP answer may have, given the size a client offers (0 without EDNS). */
export function udpLimitBytes(payloadBytes: number): number {
  // RFC 6891 §6.2.3: values lower than 512 are 512.
  return Math.min(Math.max(payloadBytes, UDP_PLAIN_BYTES_MAX), UDP_EDNS_BYTES_MAX);
}
