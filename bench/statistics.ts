/** Medians and their spread. The spread is the interquartile range: half of all runs lie inside it, and one bad run does not move it. */

export interface Spread {
  readonly median: number;
  /** First and third quartile. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Linear between neighbours (type 7 of Hyndman and Fan). NaN for nothing. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = part * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75), count: values.length };
}

/**
 * Ours by theirs, round by round: what a noisy minute does to both drops out. Rounds in which either is missing are left out.
 */
export function ratioOf(ours: readonly (number | undefined)[], theirs: readonly (number | undefined)[]): Spread {
  return spreadOf(
    ours.flatMap((each, round) => {
      const other = theirs[round];
      return each === undefined || other === undefined ? [] : [each / other];
    }),
  );
}

/** Welch's t of two samples: how many standard errors the means are apart. Positive: `a` has the larger one. */
export function welchT(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [one, other] = [momentsOf(a), momentsOf(b)];
  return (one.mean - other.mean) / Math.sqrt(one.variance / a.length + other.variance / b.length);
}

function momentsOf(values: ArrayLike<number>): { readonly mean: number; readonly variance: number } {
  let [mean, squares] = [0, 0];
  for (let at = 0; at < values.length; at++) {
    const from = values[at]! - mean;
    mean += from / (at + 1);
    squares += from * (values[at]! - mean);
  }
  return { mean, variance: squares / (values.length - 1) };
}

/** Parts of all samples, the shortest ones, that are compared: times have a long tail that hides small differences. */
const KEPT_PARTS = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1];

/** The t farthest from 0 of two samples of times, whole and without the longest times of both together. */
export function farthestT(a: readonly number[], b: readonly number[]): number {
  const both = Float64Array.from([...a, ...b]).sort();
  const limits = KEPT_PARTS.map((part) => both[Math.round(part * (both.length - 1))]!);
  const all = limits.map((limit) => {
    const kept = (values: readonly number[]): number[] => values.filter((each) => each <= limit);
    return welchT(kept(a), kept(b));
  });
  return all.reduce((farthest, each) => (Math.abs(each) > Math.abs(farthest) ? each : farthest), 0);
}
