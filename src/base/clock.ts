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

/** `nowMs` as the whole seconds DNSSEC counts in. */
export function toSeconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}
