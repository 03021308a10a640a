/** RRsets that went from a zone, and how long a rollover counts with them. */
import { expect, test } from 'vitest';
import { SECONDARY_BEHIND_MS_MAX } from '#base/limits/lifecycle.ts';
import { goneTtlMs, noteGone } from '#dnssec/rollover/gone.ts';

const DAY_MS = 86_400_000;

test('RFC 7583 §3.2.1: the whole TTL counts while a server may be behind, the longest of all', () => {
  const day = noteGone({}, DAY_MS, 1000);
  expect(day).toEqual({ cachedUntilMs: 1000 + DAY_MS, cachedTtlMs: DAY_MS });
  const both = noteGone(day, 60_000, 2 * DAY_MS);
  expect(both).toEqual({ cachedUntilMs: 2 * DAY_MS + 60_000, cachedTtlMs: DAY_MS });
  expect(goneTtlMs(both, 3 * DAY_MS)).toBe(DAY_MS);
});

test('after the time in which a secondary that is behind serves what it has, it is forgotten', () => {
  const day = noteGone({}, DAY_MS, 0);
  expect(goneTtlMs(day, DAY_MS + SECONDARY_BEHIND_MS_MAX - 1)).toBe(DAY_MS);
  expect(goneTtlMs(day, DAY_MS + SECONDARY_BEHIND_MS_MAX)).toBe(0);
  expect(noteGone(day, 5000, DAY_MS + SECONDARY_BEHIND_MS_MAX).cachedTtlMs).toBe(5000);
});

test('a record from before the TTL was kept: what is left of the time', () => {
  expect(goneTtlMs({ cachedUntilMs: DAY_MS }, 1000)).toBe(DAY_MS - 1000);
  expect(goneTtlMs({ cachedUntilMs: 1000 }, DAY_MS)).toBe(0);
  expect(goneTtlMs({}, 0)).toBe(0);
});
