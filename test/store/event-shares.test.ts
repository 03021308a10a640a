/** Which event goes when the journal is full: the oldest one of the zone that has most. */
import { describe, expect, test } from 'vitest';
import { EventShares } from '#store/event-shares.ts';

/** Events of zones by the first letter, ids from 1; those that are left of `kept`, and what was dropped. */
function keep(zones: string, kept: number) {
  const shares = new EventShares();
  const left = new Map<number, string>();
  const dropped: string[] = [];
  for (const [at, zone] of zones.split('').entries()) {
    shares.add(zone, at + 1);
    left.set(at + 1, zone);
    while (shares.size > kept) {
      const { id, isOnly } = shares.drop();
      dropped.push(`${left.get(id)}${id}${isOnly ? ' only' : ''}`);
      left.delete(id);
    }
  }
  return { left: [...left.values()].join(''), dropped };
}

describe('what goes', () => {
  test('of one zone: its oldest', () => {
    expect(keep('aaaaa', 3)).toEqual({ left: 'aaa', dropped: ['a1', 'a2'] });
  });

  test('the past of the busy zone, not that of the quiet one, however busy', () => {
    const { left, dropped } = keep(`bb${'a'.repeat(1000)}`, 10);
    expect(left).toBe('bbaaaaaaaa');
    expect(new Set(dropped.map((each) => each[0]))).toEqual(new Set(['a']));
  });

  test('of zones that are equally busy: the oldest of all', () => {
    expect(keep('ababab', 4)).toEqual({ left: 'abab', dropped: ['a1', 'b2'] });
  });

  test('a zone that becomes busy takes from the busiest until all have as much', () => {
    expect(keep(`${'a'.repeat(9)}${'b'.repeat(9)}`, 6).left).toBe('aaabbb');
  });

  test('where each has one: the oldest, and it is said that it was the only one', () => {
    expect(keep('abcd', 3)).toEqual({ left: 'bcd', dropped: ['a1 only'] });
  });

  test('what is about no zone has a share too', () => {
    const shares = new EventShares();
    expect([shares.add(undefined, 1), shares.add('a', 2), shares.add(undefined, 3), shares.add('a', 4)]).toEqual([
      undefined,
      undefined,
      1,
      2,
    ]);
  });

  test('against the same rule written plainly, on many sequences', () => {
    for (let seed = 1; seed <= 200; seed++) {
      let state = seed;
      const next = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
      const zones = Array.from({ length: 60 }, () => 'abcde'[Math.min(next(5), next(5))]!).join('');
      const kept = 1 + next(12);
      const plain: string[] = [];
      for (const zone of zones) {
        plain.push(zone);
        if (plain.length <= kept) continue;
        const count = (of: string) => plain.filter((each) => each === of).length;
        const most = Math.max(...plain.map(count));
        plain.splice(
          plain.findIndex((each) => count(each) === most),
          1,
        );
      }
      expect([seed, keep(zones, kept).left]).toEqual([seed, plain.join('')]);
    }
  });
});
