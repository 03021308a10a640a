/**
 * Turns of TCP connections that have more to do than one turn's worth: they wait in one queue, and each round of the
 * event loop serves a few of them. What just came in (a new connection, the first queries of another) is served between
 * two rounds, so that clients which ask without end, and never read, delay others by one round and not by a turn of
 * each of them. Streams wait in a queue of their own, which rests while UDP is busy (stream-pace.ts).
 * Not here: what a turn is (connection.ts).
 */
import { STREAM_SLICE_MS, TCP_TURNS_PER_ROUND } from '#base/limits/server.ts';
import { type CountQueries, StreamPace } from './stream-pace.ts';
import { NODE_ROUNDS, type TcpRounds } from './tcp-socket.ts';

export class TcpTurns {
  /** In the order in which they asked for their turns. */
  readonly #waiting = new Set<() => void>();
  readonly #streams = new Set<() => void>();
  #isRoundDue = false;
  #isStreamRoundDue = false;
  /** No stream has its turn before. */
  #restUntilMs = 0;
  readonly #pace: StreamPace;
  readonly #rounds: TcpRounds;

  /** `udpQueries` of all threads; absent: streams never rest. */
  constructor(udpQueries: CountQueries = () => 0, rounds: TcpRounds = NODE_ROUNDS) {
    this.#pace = new StreamPace(udpQueries);
    this.#rounds = rounds;
  }

  /** `turn` is called once, in a later round. The same function waits only once. */
  add(turn: () => void): void {
    this.#waiting.add(turn);
    this.#schedule();
  }

  /** The same for the next messages of a stream. */
  addStream(turn: () => void): void {
    this.#streams.add(turn);
    this.#scheduleStreams();
  }

  delete(turn: () => void): void {
    this.#waiting.delete(turn);
    this.#streams.delete(turn);
  }

  #schedule(): void {
    if (this.#isRoundDue) return;
    this.#isRoundDue = true;
    this.#rounds.soon(() => {
      this.#isRoundDue = false;
      serve(this.#waiting, TCP_TURNS_PER_ROUND, Infinity);
      if (this.#waiting.size > 0) this.#schedule();
    });
  }

  #scheduleStreams(): void {
    if (this.#isStreamRoundDue) return;
    this.#isStreamRoundDue = true;
    const round = () => this.#serveStreams();
    const restMs = this.#restUntilMs - performance.now();
    if (restMs > 0) this.#rounds.after(restMs, round);
    else this.#rounds.soon(round);
  }

  #serveStreams(): void {
    const startedMs = performance.now();
    const isResting = this.#pace.pauseMs(startedMs, 0) > 0;
    // What rests between its rounds does more in each, so that waking it is worth it.
    serve(this.#streams, isResting ? Infinity : TCP_TURNS_PER_ROUND, startedMs + STREAM_SLICE_MS);
    const nowMs = performance.now();
    const pauseMs = this.#pace.pauseMs(nowMs, nowMs - startedMs);
    // It holds for those too that wait for their clients now.
    this.#restUntilMs = pauseMs === 0 ? 0 : nowMs + pauseMs;
    this.#isStreamRoundDue = false;
    if (this.#streams.size > 0) this.#scheduleStreams();
  }
}

/** Gives turns and takes each off its queue, until so many were given or it is `untilMs`. A turn may add itself. */
function serve(queue: Set<() => void>, turns: number, untilMs: number): void {
  let left = turns;
  for (const turn of queue) {
    if (left-- === 0 || performance.now() >= untilMs) return;
    queue.delete(turn);
    turn();
  }
}
