/** Changes of a zone whose import is under way. */
import { expect, test } from 'vitest';
import { IMPORT_WAITING_PER_ZONE_MAX } from '#base/limits/changes.ts';
import { UnderWay } from '#control/import/under-way.ts';
import { bad, good } from '../../support/temporary-control.ts';

const LONG_MS = 60_000;

test('of several imports of one zone that waited, one is under way at a time; another zone does not wait', async () => {
  const underWay = new UnderWay(LONG_MS);
  const release = good(await underWay.hold('a.test.'));
  let [now, most, done] = [0, 0, 0];
  const waiting = Array.from({ length: 5 }, async () => {
    const end = good(await underWay.hold('a.test.'));
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    [now, done] = [now - 1, done + 1];
    end();
  });
  good(await underWay.hold('b.test.'))();
  expect(done).toBe(0);
  release();
  await Promise.all(waiting);
  expect([most, done]).toEqual([1, 5]);
  expect(await underWay.whenFree('a.test.')).toBeUndefined();
});

test('changes that wait for one zone leave places for those of another', async () => {
  const underWay = new UnderWay(LONG_MS);
  const releases = [good(await underWay.hold('a.test.')), good(await underWay.hold('b.test.'))];
  const waiting = Array.from({ length: IMPORT_WAITING_PER_ZONE_MAX }, () => underWay.whenFree('a.test.'));
  expect(await underWay.whenFree('a.test.')).toMatchObject({ code: 'IMPORT_UNDER_WAY' });
  const other = underWay.whenFree('b.test.');
  for (const release of releases) release();
  expect(await Promise.all([...waiting, other])).toEqual([...waiting, other].map(() => undefined));
});

test('one that waits longer than it may is turned away, and holds nothing', async () => {
  const underWay = new UnderWay(5);
  const release = good(await underWay.hold('a.test.'));
  expect(bad(await underWay.hold('a.test.'))).toMatchObject([{ code: 'IMPORT_UNDER_WAY' }]);
  release();
  good(await underWay.hold('a.test.'))();
});
