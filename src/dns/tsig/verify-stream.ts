/**
 * Whether all messages of an answer of many are from who has the key.
 * Implements: RFC 8945 §5.3.1 (the first and the last message are signed, at most 99 in a row between are not; each MAC
 * covers the one before and all since), §5.4 (what a client makes of errors).
 * Not here: one message (verify.ts), what is in them (transfer/incoming-transfer.ts).
 */
import { timingSafeEqual } from 'node:crypto';
import { copyOf, equalBytes, readU16 } from '#base/bytes.ts';
import { TSIG_UNSIGNED_MESSAGES_MAX } from '#base/limits/transfer.ts';
import { type TsigKey } from './key.ts';
import { tsigMac } from './mac.ts';
import { TSIG_ERROR, readTsig } from './record.ts';
import { tsigErrorName } from './sign.ts';

export class TsigStreamVerifier {
  readonly #key: TsigKey;
  #prior: Uint8Array;
  /** Messages since the last one that was signed. */
  #unsigned: Uint8Array[] = [];
  #isFirst = true;

  constructor(key: TsigKey, requestMac: Uint8Array) {
    this.#key = key;
    this.#prior = requestMac;
  }

  /** The stream may end here: its last message was signed. */
  get isSigned(): boolean {
    return !this.#isFirst && this.#unsigned.length === 0;
  }

  /**
   * The next message, whose TSIG record begins at `at` (0: it has none), received at `now`, seconds since 1970. What is
   * wrong, in words that follow the sender's address; undefined: nothing. Never throws.
   */
  take(message: Uint8Array, at: number, now: number): string | undefined {
    if (at === 0) {
      if (this.#isFirst) return 'answers without a signature';
      if (this.#unsigned.length >= TSIG_UNSIGNED_MESSAGES_MAX) return 'leaves too many messages without a signature';
      this.#unsigned.push(copyOf(message, 0, message.length));
      return undefined;
    }
    const record = readTsig(message, at, message.length);
    if (record === undefined) return 'sends a malformed TSIG record';
    const { error, mac } = record;
    // §5.4.2–5.4.3: BADKEY and BADSIG are not signed, so nothing more can be known of them.
    if (error !== TSIG_ERROR.NONE) return `answers ${tsigErrorName(error)}${hint(error)}`;
    const { name, algorithm, macBytes } = this.#key;
    const isOurs = equalBytes(record.keyName, name) && equalBytes(record.algorithm, algorithm.wire);
    if (!isOurs) return 'signs with another key';
    if (mac.length < macBytes || mac.length > algorithm.macBytes) return 'sends a MAC of a wrong length';
    const whole = tsigMac(this.#key, {
      message,
      length: at,
      additional: readU16(message, 10) - 1,
      variables: record,
      prior: this.#prior,
      unsigned: this.#unsigned,
      isContinued: !this.#isFirst,
    });
    if (!timingSafeEqual(whole.subarray(0, mac.length), mac)) return 'sends a signature that is wrong';
    const apart = Math.abs(now - record.timeSigned);
    if (apart > record.fudge) return `signs with a clock that differs by ${apart} s`;
    this.#prior = mac;
    this.#unsigned = [];
    this.#isFirst = false;
    return undefined;
  }
}

function hint(error: number): string {
  if (error === TSIG_ERROR.BADKEY) return ' (it does not know the key of that name and algorithm)';
  if (error === TSIG_ERROR.BADSIG) return ' (the secrets differ)';
  if (error === TSIG_ERROR.BADTIME) return ' (the clocks differ)';
  return '';
}
