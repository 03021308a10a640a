/** When the parents of many zones are looked at: each in its turn, whatever is forgotten of the others. */
import { expect, test } from 'vitest';
import { PARENT_WATCH_EACH_MS, PARENT_WATCH_LIST_MS, PARENT_ZONES_MAX } from '#base/limits/dnssec.ts';
import { nameOf } from '#dns/name.ts';
import { KEY_POLICY } from '#dnssec/key-policy.ts';
import { ParentWatch, watchEveryMs } from '#control/dnssec/parent-watch.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { zoneRecord } from '../../support/temporary-store.ts';

const EVERY_MS = watchEveryMs(KEY_POLICY);

function watched(count: number) {
  let [nowMs, generation] = [1_000_000, 1];
  let zones: readonly ZoneRecord[] = Array.from({ length: count }, (_, at) => signed(at + 1));
  const writer: Pick<StoreWriter, 'generation' | 'zones'> = { generation: () => generation, zones: () => zones };
  const policyOf = (record: ZoneRecord) => record.keyPolicy ?? KEY_POLICY;
  const watch = new ParentWatch({ writer: writer as StoreWriter, policyOf, nowMs: () => nowMs });
  return {
    watch,
    pass: (ms: number) => (nowMs += ms),
    now: () => nowMs,
    change: (to: (before: readonly ZoneRecord[]) => readonly ZoneRecord[]) => {
      [zones, generation] = [to(zones), generation + 1];
      nowMs += PARENT_WATCH_LIST_MS;
    },
  };
}

const signed = (id: number): ZoneRecord => ({ ...zoneRecord(id, `z${id}.test.`), dnssec: 'on' });
const looked = (name: string) => [nameOf(name), KEY_POLICY] as const;

test('more zones than are remembered of the parents: those that were looked at are not due before their time', () => {
  const { watch, pass, now } = watched(PARENT_ZONES_MAX + 10);
  pass((PARENT_ZONES_MAX + 10) * PARENT_WATCH_EACH_MS);
  const due = watch.due(now(), Infinity);
  expect(due).toHaveLength(PARENT_ZONES_MAX + 10);
  for (const zone of due) watch.looked(zone, KEY_POLICY);
  expect([watch.due(now() + EVERY_MS - 1, Infinity), watch.nextDueMs()]).toEqual([[], now() + EVERY_MS]);
});

test('after a start one zone follows the other', () => {
  const { watch, now } = watched(3);
  expect(watch.nextDueMs()).toBe(now() + PARENT_WATCH_EACH_MS);
  expect(watch.due(now() + 2 * PARENT_WATCH_EACH_MS, 10)).toEqual([nameOf('z1.test.'), nameOf('z2.test.')]);
  // Where work is done for another reason, its parent is looked at too.
  expect(watch.isDue(nameOf('z3.test.'))).toBe(true);
  watch.looked(...looked('z3.test.'));
  expect(watch.isDue(nameOf('z3.test.'))).toBe(false);
});

test('zones that come are due soon, those that go or are signed no more are not; another policy counts from the last look', () => {
  const { watch, change, now } = watched(2);
  for (const name of ['z1.test.', 'z2.test.']) watch.looked(...looked(name));
  const lookedMs = now();
  change((zones) => [...zones, signed(3)]);
  expect(watch.due(now() + 3 * PARENT_WATCH_EACH_MS, 10)).toEqual([nameOf('z3.test.')]);
  const keyPolicy = { ...KEY_POLICY, parentPropagationSeconds: 60 };
  change(([first, , third]) => [
    { ...first!, keyPolicy },
    { ...third!, dnssec: 'off' },
  ]);
  expect(watchEveryMs(keyPolicy)).toBeLessThan(EVERY_MS);
  expect(watch.nextDueMs()).toBe(lookedMs + watchEveryMs(keyPolicy));
  expect(watch.due(Infinity, 10)).toEqual([nameOf('z1.test.')]);
});
