/**
 * An answer that is a code: header, the question as it came, OPT where the query has one.
 * Implements: RFC 1035 §4.1.1, RFC 2136 §3.8 (the zone section comes back), RFC 6891 §6.1.1, RFC 8914 §2 (with a text).
 * Not here: signing it (dns/tsig/sign.ts), answers from zones (answer/).
 */
import { edeOption, lengthenOpt, writeOpt } from '#dns/edns.ts';
import { HEADER_BYTES, type QueryHead, writeHeader } from '#dns/message.ts';

export interface AnswerCode {
  readonly rcode: number;
  /** Extended error: code and text. */
  readonly ede?: readonly [code: number, text: string];
  readonly isAuthoritative?: boolean;
  readonly isTruncated?: boolean;
}

/** Writes it into `out`, which has space for it, and returns its length. */
export function writeCode(query: Uint8Array, head: Readonly<QueryHead>, out: Uint8Array, code: AnswerCode): number {
  const { rcode, ede, isAuthoritative = false, isTruncated = false } = code;
  const opt = HEADER_BYTES + head.questionLength;
  out.set(query.subarray(HEADER_BYTES, opt), HEADER_BYTES);
  writeHeader(out, head, rcode, isAuthoritative, isTruncated);
  if (!head.edns) return opt;
  out[11] = 1;
  const end = writeOpt(out, opt, rcode, head.dnssecOk, -1);
  if (ede === undefined) return end;
  const option = edeOption(...ede);
  out.set(option, end);
  lengthenOpt(out, opt, option.length);
  return end + option.length;
}
