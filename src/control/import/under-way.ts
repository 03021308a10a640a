/**
 * Zones whose import is under way: other changes of them wait for its end, and are turned away when that takes long.
 * Not here: the imports (imports.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { IMPORT_WAITING_MAX } from '#base/limits/changes.ts';
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';

export class UnderWay {
  readonly #waitMs: number;
  /** By the zone's name, what resolves when its import has ended. */
  readonly #held = new Map<string, Promise<void>>();
  #waiting = 0;

  /** `waitMs`: how long a change waits. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Undefined when no import of the zone is under way; else why another change does not wait any longer. */
  async whenFree(zone: string): Promise<Problem | undefined> {
    if (!this.#held.has(zone)) return undefined;
    const why = `an import of ${zone} is under way; nothing was changed`;
    const busy = problem('IMPORT_UNDER_WAY', atZone(zone), why, { fix: 'repeat the change when the import has ended' });
    if (this.#waiting >= IMPORT_WAITING_MAX) return busy;
    this.#waiting++;
    const ends = new AbortController();
    const late = sleep(this.#waitMs, busy, { signal: ends.signal, ref: false }).catch(() => undefined);
    try {
      // Another import may have been first when one ends.
      for (let ended = this.#held.get(zone); ended !== undefined; ended = this.#held.get(zone))
        if ((await Promise.race([late, ended])) === busy) return busy;
      return undefined;
    } finally {
      this.#waiting--;
      ends.abort();
    }
  }

  /** Holds the zone, which must be free, until the function is called that it returns. */
  hold(zone: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(zone, promise);
    return () => {
      this.#held.delete(zone);
      resolve();
    };
  }

  /** Resolves when none of those that are held now is held any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#held.values()]);
  }
}
