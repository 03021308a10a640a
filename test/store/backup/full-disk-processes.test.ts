/** A backup on a disk that is full: none is made, and nothing is left. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kekFileOf } from '../../support/backups.ts';
import { auditEvent, temporaryFolder, temporaryStore } from '../../support/temporary-store.ts';

test('on a disk that takes no more: BACKUP_FAILED, nothing is left, the store is as it was', async () => {
  const { dir, writer } = temporaryStore();
  await writer.commit({ audit: { ...auditEvent(), detail: 'x'.repeat(16_000) } });
  const folder = join(temporaryFolder(), 'backups');
  const script = new URL('./make-script.ts', import.meta.url).pathname;
  // The largest file that the process may write: LMDB's copy does not fit.
  const said = execFileSync('prlimit', ['--fsize=40000', process.execPath, script, dir, folder, kekFileOf()], {
    encoding: 'utf8',
  });
  expect(said).toMatch(/^BACKUP_FAILED .*was not made: .*Nothing of it is left/);
  expect(readdirSync(folder)).toEqual([]);
  expect(writer.generation()).toBe(1);
});
