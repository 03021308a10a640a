/**
 * Signs messages: requests, answers, and all messages of an answer of many.
 * Implements: RFC 8945 §5.3 (answers), §5.3.1 (streams: every message is signed, each MAC covers the one before),
 * §5.3.2 (errors: BADKEY and BADSIG are not signed, BADTIME tells the server's time).
 */
import { readU16 } from '#base/bytes.ts';
import { TSIG_FUDGE_SECONDS } from '#base/limits/transfer.ts';
import { type TsigKey } from './key.ts';
import { tsigMac } from './mac.ts';
import { TSIG_ERROR, appendTsig, timeOctets, tsigBytes } from './record.ts';
import { type TsigVerdict } from './verify.ts';

const NOTHING = new Uint8Array(0);

/** Signs one message after another, as they are sent. */
export class TsigSigner {
  readonly #key: TsigKey;
  #prior: Uint8Array | undefined;
  #isContinued = false;

  /** `requestMac`: of the request that is answered; absent for a request of our own. */
  constructor(key: TsigKey, requestMac?: Uint8Array) {
    this.#key = key;
    this.#prior = requestMac;
  }

  /** Octets that signing adds to a message. */
  get bytes(): number {
    const { name, algorithm, macBytes } = this.#key;
    return tsigBytes(name, algorithm.wire, macBytes, 0);
  }

  /** The MAC of the last message: what the answer to a request is signed with. */
  get mac(): Uint8Array | undefined {
    return this.#prior;
  }

  /** Signs the first `length` octets of `out` at `now`, seconds since 1970; returns the new length. */
  sign(out: Uint8Array, length: number, now: number): number {
    const originalId = readU16(out, 0);
    const error = TSIG_ERROR.NONE;
    const variables = { timeSigned: now, fudge: TSIG_FUDGE_SECONDS, originalId, error, other: NOTHING };
    const { name: keyName, algorithm, macBytes } = this.#key;
    const whole = tsigMac(this.#key, {
      message: out,
      length,
      additional: readU16(out, 10),
      variables,
      prior: this.#prior,
      isContinued: this.#isContinued,
    });
    const mac = whole.subarray(0, macBytes);
    this.#prior = mac;
    this.#isContinued = true;
    return appendTsig(out, length, { ...variables, keyName, algorithm: algorithm.wire, mac });
  }
}

/** A request, signed where there is a key, and its MAC, which the answer is checked with. */
export function signedRequest(
  request: Uint8Array,
  key: TsigKey | undefined,
  now: number,
): { readonly message: Uint8Array; readonly mac: Uint8Array | undefined } {
  if (key === undefined) return { message: request, mac: undefined };
  const signer = new TsigSigner(key);
  const out = new Uint8Array(request.length + signer.bytes);
  out.set(request);
  const message = out.subarray(0, signer.sign(out, request.length, now));
  return { message, mac: signer.mac };
}

/**
 * Appends the TSIG record that tells `verdict` to the first `length` octets of `out`, an answer with NOTAUTH; returns
 * the new length.
 */
export function appendTsigError(
  out: Uint8Array,
  length: number,
  { error, key, record }: Extract<TsigVerdict, { kind: 'invalid' }>,
  now: number,
): number {
  const isTime = error === TSIG_ERROR.BADTIME;
  const variables = {
    // §5.2.3: the client's time comes back, so that the client takes the answer for fresh; ours is in the other data.
    timeSigned: key === undefined || isTime ? record.timeSigned : now,
    fudge: isTime || key === undefined ? record.fudge : TSIG_FUDGE_SECONDS,
    originalId: readU16(out, 0),
    error,
    other: isTime ? timeOctets(now) : NOTHING,
  };
  const { keyName, algorithm } = record;
  if (key === undefined) return appendTsig(out, length, { ...variables, keyName, algorithm, mac: NOTHING });
  const whole = tsigMac(key, { message: out, length, additional: readU16(out, 10), variables, prior: record.mac });
  return appendTsig(out, length, { ...variables, keyName, algorithm, mac: whole.subarray(0, key.macBytes) });
}

/** Octets that `appendTsigError` adds. */
export function tsigErrorBytes({ error, key, record }: Extract<TsigVerdict, { kind: 'invalid' }>): number {
  return tsigBytes(record.keyName, record.algorithm, key?.macBytes ?? 0, error === TSIG_ERROR.BADTIME ? 6 : 0);
}

/** For logs: what the numbers of RFC 8945 §3 are called. */
export function tsigErrorName(error: number): string {
  return Object.entries(TSIG_ERROR).find(([, number]) => number === error)?.[0] ?? `error ${error}`;
}
