/** Space that a large commit asked for and did not take is given back, and the store is whole after it. */
import { statSync, truncateSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STORE_SLACK_BYTES, STORE_TRIM_BYTES } from '#base/limits/store.ts';
import { dataFile, dataFileUse, trimRoom } from '#store/data-file.ts';
import { openReader } from '#store/reader.ts';
import { verifyStore } from '#store/verify.ts';
import { auditEvent, nodeWrite, temporaryFolder, temporaryStore, zoneRecord } from '../support/temporary-store.ts';

const NAMES = 20_000;

const large = (round: number) => ({
  audit: auditEvent(),
  zones: { put: [zoneRecord(1, 'large.', round)] },
  nodes: Array.from({ length: NAMES }, (_, each) => nodeWrite(1, each === 0 ? 'large.' : `n${each}.large.`, [16 + (round % 2)])),
});

test('after each of several large commits, with a reader beside them', async () => {
  const { writer, dir } = temporaryStore();
  const reader = openReader(dir);
  for (let round = 1; round <= 4; round++) {
    await writer.commit(large(round));
    const { usedBytes, sizeBytes } = dataFileUse(dir);
    expect(sizeBytes - usedBytes).toBeLessThan(STORE_TRIM_BYTES + STORE_SLACK_BYTES);
    if (round % 2 === 0) reader.refresh();
    // The reader's pages are there, old or new.
    expect(reader.zones().length).toBeLessThanOrEqual(1);
  }
  expect(verifyStore(writer).problems).toEqual([]);
  reader.refresh();
  expect(reader.zoneById(1)).toMatchObject({ nodeCount: NAMES });
  await reader.close();
  const { size } = statSync(dataFile(dir));
  await writer.commit({ audit: auditEvent() });
  expect(statSync(dataFile(dir)).size).toBe(size);
});

test('a file that cannot be cut stays as it is', async () => {
  trimRoom(temporaryFolder());
  const { writer, dir } = temporaryStore();
  await writer.commit({ audit: auditEvent() });
  const { usedBytes } = dataFileUse(dir);
  truncateSync(dataFile(dir), usedBytes + STORE_TRIM_BYTES - 1);
  trimRoom(dir);
  expect(statSync(dataFile(dir)).size).toBe(usedBytes + STORE_TRIM_BYTES - 1);
  truncateSync(dataFile(dir), usedBytes + STORE_TRIM_BYTES);
  trimRoom(dir);
  expect(statSync(dataFile(dir)).size).toBe(usedBytes + STORE_SLACK_BYTES);
});
