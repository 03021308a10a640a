/** Counts of sockets: times as a histogram, counted in one slot and shown in all that are as long. */
import { expect, test } from 'vitest';
import { SERVER_SLOT, SERVER_SLOT_COUNT, UDP_TIME_SLOTS, countUdpTime, cumulateUdpTimes } from '#server/counters.ts';

const bounds = UDP_TIME_SLOTS.map(([bound]) => bound);

/** `le` of each bucket, and what it has. */
function shown(row: Float64Array): readonly (readonly [string, number])[] {
  const copy = Float64Array.from(row);
  cumulateUdpTimes(copy);
  expect(copy[SERVER_SLOT.udpTimed]).toBe(copy[SERVER_SLOT.udpTimedToo]);
  return [...UDP_TIME_SLOTS.map(([bound, slot]) => [String(bound), copy[slot]!] as const), ['+Inf', copy[SERVER_SLOT.udpTimedToo]!]];
}

test('a query is in each bucket whose bound it was within, a slow one in the last alone; the sum is of all', () => {
  const row = new Float64Array(SERVER_SLOT_COUNT);
  for (const [queries, seconds] of [
    [3, 0.00005],
    [1, 0.0001],
    [2, 0.003],
    [5, 7],
  ] as const)
    countUdpTime(row, queries, seconds);
  const expected = bounds.map((bound) => [String(bound), bound < 0.003 ? 4 : 6] as const);
  expect(shown(row)).toEqual([...expected, ['+Inf', 11]]);
  expect(row[SERVER_SLOT.udpTimedSeconds]).toBeCloseTo(3 * 0.00005 + 0.0001 + 2 * 0.003 + 35, 9);
});

test('what is shown twice is the same: the row itself stays as it is, and no slot of another counter changes', () => {
  const row = Float64Array.from({ length: SERVER_SLOT_COUNT }, (_, slot) => (slot < SERVER_SLOT.udpWithin100us ? slot : 0));
  for (const bound of bounds) countUdpTime(row, 1, bound);
  expect(shown(row)).toEqual(shown(row));
  expect(shown(row).map(([, count]) => count)).toEqual([1, 2, 3, 4, 5, 6, 7, 7]);
  expect([...row.subarray(0, SERVER_SLOT.udpWithin100us)]).toEqual([...row.keys()].slice(0, SERVER_SLOT.udpWithin100us));
  expect(UDP_TIME_SLOTS.map(([, slot]) => slot)).toEqual(bounds.map((_, at) => SERVER_SLOT.udpWithin100us + at));
});
