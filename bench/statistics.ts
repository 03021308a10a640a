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
