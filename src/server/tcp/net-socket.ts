/**
 * A TCP socket by node:net, with TLS over it or without.
 * Not here: listening (tcp.ts), TLS itself (server/tls/tls-front.ts), the other way (epoll-socket.ts).
 */
import { type Socket } from 'node:net';
import { type ClientAddress } from '#base/client-address.ts';
import { type TcpSocket, type TcpSocketEvents } from './tcp-socket.ts';

/**
 * Puts TLS over an accepted connection, and notes what the handshake shows of the client; undefined: it cannot now, and
 * the connection is to end.
 */
export type Secure = (socket: Socket, client: ClientAddress) => Socket | undefined;

export class NetSocket implements TcpSocket {
  readonly #secure: Secure | undefined;
  /** The TCP connection, below TLS too. */
  readonly #carrier: Socket;
  /** What is read and written. */
  #socket: Socket;
  #isHeard = false;
  #hasEnded = false;

  constructor(carrier: Socket, secure?: Secure) {
    this.#carrier = carrier;
    this.#socket = carrier;
    this.#secure = secure;
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed;
  }

  get hasMore(): boolean {
    return this.#socket.readableLength > 0;
  }

  secure(client: ClientAddress): boolean {
    if (this.#secure === undefined) return true;
    const secured = this.#secure(this.#carrier, client);
    this.#socket = secured ?? this.#carrier;
    return secured !== undefined;
  }

  listen(events: TcpSocketEvents): void {
    this.#isHeard = true;
    const socket = this.#socket;
    // Not 'data': what is not read here stays in the socket's one buffer, and node then stops reading from the kernel.
    socket.on('readable', () => events.readable());
    socket.on('drain', () => events.drained());
    socket.on('end', () => {
      this.#hasEnded = true;
      events.ended();
    });
    socket.on('error', () => events.failed());
    socket.once('close', () => events.closed());
  }

  read(sizeBytes: number): Uint8Array | undefined {
    const available = this.#socket.readableLength;
    const octets: unknown = this.#socket.read(available === 0 ? undefined : Math.min(available, sizeBytes));
    return octets instanceof Uint8Array ? octets : undefined;
  }

  write(octets: Uint8Array): boolean {
    this.#socket.write(octets);
    return this.#socket.writableLength === 0;
  }

  end(): void {
    const socket = this.#socket;
    // The client has ended its side and has everything: to close is to send FIN, and one system call less.
    if (this.#hasEnded && socket === this.#carrier && socket.writableLength === 0) socket.destroy();
    else socket.end(() => socket.destroy());
  }

  destroy(): void {
    this.#quiet();
    this.#socket.destroy();
  }

  reset(): void {
    this.#quiet();
    this.#carrier.resetAndDestroy();
  }

  /** Reset by the client before it had a place: an error that no code waits for. */
  #quiet(): void {
    if (!this.#isHeard) this.#carrier.on('error', () => undefined);
  }
}
