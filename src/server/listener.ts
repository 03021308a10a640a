/**
 * The seam between sockets and meaning, and what every listener has in common: whatever moves octets (node:dgram, node:net, a batched
 * socket) hands one query to `respond` and sends what it wrote. No listener knows what a question is.
 */
import { type IpPort } from '#base/address.ts';

/** Turns one query into one answer; answer/respond.ts is the real one. */
export interface QueryResponder {
  /**
   * Writes the answer to the first `length` octets of `query` into `out` and returns its length, 0 for no answer.
   * Synchronous; never throws but for a bug of ours. Keeps neither array.
   */
  respond(query: Uint8Array, length: number, out: Uint8Array, transport: 'udp' | 'tcp'): number;
}

/** A bound socket. */
export interface Listener {
  readonly address: IpPort;
  /** Stops taking new work, finishes what it has within `graceMs`, and resolves when every socket is closed. */
  close(graceMs: number): Promise<void>;
}

/** A UDP socket, whatever reads it. */
export interface UdpListener extends Listener {
  /** Answers handed to the kernel that it has not taken yet. */
  pendingSends(): number;
}

/** A listening TCP socket. */
export type TcpListener = Listener;
