/**
 * What a request for a transfer says beyond its question.
 * Implements: RFC 1995 §3 (IXFR: the SOA that the client has is in the authority section).
 */
import { readU16, readU32 } from '#base/bytes.ts';
import { HEADER_BYTES, type QueryHead } from '#dns/message.ts';
import { type Serial } from '#dns/serial.ts';
import { compressedNameEnd } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';

/** SERIAL and the four numbers behind it end the RDATA (RFC 1035 §3.3.13). */
const SOA_NUMBERS_BYTES = 20;
/** Two names of one octet each, and the numbers. */
const SOA_BYTES_MIN = 2 + SOA_NUMBERS_BYTES;

/** The serial of the first SOA in the authority section of a well-formed query; undefined without one. */
export function readClientSerial(query: Uint8Array, head: Readonly<QueryHead>): Serial | undefined {
  // Answers in a query come first, and there are none in any honest one.
  if (readU16(query, 6) !== 0 || readU16(query, 8) === 0) return undefined;
  const at = compressedNameEnd(query, HEADER_BYTES + head.questionLength);
  const bytes = readU16(query, at + 8);
  if (readU16(query, at) !== TYPE.SOA || bytes < SOA_BYTES_MIN) return undefined;
  return readU32(query, at + 10 + bytes - SOA_NUMBERS_BYTES);
}
