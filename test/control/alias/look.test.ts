/** One look at a target, and many within a turn: what is taken from answers, and what is left when time is over. */
import { expect, test } from 'vitest';
import { ALIAS_ADDRESSES_MAX, ALIAS_LOOKS_AT_ONCE } from '#base/limits/alias.ts';
import { nameOf } from '#dns/name.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { lookAtTarget, lookInTurn } from '#control/alias/look.ts';

const TARGET = nameOf('lb.test.');
const address = (last: number) => new Uint8Array([8, 8, 8, last]);
const looked = (
  a: ResolverAnswer | 'hangs',
  aaaa: ResolverAnswer = { kind: 'nodata' },
  signal = new AbortController().signal,
) =>
  lookAtTarget(TARGET, {
    resolver: {
      lookup: (_name, type) => {
        const answer = type === TYPE.A ? a : aaaa;
        return answer === 'hangs' ? new Promise(() => {}) : Promise.resolve(answer);
      },
    },
    recordsPerRrsetMax: 100,
    signal,
  });

test('each family is what its own answer says', async () => {
  const look = await looked(
    { kind: 'answer', rdatas: [address(9), address(8)], ttlSeconds: 60 },
    { kind: 'servfail', reason: 'broken' },
  );
  expect(look).toEqual({
    families: [
      [TYPE.A, { kind: 'addresses', rdatas: [address(8), address(9)], ttlSeconds: 60 }],
      [TYPE.AAAA, { kind: 'failed', why: 'servfail: broken' }],
    ],
  });
  expect((await looked({ kind: 'nxdomain' })).families).toEqual([
    [TYPE.A, { kind: 'none' }],
    [TYPE.AAAA, { kind: 'none' }],
  ]);
});

test('an address that no host outside can reach is named; too many are none', async () => {
  const inside = await looked({ kind: 'answer', rdatas: [new Uint8Array([10, 0, 0, 1])], ttlSeconds: 60 });
  expect(inside.inside).toBe('10.0.0.1');
  const many = Array.from({ length: ALIAS_ADDRESSES_MAX + 1 }, (_, at) => address(at));
  expect((await looked({ kind: 'answer', rdatas: many, ttlSeconds: 60 })).families[0]).toEqual([
    TYPE.A,
    { kind: 'failed', why: expect.stringContaining(`lb.test. has ${many.length} addresses`) },
  ]);
});

test('a look that does not end ends with its turn', async () => {
  const ends = new AbortController();
  const look = looked('hangs', { kind: 'nodata' }, ends.signal);
  ends.abort();
  expect((await look).families[0]).toEqual([TYPE.A, { kind: 'failed', why: 'timeout: no answer in time' }]);
});

test('in a turn each is looked at once, so many at a time; those that the turn has no time for are left', async () => {
  let [running, most] = [0, 0];
  const seen: number[] = [];
  const all = Array.from({ length: 3 * ALIAS_LOOKS_AT_ONCE }, (_, at) => at);
  await lookInTurn(all, 10_000, async (each) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    seen.push(each);
    running -= 1;
  });
  expect([seen.toSorted((a, b) => a - b), most]).toEqual([all, ALIAS_LOOKS_AT_ONCE]);
  let begun = 0;
  await lookInTurn(all, 20, (_each, signal) => {
    begun += 1;
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  });
  expect(begun).toBe(ALIAS_LOOKS_AT_ONCE);
});
