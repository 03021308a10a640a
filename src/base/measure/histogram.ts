/**
 * How many values were at most so large: what Prometheus makes quantiles of. Cumulative, as its text format has them.
 * Not here: printing them (control/metrics.ts).
 */
export class Histogram {
  readonly bounds: readonly number[];
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;

  /** `bounds`: ascending. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length);
  }

  add(value: number): void {
    this.#count += 1;
    this.#sum += value;
    for (let at = this.bounds.length - 1; at >= 0 && value <= this.bounds[at]!; at--) this.#counts[at]! += 1;
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Of values up to the bound with this index. */
  countUpTo(at: number): number {
    return this.#counts[at]!;
  }
}
