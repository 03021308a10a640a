/** What is remembered of looks at a policy host of another server, in the store. */
import { expect, test } from 'vitest';
import { readStsWatch, stsWatchWrite } from '#store/mail/sts-watch.ts';
import { auditEvent, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const WATCH = {
  version: 1,
  nextMs: 5000,
  ...{ seenMs: 1000, bodyId: 'ab', mode: 'enforce', certificateEndMs: 9000 },
  code: 'MAIL_STS_UNREACHABLE',
  ...{ failures: 3, text: 'senders cannot fetch it', alertedMs: 4000 },
} as const;

test('is read as it was written, is due when it says, and may be no more', async () => {
  const { writer } = temporaryStore();
  const due = () => writer.due(Number.MAX_SAFE_INTEGER - 1, 10, 'mta-sts').map(({ dueAtMs }) => dueAtMs);
  const zones = { put: [zoneRecord(1, 'example.com.')] };
  await writer.commit({ audit: auditEvent(), zones, documents: [stsWatchWrite(1, WATCH)] });
  expect([readStsWatch(writer, 1), due()]).toEqual([WATCH, [5000]]);
  await writer.commit({ audit: auditEvent(), documents: [stsWatchWrite(1, null)] });
  expect([readStsWatch(writer, 1), due()]).toEqual([undefined, []]);
});

test.each([
  { ...WATCH, version: 2 },
  { ...WATCH, nextMs: '5000' },
  { ...WATCH, seenMs: null },
  { ...WATCH, bodyId: 7 },
  { ...WATCH, text: ['x'] },
  { ...WATCH, failures: 'many' },
])('a document of another form is damage: %j', async (value) => {
  const { writer } = temporaryStore();
  const documents = [{ zoneId: 1, kind: 'mta-sts', id: 'watch', value }];
  await writer.commit({ audit: auditEvent(), zones: { put: [zoneRecord(1, 'example.com.')] }, documents });
  expect(() => readStsWatch(writer, 1)).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }));
});
