/** Notes of who works in a folder, and temporary folders of processes that were killed. */
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openCopy } from '#store/backup/copy.ts';
import { OWNER_FILE, isOwnerGone, noteOwner, removeOwner } from '#store/backup/owner.ts';
import { backupOf } from '../../support/backups.ts';
import { temporaryFolder, temporaryStore } from '../../support/temporary-store.ts';

/** Above the highest one that Linux gives (pid_max in proc(5)). */
const NO_PROCESS = 4_194_305;

function noted(folder: string, of: string, change: object = {}): void {
  mkdirSync(folder, { recursive: true });
  noteOwner(folder, of);
  const path = join(folder, OWNER_FILE);
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change }));
}

test('a process is gone when it was one of this machine, for the same thing, and is not there', () => {
  const folder = temporaryFolder();
  const gone = (change: object | string): boolean => {
    noted(folder, '/store', typeof change === 'string' ? {} : change);
    if (typeof change === 'string') writeFileSync(join(folder, OWNER_FILE), change);
    const isGone = isOwnerGone(folder, '/store');
    removeOwner(folder);
    return isGone;
  };
  expect(gone({})).toBe(false);
  expect(gone({ pid: NO_PROCESS })).toBe(true);
  expect(gone({ space: 'pid:[1]' })).toBe(true);
  for (const unknown of [
    { pid: NO_PROCESS, host: 'another' },
    { pid: NO_PROCESS, of: '/other' },
    { pid: 0 },
    { pid: -1 },
    { pid: 'x' },
  ])
    expect(gone(unknown)).toBe(false);
  for (const text of ['', '{', 'null', ' '.repeat(10_000)]) expect(gone(text)).toBe(false);
  expect(isOwnerGone(folder, '/store')).toBe(false);
  symlinkSync('/dev/zero', join(folder, OWNER_FILE));
  expect(isOwnerGone(folder, '/store')).toBe(false);
});

test('a look at a backup removes the temporary folders of processes that were killed, and nothing else', async () => {
  const { dir } = temporaryStore();
  const backup = await backupOf(dir, { folder: join(temporaryFolder(), 'backups') });
  const temporary = temporaryFolder();
  vi.stubEnv('TMPDIR', temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  const copy = 'waxseal-copy-';
  noted(join(temporary, `${copy}killed`), copy, { pid: NO_PROCESS });
  symlinkSync('/nowhere', join(temporary, `${copy}killed`, 'data.mdb'));
  noted(join(temporary, `${copy}at-work`), copy);
  noted(join(temporary, `${copy}with-more`), copy, { pid: NO_PROCESS });
  writeFileSync(join(temporary, `${copy}with-more`, 'mine'), 'x');
  mkdirSync(join(temporary, `${copy}unknown`));
  noted(join(temporary, 'other'), copy, { pid: NO_PROCESS });
  symlinkSync(join(temporary, 'other'), join(temporary, `${copy}link`));
  const opened = openCopy(backup);
  await opened.close();
  expect(readdirSync(temporary).toSorted()).toEqual([
    'other',
    `${copy}at-work`,
    `${copy}link`,
    `${copy}unknown`,
    `${copy}with-more`,
  ]);
  rmSync(temporary, { recursive: true });
});
