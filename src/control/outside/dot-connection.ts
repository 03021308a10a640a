/**
 * One connection over TLS to a recursive server, for many questions: opened when there is one to ask, kept while there
 * are, closed when it lies idle. Strict: without a certificate for the server's name nothing is asked. An edge:
 * whatever goes wrong is a text.
 * Implements: RFC 7858 §3.2–3.4 (one connection, many questions, any order), RFC 8310 §5 and §8.1 (strict, name),
 * RFC 7766 §6.2.1 (questions need not wait), RFC 7830 and RFC 8467 §4.1 (padding to 128 octets).
 * Not here: what an answer means (dot-resolver.ts).
 */
import { randomInt } from 'node:crypto';
import { type TLSSocket, connect } from 'node:tls';
import { type DotServer, formatDotServer } from '#config/dot-server.ts';
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { DOT_IDLE_MS, DOT_QUESTIONS_MAX, DOT_QUESTION_MS } from '#base/limits/outside.ts';
import { FLAG_DO } from '#dns/edns.ts';
import { type Name } from '#dns/name.ts';
import { readReply, writeQuestion } from '#dns/reply.ts';
import { type RrType } from '#dns/types.ts';
import { framed } from './dns-stream.ts';
import { trustedContext } from '#base/tls/trusted-context.ts';

/** The whole message that answers the question, or why there is none. */
export type DotReply =
  | { readonly octets: Uint8Array }
  /** `isClosed`: the server closed the connection; another one may do. */
  | { readonly failure: string; readonly isClosed?: true };

interface Waiting {
  readonly name: Name;
  readonly type: RrType;
  /** With its length in front. */
  readonly octets: Uint8Array;
  readonly end: (reply: DotReply) => void;
}

const PADDED_BYTES = 128;
const OPTION_PADDING = 12;
const RECURSION_DESIRED = 1;

export class DotConnection {
  readonly #server: DotServer;
  readonly #extraRoots: string | undefined;
  /** By id. */
  readonly #waiting = new Map<number, Waiting>();
  #socket: TLSSocket | undefined;
  /** The handshake is over, and the certificate is good. */
  #isTrusted = false;
  #received: Buffer = Buffer.alloc(0);

  /** `extraRoots`: PEM of roots that are trusted beside the usual ones. */
  constructor(server: DotServer, extraRoots?: string) {
    this.#server = server;
    this.#extraRoots = extraRoots;
  }

  /** Never rejects. */
  ask(name: Name, type: RrType): Promise<DotReply> {
    const { promise, resolve } = Promise.withResolvers<DotReply>();
    if (this.#waiting.size >= DOT_QUESTIONS_MAX)
      return Promise.resolve({ failure: 'has too many questions to answer' });
    const id = this.#freeId();
    const end = (reply: DotReply): void => {
      clearTimeout(timer);
      this.#waiting.delete(id);
      resolve(reply);
    };
    const timer = setTimeout(() => {
      end({ failure: 'does not answer over TLS' });
      // What does not answer one question is given up for the next.
      this.#close();
    }, DOT_QUESTION_MS);
    const octets = framed(paddedQuestion(id, name, type));
    this.#waiting.set(id, { name, type, octets, end });
    const socket = this.#open();
    if (this.#isTrusted) socket.write(octets);
    return promise;
  }

  close(): void {
    this.#close();
    this.#failAll({ failure: 'is no longer asked' });
  }

  #freeId(): number {
    for (;;) {
      const id = randomInt(0x1_0000);
      if (!this.#waiting.has(id)) return id;
    }
  }

  #open(): TLSSocket {
    if (this.#socket !== undefined) return this.#socket;
    const { at, name } = this.#server;
    const socket = connect({
      host: at.ip,
      port: at.port,
      servername: name,
      ALPNProtocols: ['dot'],
      secureContext: trustedContext(this.#extraRoots),
    });
    // The process does not stay for it.
    socket.unref();
    this.#socket = socket;
    this.#isTrusted = false;
    this.#received = Buffer.alloc(0);
    // RFC 8310 §5: before that nothing is asked.
    socket.once('secureConnect', () => {
      this.#isTrusted = true;
      for (const { octets } of this.#waiting.values()) socket.write(octets);
    });
    socket.setTimeout(DOT_IDLE_MS, () => this.#close());
    const gone = (reply: Extract<DotReply, { failure: string }>): void => {
      if (this.#socket !== socket) return;
      this.#close();
      this.#failAll(reply);
    };
    socket.on('error', (error) => gone({ failure: `cannot be asked over TLS: ${error.message}` }));
    socket.on('close', () => gone({ failure: 'closes the connection', isClosed: true }));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    return socket;
  }

  /** Only when it lies idle, or is broken: questions that wait are ended by their callers. */
  #close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.removeAllListeners('data');
    socket?.destroy();
  }

  #failAll(reply: DotReply): void {
    for (const { end } of [...this.#waiting.values()]) end(reply);
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 2) {
      const length = this.#received.readUInt16BE(0);
      if (this.#received.length < 2 + length) break;
      const octets = new Uint8Array(this.#received.subarray(2, 2 + length));
      this.#received = this.#received.subarray(2 + length);
      this.#answer(octets);
    }
    // Two octets of length cannot say more than that.
    if (this.#received.length > 2 + MESSAGE_BYTES_MAX) this.#close();
  }

  #answer(octets: Uint8Array): void {
    const id = octets.length < 2 ? -1 : (octets[0]! << 8) | octets[1]!;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    const isOurs = readReply(octets, id, waiting.name, waiting.type) !== undefined;
    waiting.end(isOurs ? { octets } : { failure: 'answers with octets that are no reply' });
  }

  /** For messages. */
  get text(): string {
    return formatDotServer(this.#server);
  }
}

/** With recursion, without DNSSEC records: the server validates. Its length tells little of the name. */
export function paddedQuestion(id: number, name: Name, type: RrType): Uint8Array {
  const plain = writeQuestion(id, name, type);
  plain[2]! |= RECURSION_DESIRED;
  // Flags and length of OPT are its last four octets.
  plain[plain.length - 4]! &= ~FLAG_DO;
  const bare = plain.length + 4;
  const padding = (PADDED_BYTES - (bare % PADDED_BYTES)) % PADDED_BYTES;
  const padded = new Uint8Array(bare + padding);
  padded.set(plain);
  const view = new DataView(padded.buffer);
  view.setUint16(plain.length - 2, 4 + padding);
  view.setUint16(plain.length, OPTION_PADDING);
  view.setUint16(plain.length + 2, padding);
  return padded;
}
