/**
 * A connection to one name server over which DNS messages go, each with its length before it: TCP, or TLS to a server
 * that proves who it is. An edge: whatever goes wrong is a text.
 * Implements: RFC 7766 §8, RFC 9103 §7 (TLS 1.3, ALPN `dot` is offered), §9.3 (strict: the server is authenticated),
 * §9.3.3 (a certificate of our own), RFC 8310 §8.1 (by name), RFC 7858 §4.2 (by pinned key).
 * Not here: what is said (stream-exchange.ts, control/secondary/fetch-zone.ts), resolvers (dot-connection.ts).
 */
import { Socket, connect as connectTcp } from 'node:net';
import { TLSSocket, connect as connectTls } from 'node:tls';
import { type IpPort } from '#base/address.ts';
import { keyPin } from '#base/tls/key-pin.ts';
import { type ClientCertificate, trustedContext } from '#base/tls/trusted-context.ts';

/** How a server proves who it is over TLS: each that is given must hold, and one is. */
export interface StreamTls {
  /** The name that its certificate must have, from a root that is trusted. */
  readonly host?: string | undefined;
  /** SHA-256 of the public key (SPKI) that its certificate must have one of, base64; it may be of any issuer. */
  readonly pins?: readonly string[] | undefined;
  /** PEM of roots that are trusted beside the usual ones. */
  readonly extraRoots?: string | undefined;
  /** Shown to a server that asks for one. */
  readonly certificate?: ClientCertificate | undefined;
}

export interface StreamServer {
  readonly server: IpPort;
  /** Absent: TCP. */
  readonly tls?: StreamTls | undefined;
}

/** Called in this order; nothing after `failed`. */
export interface StreamEvents {
  /** The server is there, and is who it should be: messages may be written. */
  ready(): void;
  take(chunk: Buffer): void;
  /** Words that follow the server's address. */
  failed(failure: string): void;
}

/** Connects at once. The caller destroys it. */
export function openDnsStream({ server, tls }: StreamServer, events: StreamEvents): Socket {
  const at = { host: server.ip, port: server.port };
  const socket = tls === undefined ? connectTcp(at) : secured(at, tls, events);
  socket.on('error', (error) =>
    events.failed(tls === undefined ? error.message : `cannot be asked over TLS: ${error.message}`),
  );
  socket.on('close', () => events.failed('closes the connection before the end'));
  socket.on('data', (chunk: Buffer) => events.take(chunk));
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
    const stranger = socket instanceof TLSSocket && tls !== undefined ? findStranger(socket, tls) : undefined;
    if (stranger === undefined) events.ready();
    else events.failed(stranger);
  });
  return socket;
}

/** `message` as it is sent. */
export function framed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(message.length >>> 8, message.length & 0xff), message]);
}

/** What OpenSSL does not take, as a certificate of ours with another key, is a failure too. */
function secured(at: { readonly host: string; readonly port: number }, tls: StreamTls, events: StreamEvents): Socket {
  try {
    return connectTls({
      ...at,
      ...(tls.host === undefined ? {} : { servername: tls.host }),
      ALPNProtocols: ['dot'],
      secureContext: trustedContext(tls.extraRoots, tls.certificate),
      // Judged by `findStranger`, before anything is said.
      rejectUnauthorized: false,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.nextTick(() => events.failed(`cannot be asked over TLS: ${why}`));
    return new Socket();
  }
}

/** Why the other side is not who it should be; undefined: it is. */
function findStranger(socket: TLSSocket, { host, pins }: StreamTls): string | undefined {
  if (socket.getProtocol() !== 'TLSv1.3') return 'does not speak TLS 1.3 (RFC 9103 §7)';
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'shows no certificate';
  if (host !== undefined && !socket.authorized)
    return `shows a certificate that is not trusted for ${host}: ${String(socket.authorizationError)}`;
  if (pins === undefined) return undefined;
  const pin = keyPin(certificate.publicKey);
  return pins.includes(pin) ? undefined : `shows a key that is not pinned: ${pin}`;
}
