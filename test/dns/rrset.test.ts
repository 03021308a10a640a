/** Records of one RRset: sorted, and found by what they say. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { RdataIndex, isSameSet, rdatasWithout, sortRdatas } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';

const [lower, upper, other] = ['ns.a.test.', 'NS.A.test.', 'b.a.test.'].map(nameOf);

describe('RFC 4034 §6.3: records that differ only in the case of names in them are the same', () => {
  test('an index has each once: the first stays, until it is replaced', () => {
    const index = new RdataIndex(TYPE.NS, [lower!, upper!, other!]);
    expect(index.rdatas()).toEqual([lower, other]);
    expect([index.size, index.has(upper!), index.add(upper!)]).toEqual([2, true, false]);
    index.replace(upper!);
    expect(index.rdatas()).toEqual([upper, other]);
    expect([index.remove(lower!), index.remove(lower!), index.rdatas()]).toEqual([true, false, [other]]);
  });

  test('texts differ by case: there are no names in them', () => {
    const [one, two] = [Uint8Array.of(1, 0x61), Uint8Array.of(1, 0x41)];
    expect(new RdataIndex(TYPE.TXT, [one, two]).size).toBe(2);
  });

  test('sorting leaves one of those that are the same', () => {
    expect(sortRdatas(TYPE.NS, [lower!, other!, upper!])).toEqual([other, lower]);
  });
});

test('a set is the same in any order, and octet for octet', () => {
  expect(isSameSet([lower!, other!], [other!, lower!])).toBe(true);
  expect(isSameSet([lower!, other!], [upper!, other!])).toBe(false);
  expect(isSameSet([lower!], [lower!, other!])).toBe(false);
  expect(isSameSet([], [])).toBe(true);
});

test('what is left without others is compared octet for octet', () => {
  expect(rdatasWithout([lower!, other!], [upper!])).toEqual([lower, other]);
  expect(rdatasWithout([lower!, other!], [lower!])).toEqual([other]);
  expect(rdatasWithout([lower!], [])).toEqual([lower]);
});
