/**
 * Whether a signed message is from who has the key.
 * Implements: RFC 8945 §5.2 (key, MAC, time, length of the MAC, in this order), §5.2.2.1 (MACs that are cut short),
 * §10.1 (compared in constant time).
 * Not here: what the key is granted (transfer/grants.ts), the answer to a message that fails (sign.ts).
 */
import { timingSafeEqual } from 'node:crypto';
import { equalBytes, readU16 } from '#base/bytes.ts';
import { shortestMacBytes } from './algorithm.ts';
import { type TsigKey, type TsigKeys } from './key.ts';
import { tsigMac } from './mac.ts';
import { TSIG_ERROR, type TsigRecord, readTsig } from './record.ts';

export type TsigVerdict<Key extends TsigKey = TsigKey> =
  | { readonly kind: 'valid'; readonly key: Key; readonly record: TsigRecord }
  /** No TSIG record that can be read, or a MAC of an impossible length: FORMERR. */
  | { readonly kind: 'malformed' }
  /** NOTAUTH; the answer is signed when there is a key. */
  | { readonly kind: 'invalid'; readonly error: number; readonly key: Key | undefined; readonly record: TsigRecord };

export interface VerifyInput<Key extends TsigKey> {
  readonly message: Uint8Array;
  readonly length: number;
  /** Where the TSIG record begins; it is the last one. */
  readonly at: number;
  readonly keys: TsigKeys<Key>;
  /** Seconds since 1970. */
  readonly now: number;
  /** In an answer: the MAC of the request. */
  readonly prior?: Uint8Array | undefined;
}

/** Never throws: any octets have a verdict. */
export function verifyTsig<Key extends TsigKey>(input: VerifyInput<Key>): TsigVerdict<Key> {
  const { message, length, at, keys, now, prior } = input;
  const record = readTsig(message, at, length);
  if (record === undefined) return { kind: 'malformed' };
  const invalid = (error: number, known: Key | undefined) => ({ kind: 'invalid', error, key: known, record }) as const;
  const key = keys.find(record.keyName);
  // §5.2.1: a key with another algorithm is not known.
  if (key === undefined || !equalBytes(key.algorithm.wire, record.algorithm))
    // The answer cannot be signed.
    return invalid(TSIG_ERROR.BADKEY, undefined);
  const { mac } = record;
  if (mac.length > key.algorithm.macBytes || mac.length < shortestMacBytes(key.algorithm.macBytes)) {
    // An answer to a request with another key's error has none (§5.3.2); that is no MAC of a wrong length.
    return mac.length === 0 ? invalid(TSIG_ERROR.BADSIG, undefined) : { kind: 'malformed' };
  }
  const whole = tsigMac(key, { message, length: at, additional: readU16(message, 10) - 1, variables: record, prior });
  if (!timingSafeEqual(whole.subarray(0, mac.length), mac)) return invalid(TSIG_ERROR.BADSIG, undefined);
  if (Math.abs(now - record.timeSigned) > record.fudge) return invalid(TSIG_ERROR.BADTIME, key);
  // §5.2.4: only now, so that a stranger learns nothing of what is accepted.
  if (mac.length < key.macBytes) return invalid(TSIG_ERROR.BADTRUNC, key);
  return { kind: 'valid', key, record };
}
