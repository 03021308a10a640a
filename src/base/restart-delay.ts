/** How long to wait before something that died is started again: short at first, doubling while it keeps dying, short again after a good life. */
import { RESTART_MS_MAX, RESTART_MS_MIN, RESTART_SETTLED_MS } from '#base/limits/server.ts';

export interface RestartTimes {
  readonly firstMs: number;
  readonly longestMs: number;
  /** A life of at least this long is a good one. */
  readonly settledMs: number;
}

export const RESTART_TIMES: RestartTimes = { firstMs: RESTART_MS_MIN, longestMs: RESTART_MS_MAX, settledMs: RESTART_SETTLED_MS };

export class RestartDelay {
  readonly #times: RestartTimes;
  #nextMs: number;

  constructor(times: RestartTimes = RESTART_TIMES) {
    this.#times = times;
    this.#nextMs = times.firstMs;
  }

  /** The wait after a life of `livedMs`. */
  afterLife(livedMs: number): number {
    if (livedMs >= this.#times.settledMs) this.#nextMs = this.#times.firstMs;
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(2 * waitMs, this.#times.longestMs);
    return waitMs;
  }
}
