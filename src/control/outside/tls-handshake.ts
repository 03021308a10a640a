/**
 * The certificates that come in a TLS handshake. None of them is validated here: records, or what was installed, judge
 * them. That the other side has the key of the first one is in the handshake itself (RFC 8446 §4.4.3).
 * Not here: what is said before TLS (starttls.ts), what should come (lifecycle/expectation.ts).
 */
import { type Socket } from 'node:net';
import { type DetailedPeerCertificate, type TLSSocket, connect as connectTls, createSecureContext } from 'node:tls';
import { PRESENTED_CERTIFICATES_MAX, STARTTLS_HANDSHAKE_BYTES_MAX } from '#base/limits/outside.ts';
import { ProbeFailure, type ProbeStep, codeOf, connectFailure, opensslReason } from './probe-failure.ts';

/** What a host shows in its handshake. */
export interface Presented {
  /** DER, the host's own first, each signed by the next; never more than PRESENTED_CERTIFICATES_MAX. */
  readonly chain: readonly Uint8Array[];
  /** `TLSv1.3` */
  readonly tlsVersion: string;
}

/** No roots: what is not in the handshake must not come from this machine's store into the chain. */
const NO_ROOTS = createSecureContext({ ca: [], minVersion: 'TLSv1.2' });

/** Resolves when the connection is open, within `limitMs`. Rejects with a ProbeFailure. */
export function connected(socket: Socket, limitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const slow = setTimeout(() => reject(new ProbeFailure('connect', `no answer within ${limitMs / 1000} s`)), limitMs);
    socket.once('close', () => clearTimeout(slow));
    socket.once('error', (error) => reject(connectFailure(error)));
    socket.once('connect', () => {
      clearTimeout(slow);
      resolve();
    });
  });
}

/** What comes in a handshake over `socket` with SNI `host`. Rejects with a ProbeFailure. */
export function shakeHands(socket: Socket, host: string): Promise<Presented> {
  return new Promise((resolve, reject) => {
    const before = socket.bytesRead;
    // RFC 7672 §3: SNI is the TLSA base domain. RFC 7671 §5.1: the TLSA records alone judge, elsewhere.
    const secure = connectTls({ socket, servername: host, secureContext: NO_ROOTS, rejectUnauthorized: false });
    const watch = setInterval(() => {
      const isTooLong = socket.bytesRead - before > STARTTLS_HANDSHAKE_BYTES_MAX;
      if (isTooLong) end(new ProbeFailure('TLS', 'the handshake has too many octets'));
    }, 50);
    const end = (outcome: Presented | Error): void => {
      clearInterval(watch);
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
      secure.destroy();
    };
    secure.once('error', end);
    secure.once('close', () => end(new ProbeFailure('TLS', 'the host broke off')));
    secure.once('secureConnect', () => {
      const chain = chainOf(secure);
      const tlsVersion = secure.getProtocol() ?? 'unknown';
      // RFC 3207 §4: the session ends without a word of mail; QUIT is a courtesy that nothing waits for.
      end(chain.length === 0 ? new ProbeFailure('TLS', 'the host presents no certificate') : { chain, tlsVersion });
    });
  });
}

/** Of a host without a certificate there is none of this. */
type Linked = Partial<Pick<DetailedPeerCertificate, 'raw' | 'issuerCertificate'>>;

/** The certificates of the handshake from the host's own up, as far as each is issued by the next. */
function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: Linked | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < PRESENTED_CERTIFICATES_MAX) {
    chain.push(new Uint8Array(next.raw));
    const issuer: Linked | undefined = next.issuerCertificate;
    // The last one is its own issuer.
    next = issuer === next ? undefined : issuer;
  }
  return chain;
}

/** `error` as a failure of `step`, unless it is one already. */
export function handshakeFailure(error: unknown, step: ProbeStep): ProbeFailure {
  if (error instanceof ProbeFailure) return error;
  if (!(error instanceof Error)) return new ProbeFailure(step, String(error));
  const code = codeOf(error);
  if (code === 'ECONNRESET' || code === 'EPIPE') return new ProbeFailure(step, 'the host broke off');
  const reason = opensslReason(error);
  return new ProbeFailure(step, code === '' ? reason : `${reason} (${code})`);
}
