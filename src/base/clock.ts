/**
 * Time as an argument. Only process edges use `systemClock` and `systemTimers`; everything else is given a `Clock`,
 * so that a year of rotations can run in a second in a test.
 */
export interface Clock {
  /** Wall time, milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Waking up later. */
export interface Timers {
  /** Calls `run` once, `afterMs` from now, unless it is cleared before. */
  set(run: () => void, afterMs: number): unknown;
  /** Takes what `set` returned; undefined, and a timer that has run, change nothing. */
  clear(timer: unknown): void;
}

export const systemTimers: Timers = {
  set: (run, afterMs) => setTimeout(run, afterMs),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};

/** Those who wait for something to happen: until it does, for some time, or until they give up. */
export class Sleepers {
  readonly #timers: Timers;
  readonly #wakes = new Set<() => void>();

  constructor(timers: Timers = systemTimers) {
    this.#timers = timers;
  }

  /**
   * Resolves at the next `wakeAll`, after `waitMs` (Infinity: not for that), or when `signal` aborts; leaves nothing
   * behind at any of them.
   */
  async sleep(waitMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = Number.isFinite(waitMs) ? this.#timers.set(wake, waitMs) : undefined;
    signal.addEventListener('abort', wake, { once: true });
    this.#wakes.add(wake);
    if (signal.aborted) wake();
    await promise;
    this.#timers.clear(timer);
    signal.removeEventListener('abort', wake);
    this.#wakes.delete(wake);
  }

  wakeAll(): void {
    for (const wake of this.#wakes) wake();
  }
}

/** `nowMs` as the whole seconds DNSSEC counts in. */
export function toSeconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}
