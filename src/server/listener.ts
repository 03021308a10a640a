/**
 * The seam between sockets and meaning, and what every listener has in common: whatever moves octets (node:dgram, node:net, a batched
 * socket) hands one query to `respond` and sends what it wrote. No listener knows what a question is.
 */
import { type IpPort } from '#base/address.ts';
import { type SendAnswer } from '#answer/later-answer.ts';
import { type MessageStream } from '#answer/message-stream.ts';
import { type ClientAddress } from '#base/client-address.ts';
import { type Transport } from '#dns/message.ts';
import { type InheritedFds } from '#base/ipc/messages.ts';

/** Turns one query into one answer; answer/respond.ts is the real one. */
export interface QueryResponder {
  /** The listener for connections says how long one may be idle; answers can name it (RFC 7828). */
  useIdleTime?(idleMs: () => number): void;
  /** Queries have come that were received together: the clock is looked at once for all of them. */
  beginBatch?(): void;
  /** Does a little, well below a millisecond, of what can wait, in a moment without queries; true when there is more of it. */
  work?(): boolean;
  /**
   * Writes the answer to the first `length` octets of `query` into `out` and returns its length, 0 for no answer. `out`
   * holds UDP_EDNS_BYTES_MAX octets over UDP, MESSAGE_BYTES_MAX else. `client` is who asks, as far as the packet
   * tells.
   * Not over UDP it may return ANSWER_IS_STREAM instead, having written nothing: the answer is then what `stream`
   * returns.
   * Synchronous; never throws but for a bug of ours. Keeps neither arrays nor `client`: they are used again.
   */
  respond(query: Uint8Array, length: number, out: Uint8Array, transport: Transport, client: ClientAddress): number;
  /**
   * Called at once after `respond` has returned ANSWER_IS_STREAM, with the same query and client; keeps neither. Never
   * called otherwise.
   */
  stream?(query: Uint8Array, length: number, client: ClientAddress): MessageStream;
  /**
   * Called at once after `respond` has returned ANSWER_IS_LATER, having written nothing: `send` gets the answer when it
   * comes. Never called otherwise.
   */
  later?(send: SendAnswer): void;
}

export interface Listener {
  /** Stops taking new work, finishes what it has within `graceMs`, and resolves when every socket is closed. */
  close(graceMs: number): Promise<void>;
}

/** The UDP sockets of one thread, whatever reads them. */
export interface UdpListener extends Listener {
  /** As bound, in the order given. */
  readonly addresses: readonly IpPort[];
  /** Answers handed to the kernel that it has not taken yet. */
  pendingSends(): number;
}

/**
 * Opens them, in the SO_REUSEPORT groups of their addresses, but those that are `inherited`. `counters` is the thread's
 * row. Rejects with the system's error, leaving nothing open.
 */
export type OpenUdp = (
  addresses: readonly IpPort[],
  responder: QueryResponder,
  counters: Float64Array,
  inherited?: InheritedFds,
) => Promise<UdpListener>;

/** A listening TCP socket. */
export interface TcpListener extends Listener {
  readonly address: IpPort;
}
