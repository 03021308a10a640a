/** Documents beside the records, and the table of what is due: one transaction, one truth. */
import { expect, test } from 'vitest';
import { verifyStore } from '#store/verify.ts';
import { auditEvent, nodeWrite, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

async function storeWithZone() {
  const { writer } = temporaryStore();
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(1, 'example.')] },
    nodes: [nodeWrite(1, 'example.')],
  });
  return writer;
}

const state = (value: unknown, dueAtMs?: number) => ({
  zoneId: 1,
  kind: 'mail',
  id: 'state',
  value,
  ...(dueAtMs === undefined ? {} : { dueAtMs }),
});

test('a document is due once, at its last time, and leaves revision and audit log alone', async () => {
  const writer = await storeWithZone();
  const [before, entries] = [writer.zoneById(1)!.revision, writer.audit(100).length];
  await writer.commit({
    audit: { atMs: 1 },
    documents: [state({ a: 1 }, 5000), { zoneId: 0, kind: 'time', id: 'time', value: 7 }],
  });
  await writer.commit({ audit: { atMs: 2 }, documents: [state({ a: 2 }, 9000.2)] });
  expect(writer.document(1, 'mail', 'state')).toEqual({ a: 2 });
  expect(writer.due(9000, 10)).toEqual([]);
  expect(writer.due(9001, 10)).toEqual([{ dueAtMs: 9001, zoneId: 1, kind: 'mail', id: 'state' }]);
  expect(writer.zoneById(1)!.revision).toBe(before);
  expect(writer.audit(100)).toHaveLength(entries);
  expect(verifyStore(writer).problems).toEqual([]);
  await writer.commit({ audit: { atMs: 3 }, documents: [state({ a: 3 })] });
  expect(writer.due(1e12, 10)).toEqual([]);
});

test('soonest first, over zones and kinds; a zone that goes takes its documents along', async () => {
  const writer = await storeWithZone();
  const second = { put: [zoneRecord(2, 'example.net.')] };
  await writer.commit({
    audit: auditEvent(),
    zones: second,
    nodes: [nodeWrite(2, 'example.net.')],
    documents: [{ ...state(1, 3000), zoneId: 2 }],
  });
  await writer.commit({ audit: auditEvent(), documents: [state(1, 4000), { ...state(2, 2000), id: 'other' }] });
  expect(writer.due(1e12, 10).map(({ zoneId, id }) => `${zoneId} ${id}`)).toEqual(['1 other', '2 state', '1 state']);
  expect(writer.due(1e12, 1)).toHaveLength(1);
  await writer.commit({ audit: auditEvent(), zones: { remove: [1] } });
  expect(writer.document(1, 'mail', 'state')).toBeUndefined();
  expect(writer.due(1e12, 10)).toHaveLength(1);
  expect(verifyStore(writer).problems).toEqual([]);
});

test('a document of a zone that does not exist undoes the whole commit', async () => {
  const writer = await storeWithZone();
  const generation = writer.generation();
  await expect(
    writer.commit({ audit: auditEvent(), documents: [state(1), { ...state(1), zoneId: 9 }] }),
  ).rejects.toThrow('does not exist');
  expect(writer.generation()).toBe(generation);
  expect(writer.document(1, 'mail', 'state')).toBeUndefined();
});

test('a document is woken without being written again; what is not there is not woken', async () => {
  const writer = await storeWithZone();
  const wake = (wakeAtMs: number, id = 'state') =>
    writer.commit({ audit: auditEvent(), documents: [{ zoneId: 1, kind: 'mail', id, wakeAtMs }] });
  const due = () => writer.due(1e12, 10).map(({ dueAtMs, id }) => [id, dueAtMs]);
  await wake(500);
  expect(due()).toEqual([]);
  await writer.commit({ audit: auditEvent(), documents: [state({ a: 1 }, 9000), { ...state({ b: 1 }), id: 'never' }] });
  await wake(2000);
  expect(due()).toEqual([['state', 2000]]);
  // It is due at that time at the latest, never later than before.
  await wake(3000);
  await wake(700, 'never');
  expect(due()).toEqual([
    ['never', 700],
    ['state', 2000],
  ]);
  expect(writer.document(1, 'mail', 'state')).toEqual({ a: 1 });
  expect(writer.document(1, 'mail', 'never')).toEqual({ b: 1 });
  expect(verifyStore(writer).problems).toEqual([]);
});
