/** What follows from looks at a target, on a made-up clock. */
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { type Alias, type AliasLook, type FamilyLook, judgeLook, newWatch, publishedTtl } from '#zone/alias/alias.ts';

const ADDRESS = new Uint8Array([8, 8, 8, 8]);
const answered = (ttlSeconds: number): FamilyLook => ({ kind: 'addresses', rdatas: [ADDRESS], ttlSeconds });
const FAILED: FamilyLook = { kind: 'failed', why: 'no answer' };
const NONE: FamilyLook = { kind: 'none' };
const look = (a: FamilyLook, aaaa: FamilyLook): AliasLook => ({
  families: [
    [TYPE.A, a],
    [TYPE.AAAA, aaaa],
  ],
});

/** An ALIAS that has gone through these looks, each when it was due. */
function after(
  looks: readonly AliasLook[],
  ttl = 86_400,
): { readonly alias: Alias; readonly changes: readonly string[] } {
  let alias: Alias = { owner: 'example.', target: 'lb.test.', ttl, watch: newWatch(0) };
  const changes: string[] = [];
  for (const each of looks) {
    const { watch, addresses } = judgeLook(alias, each, alias.watch.nextMs);
    alias = { ...alias, watch };
    changes.push([...addresses].map(([type, rdatas]) => `${type}:${rdatas.length}`).join(' '));
  }
  return { alias, changes };
}

describe('the published TTL', () => {
  test.each([
    [[0], 86_400, 60],
    [[30], 86_400, 60],
    [[300], 86_400, 300],
    [[300], 30, 30],
    [[86_400], 86_400, 3600],
    // A cache counts down: the longest that was seen counts, until eight looks have shown less.
    [[120, 300, 10, 299], 86_400, 300],
    [[300, ...Array.from({ length: 7 }, () => 90)], 86_400, 300],
    [[300, ...Array.from({ length: 8 }, () => 90)], 86_400, 90],
  ])('of looks with %j and an ALIAS with %i is %i', (ttls, own, expected) => {
    expect(
      publishedTtl(
        after(
          ttls.map((each) => look(answered(each), NONE)),
          own,
        ).alias,
      ),
    ).toBe(expected);
  });
});

describe('families', () => {
  test('an answer in one and none in the other is an answer', () => {
    expect(after([look(NONE, answered(60))]).changes).toEqual(['28:1 1:0']);
  });

  test('a failure in one keeps what that one has, and follows the other', () => {
    const { alias, changes } = after([look(answered(60), FAILED)]);
    expect(changes).toEqual(['1:1']);
    expect(alias.watch).toMatchObject({ trouble: 'failing', failures: 1, why: 'no answer' });
  });

  test('none in both keeps both', () => {
    const { alias, changes } = after([look(NONE, NONE)]);
    expect([changes, alias.watch.trouble]).toEqual([[''], 'gone']);
  });
});

test('retries double from a minute to a quarter of an hour; a trouble that changes does not begin its time anew', () => {
  const { alias } = after([look(FAILED, FAILED), look(FAILED, FAILED)]);
  expect(alias.watch.nextMs - alias.watch.lookedAtMs!).toBe(120_000);
  const many = after([...Array.from({ length: 20 }, () => look(FAILED, FAILED))]).alias;
  expect(many.watch.nextMs - many.watch.lookedAtMs!).toBe(900_000);
  // RFC 8767 §4 has days for no answer; that the name is gone after hours of silence ends it at once.
  const { watch, addresses } = judgeLook(many, look(NONE, NONE), many.watch.nextMs);
  expect([watch.isWithdrawn, [...addresses]]).toEqual([
    true,
    [
      [TYPE.A, []],
      [TYPE.AAAA, []],
    ],
  ]);
  expect(judgeLook({ ...many, watch }, look(answered(60), NONE), watch.nextMs).watch).not.toHaveProperty('isWithdrawn');
});
