/**
 * Bodies of POST, whole and bounded: each by what takes it, all together by what the process may hold, and those of one
 * network by a share of that.
 * Implements: RFC 9110 §15.5.14 (413).
 * Not here: what a body means (the source that takes it).
 */
import { type Readable } from 'node:stream';
import { HTTPS_BODIES_BYTES_MAX, HTTPS_BODIES_PER_NETWORK_BYTES_MAX } from '#base/limits/https.ts';
import { type Connection, type Connections } from './connections.ts';
import { type HostedAnswer, type HostedPost, emptyAnswer } from './hosted.ts';

/** A body as it comes in, with the headers that say what it is. */
export interface BodySource {
  readonly stream: Readable;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  /** Its length as the client says, when it does. */
  readonly declared: number | undefined;
}

const TOO_LARGE = emptyAnswer(413);
const BUSY: HostedAnswer = { ...emptyAnswer(503), headers: { 'retry-after': '60' } };
const CUT = emptyAnswer(400);

export class BodyReader {
  readonly #connections: Pick<Connections, 'limited'>;
  #bytes = 0;
  readonly #ofNetwork = new Map<string, number>();

  constructor(connections: Pick<Connections, 'limited'>) {
    this.#connections = connections;
  }

  /**
   * Reads the body and has it taken. What is promised is reserved, so a body that was begun is never refused for want
   * of space. Never rejects but for a bug of ours.
   */
  async take(source: BodySource, connection: Connection, post: HostedPost): Promise<HostedAnswer> {
    const { bytesMax } = post;
    const { stream, headers, declared } = source;
    if (declared !== undefined && declared > bytesMax) return this.#refuse(TOO_LARGE);
    const reserved = declared ?? bytesMax;
    const ofNetwork = this.#ofNetwork.get(connection.network) ?? 0;
    if (this.#bytes + reserved > HTTPS_BODIES_BYTES_MAX || ofNetwork + reserved > HTTPS_BODIES_PER_NETWORK_BYTES_MAX)
      return this.#refuse(BUSY);
    this.#reserve(connection.network, reserved);
    connection.bodyBytes += 2 * bytesMax;
    try {
      const octets = await readAtMost(stream, reserved);
      if (octets === 'long') return this.#refuse(TOO_LARGE);
      if (octets === 'cut') return CUT;
      const { 'content-type': type, 'content-encoding': encoding } = headers;
      const { client } = connection;
      return await post.take({ octets, contentType: textOf(type), contentEncoding: textOf(encoding), client });
    } finally {
      this.#reserve(connection.network, -reserved);
    }
  }

  #refuse(answer: HostedAnswer): HostedAnswer {
    this.#connections.limited('body');
    return answer;
  }

  #reserve(network: string, bytes: number): void {
    this.#bytes += bytes;
    const now = (this.#ofNetwork.get(network) ?? 0) + bytes;
    if (now === 0) this.#ofNetwork.delete(network);
    else this.#ofNetwork.set(network, now);
  }
}

/** `cut`: the client has gone, or what it sends is no body. What comes of a `long` one afterwards is forgotten. */
function readAtMost(stream: Readable, bytesMax: number): Promise<Uint8Array | 'long' | 'cut'> {
  const parts: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    stream.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= bytesMax) parts.push(part);
      else {
        parts.length = 0;
        resolve('long');
      }
    });
    stream.once('end', () => resolve(new Uint8Array(Buffer.concat(parts))));
    stream.once('error', () => resolve('cut'));
    stream.once('close', () => resolve('cut'));
  });
}

function textOf(header: string | string[] | number | undefined): string {
  return typeof header === 'string' ? header : '';
}
