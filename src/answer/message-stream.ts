/**
 * An answer of many messages, as a zone transfer is.
 * Not here: what is in them (transfer/), sending them (server/tcp/connection.ts).
 */

/** Returned by `respond` in place of a length. A number, so that queries with one answer cost nothing more. */
export const ANSWER_IS_STREAM = -1;

/**
 * The connection asks for the next message when the client has taken those before, so a stream makes messages one by
 * one and keeps none.
 */
export interface MessageStream {
  /**
   * Writes the next message into `out`, which holds MESSAGE_BYTES_MAX octets, and returns its length; 0: there
   * are no more. Synchronous, and well below a millisecond; never throws but for a bug of ours. Does not keep `out`.
   */
  next(out: Uint8Array): number;
  /** Called once, after the last message or when the connection is gone: whatever the stream holds is released. */
  close(): void;
}
