/**
 * The seam between a TCP connection of DNS (connection.ts) and what carries it: a socket that is read when its
 * connection wants to, and the times at which connections get their turns.
 * Not here: the two that there are, node:net (net-socket.ts) and system calls (epoll-socket.ts).
 */
import { type IpPort } from '#base/address.ts';
import { type ClientAddress } from '#base/client-address.ts';
import { type TcpListener } from '#server/listener.ts';

/** An accepted socket. */
export interface TcpSocket {
  /** Closed: nothing is read, nothing is sent, no event comes. */
  readonly isDestroyed: boolean;
  /** There may be octets at hand beyond those that `read` has returned. */
  readonly hasMore: boolean;
  /** Puts TLS over it, and notes in `client` what the handshake shows; false: it cannot now. Absent: it never does. */
  secure?(client: ClientAddress): boolean;
  /** Called once. Events come from now on. */
  listen(events: TcpSocketEvents): void;
  /**
   * Up to `sizeBytes` octets that have come, valid until the next `read` of any socket of the thread; undefined: there
   * are none now, and `readable` or `ended` comes when there are.
   */
  read(sizeBytes: number): Uint8Array | undefined;
  /** Sends in order. False: the kernel has not taken all of it; `octets` stay as they are until `drained`. */
  write(octets: Uint8Array): boolean;
  /** Sends what was written, then FIN, and closes. */
  end(): void;
  /** Closes at once, in order. */
  destroy(): void;
  /** Closes at once with RST: the kernel keeps nothing of it. */
  reset(): void;
}

export interface TcpSocketEvents {
  /** Octets have come, or FIN. */
  readable(): void;
  /** The kernel has taken everything. */
  drained(): void;
  /** The client has sent FIN, and all before it is read. */
  ended(): void;
  /** A reset, or another error of the system; `closed` follows. */
  failed(): void;
  /** Once, at the end. */
  closed(): void;
}

/** When things are done that are not due at once. Every `task` is called once. */
export interface TcpRounds {
  /** In the next round: what comes in at the sockets is looked at before. */
  soon(task: () => void): void;
  /** After so many milliseconds. Does not keep the process alive. */
  after(ms: number, task: () => void): void;
}

/** For sockets in node's event loop. */
export const NODE_ROUNDS: TcpRounds = {
  soon: (task) => void setImmediate(task),
  after: (ms, task) => void setTimeout(task, Math.ceil(ms)).unref(),
};

/** What carries TCP in one thread. */
export interface TcpCarrier {
  readonly rounds: TcpRounds;
  /** `tls`: all its connections are over TLS. */
  readonly transport: 'tcp' | 'tls';
  /**
   * Binds, or takes `fd`, and starts to accept into `table`. Rejects with the system's error. Closing what it resolves
   * to leaves the table's connections alone.
   */
  listen(address: IpPort, table: Admitting, fd?: number): Promise<TcpListener>;
  /** After the listeners are closed and the table is empty. */
  close(): Promise<void>;
}

/** The table of connections, as a listener sees it. */
export interface Admitting {
  /** This thread's row. */
  readonly counters: Float64Array;
  /** `client`: what counts as one; undefined: it has gone. */
  admit(socket: TcpSocket, client: string | undefined, address: ClientAddress): void;
}
