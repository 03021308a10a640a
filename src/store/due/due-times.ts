/**
 * Keys with their times, kept in the order of these: which comes first, and which are due. Numbers of events will do as
 * times too.
 * Not here: where the times come from (due-index.ts of the store's documents, control/dnssec/parent-watch.ts of looks).
 */

interface Entry {
  readonly atMs: number;
  readonly key: string;
}

/** Each key has one time. A key that is set, moved or deleted costs a binary search and a move of what lies behind its place. */
export class DueTimes {
  readonly #times = new Map<string, number>();
  /** By time, and then by key. */
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#times.size;
  }

  /** Undefined for a key without a time. */
  get(key: string): number | undefined {
    return this.#times.get(key);
  }

  set(key: string, atMs: number): void {
    this.delete(key);
    this.#times.set(key, atMs);
    this.#entries.splice(this.#place(atMs, key), 0, { atMs, key });
  }

  /** Nothing happens to a key without a time. */
  delete(key: string): void {
    const atMs = this.#times.get(key);
    if (atMs === undefined) return;
    this.#times.delete(key);
    this.#entries.splice(this.#place(atMs, key), 1);
  }

  firstMs(): number | undefined {
    return this.#entries[0]?.atMs;
  }

  /** Keys whose time is `untilMs` or before, soonest first, at most `limit`. */
  until(untilMs: number, limit: number): readonly string[] {
    let count = 0;
    while (count < Math.min(limit, this.#entries.length) && this.#entries[count]!.atMs <= untilMs) count++;
    return this.#entries.slice(0, count).map(({ key }) => key);
  }

  /** How many entries are before this one. */
  #place(atMs: number, key: string): number {
    let [from, to] = [0, this.#entries.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const at = this.#entries[middle]!;
      const isBefore = at.atMs < atMs || (at.atMs === atMs && at.key < key);
      if (isBefore) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
