/**
 * The answer to an UPDATE as octets: its zone section, an extended error where the client has EDNS, signed.
 * Implements: RFC 2136 §3.8 (id, opcode and zone come back), RFC 8914 §2 (EDE with text), RFC 8945 §5.3.
 */
import { EDE_TEXT_BYTES_MAX } from '#base/limits/dns.ts';
import { OPT_BYTES, edeOption, lengthenOpt, writeOpt } from '#dns/edns.ts';
import { HEADER_BYTES, type QueryHead, type Transport, answerLimitBytes, writeHeader } from '#dns/message.ts';
import { appendTsigError, tsigErrorBytes } from '#dns/tsig/sign.ts';
import { type TsigVerdict } from '#dns/tsig/verify.ts';

export interface UpdateVerdict {
  readonly rcode: number;
  /** Extended error: code and text. */
  readonly ede?: readonly [code: number, text: string];
}

/** What signs the answer: a TsigSigner with the key of the request, or what tells an error. */
export interface AnswerSignature {
  /** Octets that it adds. */
  readonly bytes: number;
  /** Appends it to the first `length` octets of `out` at `now`, seconds since 1970; returns the new length. */
  sign(out: Uint8Array, length: number, now: number): number;
}

/** Tells what is wrong with the signature of the request. */
export function errorSignature(verdict: Extract<TsigVerdict, { kind: 'invalid' }>): AnswerSignature {
  return { bytes: tsigErrorBytes(verdict), sign: (out, length, now) => appendTsigError(out, length, verdict, now) };
}

/** OPT, with as many options as there may be. */
const EDNS_BYTES_MAX = OPT_BYTES + 6 + EDE_TEXT_BYTES_MAX;

/** `now`: seconds since 1970. */
export function writeUpdateAnswer(
  query: Uint8Array,
  head: QueryHead,
  transport: Transport,
  { rcode, ede }: UpdateVerdict,
  signature: AnswerSignature | undefined,
  now: number,
): Uint8Array {
  const limit = answerLimitBytes(head, transport);
  const behind = signature?.bytes ?? 0;
  const out = new Uint8Array(HEADER_BYTES + head.questionLength + EDNS_BYTES_MAX + behind);
  out.set(query.subarray(HEADER_BYTES, HEADER_BYTES + head.questionLength), HEADER_BYTES);
  let end = HEADER_BYTES + head.questionLength;
  writeHeader(out, head, rcode, false, false);
  if (head.edns) {
    const opt = end;
    end = writeOpt(out, opt, rcode, head.dnssecOk, -1);
    out[11] = 1;
    const option = ede === undefined ? undefined : edeOption(...ede);
    // The text goes first where not all fits.
    if (option !== undefined && end + option.length + behind <= limit) {
      out.set(option, end);
      lengthenOpt(out, opt, option.length);
      end += option.length;
    }
  }
  return out.subarray(0, signature?.sign(out, end, now) ?? end);
}
