/**
 * Keys that a plan showed and nothing has used yet: the change that follows takes the same ones, so that what was planned is what is
 * done. Sealed like all others, and in memory only: after a restart new ones are made.
 */
import { DKIM_PLANNED_KEYS_MAX } from '#base/limits/mail.ts';
import { type DkimAlgorithm } from '#mail/policy/schema.ts';
import { type FreshDkimKey } from './dkim-keys.ts';

export class DkimKeyPool {
  readonly #make: (algorithm: DkimAlgorithm) => Promise<FreshDkimKey>;
  /** The zones longest without a plan first. */
  readonly #waiting = new Map<string, FreshDkimKey[]>();

  constructor(make: (algorithm: DkimAlgorithm) => Promise<FreshDkimKey>) {
    this.#make = make;
  }

  /** One key for each algorithm. They stay in the pool until they are `used`. */
  async keysFor(zone: string, algorithms: readonly DkimAlgorithm[]): Promise<readonly FreshDkimKey[]> {
    const waiting = [...(this.#waiting.get(zone) ?? [])];
    const keys: FreshDkimKey[] = [];
    for (const algorithm of algorithms) {
      const at = waiting.findIndex(({ key }) => key.algorithm === algorithm);
      keys.push(at < 0 ? await this.#make(algorithm) : waiting.splice(at, 1)[0]!);
    }
    this.#waiting.delete(zone);
    this.#waiting.set(zone, [...keys, ...waiting]);
    for (const oldest of this.#waiting.keys()) {
      if (this.#count() <= DKIM_PLANNED_KEYS_MAX || oldest === zone) break;
      this.#waiting.delete(oldest);
    }
    return keys;
  }

  /** These are in the store now. */
  used(zone: string, keys: readonly FreshDkimKey[]): void {
    const left = (this.#waiting.get(zone) ?? []).filter((each) => !keys.includes(each));
    if (left.length === 0) this.#waiting.delete(zone);
    else this.#waiting.set(zone, left);
  }

  #count(): number {
    return [...this.#waiting.values()].reduce((sum, keys) => sum + keys.length, 0);
  }
}
