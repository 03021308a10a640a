/**
 * HTTP/2 of the policy host, on connections whose handshake is over and that agreed on `h2`. nghttp2 reads the frames;
 * what a session may cost is bounded by its settings here and by the octets that connections.ts allows.
 * Implements: RFC 9113 §8.1 (a stream is reset with NO_ERROR when its answer needs no more of the request), §8.3.1
 * (`:authority` and Host), §10.5 (floods; with CVE-2023-44487, rapid reset).
 * Not here: what a request asks for (request.ts), times (connections.ts), bodies that are wanted (posted-body.ts).
 */
import { type IncomingHttpHeaders, constants, performServerHandshake } from 'node:http2';
import { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type TLSSocket } from 'node:tls';
import * as limits from '#base/limits/https.ts';
import { type Connection } from './connections.ts';
import { type HostedAnswer, type HostedPost, emptyAnswer } from './hosted.ts';
import { type HttpOptions } from './http1.ts';
import { type BodySource } from './posted-body.ts';
import { type RequestHead } from './request.ts';

const SESSION_OPTIONS = {
  maxHeaderListPairs: limits.HTTPS_HEADER_LINES_MAX,
  maxSessionMemory: limits.HTTPS_SESSION_MEBIBYTES_MAX,
  maxSessionInvalidFrames: limits.HTTPS_INVALID_FRAMES_MAX,
  maxSessionRejectedStreams: limits.HTTPS_STREAM_RESETS_BURST,
  maxSettings: limits.HTTPS_SETTINGS_MAX,
  streamResetBurst: limits.HTTPS_STREAM_RESETS_BURST,
  streamResetRate: limits.HTTPS_STREAM_RESETS_PER_SECOND,
  settings: {
    enablePush: false,
    maxConcurrentStreams: limits.HTTPS_STREAMS_MAX,
    maxHeaderListSize: limits.HTTPS_HEADER_BYTES_MAX,
  },
};

const BAD_REQUEST = emptyAnswer(400);
const TOO_LARGE = emptyAnswer(431);

interface Exchange {
  readonly stream: ServerHttp2Stream;
  readonly connection: Connection;
  readonly head: RequestHead;
  readonly beganMs: number;
}

export class Http2 {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  serve(connection: Connection, socket: TLSSocket, host: string): void {
    const { connections } = this.#options;
    const session: ServerHttp2Session = performServerHandshake(socket, SESSION_OPTIONS);
    const localPort = socket.localPort ?? 0;
    connection.finish = () => session.close();
    // A broken session has ended already, and nothing else is in it.
    session.on('error', () => socket.destroy());
    session.on('close', () => socket.destroy());
    const bounded = (max: number) => {
      let count = 0;
      return () => {
        count += 1;
        if (count > max) connections.cut(connection, 'frames');
      };
    };
    session.on('ping', bounded(limits.HTTPS_PINGS_MAX));
    session.on('remoteSettings', bounded(limits.HTTPS_SETTINGS_MAX));
    session.on('stream', (stream, headers, _flags, rawHeaders) => {
      connections.requested(connection);
      if (connection.requests >= limits.HTTPS_REQUESTS_PER_CONNECTION_MAX) session.close();
      stream.on('error', () => undefined);
      const isTooLarge = bytesOf(rawHeaders) > limits.HTTPS_HEADER_BYTES_MAX;
      const hosts = hostsOf(rawHeaders);
      const head = {
        method: headers[':method'] ?? '',
        target: headers[':path'] ?? '',
        scheme: headers[':scheme'] ?? '',
        hosts,
        ifNoneMatch: headers['if-none-match'],
        serverName: host,
        localPort,
      };
      const exchange = { stream, connection, head, beganMs: this.#options.nowMs() };
      // RFC 9113 §6.5.2: the setting is advice, and counts from its acknowledgement on.
      if (isTooLarge) this.#answer(exchange, TOO_LARGE);
      else this.#request(exchange, headers);
    });
  }

  #request(exchange: Exchange, headers: IncomingHttpHeaders): void {
    const { stream, head } = exchange;
    // RFC 9113 §8.3.1: both may be there, once each.
    if (head.hosts.length > 2) return this.#answer(exchange, BAD_REQUEST);
    const reply = this.#options.answerer.reply(head);
    if (reply.kind === 'answer') return this.#answer(exchange, reply.answer);
    const length = headers['content-length'];
    const source = { stream, headers, declared: length === undefined ? undefined : Number(length) };
    void this.#takeBody(exchange, source, reply.post);
  }

  async #takeBody(exchange: Exchange, source: BodySource, post: HostedPost): Promise<void> {
    this.#answer(exchange, await this.#options.bodies.take(source, exchange.connection, post));
  }

  #answer({ stream, connection, head, beganMs }: Exchange, { status, headers, body }: HostedAnswer): void {
    const { answerer, connections } = this.#options;
    const bodyBytes = head.method === 'HEAD' ? 0 : body.length;
    const done = (): void => {
      connections.answered(connection);
      answerer.answered({ head, client: connection.client, version: '2', status, bodyBytes, beganMs });
    };
    if (stream.destroyed) return done();
    stream.once('close', done);
    const endStream = bodyBytes === 0;
    const length = status === 304 ? {} : { 'content-length': body.length };
    stream.respond({ ':status': status, ...headers, ...length }, { endStream });
    if (!endStream) stream.end(body);
    // §8.1: what is still to come of the request is not wanted.
    if (stream.endAfterHeaders || stream.readableEnded) stream.resume();
    // After the answer is written: a reset takes back frames that are still in a queue, and clients would see nothing.
    else stream.once('finish', () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)));
  }
}

function bytesOf(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((bytes, text) => bytes + text.length, 0);
}

/** `:authority` first, then every Host there is. */
function hostsOf(rawHeaders: readonly string[]): string[] {
  const hosts: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name === ':authority') hosts.unshift(rawHeaders[at + 1]!);
    else if (name === 'host') hosts.push(rawHeaders[at + 1]!);
  }
  return hosts;
}
