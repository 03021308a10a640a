/**
 * Counted time: what life cycles measure their waits in. It goes forward by what the machine's own uptime says, never
 * by what the wall clock says, so a clock that is set wrong, or right again, can neither end a wait early nor start it
 * over. Time that the machine did not count does not count: after a reboot counted time continues where it was last
 * written down, and every wait is longer by that much, which is harmless. Counted time stays near wall time, so that it
 * can be shown; `wallOffsetMs` is the difference.
 */

/** What the edge reads at one moment. */
export interface ClockReading {
  readonly wallMs: number;
  /** Since the machine started, suspended time included. */
  readonly uptimeMs: number;
  /** Differs from boot to boot; where there is none, from process to process. */
  readonly bootId: string;
}

/** Kept with the state that it was used for, and written down now and then in between. */
export interface Timeline {
  readonly version: 1;
  readonly nowMs: number;
  readonly uptimeMs: number;
  readonly bootId: string;
  /** Wall time minus counted time. */
  readonly wallOffsetMs: number;
}

/** The timeline at `reading`; the first one begins at wall time. Counted time never goes back. */
export function advanceTimeline(before: Timeline | undefined, { wallMs, uptimeMs, bootId }: ClockReading): Timeline {
  const countedMs = before === undefined || before.bootId !== bootId ? 0 : Math.max(0, uptimeMs - before.uptimeMs);
  const nowMs = (before?.nowMs ?? wallMs) + countedMs;
  return { version: 1, nowMs, uptimeMs, bootId, wallOffsetMs: wallMs - nowMs };
}

/** `2026-11-21 10:05 UTC`. */
export function formatTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
