/**
 * From an accepted socket to HTTP: admission, the TLS handshake with the host's certificate, and what was agreed by
 * ALPN.
 * Implements: RFC 6066 §3 (without a server name that has a certificate the handshake fails), RFC 7301 §3.2.
 * Not here: opening addresses (addresses.ts), limits (connections.ts), the server name (tls/client-hello.ts),
 * certificates and sessions (tls/contexts.ts).
 */
import { type Socket } from 'node:net';
import { type SecureContext, TLSSocket, createSecureContext } from 'node:tls';
import { peekServerName } from '#policy-host/tls/client-hello.ts';
import { type Connection, type Connections } from './connections.ts';
import { type HandshakeFailure, type PolicyHostCounters } from './counters.ts';
import { type Http1 } from './http1.ts';
import { type Http2 } from './http2.ts';
import { CONTEXT_SETTINGS } from '#base/tls/settings.ts';
import { hostOf } from './zone-of-host.ts';

/** In the order in which the policy host prefers them. */
const ALPN = ['h2', 'http/1.1'];

export interface TlsFrontOptions {
  readonly connections: Connections;
  readonly counters: PolicyHostCounters;
  /** The context for a host, for a client at this address; undefined: no handshake. */
  readonly context: (host: string, client: string | undefined) => SecureContext | undefined;
  readonly http1: Http1;
  readonly http2: Http2;
}

export class TlsFront {
  readonly #options: TlsFrontOptions;
  /** Without a certificate: OpenSSL tells the client that there is none, or what is wrong with its hello. */
  readonly #none = createSecureContext(CONTEXT_SETTINGS);

  constructor(options: TlsFrontOptions) {
    this.#options = options;
  }

  /** Takes an accepted socket, or destroys it. */
  take(socket: Socket): void {
    const connection = this.#options.connections.admit(socket);
    if (connection === undefined) return;
    socket.setNoDelay(true);
    let peeked: Buffer | undefined;
    const failed = (error: Error): void => this.#failed(socket, error);
    const ended = (): void => this.#failed(socket, undefined);
    const look = (part: Buffer): void => {
      peeked = peeked === undefined ? part : Buffer.concat([peeked, part]);
      const found = peekServerName(peeked);
      if (found.kind === 'more') return;
      socket.off('data', look).off('error', failed).off('end', ended);
      socket.pause();
      socket.unshift(peeked);
      this.#shake(connection, found.name === undefined ? undefined : hostOf(found.name));
    };
    socket.on('data', look).on('error', failed).on('end', ended);
  }

  /** `host`: undefined when the client named none that could be ours. */
  #shake(connection: Connection, host: string | undefined): void {
    const { socket, client } = connection;
    const own = host === undefined ? undefined : this.#options.context(host, client);
    const secureContext = own ?? this.#none;
    const secured = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ALPN });
    let isSecure = false;
    secured.once('secure', () => {
      isSecure = true;
      // As Node's own server does; HTTP/2 would wait for it.
      Object.assign(secured, { secureConnecting: false });
      this.#secured(connection, secured, host);
    });
    secured.on('error', (error) => {
      if (isSecure) secured.destroy();
      else this.#failed(secured, error);
    });
    secured.once('close', () => socket.destroy());
    // A client that goes away in the middle of its handshake.
    socket.once('close', () => secured.destroy());
    secured.once('end', () => {
      if (!isSecure) this.#failed(secured, undefined);
    });
  }

  #secured(connection: Connection, socket: TLSSocket, host: string | undefined): void {
    const { connections, counters, http1, http2 } = this.#options;
    // A second hello that names another host; a session of TLS 1.2 that is resumed tells no name.
    const { servername: told } = socket as TLSSocket & { readonly servername?: string | false | null };
    if (host === undefined || (typeof told === 'string' && hostOf(told) !== host)) {
      counters.handshake('refused');
      socket.destroy();
      return;
    }
    counters.handshake('ok');
    if (!connections.secured(connection, host)) return;
    if (socket.alpnProtocol === 'h2') http2.serve(connection, socket, host);
    else http1.serve(connection, socket, host);
  }

  #failed(socket: Socket, error: Error | undefined): void {
    if (!socket.destroyed || error !== undefined) this.#options.counters.handshake(reasonOf(error));
    socket.destroy();
  }
}

/** OpenSSL's codes, and Node's. */
function reasonOf(error: Error | undefined): HandshakeFailure {
  if (error === undefined) return 'closed';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  switch (code) {
    // What the server says when it has no certificate for the name, or no cipher in common.
    case 'ERR_SSL_NO_SHARED_CIPHER':
    case 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM':
      return 'no_certificate';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'closed';
    default:
      if (/ALERT/.test(code)) return 'refused';
      return code.startsWith('ERR_SSL_') ? 'protocol' : 'other';
  }
}
