/**
 * Zones whose import is under way: other changes of them wait for its end, and are turned away when that takes long.
 * Not here: the imports (imports.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { IMPORT_WAITING_MAX, IMPORT_WAITING_PER_ZONE_MAX } from '#base/limits/changes.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';

interface Held {
  /** Resolves when the import has ended. */
  readonly ended: Promise<void>;
  /** Begins a sentence. */
  readonly what: string;
  /** Changes that began to wait for it. */
  waiting: number;
}

export class UnderWay {
  readonly #waitMs: number;
  /** By the zone's name. */
  readonly #held = new Map<string, Held>();
  #waiting = 0;

  /** `waitMs`: how long a change waits. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Whether one of the zone is under way. */
  isHeld(zone: string): boolean {
    return this.#held.has(zone);
  }

  /** Undefined when no import of the zone is under way; else why another change does not wait any longer. */
  async whenFree(zone: string): Promise<Problem | undefined> {
    const held = this.#held.get(zone);
    if (held === undefined) return undefined;
    const why = `${held.what} of ${zone} is under way; nothing was changed`;
    const busy = problem('IMPORT_UNDER_WAY', atZone(zone), why, { fix: 'repeat the change when it has ended' });
    // Those of one zone leave places for the others.
    if (this.#waiting >= IMPORT_WAITING_MAX || held.waiting >= IMPORT_WAITING_PER_ZONE_MAX) return busy;
    this.#waiting++;
    held.waiting++;
    const ends = new AbortController();
    const late = sleep(this.#waitMs, busy, { signal: ends.signal, ref: false }).catch(() => undefined);
    try {
      // Another import may have been first when one ends.
      for (let other = this.#held.get(zone); other !== undefined; other = this.#held.get(zone))
        if ((await Promise.race([late, other.ended])) === busy) return busy;
      return undefined;
    } finally {
      this.#waiting--;
      held.waiting--;
      ends.abort();
    }
  }

  /** Waits as a change does, then holds the zone until the function is called that it gives. */
  async hold(zone: string, what = 'an import'): Promise<Result<() => void>> {
    // Of several that waited, one is first.
    do {
      const busy = await this.whenFree(zone);
      if (busy !== undefined) return fail(busy);
    } while (this.#held.has(zone));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(zone, { ended: promise, what, waiting: 0 });
    return ok(() => {
      this.#held.delete(zone);
      resolve();
    });
  }

  /** Resolves when none of those that are held now is held any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ ended }) => ended));
  }
}
