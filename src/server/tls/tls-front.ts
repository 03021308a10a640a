/**
 * DNS over TLS: turns an accepted connection into a secured one, whose messages are then those of TCP.
 * Implements: RFC 7858 §3.1–3.2 (TLS from the first octet), §3.4 (sessions are resumed), RFC 9103 §7.1 (ALPN
 * `dot`), §9.3.3 (clients may show a certificate), RFC 7301 §3.2 (no other protocol is agreed).
 * Not here: connections, their limits and times, the handshake's among them (tcp/), where the certificate is from
 * (control/certificate/dot-delivery.ts).
 */
import { type Socket } from 'node:net';
import { type SecureContext, TLSSocket, createSecureContext } from 'node:tls';
import { type ClientAddress } from '#base/client-address.ts';
import { type TlsCertificate } from '#base/ipc/tls-certificate.ts';
import { TLS_TICKET_KEYS_MS } from '#base/limits/server.ts';
import { keyPin } from '#base/tls/key-pin.ts';
import { privateKeyPem, resumedSettings } from '#base/tls/settings.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';

const ALPN = ['dot'];
// A session that is resumed has the certificate of the first one: OpenSSL wants to know what it was made for.
const SETTINGS = { ...resumedSettings(TLS_TICKET_KEYS_MS), sessionIdContext: 'waxseal-dot' };
/** RFC 9103 §9.3.3: a client may show a certificate, of any issuer. Its key is what it is known by. */
const ASKS_CLIENT = { requestCert: true, rejectUnauthorized: false };

export class TlsFront {
  readonly #counters: Float64Array;
  readonly #nowMs: () => number;
  #certificate: TlsCertificate | undefined;
  #context: SecureContext | undefined;
  #madeMs = 0;

  /** `counters` is this worker's row. */
  constructor(counters: Float64Array, nowMs: () => number = () => performance.now()) {
    this.#counters = counters;
    this.#nowMs = nowMs;
  }

  /**
   * New handshakes have this certificate; undefined: none succeeds. Throws what OpenSSL says of a bad one, and is
   * unchanged.
   */
  take(certificate: TlsCertificate | undefined): void {
    const context = certificate === undefined ? undefined : makeContext(certificate);
    [this.#certificate, this.#context, this.#madeMs] = [certificate, context, this.#nowMs()];
  }

  /** The connection as `client` sees it; undefined: there is no certificate to show. */
  secure(socket: Socket, client: ClientAddress): TLSSocket | undefined {
    const secureContext = this.#renewed();
    if (secureContext === undefined) {
      this.#counters[SLOT.tlsWithoutCertificate]! += 1;
      return undefined;
    }
    // As for TCP: node reads on only when everything that was read before has been used.
    const options = { isServer: true, secureContext, ALPNProtocols: ALPN, highWaterMark: 1, ...ASKS_CLIENT };
    const secured = new TLSSocket(socket, options);
    let isSecure = false;
    secured.once('secure', () => {
      isSecure = true;
      this.#counters[SLOT.tlsHandshakes]! += 1;
      client.secured = { isLatest: secured.getProtocol() === 'TLSv1.3', pin: () => pinOf(secured) };
    });
    secured.once('close', () => {
      if (!isSecure) this.#counters[SLOT.tlsHandshakesFailed]! += 1;
      socket.destroy();
    });
    // A client that goes away in the middle of its handshake.
    socket.once('close', () => secured.destroy());
    return secured;
  }

  /** Keys of tickets are the context's: they end with it. */
  #renewed(): SecureContext | undefined {
    const isOld = this.#nowMs() - this.#madeMs >= TLS_TICKET_KEYS_MS;
    if (this.#certificate !== undefined && isOld) this.take(this.#certificate);
    return this.#context;
  }
}

function makeContext({ chain, key }: TlsCertificate): SecureContext {
  const pem = privateKeyPem(key);
  try {
    return createSecureContext({ ...SETTINGS, cert: chain, key: pem });
  } finally {
    pem.fill(0);
  }
}

/** As `SecuredBy.pin`: that the client has the private key is shown by the handshake (RFC 8446 §4.4.3). */
function pinOf(secured: TLSSocket): string | undefined {
  try {
    const certificate = secured.getPeerX509Certificate();
    return certificate && keyPin(certificate.publicKey);
  } catch {
    // A key of a kind that is not known here, which strangers choose: the thread must not end.
    return undefined;
  }
}
