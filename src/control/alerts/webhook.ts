/**
 * A webhook: a POST with JSON, signed so that the receiver knows from whom it is and that it is not an old one again.
 * Implements: Standard Webhooks (headers webhook-id, webhook-timestamp, webhook-signature with HMAC-SHA256, `v1,`).
 * Its address is looked up at each try, and connected to as it was found; redirects are not followed: what a name leads
 * to must not be a way into the network of this server.
 * Not here: trying again (deliveries.ts).
 */
import { createHmac } from 'node:crypto';
import { type RequestOptions, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import { ALERT_ANSWER_BYTES_MAX } from '#base/limits/alerts.ts';
import { HTTP_HEADER_BYTES_MAX } from '#base/limits/admin.ts';
import { type NetworkSet } from '#base/network.ts';
import { type Resolver } from '#dns/resolver.ts';
import { isReachable, probeAddresses, reachableOrIn } from '#control/outside/probe-addresses.ts';
import { trustedContext } from '#base/tls/trusted-context.ts';
import { type AlertTarget } from './targets.ts';

export interface WebhookOptions {
  readonly url: string;
  /** Octets of the key. */
  readonly key: Uint8Array;
  /** Networks that it may be in although hosts outside cannot reach them. */
  readonly allowed: NetworkSet;
  readonly resolver: Resolver;
  /** PEM of roots that are trusted beside the usual ones. */
  readonly extraRoots: string | undefined;
  /** Wall time. */
  readonly nowMs: () => number;
}

/** Without query and user: they may hold a secret. */
export function webhookName(url: string): string {
  const { origin, pathname } = new URL(url);
  const path = pathname.split('/').map((part) => (part.length > 12 ? `${part.slice(0, 4)}…` : part));
  return `webhook ${origin}${path.join('/')}`;
}

/** `webhook-signature` of a message. */
export function webhookSignature(key: Uint8Array, id: string, seconds: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

export function webhookTarget(options: WebhookOptions): AlertTarget {
  const { url, key, nowMs, extraRoots } = options;
  const parsed = new URL(url);
  return {
    name: webhookName(url),
    async send(id, body, signal) {
      const ip = await addressOf(parsed, options, signal);
      const seconds = Math.floor(nowMs() / 1000);
      const headers = {
        host: parsed.host,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'waxseal',
        connection: 'close',
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': webhookSignature(key, id, seconds, body),
      };
      const to = { host: ip, port: portOf(parsed), method: 'POST', path: `${parsed.pathname}${parsed.search}` };
      await post({ ...to, headers, signal, maxHeaderSize: HTTP_HEADER_BYTES_MAX }, parsed, extraRoots, body);
    },
  };
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

async function addressOf({ hostname, protocol }: URL, options: WebhookOptions, signal: AbortSignal): Promise<string> {
  const { allowed, resolver } = options;
  const host = hostname.replace(/^\[|\]$/g, '');
  const given = isIP(host) === 0 ? await probeAddresses(host, { resolver, allowed, signal }) : [host];
  const isFit = reachableOrIn(allowed);
  const [ip] = given.filter(isFit);
  if (ip === undefined)
    throw new Error(`${host} is an address that no host outside can reach (alerts.webhook_networks)`);
  // Without TLS the message and its signature can be read on the way.
  if (protocol === 'http:' && isReachable(ip)) throw new Error(`${host} is outside, and needs https:`);
  return ip;
}

function post(options: RequestOptions, url: URL, extraRoots: string | undefined, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const tls = {
      ...options,
      servername: isIP(url.hostname) === 0 ? url.hostname : '',
      secureContext: trustedContext(extraRoots),
    };
    const sent =
      url.protocol === 'https:' ? tlsRequest({ ...tls, agent: false }) : plainRequest({ ...options, agent: false });
    sent.on('error', (error) => reject(new Error(`it cannot be reached: ${error.message}`)));
    sent.on('response', (response) => {
      const { statusCode = 0 } = response;
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ALERT_ANSWER_BYTES_MAX) response.destroy();
      });
      response.on('error', () => {});
      response.on('close', () =>
        statusCode >= 200 && statusCode < 300 ? resolve() : reject(new Error(`it answers ${statusCode}`)),
      );
    });
    sent.end(body);
  });
}
