import { describe, expect, test } from 'vitest';

import { journalTotals } from '#store/journal.ts';
import { verifyStore } from '#store/verify.ts';
import { type StoreWriter } from '#store/writer.ts';

import { auditEvent, nodeWrite, temporaryStore, zoneRecord } from '../support/temporary-store.ts';

const MANY = { entries: 1000, bytes: 1_000_000, changesetBytes: 1000 };

async function change(writer: StoreWriter, toSerial: number, changeset: Uint8Array, zoneId = 1, more = {}): Promise<void> {
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(zoneId, `z${zoneId}.`, toSerial)] },
    nodes: [nodeWrite(zoneId, `z${zoneId}.`)],
    journal: [{ zoneId, fromSerial: (toSerial - 1) >>> 0, toSerial, changeset, ...more }],
  });
}

describe('the journal', () => {
  test('gives changesets newest first, in pages, in the order of commits though serials wrap (RFC 1982)', async () => {
    const { writer } = temporaryStore({ journal: MANY });
    const serials = [0xffff_fffe, 0xffff_ffff, 0, 1, 2];
    for (const [at, serial] of serials.entries()) {
      await change(writer, serial, Uint8Array.of(at));
      await change(writer, 77, Uint8Array.of(0), 2);
    }
    const all = writer.journal(1, 100);
    expect(all.map((entry) => entry.toSerial)).toEqual(serials.toReversed());
    expect(all.map((entry) => entry.revision)).toEqual([9, 7, 5, 3, 1]);
    expect(all.map((entry) => entry.changeset?.[0])).toEqual([4, 3, 2, 1, 0]);
    expect(all[2]).toMatchObject({ fromSerial: 0xffff_ffff, toSerial: 0, sizeBytes: 1 });
    expect(writer.journal(1, 2)).toEqual(all.slice(0, 2));
    expect(writer.journal(1, 2, all[1]!.revision)).toEqual(all.slice(2, 4));
    expect(writer.journal(1, 2, 1)).toEqual([]);
    expect(writer.journal(3, 2)).toEqual([]);
  });

  test('keeps a bounded number of entries, the newest', async () => {
    const { writer } = temporaryStore({ journal: { ...MANY, entries: 3 } });
    for (let serial = 1; serial <= 10; serial++) await change(writer, serial, new Uint8Array(5));
    expect(writer.journal(1, 100).map((entry) => entry.toSerial)).toEqual([10, 9, 8]);
    expect(verifyStore(writer).problems).toEqual([]);
  });

  test('keeps a bounded number of octets, and always the newest entry', async () => {
    const { writer } = temporaryStore({ journal: { ...MANY, bytes: 500 } });
    for (let serial = 1; serial <= 10; serial++) await change(writer, serial, new Uint8Array(200));
    expect(writer.journal(1, 100).map((entry) => entry.toSerial)).toEqual([10, 9]);
    await change(writer, 11, new Uint8Array(900));
    expect(writer.journal(1, 100).map((entry) => entry.toSerial)).toEqual([11]);
    const { environment } = writer.inspect();
    expect(journalTotals(environment.db.journal, 1)).toEqual({ entries: 1, bytes: 921 });
  });

  test('keeps only a marker of a changeset that is too large', async () => {
    const { writer } = temporaryStore({ journal: MANY });
    await change(writer, 1, new Uint8Array(1001));
    await change(writer, 2, new Uint8Array(1000));
    expect(writer.journal(1, 10)).toMatchObject([
      { toSerial: 2, sizeBytes: 1000, changeset: expect.any(Uint8Array) },
      { toSerial: 1, sizeBytes: 1001, changeset: undefined },
    ]);
  });

  test('keeps only a marker of one that was left out', async () => {
    const { writer } = temporaryStore({ journal: MANY });
    await change(writer, 1, new Uint8Array(0), 1, { omittedBytes: 20_000_000 });
    expect(writer.journal(1, 10)).toMatchObject([{ toSerial: 1, sizeBytes: 20_000_000, changeset: undefined }]);
  });
});
