/**
 * One TCP connection: reads queries, answers them in order, and stops reading when the client does not take its answers.
 * Implements: RFC 7766 §6.2.1.1 (pipelining), §6.2.3 (idle), §8 (one write for length and message); RFC 9210 §4.
 * States: `first` (nothing asked yet) · `idle` (all answered) · `message` (a message has begun) · `stream` (an answer
 * of many messages is being sent) · `later` (control makes the answer) · `blocked` (answers wait for the client) ·
 * `closing` (the last answers are on their way). Each has a deadline, which the table (table.ts) watches. Answering is
 * synchronous but for `later`, so answers are in the order of the queries and no query waits in memory but those of
 * the last read. While a stream is being sent, or control makes an answer, nothing is read: what the client asks
 * meanwhile is answered after it.
 */
import { assert } from '#base/assert.ts';
import { type ClientAddress } from '#base/client-address.ts';
import { HANDED_CONNECTION_MS } from '#base/limits/update.ts';
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { TCP_SPARE_BUFFERS_MAX, TCP_TURN_ANSWER_BYTES, TCP_TURN_BYTES } from '#base/limits/server.ts';
import { TCP_WRITE_BATCH_BYTES } from '#base/limits/server.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { ANSWER_IS_LATER } from '#answer/later-answer.ts';
import { ANSWER_IS_STREAM, type MessageStream } from '#answer/message-stream.ts';
import { type QueryResponder } from '#server/listener.ts';
import { TcpFraming } from './framing.ts';
import { type TcpSocket, type TcpSocketEvents } from './tcp-socket.ts';
import { type TcpTurns } from './turns.ts';

export type TcpPhase = 'first' | 'idle' | 'message' | 'stream' | 'later' | 'blocked' | 'closing';

/** What a connection needs from the table it is in. */
export interface ConnectionHost {
  readonly responder: QueryResponder;
  readonly counters: Float64Array;
  readonly transport: 'tcp' | 'tls';
  readonly firstMessageMs: number;
  readonly messageMs: number;
  readonly writeMs: number;
  readonly streamMs: number;
  /** How long a connection may be idle now: less when many are open. */
  idleMs(): number;
  nowMs(): number;
  /** True while the server drains: connections end as soon as all is answered. */
  readonly draining: boolean;
  blocked(connection: TcpConnection): void;
  unblocked(connection: TcpConnection): void;
  gone(connection: TcpConnection): void;
  /** Where connections wait for a further turn. */
  readonly turns: TcpTurns;
}

/** A connection as it was accepted. */
export interface ConnectionParts {
  readonly socket: TcpSocket;
  /** What counts as one client. */
  readonly client: string;
  readonly address: ClientAddress;
}

/**
 * Answers are gathered in `gathered`, one connection at a time. The kernel mostly takes them at once, and the same buffer serves all; if it does
 * not, the connection keeps that buffer until it does, and a spare one takes its place. So nothing is allocated per answer: memory that
 * clients can ask for would otherwise grow by all that the garbage collector has not freed yet.
 */
const BUFFER_BYTES = TCP_WRITE_BATCH_BYTES + 2 + MESSAGE_BYTES_MAX;
let gathered: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
const spare: Buffer[] = [];
const HEADER_BYTES = 12;

const SENDING: ReadonlySet<TcpPhase> = new Set(['stream', 'later', 'blocked', 'closing']);

export class TcpConnection implements TcpSocketEvents {
  /** What counts as one client for limits of connections. */
  readonly client: string;
  readonly #address: ClientAddress;
  readonly #socket: TcpSocket;
  readonly #host: ConnectionHost;
  readonly #framing = new TcpFraming();
  #phase: TcpPhase = 'first';
  /** When the phase began: the client that has made no progress for the longest is the first to be evicted. */
  #sinceMs: number;
  #deadlineMs: number;
  /** Answers that the kernel has not taken yet; nothing more is answered while there are any. */
  #unsent: Buffer | undefined;
  /** The answer of many messages that is being sent; at most one, and its messages exist one batch at a time. */
  #stream: MessageStream | undefined;
  #streamDeadlineMs = Infinity;
  /** Control makes an answer, and nothing is read until it has come: answers are in the order of the queries. */
  #isAwaiting = false;
  /** That answer, while the client has not taken those before it. */
  #held: Uint8Array | undefined;
  /** The client has sent FIN. */
  #ended = false;
  /** More messages are at hand, and a later turn continues with them. */
  #isWaiting = false;
  readonly #turn = (): void => this.#takeTurn();

  constructor({ socket, client, address }: ConnectionParts, host: ConnectionHost) {
    this.client = client;
    this.#address = address;
    this.#socket = socket;
    this.#host = host;
    this.#sinceMs = host.nowMs();
    this.#deadlineMs = this.#sinceMs + host.firstMessageMs;
  }

  /** Begins to read. */
  start(): void {
    this.#socket.listen(this);
  }

  readable(): void {
    this.#pull();
  }

  failed(): void {
    this.#host.counters[SLOT.tcpSocketErrors]! += 1;
  }

  closed(): void {
    this.#host.turns.delete(this.#turn);
    this.#releaseUnsent();
    this.#closeStream();
    this.#host.gone(this);
  }

  get phase(): TcpPhase {
    return this.#phase;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get deadlineMs(): number {
    // The idle limit depends on how full the table is now, not on how full it was when this connection became idle.
    return this.#phase === 'idle' ? this.#sinceMs + this.#host.idleMs() : this.#deadlineMs;
  }

  /** Ends the connection at once. With `reset` the kernel forgets unsent answers and keeps no TIME_WAIT: what a misbehaving client costs ends here. */
  drop(reset: boolean): void {
    if (reset) this.#socket.reset();
    else this.#socket.destroy();
  }

  /** The server drains: ends now if nothing is under way, else as soon as that is answered. */
  drain(): void {
    if ((this.#phase === 'first' || this.#phase === 'idle') && !this.#isWaiting) this.#finish();
  }

  /** Reads and answers what is at hand, a turn's worth at a time. */
  #pull(): void {
    while (!this.#isSending() && !this.#isWaiting) {
      const octets = this.#socket.read(TCP_TURN_BYTES);
      // Nothing now: 'readable' or 'ended' will come.
      if (octets === undefined) return;
      this.#framing.push(octets);
      this.#work();
      this.#framing.keepUnread();
      if (this.#socket.hasMore) this.#yieldTurn();
    }
  }

  /**
   * Answers the whole messages of the last read, a turn's worth of answers, unless the client does not take them, and
   * sets the phase.
   */
  #work(): void {
    let length = 0;
    let total = 0;
    let answered = false;
    this.#host.responder.beginBatch?.();
    for (let message = this.#framing.next(); message !== undefined; message = this.#framing.next()) {
      this.#host.counters[SLOT.tcpQueries]! += 1;
      const written = isQuery(message)
        ? this.#host.responder.respond(message, message.length, gathered.subarray(length + 2), this.#host.transport, this.#address)
        : 0;
      if (written <= 0) {
        if (written === ANSWER_IS_STREAM) return this.#startStream(message, length);
        if (written === ANSWER_IS_LATER) return this.#awaitAnswer(length);
        // Answers, empty messages, header fragments are no queries: no honest client sends them. The stream is unsafe.
        this.#host.counters[SLOT.tcpGarbage]! += 1;
        this.#write(length);
        return this.#finish();
      }
      gathered.writeUInt16BE(written, length);
      length += 2 + written;
      total += 2 + written;
      answered = true;
      if (length >= TCP_WRITE_BATCH_BYTES) {
        if (!this.#write(length)) return this.#block();
        length = 0;
      }
      if (total >= TCP_TURN_ANSWER_BYTES && this.#framing.unread) return this.#breakOff(length);
    }
    if (!this.#write(length)) return this.#block();
    this.#rest(answered);
  }

  /** The turn is over, and messages of the last read are left; `length` octets of answers are gathered. */
  #breakOff(length: number): void {
    if (!this.#write(length)) return this.#block();
    this.#enter('idle', Infinity);
    this.#yieldTurn();
  }

  /** The answer to `query` is a stream; `length` octets of answers before it are gathered and go first. */
  #startStream(query: Uint8Array, length: number): void {
    const stream = this.#host.responder.stream?.(query, query.length, this.#address);
    assert(stream !== undefined, 'a responder that answers with a stream has none');
    this.#stream = stream;
    this.#streamDeadlineMs = this.#host.nowMs() + this.#host.streamMs;
    if (this.#write(length)) this.#continueStream();
    else this.#block();
  }

  /**
   * Sends one batch of the stream's messages; the next one in another turn of the event loop, when the client has taken
   * this one.
   */
  #continueStream(): void {
    if (this.#stream === undefined) return this.#resume();
    this.#enter('stream', this.#streamDeadlineMs);
    let length = 0;
    while (this.#stream !== undefined && length < TCP_WRITE_BATCH_BYTES) {
      const written = this.#stream.next(gathered.subarray(length + 2));
      if (written === 0) this.#closeStream();
      else {
        gathered.writeUInt16BE(written, length);
        length += 2 + written;
      }
    }
    if (this.#write(length)) this.#yieldTurn();
    else this.#block();
  }

  #closeStream(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#streamDeadlineMs = Infinity;
    stream?.close();
  }

  /** The answer to the last message comes later; `length` octets of answers before it are gathered and go first. */
  #awaitAnswer(length: number): void {
    this.#isAwaiting = true;
    this.#host.responder.later?.((answer) => this.#takeAnswer(answer));
    if (!this.#write(length)) this.#block();
    else if (this.#isAwaiting) this.#enter('later', this.#host.nowMs() + HANDED_CONNECTION_MS);
  }

  #takeAnswer(answer: Uint8Array): void {
    this.#isAwaiting = false;
    if (this.#socket.isDestroyed) return;
    this.#held = answer.slice();
    if (this.#phase === 'later') this.#sendHeld();
  }

  /** Without an answer the client learns by the end of the connection that it has to ask again. */
  #sendHeld(): void {
    const held = this.#held!;
    this.#held = undefined;
    if (held.length === 0) return this.#finish();
    gathered.writeUInt16BE(held.length, 0);
    gathered.set(held, 2);
    if (this.#write(2 + held.length)) this.#resume();
    else this.#block();
  }

  /** The client has taken everything; what it asked after that comes next. */
  #resume(): void {
    this.#enter('idle', Infinity);
    this.#work();
    this.#pull();
  }

  /** Nothing more is read: answers wait for the client, or a stream or the end of the connection is on its way. */
  #isSending(): boolean {
    return this.#isAwaiting || SENDING.has(this.#phase);
  }

  /** Hands the gathered answers to the socket in one write (RFC 7766 §8). False: the client must take some first. */
  #write(length: number): boolean {
    if (length === 0) return true;
    const isTaken = this.#socket.write(gathered.subarray(0, length));
    let count = 0;
    for (let at = 0; at < length; at += 2 + gathered.readUInt16BE(at)) count += 1;
    this.#host.counters[SLOT.tcpAnswers]! += count;
    if (isTaken) return true;
    this.#unsent = gathered;
    gathered = spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    return false;
  }

  /** The kernel has taken everything, or the socket is closed: the buffer can be used again. */
  #releaseUnsent(): void {
    if (this.#unsent === undefined) return;
    if (spare.length < TCP_SPARE_BUFFERS_MAX) spare.push(this.#unsent);
    this.#unsent = undefined;
  }

  /** All whole messages are answered. */
  #rest(progressed: boolean): void {
    if (this.#ended) {
      if (this.#framing.partial) this.#cut();
      else this.#finish();
      return;
    }
    const nowMs = this.#host.nowMs();
    if (this.#framing.partial) {
      // Octets of an unfinished message are no progress: the time since its first octet counts.
      if (this.#phase === 'message' && !progressed) return;
      const firstDeadlineMs = this.#phase === 'first' && !progressed ? this.#deadlineMs : Infinity;
      this.#enter('message', Math.min(nowMs + this.#host.messageMs, firstDeadlineMs));
    } else {
      this.#enter('idle', Infinity);
      if (this.#host.draining) this.#finish();
    }
  }

  #enter(phase: TcpPhase, deadlineMs: number): void {
    if (this.#phase === 'blocked' && phase !== 'blocked') this.#host.unblocked(this);
    this.#phase = phase;
    this.#sinceMs = this.#host.nowMs();
    this.#deadlineMs = deadlineMs;
  }

  /** Backpressure: who does not take answers cannot ask for more of them. */
  #block(): void {
    this.#enter('blocked', Math.min(this.#host.nowMs() + this.#host.writeMs, this.#streamDeadlineMs));
    this.#host.blocked(this);
  }

  drained(): void {
    this.#releaseUnsent();
    if (this.#phase !== 'blocked') return;
    if (this.#isAwaiting) this.#enter('later', this.#host.nowMs() + HANDED_CONNECTION_MS);
    else if (this.#held !== undefined) this.#sendHeld();
    else if (this.#stream === undefined) this.#resume();
    else {
      this.#enter('stream', this.#streamDeadlineMs);
      this.#yieldTurn();
    }
  }

  /** Other connections and UDP go first; more of this connection in a later turn. */
  #yieldTurn(): void {
    if (this.#phase === 'blocked' || this.#phase === 'closing' || this.#isWaiting) return;
    this.#isWaiting = true;
    if (this.#stream === undefined) this.#host.turns.add(this.#turn);
    else this.#host.turns.addStream(this.#turn);
  }

  #takeTurn(): void {
    this.#isWaiting = false;
    if (this.#socket.isDestroyed) return;
    if (this.#phase === 'stream') this.#continueStream();
    // While control makes an answer, or the client does not take one, what is left of the last read waits for that.
    else if (!this.#isSending()) {
      if (this.#framing.unread) this.#work();
      this.#pull();
    }
  }

  /** FIN after the last query is a normal end; the answers still go out (RFC 7766 §6.2.4 forbids dropping them). */
  ended(): void {
    this.#ended = true;
    // Messages of the last read may still wait; `#rest` ends the connection after them.
    if (this.#isSending() || this.#framing.unread) return;
    if (this.#framing.partial) this.#cut();
    else this.#finish();
  }

  #cut(): void {
    this.#host.counters[SLOT.tcpCut]! += 1;
    this.drop(false);
  }

  /** Sends what is written, then closes. */
  #finish(): void {
    this.#enter('closing', this.#host.nowMs() + this.#host.writeMs);
    this.#socket.end();
  }
}

/** A whole header with QR = 0. Answering an answer would let two servers talk to each other for ever. */
function isQuery(message: Uint8Array): boolean {
  return message.length >= HEADER_BYTES && (message[2]! & 0x80) === 0;
}
