/**
 * One HTTPS request to a CA. An edge: whatever goes wrong on the way is an AcmeSilence, whose text is written for the
 * operator.
 * Implements: RFC 8555 §6.1 (HTTPS, User-Agent), §6.5 (Replay-Nonce), RFC 9110 §10.2.3 (Retry-After). Redirects are not
 * followed.
 * Not here: signing, nonces, and what answers mean (acme-client.ts).
 */
import { type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { trustedContext } from '#base/tls/trusted-context.ts';
import { HTTP_HEADER_BYTES_MAX } from '#base/limits/admin.ts';
import { ACME_ANSWER_BYTES_MAX, ACME_REQUEST_MS_MAX, CERTIFICATE_REQUESTS_AT_ONCE } from '#base/limits/acme.ts';

export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** A JWS. */
  readonly body?: string;
}

export interface AcmeReply {
  readonly status: number;
  readonly nonce?: string;
  readonly location?: string;
  readonly retryAfterMs?: number;
  readonly text: string;
}

const JOSE = 'application/jose+json';

/** Asks a CA. Rejects with an AcmeSilence. */
export type AcmeTransport = (request: AcmeRequest) => Promise<AcmeReply>;

/** No answer came, or one that has no end. */
export class AcmeSilence extends Error {}

export interface AcmeTransportOptions {
  /** PEM of roots that are trusted beside the usual ones. */
  readonly extraRoots?: string | undefined;
  /** Ends what is under way, when the process ends. */
  readonly stopped?: AbortSignal | undefined;
  readonly nowMs: () => number;
  /** The time for one request, where that is not the usual one. */
  readonly limitMs?: number;
}

export function acmeTransport(options: AcmeTransportOptions): AcmeTransport {
  const { extraRoots, stopped, nowMs, limitMs = ACME_REQUEST_MS_MAX } = options;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: CERTIFICATE_REQUESTS_AT_ONCE,
    secureContext: trustedContext(extraRoots),
  });
  stopped?.addEventListener('abort', () => agent.destroy(), { once: true });
  return async (asked) => {
    const timeout = AbortSignal.timeout(limitMs);
    const signal = stopped === undefined ? timeout : AbortSignal.any([timeout, stopped]);
    try {
      return await ask(asked, agent, signal, nowMs);
    } catch (error) {
      if (error instanceof AcmeSilence) throw error;
      if (signal.aborted) throw new AcmeSilence(`no answer within ${limitMs / 1000} s`);
      throw new AcmeSilence(error instanceof Error ? textOf(error) : String(error));
    }
  };
}

async function ask(asked: AcmeRequest, agent: Agent, signal: AbortSignal, nowMs: () => number): Promise<AcmeReply> {
  const { method, url, body } = asked;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(url, {
      method,
      agent,
      signal,
      maxHeaderSize: HTTP_HEADER_BYTES_MAX,
      headers: {
        'user-agent': 'waxseal',
        'accept-language': 'en',
        accept: 'application/json, application/problem+json, application/pem-certificate-chain',
        'accept-encoding': 'identity',
        // RFC 8555 §6.2: CAs reject every other media type.
        ...(body === undefined ? {} : { 'content-type': JOSE, 'content-length': Buffer.byteLength(body) }),
      },
    });
    sent.once('response', resolve);
    sent.once('error', reject);
    sent.end(body);
  });
  const text = method === 'HEAD' ? '' : await readText(response);
  if (method === 'HEAD') response.resume();
  const { 'replay-nonce': nonce, location, 'retry-after': retryAfter } = response.headers;
  const retryAfterMs = readRetryAfter(retryAfter, nowMs());
  return {
    status: response.statusCode ?? 0,
    text,
    // RFC 8555 §6.5.1: base64url; anything else is not used.
    ...(typeof nonce === 'string' && /^[A-Za-z0-9_-]{1,512}$/.test(nonce) ? { nonce } : {}),
    ...(location === undefined ? {} : { location }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ACME_ANSWER_BYTES_MAX) {
      response.destroy();
      throw new AcmeSilence(`the answer has more than ${ACME_ANSWER_BYTES_MAX} octets`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** RFC 9110 §10.2.3: seconds, or a date. */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const atMs = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isFinite(atMs) ? Math.max(0, atMs - nowMs) : undefined;
}

/** What node:https says, without what it says about itself. */
function textOf(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED') return 'the connection is refused';
  if (code === 'ENOTFOUND') return 'its host has no address';
  if (code === 'ECONNRESET') return 'the connection broke off';
  return code === '' ? error.message : `${error.message} (${code})`;
}
