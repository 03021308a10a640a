/**
 * From an accepted socket to HTTP: admission, the TLS handshake with the host's certificate, and what was agreed by
 * ALPN. One TLS server for all addresses, which listens on none of them.
 * Implements: RFC 6066 §3 (without a server name that has a certificate the handshake fails), RFC 7301 §3.2.
 * Not here: opening addresses (addresses.ts), limits (connections.ts), certificates (contexts.ts).
 */
import { type Socket } from 'node:net';
import { type SecureContext, type Server, TLSSocket, createServer } from 'node:tls';
import { HTTPS_HANDSHAKE_MS_MAX } from '#base/limits/https.ts';
import { type Connection, type Connections } from './connections.ts';
import { type HandshakeFailure, type PolicyHostCounters } from './counters.ts';
import { type Http1 } from './http1.ts';
import { type Http2 } from './http2.ts';
import { ALPN, CONTEXT_SETTINGS } from './tls-settings.ts';
import { hostOf } from './zone-of-host.ts';

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
  readonly #server: Server;
  /** Connections in their handshake, by the two ends of their socket. */
  readonly #shaking = new Map<string, Connection>();

  constructor(options: TlsFrontOptions) {
    this.#options = options;
    const { context } = options;
    this.#server = createServer({
      ...CONTEXT_SETTINGS,
      ALPNProtocols: ALPN,
      handshakeTimeout: 2 * HTTPS_HANDSHAKE_MS_MAX,
      SNICallback(this: unknown, name, done) {
        const host = hostOf(name);
        // Without a context OpenSSL has no certificate, and says so to the client.
        const client = this instanceof TLSSocket ? this.remoteAddress : undefined;
        done(null, host === undefined ? undefined : context(host, client));
      },
    });
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      options.counters.handshake(reasonOf(error));
      socket.destroy();
    });
  }

  /** Takes an accepted socket, or destroys it. */
  take(socket: Socket): void {
    const connection = this.#options.connections.admit(socket);
    if (connection === undefined) return;
    socket.setNoDelay(true);
    const key = endsOf(socket);
    this.#shaking.set(key, connection);
    socket.once('close', () => {
      if (this.#shaking.get(key) === connection) this.#shaking.delete(key);
    });
    this.#server.emit('connection', socket);
  }

  #secured(socket: TLSSocket): void {
    const { connections, counters, http1, http2 } = this.#options;
    const key = endsOf(socket);
    const connection = this.#shaking.get(key);
    this.#shaking.delete(key);
    socket.on('error', () => socket.destroy());
    const { servername: name } = socket as TLSSocket & { readonly servername?: string | false };
    const host = typeof name === 'string' ? hostOf(name) : undefined;
    if (connection === undefined || host === undefined) {
      counters.handshake('refused');
      socket.destroy();
      return;
    }
    counters.handshake('ok');
    socket.once('close', () => connection.socket.destroy());
    if (!connections.secured(connection, host)) return;
    if (socket.alpnProtocol === 'h2') http2.serve(connection, socket, host);
    else http1.serve(connection, socket, host);
  }
}

/** Unique among the sockets that are open. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** OpenSSL's codes, and Node's. */
function reasonOf(error: Error): HandshakeFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  switch (code) {
    // What the server says when it has no certificate for the name, or no cipher in common.
    case 'ERR_SSL_NO_SHARED_CIPHER':
    case 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM':
      return 'no_certificate';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'closed';
    case 'ERR_TLS_HANDSHAKE_TIMEOUT':
      return 'timeout';
    default:
      if (/ALERT/.test(code)) return 'refused';
      return code.startsWith('ERR_SSL_') ? 'protocol' : 'other';
  }
}
