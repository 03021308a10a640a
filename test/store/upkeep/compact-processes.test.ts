/** Compacting that is killed at any point, or fails: the store is whole, the same, and can be compacted again. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { NODE } from '#store/node-codec.ts';
import { openReader } from '#store/reader.ts';
import { compactStore } from '#store/upkeep/compact.ts';
import { verifyStore } from '#store/verify.ts';
import { openWriter } from '#store/writer.ts';
import { auditEvent, nodeWrite, temporaryFolder, writerOptions, zoneRecord } from '../../support/temporary-store.ts';
import { runTool } from '../../support/tools.ts';

const SCRIPT = new URL('./compact-script.ts', import.meta.url).pathname;

test('kill -9 before each flush, before and after the rename, and while old files go; a disk that fails at the same points', async () => {
  const master = join(temporaryFolder(), 'store');
  const writer = openWriter(master, writerOptions());
  const nodes = [
    nodeWrite(1, 'example.', [TYPE.SOA], NODE.APEX),
    ...Array.from({ length: 2000 }, (_, at) => nodeWrite(1, `n${at}.example.`)),
  ];
  const zones = { put: [zoneRecord(1, 'example.')] };
  await writer.commit({ audit: auditEvent(), zones, nodes });
  await writer.commit({
    audit: auditEvent(),
    zones,
    nodes: nodes.slice(1000).map((each) => ({ ...each, value: null })),
  });
  await writer.close();
  const points = [
    'fsync:when=1',
    'fsync:when=2',
    'fsync:when=3',
    'rename:when=1',
    'rmdir:when=1',
    'unlink:when=1',
    'write:when=40',
  ];
  const cases = points.flatMap((point) => {
    const [call = '', when = ''] = point.split(':');
    return [`${call}:signal=SIGKILL:${when}`, `${call}:error=EIO:${when}`];
  });
  const outcomes: string[] = [];
  await Promise.all(
    [0, 1].map(async (lane) => {
      for (const inject of cases.filter((_, at) => at % 2 === lane)) {
        const dir = join(temporaryFolder(), 'store');
        mkdirSync(dir, { mode: 0o700 });
        copyFileSync(join(master, 'data.mdb'), join(dir, 'data.mdb'));
        const trace = ['-f', '-o', '/dev/null', '-e', `inject=${inject}`];
        const { stdout } = await runTool('strace', [...trace, process.execPath, SCRIPT, dir]);
        const reader = openReader(dir);
        expect([inject, verifyStore(reader).problems, reader.generation()]).toEqual([inject, [], 2]);
        await reader.close();
        outcomes.push(`${inject} ${stdout.trim()}`);
        const { afterBytes } = await compactStore(dir);
        expect([inject, afterBytes]).toEqual([inject, expect.any(Number)]);
        const again = openWriter(dir, writerOptions());
        await again.commit({ audit: auditEvent() });
        expect([inject, verifyStore(again).problems]).toEqual([inject, []]);
        await again.close();
      }
    }),
  );
  // They did not all run to their end: some were killed, some failed.
  expect(outcomes.filter((each) => each.endsWith('compacted')).length).toBeLessThan(cases.length);
  expect(outcomes.some((each) => each.includes('SIGKILL') && !each.endsWith('compacted'))).toBe(true);
});
