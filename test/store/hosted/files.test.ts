/** Hosted files and uploads in the store: read as they were written, gone with their zone, and never served damaged. */
import { describe, expect, test } from 'vitest';
import { hostedFileName } from '#mail/bimi/hosted-file.ts';
import { bimiUploadsWrite, readBimiUploads, type StoredBimiUpload } from '#store/hosted/bimi-uploads.ts';
import { hostedFileNames, hostedFileWrite, readHostedFile } from '#store/hosted/files.ts';
import { auditEvent, failureOf, nodeWrite, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const OCTETS = Uint8Array.from({ length: 300 }, (_, at) => at % 256);
const FILE = hostedFileName(OCTETS, 'svg');
const UPLOAD: StoredBimiUpload = { logo: FILE, title: 'Example', logoBytes: 300, uploadedAtMs: 5 };

async function storeWithFile() {
  const { writer } = temporaryStore();
  const zones = { put: [zoneRecord(1, 'one.example.'), zoneRecord(2, 'two.example.')] };
  await writer.commit({ audit: auditEvent(), zones, nodes: [nodeWrite(1, 'one.example.'), nodeWrite(2, 'two.example.')] });
  const documents = [hostedFileWrite(1, FILE, OCTETS), bimiUploadsWrite(1, { default: UPLOAD })];
  await writer.commit({ audit: auditEvent(), documents });
  return writer;
}

test('read as they were written, and in no other zone', async () => {
  const writer = await storeWithFile();
  expect(readHostedFile(writer, 1, FILE)).toEqual(OCTETS);
  expect([hostedFileNames(writer, 1), readBimiUploads(writer, 1)]).toEqual([[FILE], { default: UPLOAD }]);
  expect([readHostedFile(writer, 2, FILE), hostedFileNames(writer, 2), readBimiUploads(writer, 2)]).toEqual([undefined, [], {}]);
});

test('removed, alone or with the zone', async () => {
  const writer = await storeWithFile();
  await writer.commit({ audit: auditEvent(), documents: [hostedFileWrite(1, FILE, null), bimiUploadsWrite(1, {})] });
  expect([hostedFileNames(writer, 1), writer.document(1, 'bimi-uploads', 'bimi-uploads')]).toEqual([[], undefined]);
  const other = await storeWithFile();
  await other.commit({ audit: auditEvent(), zones: { remove: [1] } });
  expect([readHostedFile(other, 1, FILE), readBimiUploads(other, 1)]).toEqual([undefined, {}]);
});

describe('what a disk has changed is STORE_DAMAGED', () => {
  test.each([
    ['other octets', Buffer.from('<svg/>').toString('base64')],
    ['no text', 7],
    ['an object', {}],
  ])('a file: %s', async (_what, value) => {
    const writer = await storeWithFile();
    await writer.commit({ audit: auditEvent(), documents: [{ ...hostedFileWrite(1, FILE, null), value }] });
    expect(failureOf(() => readHostedFile(writer, 1, FILE)).code).toBe('STORE_DAMAGED');
  });

  test.each([
    ['a file name that leads elsewhere', { ...UPLOAD, logo: '../../etc/passwd' }],
    ['evidence that is no file', { ...UPLOAD, evidence: 'x' }],
    ['no title', { ...UPLOAD, title: undefined }],
    ['a time that is none', { ...UPLOAD, uploadedAtMs: 'now' }],
    ['an end that is none', { ...UPLOAD, evidenceEndsMs: 'never' }],
    ['sizes that are none', { ...UPLOAD, logoBytes: '300', evidenceBytes: '1' }],
  ])('uploads: %s', async (_what, upload) => {
    const writer = await storeWithFile();
    const value = { version: 1, uploads: { default: upload } };
    await writer.commit({ audit: auditEvent(), documents: [{ ...bimiUploadsWrite(1, {}), value }] });
    expect(failureOf(() => readBimiUploads(writer, 1)).code).toBe('STORE_DAMAGED');
  });
});
