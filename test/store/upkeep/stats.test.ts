/** Pages of the store's file: what is counted as free is what compacting gives back. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { openReader } from '#store/reader.ts';
import { compactStore } from '#store/upkeep/compact.ts';
import { storeStats } from '#store/upkeep/stats.ts';
import { verifyStore } from '#store/verify.ts';
import { openWriter } from '#store/writer.ts';
import { NODE } from '#store/node-codec.ts';
import { auditEvent, nodeWrite, temporaryFolder, writerOptions, zoneRecord } from '../../support/temporary-store.ts';

async function storeWithFreePages(): Promise<string> {
  const dir = join(temporaryFolder(), 'store');
  const writer = openWriter(dir, writerOptions());
  const put = [zoneRecord(1, 'a.example.'), zoneRecord(2, 'b.example.')];
  const nodes = ['a', 'b'].flatMap((zone, at) => [
    nodeWrite(at + 1, `${zone}.example.`, [TYPE.SOA], NODE.APEX),
    ...Array.from({ length: 3000 }, (_, each) => nodeWrite(at + 1, `n${each}.${zone}.example.`)),
  ]);
  await writer.commit({ audit: auditEvent(), zones: { put }, nodes });
  await writer.commit({ audit: auditEvent(), zones: { remove: [1] } });
  await writer.commit({ audit: auditEvent() });
  await writer.close();
  return dir;
}

test('free and live pages are all pages; compacting gives back the free ones, and no others', async () => {
  const dir = await storeWithFreePages();
  const before = openReader(dir);
  const stats = storeStats(before);
  await before.close();
  expect(stats.livePages + stats.freePages).toBe(stats.pages);
  expect(stats.freePages).toBeGreaterThan(50);
  expect(stats.databases.find(({ name }) => name === 'nodes')).toMatchObject({ entries: 3001 });
  expect(stats.databases[0]!.name).toBe('nodes');
  const { beforeBytes, afterBytes } = await compactStore(dir);
  expect(afterBytes).toBeLessThan(beforeBytes);
  const after = openReader(dir);
  const compacted = storeStats(after);
  // LMDB fills pages anew: not one more than had content, and none free.
  expect(compacted.freePages).toBe(0);
  expect(compacted.pages).toBeLessThanOrEqual(stats.livePages);
  expect(compacted).toMatchObject({ generation: stats.generation, zones: 1 });
  expect(verifyStore(after)).toMatchObject({ problems: [], nodes: 3001 });
  await after.close();
  expect(statSync(join(dir, 'data.mdb')).mode & 0o777).toBe(0o600);
  expect(existsSync(join(dir, 'compacting'))).toBe(false);
  const writer = openWriter(dir, writerOptions());
  await writer.commit({ audit: auditEvent() });
  expect(verifyStore(writer).problems).toEqual([]);
  await writer.close();
  expect(readdirSync(dir).filter((name) => !/^(?:data|lock)\.mdb$|^writer\./.test(name))).toEqual([]);
});
