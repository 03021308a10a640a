/** What is remembered of looks at SPF: problems in the store have their place in words, as every version wrote them. */
import { expect, test } from 'vitest';
import { WHOLE, atRrset } from '#base/place.ts';
import { NEW_SPF_WATCH } from '#mail/spf/upkeep.ts';
import { readSpfWatch, spfWatchWrite } from '#store/mail/spf-watch.ts';
import { auditEvent, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const PLACES = [
  ['example.com TXT', atRrset('example.com', 'TXT')],
  ['example.com TXT, column 12', atRrset('example.com', 'TXT', { kind: 'column', column: 12 })],
  ['example.com TXT, include:a.example', atRrset('example.com', 'TXT', { kind: 'term', term: 'include:a.example' })],
  ['', WHOLE],
] as const;

const stored = PLACES.map(([at]) => ({ code: 'SPF_INCLUDE', severity: 'warning', at, message: 'x' }));
const read = PLACES.map(([, at]) => ({ code: 'SPF_INCLUDE', severity: 'warning', at, message: 'x' }) as const);

test('a document of before is read', async () => {
  const { writer } = temporaryStore();
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(1, 'example.com.')] },
    documents: [{ zoneId: 1, kind: 'spf', id: 'watch', value: { ...NEW_SPF_WATCH, problems: stored } }],
  });
  expect(readSpfWatch(writer, 1)).toEqual({ ...NEW_SPF_WATCH, problems: read });
});

test('what is written now has the same form', async () => {
  const { writer } = temporaryStore();
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(1, 'example.com.')] },
    documents: [spfWatchWrite(1, { ...NEW_SPF_WATCH, problems: read })],
  });
  expect(writer.document(1, 'spf', 'watch')).toEqual({ ...NEW_SPF_WATCH, problems: stored });
  expect(readSpfWatch(writer, 1)?.problems).toEqual(read);
});

test('a problem without its place is damage', async () => {
  const { writer } = temporaryStore();
  const value = { ...NEW_SPF_WATCH, problems: [{ code: 'SPF_INCLUDE', message: 'x' }] };
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(1, 'example.com.')] },
    documents: [{ zoneId: 1, kind: 'spf', id: 'watch', value }],
  });
  expect(() => readSpfWatch(writer, 1)).toThrow('does not have its form');
});
