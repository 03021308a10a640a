/** Cumulative counts, as Prometheus' text format has them. */
import { expect, test } from 'vitest';
import { Histogram } from '#base/measure/histogram.ts';

test('a value counts in every bound from its own on; one beyond all counts in the total alone', () => {
  const histogram = new Histogram([0.1, 1, 10]);
  for (const value of [0.05, 0.1, 0.5, 10, 11]) histogram.add(value);
  expect([0, 1, 2].map((at) => histogram.countUpTo(at))).toEqual([2, 3, 4]);
  expect([histogram.count, histogram.sum]).toEqual([5, expect.closeTo(21.65)]);
});
