/**
 * What stands between HTTP and what is hosted: a source knows what a host has at a path, and nothing of connections,
 * SNI, methods or versions. To host something new, write a `HostedSource` and put it into the list in host.ts.
 *
 *   find(host, path) ─▶ undefined                     the next source is asked; after the last one: 404
 *                    ─▶ { get }                       answers GET and HEAD; any other method: 404
 *                    ─▶ { post: { bytesMax, take } }  gets the whole body of a POST, of at most `bytesMax` octets
 *
 * `host` is the name that the client asked for by SNI and by Host or `:authority` alike, in lower case, without port or
 * final dot; a certificate for it was presented. `path` is what the client wrote, never decoded or normalized, with its
 * query: compare it whole.
 * Not here: judging requests (request.ts), sources (mta-sts.ts).
 */

export interface HostedAnswer {
  readonly status: number;
  /** Names in lower case. `content-length` and `date` are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface PostedBody {
  readonly octets: Uint8Array;
  /** As sent: `application/tlsrpt+gzip`; empty when the client did not say. */
  readonly contentType: string;
  /** As sent: `gzip`; empty when the client did not say. */
  readonly contentEncoding: string;
  /** The client's address as text. */
  readonly client: string;
}

export interface HostedPost {
  /** Octets; a longer body is answered 413 and not read. */
  readonly bytesMax: number;
  /** Never rejects but for a bug of ours. */
  take(posted: PostedBody): Promise<HostedAnswer>;
}

export interface HostedResource {
  /** For GET; HEAD gets the same without the body. */
  readonly get?: HostedAnswer;
  readonly post?: HostedPost;
}

export interface HostedSource {
  /** Synchronous and below a millisecond; throws StoreFailure for a damaged document, which is answered 503. */
  find(host: string, path: string): HostedResource | undefined;
}

/**
 * RFC 6797 §6.1, and `nosniff`: a browser comes by TLS the next time too, and takes no answer for another type. Mail
 * servers read neither.
 */
export const WEB_HEADERS = {
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
} as const;

const NOTHING = new Uint8Array(0);

/** An answer without a body. */
export function emptyAnswer(status: number): HostedAnswer {
  return { status, headers: WEB_HEADERS, body: NOTHING };
}
