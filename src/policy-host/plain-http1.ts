/**
 * Serves plain requests (plain-request.ts) without Node's parser and its objects: each is answered by one write of
 * octets that are composed once for each answer and second. The first thing on a connection that is not plain, and all
 * that follows it, is Node's (http1.ts).
 * Implements: RFC 9112 §9.3 (the connection stays), §9.6 (closing); RFC 9110 §6.6.1 (Date).
 */
import { STATUS_CODES } from 'node:http';
import { type TLSSocket } from 'node:tls';
import * as limits from '#base/limits/https.ts';
import { type Answerer } from './answerer.ts';
import { type Connection, type Connections } from './connections.ts';
import { type HostedAnswer } from './hosted.ts';
import { type PlainRequest, readPlainRequest } from './plain-request.ts';
import { type RequestHead } from './request.ts';

export interface PlainOptions {
  readonly answerer: Answerer;
  readonly connections: Connections;
  readonly nowMs: () => number;
  /** For the header Date. */
  readonly wallClockMs: () => number;
}

/** A connection that is new, whose server name was `host`. */
export interface PlainConnection {
  readonly connection: Connection;
  readonly socket: TLSSocket;
  readonly host: string;
  /** Takes over, with `octets` as the first ones. */
  readonly handOver: (octets: Buffer) => void;
}

interface Composed {
  readonly second: number;
  /** Head and body; for HEAD and before the end of a connection the head differs. */
  readonly octets: Buffer;
}

export class PlainHttp1 {
  readonly #options: PlainOptions;
  /** For GET, on a connection that stays. */
  readonly #composed = new WeakMap<HostedAnswer, Composed>();
  #second = 0;
  #date = '';

  constructor(options: PlainOptions) {
    this.#options = options;
  }

  serve({ connection, socket, host, handOver }: PlainConnection): void {
    const localPort = socket.localPort ?? 0;
    // Clients repeat themselves: the same octets are the same request.
    let lastOctets: Buffer | undefined;
    let request: PlainRequest | undefined;
    let head: RequestHead | undefined;
    const read = (octets: Buffer): void => {
      if (lastOctets?.equals(octets) !== true) {
        request = readPlainRequest(octets);
        lastOctets = octets;
        head = request && headOf(request, host, localPort);
      }
      const isOver = connection.finishing || connection.requests >= limits.HTTPS_REQUESTS_PER_CONNECTION_MAX;
      if (request === undefined || head === undefined || isOver) {
        socket.off('data', read);
        socket.pause();
        if (request === undefined && !isOver) handOver(octets);
        return;
      }
      if (!this.#answer(connection, socket, head, request.closes)) {
        socket.off('data', read);
        socket.pause();
      }
    };
    socket.on('data', read);
    connection.finish = () => {
      if (connection.underWay === 0) socket.destroySoon();
      else connection.finishing = true;
    };
  }

  /** False: nothing more is read. */
  #answer(connection: Connection, socket: TLSSocket, head: RequestHead, wantsEnd: boolean): boolean {
    const { answerer, connections, nowMs } = this.#options;
    const beganMs = nowMs();
    connections.requested(connection);
    const reply = answerer.reply(head);
    // GET and HEAD have no body to take, so the reply is an answer.
    if (reply.kind !== 'answer') return false;
    const { answer } = reply;
    const isLast = wantsEnd || connection.requests >= limits.HTTPS_REQUESTS_PER_CONNECTION_MAX;
    const isHead = head.method === 'HEAD';
    const { status } = answer;
    const bodyBytes = isHead ? 0 : answer.body.length;
    const octets = isLast || isHead ? this.#compose(answer, isHead, isLast) : this.#kept(answer);
    const { client } = connection;
    const done = (): void => {
      connections.answered(connection);
      answerer.answered({ head, client, version: '1.1', status, bodyBytes, beganMs });
      if (connection.finishing && connection.underWay === 0) socket.destroySoon();
    };
    const isTaken = socket.write(octets, done);
    if (isLast) socket.destroySoon();
    else if (!isTaken) {
      // Who asks without reading waits for the kernel to take what there is.
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
    return !isLast;
  }

  #kept(answer: HostedAnswer): Buffer {
    this.#look();
    const before = this.#composed.get(answer);
    if (before?.second === this.#second) return before.octets;
    const octets = this.#compose(answer, false, false);
    this.#composed.set(answer, { second: this.#second, octets });
    return octets;
  }

  #compose({ status, headers, body }: HostedAnswer, isHead: boolean, isLast: boolean): Buffer {
    this.#look();
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    const closing = isLast ? 'close' : 'keep-alive';
    head += `content-length: ${body.length}\r\nDate: ${this.#date}\r\nConnection: ${closing}\r\n\r\n`;
    return isHead ? Buffer.from(head, 'latin1') : Buffer.concat([Buffer.from(head, 'latin1'), body]);
  }

  #look(): void {
    const second = Math.floor(this.#options.wallClockMs() / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#date = new Date(second * 1000).toUTCString();
  }
}

function headOf({ method, target, host }: PlainRequest, serverName: string, localPort: number): RequestHead {
  return { method, target, hosts: [host], serverName, localPort };
}
