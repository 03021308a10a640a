import { expect, test } from 'vitest';
import { RestartDelay } from '#base/restart-delay.ts';

test('the wait doubles up to its longest, and is short again after a good life', () => {
  const delay = new RestartDelay({ firstMs: 100, longestMs: 5000, settledMs: 30_000 });
  expect([0, 10, 0, 0, 29_999, 0, 0, 0].map((livedMs) => delay.afterLife(livedMs))).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  expect([30_000, 0].map((livedMs) => delay.afterLife(livedMs))).toEqual([100, 200]);
});
