/**
 * The seam between ordinary answers and those that need a key: signed queries, zone transfers, and TKEY.
 * Not here: what is behind it (transfer/).
 */
import { type ClientAddress } from '#base/client-address.ts';
import { type QueryHead, type Transport } from '#dns/message.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type MessageStream } from './message-stream.ts';

/**
 * What answers and counts messages that need a key. A query of it that is an ordinary one is given back to `respond`,
 * without its TSIG.
 */
export interface SignedAnswers {
  /** As `respond`, of a well-formed query that `head` was read from; `head` is good until `respond` is called. */
  answer(
    query: Uint8Array,
    length: number,
    head: Readonly<QueryHead>,
    out: Uint8Array,
    transport: Transport,
    client?: ClientAddress,
  ): number;
  /** The answer that `answer` has just returned ANSWER_IS_STREAM for. */
  takeStream(): MessageStream | undefined;
}

/** A type whose answer has to do with keys, whether the query is signed or not. */
export function needsKey(type: RrType): boolean {
  return isTransfer(type) || type === TYPE.TKEY;
}

/** A type that is asked for to get a whole zone, or what changed in it. */
export function isTransfer(type: RrType): boolean {
  return type === TYPE.AXFR || type === TYPE.IXFR;
}
