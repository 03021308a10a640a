/**
 * One audit entry for each signer and key and hour: a signer that asks for every message must not fill the log.
 * In memory: after a restart the entries begin anew.
 */
import { SIGNER_AUDIT_PAIRS_MAX } from '#base/limits/limits.ts';

const HOUR_MS = 3_600_000;

export class HourlyLog {
  /** What was done → hour of its entry, the oldest first. */
  readonly #hours = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  /** Those of `items` that have no entry of this hour yet. Counts them all. */
  missing(items: readonly string[], nowMs: number): string[] {
    const hour = Math.floor(nowMs / HOUR_MS);
    return items.filter((item) => this.#hours.get(item) !== hour);
  }

  /** Has there ever been an entry for it? */
  isKnown(item: string): boolean {
    return this.#hours.has(item);
  }

  count(item: string): void {
    this.#counts.set(item, (this.#counts.get(item) ?? 0) + 1);
    prune(this.#counts);
  }

  /** How often it was counted since its last entry. */
  countOf(item: string): number {
    return this.#counts.get(item) ?? 0;
  }

  /** The entry is written. */
  done(items: readonly string[], nowMs: number): void {
    for (const item of items) {
      this.#hours.delete(item);
      this.#hours.set(item, Math.floor(nowMs / HOUR_MS));
      this.#counts.delete(item);
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
