/** Entries of a signer's fetches: one an hour for each key, with how often it was fetched since. */
import { expect, test } from 'vitest';
import { HourlyLog } from '#control/signers/audit.ts';

interface Key {
  readonly signer: string;
  readonly selector: string;
}

const HOUR_MS = 3_600_000;
const A: Key = { signer: 'mx1', selector: 'r1' };
const B: Key = { signer: 'mx1', selector: 'r2' };

test('an item is missing until its entry is written, and again in the next hour; others are others', () => {
  const log = new HourlyLog<Key>(({ signer, selector }) => `${signer} ${selector}`);
  expect(log.missing([A, B], 0)).toEqual([A, B]);
  log.done([{ ...A }], 0);
  expect(log.missing([A, B], HOUR_MS - 1)).toEqual([B]);
  expect(log.missing([A, B], HOUR_MS)).toEqual([A, B]);
  expect([log.isKnown(A), log.isKnown(B)]).toEqual([true, false]);
});

test('fetches are counted from entry to entry', () => {
  const log = new HourlyLog<Key>(({ signer, selector }) => `${signer} ${selector}`);
  log.count(A);
  log.count({ ...A });
  expect([log.countOf(A), log.countOf(B)]).toEqual([2, 0]);
  log.done([A], 0);
  expect(log.countOf(A)).toBe(0);
});
