/**
 * HTTP/1.1 and 1.0 of the policy host, on connections whose handshake is over. What is not of the plainest form
 * (plain-http1.ts) is read by Node's parser, strictly: what that does not take is answered 400 or 431 without a body,
 * and the connection ends, so that no octet of a request is ever read as the beginning of another.
 * Implements: RFC 9112 §3.2 (Host), §6.3 (bodies that are not read end the connection), §9.6 (closing).
 * Not here: what a request asks for (request.ts), times (connections.ts), bodies that are wanted (posted-body.ts), the
 * end of a connection whose request has not come whole (linger.ts).
 */
import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse, createServer } from 'node:http';
import { type Duplex } from 'node:stream';
import { type TLSSocket } from 'node:tls';
import * as limits from '#base/limits/https.ts';
import { type Answerer } from './answerer.ts';
import { type Connection, type Connections } from './connections.ts';
import { type HostedAnswer, type HostedPost, emptyAnswer } from './hosted.ts';
import { endLate } from './linger.ts';
import { PlainHttp1 } from './plain-http1.ts';
import { type BodyReader, type BodySource } from './posted-body.ts';
import { type RequestHead } from './request.ts';

export interface HttpOptions {
  readonly answerer: Answerer;
  readonly connections: Connections;
  readonly bodies: BodyReader;
  readonly nowMs: () => number;
  /** For the header Date. */
  readonly wallClockMs: () => number;
}

interface Served {
  readonly connection: Connection;
  /** An answer said that it ends, and what still comes is forgotten. */
  isEnding: boolean;
  readonly host: string;
  readonly localPort: number;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly served: Served;
  readonly hasBody: boolean;
  /** Content-Length; undefined: the body is in chunks. */
  readonly declared: number | undefined;
  readonly beganMs: number;
}

const BAD_REQUEST = emptyAnswer(400);
const TOO_LARGE = emptyAnswer(431);
const REFUSED_EXPECTATION = emptyAnswer(417);

export class Http1 {
  readonly #options: HttpOptions;
  readonly #plain: PlainHttp1;
  readonly #server: Server;
  readonly #served = new WeakMap<Duplex, Served>();

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#plain = new PlainHttp1(options);
    // Times are held by connections.ts, which holds HTTP/2 and handshakes to them alike.
    this.#server = createServer({
      maxHeaderSize: limits.HTTPS_HEADER_BYTES_MAX,
      insecureHTTPParser: false,
      requireHostHeader: false,
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
    });
    // Lines beyond would be dropped without a word; the octets are limited, and the lines are counted here.
    this.#server.maxHeadersCount = 0;
    this.#server.timeout = 0;
    this.#server.maxRequestsPerSocket = limits.HTTPS_REQUESTS_PER_CONNECTION_MAX;
    this.#server.on('request', (request, response) => this.#request(request, response));
    // Without a wait for "100 Continue" the body is on its way or not; a refusal must not depend on it.
    this.#server.on('checkContinue', (request, response) => this.#request(request, response));
    this.#server.on('checkExpectation', (request, response) => {
      const exchange = this.#begin(request, response);
      if (exchange !== undefined) this.#answer(exchange, REFUSED_EXPECTATION, true);
    });
    this.#server.on('clientError', (error, socket) => this.#refuse(error, socket));
  }

  serve(connection: Connection, socket: TLSSocket, host: string): void {
    const handOver = (octets: Buffer): void => this.#serveAll(connection, socket, host, octets);
    this.#plain.serve({ connection, socket, host, handOver });
  }

  /** Whatever comes, from `octets` on. */
  #serveAll(connection: Connection, socket: TLSSocket, host: string, octets: Buffer): void {
    this.#served.set(socket, { connection, isEnding: false, host, localPort: socket.localPort ?? 0 });
    connection.finish = () => {
      if (connection.underWay === 0) socket.destroySoon();
      else connection.finishing = true;
    };
    socket.unshift(octets);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  #begin(request: IncomingMessage, response: ServerResponse): Exchange | undefined {
    const served = this.#served.get(request.socket);
    // The octets behind a body that is not wanted are no request.
    if (served === undefined || served.isEnding) {
      request.socket.destroy();
      return undefined;
    }
    this.#options.connections.requested(served.connection);
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    // RFC 9112 §6.3: the rest of a connection after a body that is not read is not read either.
    const hasBody = coding !== undefined || (length !== undefined && length !== '0');
    const declared = coding === undefined ? Number(length ?? 0) : undefined;
    return { request, response, served, hasBody, declared, beganMs: this.#options.nowMs() };
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const exchange = this.#begin(request, response);
    if (exchange === undefined) return;
    const { served, hasBody, declared } = exchange;
    const hosts = hostsOf(request);
    if (request.rawHeaders.length > 2 * limits.HTTPS_HEADER_LINES_MAX) return this.#answer(exchange, TOO_LARGE, true);
    // RFC 9112 §3.2: 1.1 has exactly one Host; 1.0 may have none, and then asks for no host of ours.
    // An answer of 1.1 to what says that it is another version would be a guess.
    if (request.httpVersionMajor !== 1) return this.#answer(exchange, BAD_REQUEST, true);
    const hostsMin = request.httpVersionMinor === 1 ? 1 : 0;
    if (hosts.length > 1 || hosts.length < hostsMin) return this.#answer(exchange, BAD_REQUEST, true);
    const reply = this.#options.answerer.reply(headOf(request, served, hosts));
    if (reply.kind === 'answer') return this.#answer(exchange, reply.answer, hasBody);
    if (request.headers.expect !== undefined) response.writeContinue();
    const source = { stream: request, headers: request.headers, declared };
    void this.#takeBody(exchange, source, reply.post);
  }

  async #takeBody(exchange: Exchange, source: BodySource, post: HostedPost): Promise<void> {
    const { response, served } = exchange;
    const answer = await this.#options.bodies.take(source, served.connection, post);
    if (response.destroyed) this.#options.connections.answered(served.connection);
    else this.#answer(exchange, answer, answer.status >= 400);
  }

  #answer({ request, response, served, hasBody, beganMs }: Exchange, answer: HostedAnswer, closes: boolean): void {
    const { answerer, connections } = this.#options;
    const { connection, host } = served;
    const { status, headers, body } = answer;
    const { method = '', url: target = '' } = request;
    const bodyBytes = method === 'HEAD' ? 0 : body.length;
    response.once('close', () => {
      connections.answered(connection);
      const version = request.httpVersionMinor === 0 ? '1.0' : '1.1';
      const head = { method, target, serverName: host };
      answerer.answered({ head, client: connection.client, version, status, bodyBytes, beganMs });
      if (connection.finishing && connection.underWay === 0) request.socket.destroySoon();
    });
    const isLast = closes || connection.finishing || connection.requests >= limits.HTTPS_REQUESTS_PER_CONNECTION_MAX;
    const closing = isLast ? { connection: 'close' } : {};
    if (isLast && hasBody && !request.complete) {
      served.isEnding = true;
      endLate(request.socket, connection);
    }
    // RFC 9110 §8.6: of a 304 it would be that of the 200, which has a body.
    const length = status === 304 ? {} : { 'content-length': body.length };
    response.writeHead(status, { ...headers, ...closing, ...length });
    response.end(bodyBytes === 0 ? undefined : body);
  }

  /** What the parser does not take, and clients that vanish. */
  #refuse(error: Error, socket: Duplex): void {
    const served = this.#served.get(socket);
    // While an answer is under way, a second one would be read as part of it.
    if (!socket.writable || served === undefined || served.connection.underWay > 0 || codeOf(error) === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const { answerer, nowMs } = this.#options;
    const status = codeOf(error) === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    const head = { method: '-', target: '', serverName: served.host };
    const about = { head, client: served.connection.client, version: '1.1', bodyBytes: 0, beganMs: nowMs() } as const;
    answerer.answered({ ...about, status });
    const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
    socket.end(`${line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, () => socket.destroy());
  }
}

function headOf(request: IncomingMessage, { host, localPort }: Served, hosts: readonly string[]): RequestHead {
  const { method = '', url: target = '' } = request;
  return { method, target, hosts, ifNoneMatch: request.headers['if-none-match'], serverName: host, localPort };
}

/** Every Host there is: `headers` has the first one only. */
function hostsOf({ rawHeaders }: IncomingMessage): string[] {
  const hosts: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.length === 4 && rawHeaders[at]!.toLowerCase() === 'host') hosts.push(rawHeaders[at + 1]!);
  return hosts;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
