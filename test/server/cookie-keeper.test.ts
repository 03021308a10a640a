/** When the secrets of cookies change. Not here: their files (test/process/cookie-files.test.ts). */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CookieSecrets } from '#answer/defence/cookie-secrets.ts';
import { COOKIE_ROTATE_MS } from '#base/limits/answer.ts';
import { CookieKeeper } from '#server/cookie-keeper.ts';

let made = 0;
/** The first secret is all 1, the second all 2 … */
const random = (bytes: number) => new Uint8Array(bytes).fill(++made);
const words = (octet: number) => Array.from({ length: 4 }, () => (octet * 0x01010101) | 0);
/** As another thread sees them. */
const seen = ({ secrets }: CookieKeeper) => {
  const elsewhere = new CookieSecrets(secrets.shared);
  elsewhere.refresh();
  return [[...elsewhere.current], [...elsewhere.other]];
};

beforeEach(() => {
  made = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

test('RFC 7873 §7.1: without given ones, a new secret every 26 hours; the one before is still taken', () => {
  vi.useFakeTimers();
  const keeper = new CookieKeeper({ source: {}, random });
  expect(seen(keeper)).toEqual([words(1), words(1)]);
  expect(COOKIE_ROTATE_MS).toBe(26 * 3_600_000);
  vi.advanceTimersByTime(COOKIE_ROTATE_MS);
  expect(seen(keeper)).toEqual([words(2), words(1)]);
  vi.advanceTimersByTime(COOKIE_ROTATE_MS);
  expect(seen(keeper)).toEqual([words(3), words(2)]);
  keeper.stop();
  vi.advanceTimersByTime(10 * COOKIE_ROTATE_MS);
  expect(seen(keeper)).toEqual([words(3), words(2)]);
});

test('given ones stay until others are given; a bad one is a bug of ours', () => {
  vi.useFakeTimers();
  const keeper = new CookieKeeper({ source: { secrets: ['07'.repeat(16), `0x${'08'.repeat(16)}`] }, random });
  expect(seen(keeper)).toEqual([words(7), words(8)]);
  vi.advanceTimersByTime(2 * COOKIE_ROTATE_MS);
  expect(seen(keeper)).toEqual([words(7), words(8)]);
  keeper.take(['09'.repeat(16)]);
  expect(seen(keeper)).toEqual([words(9), words(9)]);
  expect(() => keeper.take(['nonsense'])).toThrow('cookie secrets');
  expect(seen(keeper)).toEqual([words(9), words(9)]);
});
