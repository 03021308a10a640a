import { expect, test } from 'vitest';
import {
  UPDATE_REPLAY_MESSAGES_MAX,
  UPDATE_REPLAY_MESSAGES_MIN,
  UPDATE_REPLAY_SECONDS,
  UPDATE_REPLAY_TOTAL_MAX,
} from '#base/limits/update.ts';
import { ReplayWindow } from '#control/update/replay.ts';

const NOW = 1_800_000_000;
const mac = (number: number) => Uint8Array.from([1, 2, 3, number >> 8, number & 0xff]);
const answer = (octet: number) => Promise.resolve(Uint8Array.of(octet));

test('RFC 2136 §4.6: a message that comes again has the same answer; the same MAC of another key is another message', async () => {
  const window = new ReplayWindow();
  window.add('a.', mac(1), NOW, answer(7), NOW);
  expect(await window.find('a.', mac(1))).toEqual(Uint8Array.of(7));
  expect([window.find('a.', mac(2)), window.find('b.', mac(1))]).toEqual([undefined, undefined]);
});

test('what is forgotten for want of places is not taken again: RFC 8945 §10', () => {
  const window = new ReplayWindow();
  for (let each = 0; each <= UPDATE_REPLAY_MESSAGES_MAX; each++) window.add('a.', mac(each), NOW + each, answer(1), NOW + 10);
  expect(window.find('a.', mac(0))).toBeUndefined();
  expect([window.isTooOld('a.', NOW), window.isTooOld('a.', NOW + 1), window.isTooOld('b.', NOW)]).toEqual([true, false, false]);
});

test('RFC 8945 §4.2: what is past its time is forgotten, and not taken again: a client may ask for a fudge of 18 hours', () => {
  const window = new ReplayWindow();
  window.add('a.', mac(1), NOW, answer(1), NOW);
  window.add('a.', mac(2), NOW + UPDATE_REPLAY_SECONDS + 1, answer(1), NOW + UPDATE_REPLAY_SECONDS + 1);
  expect(window.find('a.', mac(1))).toBeUndefined();
  expect([window.isTooOld('a.', NOW), window.isTooOld('a.', NOW + 1)]).toEqual([true, false]);
});

test('keys that are no more leave nothing', () => {
  const window = new ReplayWindow();
  window.add('a.', mac(1), NOW, answer(1), NOW);
  window.keep(new Set(['b.']));
  expect(window.find('a.', mac(1))).toBeUndefined();
});

test('with many keys each has fewer places, and some in any case', () => {
  const window = new ReplayWindow();
  const keys = 2 * Math.ceil(UPDATE_REPLAY_TOTAL_MAX / UPDATE_REPLAY_MESSAGES_MIN);
  for (let key = 0; key < keys; key++) window.add(`k${key}.`, mac(0), NOW, answer(1), NOW);
  for (let each = 1; each <= UPDATE_REPLAY_MESSAGES_MIN; each++) window.add('k0.', mac(each), NOW + each, answer(1), NOW + 70);
  expect([window.find('k0.', mac(0)), window.isTooOld('k0.', NOW)]).toEqual([undefined, true]);
  expect(window.find('k0.', mac(1))).toBeDefined();
});
