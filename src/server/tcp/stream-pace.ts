/**
 * How much time streams (zone transfers) have while UDP is busy: on a machine whose cores are all in use, what a
 * transfer takes is taken from answers. A transfer may wait, and secondaries do not notice; an answer may not.
 * Not here: turns of connections (turns.ts).
 */
import {
  STREAM_PAUSE_MS_MIN,
  STREAM_PAUSE_TIMES,
  UDP_BUSY_LOOK_MS,
  UDP_BUSY_QUERIES_PER_SECOND,
} from '#base/limits/server.ts';

/** Of all threads of the process, since it began. */
export type CountQueries = () => number;

export class StreamPace {
  readonly #udpQueries: CountQueries;
  #seenMs = -Infinity;
  #seenQueries = 0;
  #isBusy = false;

  constructor(udpQueries: CountQueries) {
    this.#udpQueries = udpQueries;
  }

  /** Milliseconds for which all streams of this thread rest after they took `tookMs`; 0 while UDP has little to do. */
  pauseMs(nowMs: number, tookMs: number): number {
    if (nowMs - this.#seenMs >= UDP_BUSY_LOOK_MS) this.#look(nowMs);
    return this.#isBusy ? Math.max(STREAM_PAUSE_MS_MIN, tookMs * STREAM_PAUSE_TIMES) : 0;
  }

  #look(nowMs: number): void {
    const queries = this.#udpQueries();
    const seconds = (nowMs - this.#seenMs) / 1000;
    // Before the first look there is nothing to compare with.
    this.#isBusy = (queries - this.#seenQueries) / seconds > UDP_BUSY_QUERIES_PER_SECOND;
    [this.#seenMs, this.#seenQueries] = [nowMs, queries];
  }
}
