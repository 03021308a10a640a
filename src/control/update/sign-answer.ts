/**
 * Signs answers of the answer process to queries that are signed with a key for UPDATE, which is only here (ADR 0007).
 * Implements: RFC 8945 §5.2–5.3.
 * Not here: the answer itself (answer/), who passes it on (transfer/signed-queries.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { type Clock } from '#base/clock.ts';
import { readHandedMessage } from '#base/ipc/handed-message.ts';
import { FAULT, HEADER, HEADER_BYTES, answerLimitBytes, newQueryHead, parseQuery } from '#dns/message.ts';
import { type TsigKeys } from '#dns/tsig/key.ts';
import { TsigSigner } from '#dns/tsig/sign.ts';
import { verifyTsig } from '#dns/tsig/verify.ts';
import { RCODE } from '#dns/types.ts';
import { errorSignature, writeUpdateAnswer } from './answer.ts';

export interface AnswerSignerOptions {
  readonly keys: () => TsigKeys;
  readonly clock: Clock;
}

const NOTHING = new Uint8Array(0);

/** The signed answer to the query that `body` has, or the one that says what is wrong with its signature. */
export function signAnswer(body: Uint8Array, { keys, clock }: AnswerSignerOptions): Uint8Array {
  const handed = readHandedMessage(body);
  if (handed === undefined || handed.message.length < 2) return NOTHING;
  const end = 2 + readU16(handed.message, 0);
  if (end > handed.message.length) return NOTHING;
  const [query, answer] = [handed.message.subarray(2, end), handed.message.subarray(end)];
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  const isAnswered = answer.length >= HEADER_BYTES + head.questionLength && head.questionLength > 0;
  if (head.form !== FAULT.NONE || head.tsigAt === 0 || !isAnswered) return NOTHING;
  const now = Math.floor(clock.nowMs() / 1000);
  const verdict = verifyTsig({ message: query, length: query.length, at: head.tsigAt, keys: keys(), now });
  const { transport } = handed;
  if (verdict.kind === 'malformed') return writeUpdateAnswer(query, head, transport, FORMERR, undefined, now);
  const isValid = verdict.kind === 'valid';
  if (!isValid) return writeUpdateAnswer(query, head, transport, NOTAUTH, errorSignature(verdict), now);
  const signer = new TsigSigner(verdict.key, verdict.record.mac);
  const fits = answer.length + signer.bytes <= answerLimitBytes(head, transport);
  const length = fits ? answer.length : HEADER_BYTES + head.questionLength;
  const out = new Uint8Array(length + signer.bytes);
  out.set(answer.subarray(0, length));
  if (!fits) {
    // §5.3: what does not fit with its signature is cut to the question, and truncated.
    out[2]! |= HEADER.TC;
    out.fill(0, 6, HEADER_BYTES);
  }
  return out.subarray(0, signer.sign(out, length, now));
}

const FORMERR = { rcode: RCODE.FORMERR } as const;
const NOTAUTH = { rcode: RCODE.NOTAUTH } as const;
