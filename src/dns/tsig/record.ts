/**
 * The TSIG record: read from the end of a message, and written there.
 * Implements: RFC 8945 §4.2 (form), §5.1 (last record of the additional section), RFC 1035 §4.1.4 (its owner may be
 * compressed, its algorithm not).
 * Not here: whether the MAC is right (verify.ts).
 */
import { assert } from '#base/assert.ts';
import { copyOf, readU16, readU32 } from '#base/bytes.ts';
import { readOwner } from '#dns/compression.ts';
import { type Name, lowerName, nameLengthAt } from '#dns/name.ts';
import { CLASS, TYPE } from '#dns/types.ts';

/** Errors of TSIG itself (RFC 8945 §3); the message around it says NOTAUTH. */
export const TSIG_ERROR = { NONE: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

export interface TsigRecord {
  /** Where it begins in the message: all before is what the MAC is of. */
  readonly at: number;
  /** Lower-case. */
  readonly keyName: Name;
  /** Lower-case. */
  readonly algorithm: Name;
  /** Seconds since 1970, 48 bits. */
  readonly timeSigned: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  readonly error: number;
  readonly other: Uint8Array;
}

/** Octets of the RDATA but for the algorithm's name, the MAC and the other data. */
const FIXED_BYTES = 16;
/** Type, class, TTL, RDLENGTH. */
const HEAD_BYTES = 10;
const U16 = 0x1_0000;
const U32 = 2 ** 32;

/**
 * The TSIG record at `at` of the first `length` octets of `message`, which ends there; undefined when it is malformed.
 * All arrays are copies.
 */
export function readTsig(message: Uint8Array, at: number, length: number): TsigRecord | undefined {
  const owner = readOwner(message, at, length);
  if (owner === undefined) return undefined;
  const { end } = owner;
  const start = end + HEAD_BYTES;
  // RFC 8945 §4.2: class ANY, TTL 0.
  if (start > length || readU16(message, end) !== TYPE.TSIG) return undefined;
  if (readU16(message, end + 2) !== CLASS.ANY) return undefined;
  if (readU32(message, end + 4) !== 0 || start + readU16(message, end + 8) !== length) return undefined;
  const nameLength = nameLengthAt(message.subarray(0, length), start);
  const fixed = start + nameLength;
  if (nameLength === 0 || fixed + FIXED_BYTES > length) return undefined;
  const macBytes = readU16(message, fixed + 8);
  const behind = fixed + 10 + macBytes;
  if (behind + 6 > length) return undefined;
  const otherBytes = readU16(message, behind + 4);
  if (behind + 6 + otherBytes !== length) return undefined;
  return {
    at,
    keyName: lowerName(owner.name),
    algorithm: lowerName(copyOf(message, start, fixed)),
    timeSigned: readU16(message, fixed) * U32 + readU32(message, fixed + 2),
    fudge: readU16(message, fixed + 6),
    mac: copyOf(message, fixed + 10, behind),
    originalId: readU16(message, behind),
    error: readU16(message, behind + 2),
    other: copyOf(message, behind + 6, length),
  };
}

/** Octets of a TSIG record with a MAC and other data of these lengths. */
export function tsigBytes(keyName: Name, algorithm: Name, macBytes: number, otherBytes: number): number {
  return keyName.length + HEAD_BYTES + algorithm.length + FIXED_BYTES + macBytes + otherBytes;
}

/** Writes the record at `at` of `out`, counts it in the header's ARCOUNT, and returns where it ends. */
export function appendTsig(out: Uint8Array, at: number, record: Omit<TsigRecord, 'at'>): number {
  const { keyName, algorithm, mac, other } = record;
  const end = at + tsigBytes(keyName, algorithm, mac.length, other.length);
  assert(end <= out.length, `a TSIG record ends at ${end}, the buffer at ${out.length}`);
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  let next = at;
  const put = (octets: Uint8Array): void => {
    out.set(octets, next);
    next += octets.length;
  };
  put(keyName);
  view.setUint16(next, TYPE.TSIG);
  view.setUint16(next + 2, CLASS.ANY);
  view.setUint32(next + 4, 0);
  view.setUint16(next + 8, end - next - HEAD_BYTES);
  next += HEAD_BYTES;
  put(algorithm);
  put(timeOctets(record.timeSigned));
  view.setUint16(next, record.fudge);
  view.setUint16(next + 2, mac.length);
  next += 4;
  put(mac);
  view.setUint16(next, record.originalId);
  view.setUint16(next + 2, record.error);
  view.setUint16(next + 4, other.length);
  next += 6;
  put(other);
  view.setUint16(10, view.getUint16(10) + 1);
  return end;
}

/** 48 bits. */
export function timeOctets(seconds: number): Uint8Array {
  const octets = new Uint8Array(6);
  const view = new DataView(octets.buffer);
  view.setUint16(0, Math.floor(seconds / U32) % U16);
  view.setUint32(2, seconds % U32);
  return octets;
}
