/** Where secrets of cookies come from, and when they change. */
import { formatPlace } from '#base/place.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CookieSecrets } from '#answer/defence/cookie-secrets.ts';
import { COOKIE_ROTATE_MS } from '#base/limits/answer.ts';
import { CookieKeeper, readCookieSecrets } from '#server/cookie-keeper.ts';

const folder = mkdtempSync(join(tmpdir(), 'waxseal-keeper-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

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

test('RFC 7873 §7.1: without files, a new secret every 26 hours; the one before is still taken', () => {
  vi.useFakeTimers();
  const keeper = new CookieKeeper({ settings: {}, random, log: () => undefined });
  expect(seen(keeper)).toEqual([words(1), words(1)]);
  expect(COOKIE_ROTATE_MS).toBe(26 * 3_600_000);
  vi.advanceTimersByTime(COOKIE_ROTATE_MS);
  expect(seen(keeper)).toEqual([words(2), words(1)]);
  keeper.reload();
  vi.advanceTimersByTime(COOKIE_ROTATE_MS);
  expect(seen(keeper)).toEqual([words(3), words(2)]);
  keeper.stop();
  vi.advanceTimersByTime(10 * COOKIE_ROTATE_MS);
  expect(seen(keeper)).toEqual([words(3), words(2)]);
});

test('from files, read again when told; bad ones change nothing, and are named', () => {
  const logged: string[] = [];
  const settings = { secretFile: file('a', '07'.repeat(16)), previousSecretFile: file('b', `0x${'08'.repeat(16)}\n`) };
  const keeper = new CookieKeeper({ settings, random, log: (text) => logged.push(text) });
  expect(seen(keeper)).toEqual([words(7), words(8)]);
  file('a', '09'.repeat(16));
  file('b', '07'.repeat(16));
  expect(seen(keeper)).toEqual([words(7), words(8)]);
  keeper.reload();
  expect(seen(keeper)).toEqual([words(9), words(7)]);
  file('b', 'nonsense');
  file('a', '0a'.repeat(16));
  keeper.reload();
  expect(seen(keeper)).toEqual([words(9), words(7)]);
  expect(logged).toEqual([expect.stringContaining(join(folder, 'b'))]);
});

test('files that are bad at the start leave random secrets', () => {
  const keeper = new CookieKeeper({ settings: { secretFile: join(folder, 'none') }, random, log: () => undefined });
  expect(seen(keeper)).toEqual([words(1), words(1)]);
});

test('all problems of both files at once', () => {
  const read = readCookieSecrets({ secretFile: join(folder, 'none'), previousSecretFile: file('short', 'abcd') });
  expect(read.ok ? [] : read.problems.map((each) => `${each.code} ${formatPlace(each.at)}`)).toEqual([
    `COOKIE_SECRET_FILE ${join(folder, 'none')}`,
    `COOKIE_SECRET_FILE ${join(folder, 'short')}`,
  ]);
});
