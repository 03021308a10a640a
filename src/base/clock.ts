/**
 * Time as an argument. Only process edges use `systemClock`; everything else is given a `Clock`,
 * so that a year of rotations can run in a second in a test.
 */
export interface Clock {
  /** Wall time, milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** `nowMs` as the whole seconds DNSSEC counts in. */
export function toSeconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}
