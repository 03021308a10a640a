/** Timers of a test: they fire when the test says so, in the order of their times. */
import { type Timers } from '#base/clock.ts';

export class TestTimers implements Timers {
  readonly #nowMs: () => number;
  readonly #pending = new Map<object, { readonly atMs: number; readonly run: () => void }>();
  #onSet: () => void = () => {};

  /** `nowMs` only goes forward. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  set(run: () => void, afterMs: number): object {
    const timer = {};
    this.#pending.set(timer, { atMs: this.#nowMs() + afterMs, run });
    this.#onSet();
    return timer;
  }

  clear(timer: unknown): void {
    this.#pending.delete(timer as object);
  }

  /** When the next one fires. */
  nextMs(): number {
    return Math.min(...[...this.#pending.values()].map(({ atMs }) => atMs));
  }

  /** How long each still has, shortest first. */
  leftMs(): number[] {
    return [...this.#pending.values()].map(({ atMs }) => atMs - this.#nowMs()).toSorted((a, b) => a - b);
  }

  /** Fires those whose time has come. */
  fire(): void {
    for (const [timer, { atMs, run }] of this.#pending) {
      if (atMs > this.#nowMs()) continue;
      this.#pending.delete(timer);
      run();
    }
  }

  /** Resolves when `count` timers wait. */
  async waiting(count: number): Promise<void> {
    while (this.#pending.size < count) await new Promise<void>((resolve) => (this.#onSet = resolve));
  }
}
