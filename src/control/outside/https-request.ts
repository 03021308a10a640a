/**
 * One HTTPS request for what a host is to serve to one of its addresses, with the rules that senders and receivers of
 * mail keep. Rejects with a ProbeFailure, whose text is written for the operator of that host.
 * Implements: RFC 8461 §3.2 (media type), §3.3 (certificate, status, redirects, size).
 * Not here: addresses, and what is done with the body (file-probes.ts).
 */
import { type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { type PeerCertificate, TLSSocket, checkServerIdentity } from 'node:tls';
import { HTTP_HEADER_BYTES_MAX } from '#base/limits/admin.ts';
import { STS_PROBE_CONNECT_MS_MAX } from '#base/limits/outside.ts';
import { trustedContext } from '#base/tls/trusted-context.ts';
import { ProbeFailure, type ProbeStep, connectFailure, opensslReason } from './probe-failure.ts';

/** What the readers of a body take. */
export interface WantedBody {
  /** In lower case. */
  readonly mediaType: string;
  readonly bytesMax: number;
  /** As in `senders take text/plain`. */
  readonly readers: string;
  /** Called with the end of the certificate, wall time, when it is a good one. */
  readonly certificateEnds?: ((atMs: number) => void) | undefined;
}

export interface FetchTarget extends WantedBody {
  readonly ip: string;
  readonly port: number;
  /** Name in SNI, Host, and to be found in the certificate. */
  readonly host: string;
  readonly path: string;
  /** PEM of further trusted roots. */
  readonly extraRoots: string | undefined;
  /** The end of the time for all of it. */
  readonly signal: AbortSignal;
}

/** The body of a good answer. */
export function fetchFrom({ ip, port, host, path, extraRoots, signal, ...wanted }: FetchTarget): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let step: ProbeStep = 'connect';
    const sent = request({
      host: ip,
      port,
      servername: host,
      path,
      method: 'GET',
      // No Cache-Control and no If-None-Match: caches on the way are to show what they show to senders. No cache of ours, a connection for each.
      headers: {
        host,
        accept: wanted.mediaType,
        'accept-encoding': 'identity',
        'user-agent': 'waxseal',
        connection: 'close',
      },
      agent: new Agent({ secureContext: trustedContext(extraRoots), maxCachedSessions: 0 }),
      rejectUnauthorized: true,
      checkServerIdentity: (name, certificate) => identityProblem(name, certificate),
      maxHeaderSize: HTTP_HEADER_BYTES_MAX,
    });
    const end = (failure: ProbeFailure) => {
      cleanUp();
      reject(failure);
      sent.destroy();
    };
    const connecting = setTimeout(
      () => end(new ProbeFailure('connect', `no answer within ${STS_PROBE_CONNECT_MS_MAX / 1000} s`)),
      STS_PROBE_CONNECT_MS_MAX,
    );
    const expire = () => end(new ProbeFailure(step, 'not done in time'));
    const cleanUp = () => {
      clearTimeout(connecting);
      signal.removeEventListener('abort', expire);
    };
    signal.addEventListener('abort', expire, { once: true });
    sent.once('socket', (socket) => {
      socket.once('connect', () => {
        clearTimeout(connecting);
        step = 'TLS';
      });
      socket.once('secureConnect', () => (step = 'HTTP'));
    });
    sent.on('error', (error) => end(failureOf(error, step, host)));
    sent.once('response', (response) => {
      tellEnd(response, wanted.certificateEnds);
      const failed = (error: unknown) => end(error instanceof ProbeFailure ? error : failureOf(error, 'HTTP', host));
      readBody(response, wanted).then(resolve, failed).finally(cleanUp);
    });
    if (signal.aborted) expire();
    else sent.end();
  });
}

function tellEnd({ socket }: IncomingMessage, certificateEnds: WantedBody['certificateEnds']): void {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate !== undefined) certificateEnds?.(certificate.validToDate.getTime());
}

async function readBody(response: IncomingMessage, { mediaType, bytesMax, readers }: WantedBody): Promise<Buffer> {
  const { statusCode = 0, headers } = response;
  // RFC 8461 §3.3: only 200 counts, and redirects are not followed.
  if (statusCode >= 300 && statusCode < 400)
    throw new ProbeFailure(
      'HTTP',
      `status ${statusCode} leads to ${JSON.stringify(headers.location ?? '')}; ${readers} follow no redirect`,
    );
  if (statusCode !== 200) throw new ProbeFailure('HTTP', `status ${statusCode}, not 200`);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ProbeFailure('HTTP', `content encoding ${JSON.stringify(encoding)}, which was not asked for`);
  // RFC 8461 §3.2; parameters do not count.
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== mediaType)
    throw new ProbeFailure(
      'media type',
      `${type === '' ? 'none' : JSON.stringify(type)}; ${readers} take ${mediaType}`,
    );
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bytesMax) throw new ProbeFailure('size', `more than ${bytesMax} octets; ${readers} read no further`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** RFC 8461 §3.3: the name stands in subjectAltName; a common name counts for nothing. */
function identityProblem(name: string, certificate: PeerCertificate): Error | undefined {
  return certificate.subjectaltname === undefined
    ? new ProbeFailure('certificate', 'it has no subjectAltName')
    : checkServerIdentity(name, certificate);
}

const CERTIFICATE_FAILURES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its root is not one that senders trust',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not known, or an intermediate certificate is not sent',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not known, or an intermediate certificate is not sent',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not known, or an intermediate certificate is not sent',
  CERT_HAS_EXPIRED: 'it, or one above it, has expired',
  CERT_NOT_YET_VALID: 'it, or one above it, is not valid yet',
  CERT_REVOKED: 'it is revoked',
  INVALID_PURPOSE: 'it is not for servers',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
};

function failureOf(error: unknown, step: ProbeStep, host: string): ProbeFailure {
  if (error instanceof ProbeFailure) return error;
  if (!(error instanceof Error)) return new ProbeFailure(step, String(error));
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new ProbeFailure('certificate', `it is for ${namesOf(error)}, not for ${host}`);
  const why = CERTIFICATE_FAILURES[code];
  if (why !== undefined) return new ProbeFailure('certificate', why);
  if (step === 'connect') return connectFailure(error);
  if (code === 'ECONNRESET') return new ProbeFailure(step, 'the host broke off');
  const reason = opensslReason(error);
  return new ProbeFailure(step, code === '' ? reason : `${reason} (${code})`);
}

function namesOf(error: Error): string {
  const certificate = 'cert' in error ? (error.cert as PeerCertificate | undefined) : undefined;
  const names = (certificate?.subjectaltname ?? '').split(', ').map((each) => each.replace(/^DNS:/, ''));
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
}
