/**
 * One audit entry for each signer and key and hour: a signer that asks for every message must not fill the log.
 * In memory: after a restart the entries begin anew.
 */
import { SIGNER_AUDIT_PAIRS_MAX } from '#base/limits/signers.ts';
import { HOUR_MS } from '#base/units.ts';

/** `keyOf` tells items apart. */
export class HourlyLog<Item> {
  readonly #keyOf: (item: Item) => string;
  /** What was done → hour of its entry, the oldest first. */
  readonly #hours = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  constructor(keyOf: (item: Item) => string) {
    this.#keyOf = keyOf;
  }

  /** Those of `items` that have no entry of this hour yet. Counts them all. */
  missing(items: readonly Item[], nowMs: number): Item[] {
    const hour = Math.floor(nowMs / HOUR_MS);
    return items.filter((item) => this.#hours.get(this.#keyOf(item)) !== hour);
  }

  /** Has there ever been an entry for it? */
  isKnown(item: Item): boolean {
    return this.#hours.has(this.#keyOf(item));
  }

  count(item: Item): void {
    this.#counts.set(this.#keyOf(item), this.countOf(item) + 1);
    prune(this.#counts);
  }

  /** How often it was counted since its last entry. */
  countOf(item: Item): number {
    return this.#counts.get(this.#keyOf(item)) ?? 0;
  }

  /** The entry is written. */
  done(items: readonly Item[], nowMs: number): void {
    for (const key of items.map(this.#keyOf)) {
      this.#hours.delete(key);
      this.#hours.set(key, Math.floor(nowMs / HOUR_MS));
      this.#counts.delete(key);
    }
    prune(this.#hours);
  }
}

function prune(map: Map<string, number>): void {
  for (const oldest of map.keys()) {
    if (map.size <= SIGNER_AUDIT_PAIRS_MAX) break;
    map.delete(oldest);
  }
}
