/**
 * What a TSIG MAC is of, and the MAC.
 * Implements: RFC 8945 §4.3 (digest components), §5.3.1 (messages of a stream after the first: timers only).
 * Not here: the record that carries it (record.ts).
 */
import { createHmac, type Hmac } from 'node:crypto';
import { copyOf } from '#base/bytes.ts';
import { HEADER_BYTES } from '#dns/message.ts';
import { CLASS } from '#dns/types.ts';
import { type TsigKey } from './key.ts';
import { type TsigRecord, timeOctets } from './record.ts';

/** Those of a record that the MAC covers. */
export type MacVariables = Pick<TsigRecord, 'timeSigned' | 'fudge' | 'originalId' | 'error' | 'other'>;

export interface MacInput {
  /** The first `length` octets are the message without its TSIG record. */
  readonly message: Uint8Array;
  readonly length: number;
  /** ARCOUNT without the TSIG record. */
  readonly additional: number;
  readonly variables: MacVariables;
  /** In an answer: the MAC of the request; in a later message of a stream: that of the message before. */
  readonly prior?: Uint8Array | undefined;
  /** In a stream: messages since the one before that was signed (RFC 8945 §5.3.1). */
  readonly unsigned?: readonly Uint8Array[];
  /** A later message of a stream. */
  readonly isContinued?: boolean;
}

/** The whole MAC, `algorithm.macBytes` octets. */
export function tsigMac(key: TsigKey, input: MacInput): Uint8Array {
  const { message, length, additional, variables, prior, unsigned = [], isContinued = false } = input;
  const hmac = createHmac(key.algorithm.hash, key.secret);
  if (prior !== undefined) {
    hmac.update(u16(prior.length));
    hmac.update(prior);
  }
  for (const each of unsigned) hmac.update(each);
  // §4.3.2: as before the record was added, with the id that the sender gave.
  const header = copyOf(message, 0, HEADER_BYTES);
  header.set(u16(variables.originalId), 0);
  header.set(u16(additional), 10);
  hmac.update(header);
  hmac.update(message.subarray(HEADER_BYTES, length));
  if (isContinued) updateTimers(hmac, variables);
  else {
    hmac.update(key.name);
    hmac.update(CLASS_AND_TTL);
    hmac.update(key.algorithm.wire);
    updateTimers(hmac, variables);
    hmac.update(u16(variables.error));
    hmac.update(u16(variables.other.length));
    hmac.update(variables.other);
  }
  return new Uint8Array(hmac.digest());
}

function updateTimers(hmac: Hmac, { timeSigned, fudge }: MacVariables): void {
  hmac.update(timeOctets(timeSigned));
  hmac.update(u16(fudge));
}

const CLASS_AND_TTL = Uint8Array.of(0, CLASS.ANY, 0, 0, 0, 0);

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
