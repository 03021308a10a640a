/**
 * What a request asks for, judged by exact comparison and nothing else: the host of SNI, that of Host or `:authority`,
 * and the path as it was written. Nothing is decoded, joined, normalized or redirected.
 * Implements: RFC 9110 §15.5.20 (421), RFC 9112 §3.2 (forms of the request target, one Host), RFC 9113 §8.3.1
 * (`:authority`), RFC 6066 §3 (a server name has no final dot).
 * Not here: octets of HTTP (http1.ts, http2.ts), what is at a host and path (hosted.ts).
 */
import { hostOf } from './zone-of-host.ts';

/** A request as HTTP/1 or HTTP/2 gives it. */
export interface RequestHead {
  readonly method: string;
  /** The request target, or `:path`. */
  readonly target: string;
  /** Values of Host, in order; of HTTP/2 `:authority` first. */
  readonly hosts: readonly string[];
  /** `:scheme`; HTTP/1: undefined. */
  readonly scheme?: string | undefined;
  /** Of If-None-Match, as it was sent; absent: there is none. */
  readonly ifNoneMatch?: string | undefined;
  /** Of SNI; absent: the client sent none. */
  readonly serverName: string | undefined;
  /** That the connection came in on. */
  readonly localPort: number;
}

/** A host and path to look up, or the status that the request gets. */
export type Judged = { readonly host: string; readonly path: string } | 404 | 421;

const SCHEME = 'https://';
const DEFAULT_PORT = '443';

export function judgeRequest(head: RequestHead): Judged {
  const { serverName, localPort, scheme, target } = head;
  const host = serverName === undefined ? undefined : hostOf(serverName);
  if (host === undefined) return 421;
  if (scheme !== undefined && scheme !== 'https') return 421;
  // RFC 9112 §3.2.2: a server takes the absolute form too; what it names must be the same host.
  const isAbsolute = target.slice(0, SCHEME.length).toLowerCase() === SCHEME;
  const slash = isAbsolute ? target.indexOf('/', SCHEME.length) : 0;
  const named = isAbsolute ? [target.slice(SCHEME.length, slash < 0 ? undefined : slash), ...head.hosts] : head.hosts;
  // RFC 9112 §3.2: none is as wrong as two that differ. Two that are equal come by HTTP/2 only.
  if (named.length === 0) return 421;
  for (const each of named) if (!isHost(each, host, localPort)) return 421;
  if (!isAbsolute && !target.startsWith('/')) return 404;
  return { host, path: isAbsolute && slash < 0 ? '/' : target.slice(slash) };
}

/** RFC 9110 §7.2: the host, and the port unless it is the default. Another port is another origin. */
function isHost(text: string, host: string, localPort: number): boolean {
  const colon = text.indexOf(':');
  if (colon < 0) return hostOf(text) === host;
  const port = text.slice(colon + 1);
  return hostOf(text.slice(0, colon)) === host && (port === DEFAULT_PORT || port === String(localPort));
}
