/** REFRESH, RETRY and EXPIRE as the SOA has them, within limits, and what a primary says of its own. */
import { expect, test } from 'vitest';
import { checkedState, firstRetryMs, jittered, soaTimes } from '#control/secondary/timers.ts';
import { expiresAtMs } from '#store/transfer/primaries.ts';
import { record } from '../../support/transfer-messages.ts';

const times = (text: string) => soaTimes(record(`@ 60 SOA ns host 1 ${text} 60`).rdata);

test('RFC 1035 §3.3.13: as given; 0 and more than weeks are bounded', () => {
  expect(times('7200 900 1209600')).toEqual({ refreshSeconds: 7200, retrySeconds: 900, expireSeconds: 1_209_600 });
  expect(times('0 0 0')).toEqual({ refreshSeconds: 2, retrySeconds: 2, expireSeconds: 4 });
  expect(times('4294967295 4294967295 4294967295').refreshSeconds).toBe(28 * 86_400);
});

test('RFC 7314 §4: EXPIRE of a primary counts from its answer, and never shortens what a SOA check finds', () => {
  const check = { nowMs: 0, serial: 1, soaExpireSeconds: 1000, saidSeconds: undefined, isTransfer: true };
  const first = checkedState(undefined, check);
  expect(expiresAtMs(first)).toBe(1_000_000);
  expect(expiresAtMs(checkedState(undefined, { ...check, saidSeconds: 300 }))).toBe(300_000);
  const later = { ...check, nowMs: 100_000, isTransfer: false };
  expect(expiresAtMs(checkedState(first, { ...later, saidSeconds: 200 }))).toBe(1_000_000);
  expect(expiresAtMs(checkedState(first, { ...later, saidSeconds: 950 }))).toBe(1_050_000);
  expect(expiresAtMs(checkedState(first, later))).toBe(1_100_000);
});

test('waits are shortened by chance, and double before a zone was ever there', () => {
  expect([jittered(1000, 0), jittered(1000, 0.5)]).toEqual([1000, 950]);
  expect([1, 2, 3, 30].map(firstRetryMs)).toEqual([2000, 4000, 8000, 3_600_000]);
});
