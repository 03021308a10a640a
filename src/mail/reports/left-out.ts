/**
 * What a report has that is not counted: how many times, with how many messages or sessions, and why. Bounded:
 * strangers write reports.
 */
import { REPORT_LEFT_OUT_MAX } from '#base/limits/reports.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, warning } from '#base/problem.ts';

export interface LeftOut {
  /** What and why: `record: source_ip "x" is not an address`. */
  readonly what: string;
  readonly times: number;
  /** Messages or sessions in it, as far as they can be read. */
  readonly amount: number;
}

export class LeftOutList {
  readonly #found = new Map<string, LeftOut>();

  add(what: string, amount = 0): void {
    const key = this.#found.has(what) || this.#found.size < REPORT_LEFT_OUT_MAX ? what : 'other things';
    const before = this.#found.get(key);
    this.#found.set(key, { what: key, times: (before?.times ?? 0) + 1, amount: (before?.amount ?? 0) + amount });
  }

  list(): readonly LeftOut[] {
    return [...this.#found.values()];
  }
}

/** A warning for each. `unit`: `messages`. */
export function leftOutWarnings(leftOut: readonly LeftOut[], unit: string): Problem[] {
  return leftOut.map(({ what, times, amount }) => {
    const often = times === 1 ? '' : `, ${times} times`;
    return warning('REPORT_PART', WHOLE, `not counted: ${what}${often}${amount === 0 ? '' : `, ${amount} ${unit}`}`);
  });
}
