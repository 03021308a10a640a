/** What is kept of each zone's documents: read once, again when they are written, in slices, and gone with the zone. */
import { expect, test } from 'vitest';
import { ZONES_KEPT_AT_ONCE } from '#base/limits/admin.ts';
import { KeptByZone } from '#control/lifecycle/kept-by-zone.ts';
import { formFailure } from '#store/failure.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';
import { TEST_NOW_MS, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const audit = { atMs: TEST_NOW_MS, actor: { kind: 'socket', id: 'test', from: '' }, action: 'test', detail: '' } as const;
const record = (id: number) => ({ ...zoneRecord(id, `z${id}.example.`, 1), dnssec: 'off' as const });
const document = (zoneId: number, value: unknown, kind = 'test'): DocumentWrite => ({ zoneId, kind, id: 'x', value });

/** Of documents that are numbers; 13 is a damaged one. */
function kept(writer: StoreWriter) {
  const read: number[] = [];
  const changes: string[] = [];
  const zones = new KeptByZone<number>(writer, {
    kinds: ['test'],
    read(of, id) {
      read.push(id);
      const value = of.document(id, 'test', 'x');
      if (value === 13) throw formFailure('a test');
      return typeof value === 'number' ? value : undefined;
    },
    onChange: (before, after) => void changes.push(`${before} ${after}`),
  });
  return { zones, read, changes };
}

test('each zone is read once, and again after a commit that wrote its document', async () => {
  const { writer } = temporaryStore();
  await writer.commit({ audit, zones: { put: [record(1), record(2)] }, documents: [document(1, 7), document(2, 8)] });
  const { zones, read, changes } = kept(writer);
  expect([...zones.now()!]).toEqual([
    [1, 7],
    [2, 8],
  ]);
  zones.now();
  expect(read).toEqual([1, 2]);
  // Of another kind, another time alone, and a commit that fails: nothing has changed.
  await writer.commit({ audit, documents: [document(1, 1, 'other'), { zoneId: 1, kind: 'test', id: 'x', wakeAtMs: 5 }] });
  const nodes = (function* () {
    yield* [];
    throw new Error('no');
  })();
  await expect(writer.commit({ audit, documents: [document(1, 1)], nodes })).rejects.toThrow('no');
  zones.now();
  expect(read).toEqual([1, 2]);
  await writer.commit({ audit, documents: [document(1, 9)] });
  expect(zones.now()!.get(1)).toBe(9);
  expect(changes.slice(2)).toEqual(['7 9']);
});

test('a zone that is new, that goes, and one whose document is damaged and is mended', async () => {
  const { writer } = temporaryStore();
  const { zones, changes } = kept(writer);
  expect(zones.now()!.size).toBe(0);
  await writer.commit({ audit, zones: { put: [record(1)] }, documents: [document(1, 7)] });
  expect([...zones.now()!]).toEqual([[1, 7]]);
  await writer.commit({ audit, documents: [document(1, 13)] });
  expect(zones.now()!.size).toBe(0);
  await writer.commit({ audit, documents: [document(1, 8)] });
  expect(zones.now()!.get(1)).toBe(8);
  await writer.commit({ audit, zones: { remove: [1] } });
  expect(zones.now()!.size).toBe(0);
  expect(changes).toEqual(['undefined 7', '7 undefined', 'undefined 8', '8 undefined']);
});

test('many at once are read in slices: nothing is known until all were read once, then what was known before', async () => {
  const { writer } = temporaryStore();
  const ids = Array.from({ length: 3 * ZONES_KEPT_AT_ONCE }, (_, at) => at + 1);
  await writer.commit({ audit, zones: { put: ids.map(record) }, documents: ids.map((id) => document(id, 1)) });
  const { zones, read } = kept(writer);
  expect(zones.now()).toBeUndefined();
  expect(read).toHaveLength(ZONES_KEPT_AT_ONCE);
  await expect.poll(() => zones.now()?.size, { timeout: 5000 }).toBe(ids.length);
  expect(read.toSorted((a, b) => a - b)).toEqual(ids);
  await writer.commit({ audit, documents: ids.map((id) => document(id, 2)) });
  const sum = () => [...zones.now()!.values()].reduce((total, each) => total + each, 0);
  expect(sum()).toBe(ids.length + ZONES_KEPT_AT_ONCE);
  await expect.poll(sum, { timeout: 5000 }).toBe(2 * ids.length);
});

test('a store that is closed meanwhile ends it', async () => {
  const { writer } = temporaryStore();
  const ids = Array.from({ length: 2 * ZONES_KEPT_AT_ONCE }, (_, at) => at + 1);
  await writer.commit({ audit, zones: { put: ids.map(record) } });
  const { zones, read } = kept(writer);
  zones.now();
  await writer.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(read).toHaveLength(ZONES_KEPT_AT_ONCE);
});
