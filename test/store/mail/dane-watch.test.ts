/** What is remembered of looks at mail hosts, in the store. */
import { expect, test } from 'vitest';
import { daneWake, daneWatchWrite, readDaneWatch } from '#store/mail/dane-watch.ts';
import { auditEvent, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const WATCH = {
  version: 1,
  nextMs: 5000,
  hosts: {
    'mx1.example.com.:25': { code: 'DANE_MISMATCH', alertedMs: 4000, served: [] },
    'mx2.example.com.:25': { served: ['tlsa-mx2-1'] },
  },
} as const;

test('is read as it was written, is due when it says or is woken, and may be no more', async () => {
  const { writer } = temporaryStore();
  const due = () => writer.due(Number.MAX_SAFE_INTEGER - 1, 10, 'dane').map(({ dueAtMs }) => dueAtMs);
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(1, 'example.com.')] },
    documents: [daneWatchWrite(1, WATCH)],
  });
  expect(readDaneWatch(writer, 1)).toEqual(WATCH);
  expect(due()).toEqual([5000]);
  await writer.commit({ audit: auditEvent(), documents: [daneWake(1, 10)] });
  expect(due()).toEqual([10]);
  await writer.commit({ audit: auditEvent(), documents: [daneWatchWrite(1, null)] });
  await writer.commit({ audit: auditEvent(), documents: [daneWake(1, 10)] });
  expect(readDaneWatch(writer, 1)).toBeUndefined();
  expect(due()).toEqual([]);
});

test.each([
  { ...WATCH, version: 2 },
  { ...WATCH, nextMs: '5000' },
  { ...WATCH, hosts: null },
  { ...WATCH, hosts: { 'mx1.example.com.:25': { served: [1] } } },
])('a document of another form is damage: %j', async (value) => {
  const { writer } = temporaryStore();
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(1, 'example.com.')] },
    documents: [{ zoneId: 1, kind: 'dane', id: 'watch', value }],
  });
  expect(() => readDaneWatch(writer, 1)).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }));
});
