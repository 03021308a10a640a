/** A steady stream of queries, and what came of each: for tests that look for gaps. Not here: as many as possible (flood.ts). */
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { type Endpoint } from './exchange.ts';

const LOOK_EVERY_MS = 20;

/** What came of a stream of queries. */
export interface LoadReport {
  readonly sent: number;
  /** Ids of queries without an answer, with when they were sent (milliseconds since the start). */
  readonly unanswered: readonly number[];
  readonly slowestMs: number;
  /** Longest time without any answer. */
  readonly longestGapMs: number;
}

/** A query every `everyMs` over UDP, from a new port each time, so that every worker gets some. Nothing is asked twice. */
export class QueryLoad {
  readonly #sentAt = new Map<number, number>();
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #slowestMs = 0;
  #lastAnswerAt = performance.now();
  #longestGapMs = 0;

  constructor(server: Endpoint, query: Buffer, everyMs: number) {
    this.#timer = setInterval(() => this.#ask(server, query), everyMs);
  }

  /** Answers so far. */
  get answered(): number {
    return this.#sent - this.#sentAt.size;
  }

  /** Milliseconds since the start, as in the report. */
  now(): number {
    return performance.now() - this.#startedAt;
  }

  /** Stops asking, waits a moment for the last answers, and tells. */
  async stop(graceMs = 2000): Promise<LoadReport> {
    clearInterval(this.#timer);
    const until = performance.now() + graceMs;
    while (this.#sentAt.size > 0 && performance.now() < until) await delay(LOOK_EVERY_MS);
    return {
      sent: this.#sent,
      unanswered: [...this.#sentAt.values()].map((at) => Math.round(at - this.#startedAt)),
      slowestMs: Math.round(this.#slowestMs),
      longestGapMs: Math.round(this.#longestGapMs),
    };
  }

  #ask(server: Endpoint, query: Buffer): void {
    const id = this.#sent++;
    const sentAt = performance.now();
    this.#sentAt.set(id, sentAt);
    const socket = createSocket('udp4');
    // After answers that are here already: a process that stood still reads them first.
    let late: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => (late = setImmediate(() => socket.close())), 5000);
    // ICMP "port unreachable" while nobody listens is the same as silence.
    socket.on('error', () => undefined);
    socket.on('message', () => {
      clearTimeout(timer);
      clearImmediate(late);
      socket.close();
      const now = performance.now();
      this.#sentAt.delete(id);
      this.#slowestMs = Math.max(this.#slowestMs, now - sentAt);
      this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAnswerAt);
      this.#lastAnswerAt = now;
    });
    socket.send(query, server.port, server.address);
  }
}
