/** What is due by kind in the writer's memory is always what the table in the store says, also after writes that failed. */
import { describe, expect, test } from 'vitest';
import { DueTimes } from '#store/due/due-times.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { openReader } from '#store/reader.ts';
import { seededRandom } from '../../support/random.ts';
import { auditEvent, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const KINDS = ['mail', 'mai', 'dnssec', 'a'];
const END = Number.MAX_SAFE_INTEGER - 1;

test.each([1, 2, 3, 4])('random documents, zones that go, and commits that are undone (%i)', async (seed) => {
  const random = seededRandom(seed);
  const below = (count: number) => Math.floor(random() * count);
  const { writer, dir } = temporaryStore();
  const zones = [1, 2, 3, 4];
  await writer.commit({ audit: auditEvent(), zones: { put: zones.map((id) => zoneRecord(id, `z${id}.test.`)) } });
  // A reader has no index: it searches the table.
  const reader = openReader(dir);
  const one = (): DocumentWrite => {
    const place = { zoneId: zones[below(zones.length)]!, kind: KINDS[below(KINDS.length)]!, id: `d${below(6)}` };
    const atMs = random() * 50;
    const how = below(4);
    if (how === 0) return { ...place, value: null };
    if (how === 1) return { ...place, wakeAtMs: atMs };
    return how === 2 ? { ...place, value: 1 } : { ...place, value: 1, dueAtMs: atMs };
  };
  const broken: DocumentWrite = { zoneId: 99, kind: 'mail', id: 'x', value: 1 };
  let failed = 0;
  for (let step = 0; step < 150; step++) {
    const documents = Array.from({ length: 1 + below(4) }, one);
    const fails = below(5) === 0;
    const write = { audit: { atMs: 1 }, documents: fails ? [...documents, broken] : documents };
    if (below(3) === 0) {
      // One of several in a transaction is undone alone, and the next one sees what is there.
      await writer.commitTogether((apply) => {
        apply({ audit: { atMs: 1 }, documents: [one()] });
        writer.due(END, 1, 'mail');
        if (fails) expect(() => apply(write)).toThrow('does not exist');
        else apply(write);
        apply({ audit: { atMs: 1 }, documents: [one()] });
      });
    } else if (fails) await expect(writer.commit(write)).rejects.toThrow('does not exist');
    else await writer.commit(write);
    failed += fails ? 1 : 0;
    if (step === 100) await writer.commit({ audit: auditEvent(), zones: { remove: [zones.pop()!] } });
    reader.refresh();
    for (const kind of [...KINDS, 'none']) {
      const [until, limit] = [below(3) === 0 ? END : below(50), 1 + below(8)];
      expect(writer.due(until, limit, kind)).toEqual(reader.due(until, limit, kind));
    }
  }
  expect(failed).toBeGreaterThan(10);
});

describe('times in order', () => {
  test('a key has one time; equal times are in the order of their keys', () => {
    const times = new DueTimes();
    for (const [key, atMs] of [
      ['b', 5],
      ['a', 5],
      ['c', 1],
      ['b', 3],
    ] as const)
      times.set(key, atMs);
    expect([times.size, times.firstMs(), times.get('b')]).toEqual([3, 1, 3]);
    expect(times.until(5, 10)).toEqual(['c', 'b', 'a']);
    expect(times.until(4, 10)).toEqual(['c', 'b']);
    expect(times.until(5, 2)).toEqual(['c', 'b']);
    times.delete('c');
    times.delete('not there');
    expect([times.firstMs(), times.until(0, 10)]).toEqual([3, []]);
  });
});
