/** `[check]`: how often zones are checked in turn. */
import { expect, test } from 'vitest';
import { type CheckSettings, describeCheck, settleCheck } from '#config/check.ts';

function settled(every?: string): CheckSettings {
  const read = <T>(_key: string, text: string, parse: (text: string) => T | undefined): T | undefined => parse(text);
  return settleCheck(every === undefined ? {} : { every }, { read });
}

test.each([
  [undefined, 6 * 3_600_000, '6h'],
  ['off', undefined, 'off'],
  ['1d', 86_400_000, '1d'],
  ['1h', 3_600_000, '1h'],
  // Out of range, or no duration: the reader says so.
  ['59m', undefined, 'off'],
  ['31d', undefined, 'off'],
  ['often', undefined, 'off'],
])('every = %j', (every, everyMs, shown) => {
  expect(settled(every)).toEqual({ everyMs });
  expect(describeCheck(settled(every))).toEqual({ every: shown });
});
