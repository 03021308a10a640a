import { expect, test } from 'vitest';
import { REFERENCE_CHECK_EVERY_MS } from '#base/limits/changes.ts';
import { SelfCheck } from '#control/signing/self-check.ts';
import { checkByReference } from '#dnssec/algorithm.ts';
import { engineKey, generateSecret } from '#dnssec/key.ts';
import { seededRandom } from '../../support/random.ts';

const random = seededRandom(7);
const key = engineKey(generateSecret((count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256))));
const { dnskey } = key;
const data = Uint8Array.from([1, 2, 3]);
const signature = key.sign(data);

test('the first signature of a key, and then one in a while, are checked by the reference too', () => {
  let nowMs = 1_000_000;
  let calls = 0;
  const check = new SelfCheck(
    () => nowMs,
    (...signed) => {
      calls++;
      return checkByReference(...signed);
    },
  ).checkOf([]);
  let made = 0;
  /** A hundred checks of new signatures; gives how many of them the reference made too. */
  const hundred = () => {
    const before = calls;
    for (let each = 0; each < 100; each++) {
      const fresh = Uint8Array.from([4, made >>> 8, made++ & 0xff]);
      expect(check(dnskey, fresh, key.sign(fresh))).toBe(true);
    }
    return calls - before;
  };
  expect(hundred()).toBe(1);
  nowMs += REFERENCE_CHECK_EVERY_MS;
  expect(hundred()).toBe(1);
  expect(hundred()).toBe(0);
  // A clock set back a day.
  nowMs -= 86_400_000;
  expect(hundred()).toBe(1);
});

test('what was found good is not looked at again; another signature, other data or another key are', () => {
  let calls = 0;
  let nowMs = 0;
  const check = new SelfCheck(
    () => (nowMs += REFERENCE_CHECK_EVERY_MS),
    (...signed) => {
      calls++;
      return checkByReference(...signed);
    },
  ).checkOf([]);
  for (let each = 0; each < 5; each++) expect(check(dnskey, data, signature)).toBe(true);
  expect(calls).toBe(1);
  expect(check(dnskey, data, key.sign(data))).toBe(true);
  expect(calls).toBe(2);
  // The octets of one moved into the next.
  expect(check(dnskey, data.subarray(0, 2), Uint8Array.from([3, ...signature]))).toBe(false);
  expect(check(dnskey, Uint8Array.from([...data, signature[0]!]), signature.subarray(1))).toBe(false);
  expect(check(dnskey.subarray(0, 67), Uint8Array.from([dnskey[67]!, ...data]), signature)).toBe(false);
});

test('what either of them does not find good is not good', () => {
  const check = new SelfCheck(() => 0).checkOf([]);
  const bad = signature.map((octet, at) => (at === 40 ? octet ^ 1 : octet));
  for (let each = 0; each < 10; each++) {
    expect(check(dnskey, data, bad)).toBe(false);
    expect(check(dnskey, data, signature)).toBe(true);
  }
  const doubting = new SelfCheck(
    () => 0,
    () => false,
  ).checkOf([]);
  expect(doubting(dnskey, data, signature)).toBe(false);
});

test('each key that is here has its first signature checked with its secret; one of any key in a while as a validator does', () => {
  const octets = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
  const keys = Array.from({ length: 20 }, () => engineKey(generateSecret(octets)));
  const asked: number[] = [];
  const watched = keys.map((each, at) => ({
    ...each,
    isGoodByReference: (...signed: [Uint8Array, Uint8Array]) => {
      asked.push(at);
      return each.isGoodByReference(...signed);
    },
  }));
  let calls = 0;
  const check = new SelfCheck(
    () => 1_000_000,
    (...signed) => {
      calls++;
      return checkByReference(...signed);
    },
  ).checkOf(watched);
  for (let round = 0; round < 3; round++)
    for (const each of keys) {
      const fresh = octets(round + 9);
      expect(check(each.dnskey, fresh, each.sign(fresh))).toBe(true);
    }
  expect(calls).toBe(1);
  expect(asked).toEqual(keys.map((_, at) => at).slice(1));
});

test('a key whose reference doubts its first signature publishes nothing', () => {
  const doubted = { ...key, isGoodByReference: () => false };
  const selfCheck = new SelfCheck(() => 0);
  const other = engineKey(new Uint8Array(32).fill(3));
  expect(selfCheck.checkOf([])(other.dnskey, data, other.sign(data))).toBe(true);
  expect(selfCheck.checkOf([doubted])(dnskey, data, signature)).toBe(false);
});
