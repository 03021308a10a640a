/**
 * The store's file without its free pages: copied beside it, looked through, flushed, and put in its place by one
 * rename. A process that is killed at any point leaves the file of before or the new one, and both are whole.
 * Only while no process has the store open: those that have it map the old file and would write, or answer from, a file
 * that no name leads to.
 * Not here: the locks that keep others out (process/offline/store.ts).
 */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { syncPath } from '#base/folder.ts';
import { dataFile, dataFileUse } from '#store/data-file.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { freeSpace } from '#store/free-space.ts';
import { openReader } from '#store/reader.ts';
import { verifyStore } from '#store/verify.ts';
import { atPath } from '#base/place.ts';

export interface Compacted {
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/** Of what was broken off too: it is of no use, and goes first. */
const COPY = 'compacting';

/** Throws STORE_FULL, STORE_DAMAGED, or the system's error; the file is as before then. */
export async function compactStore(dir: string): Promise<Compacted> {
  const copy = join(dir, COPY);
  rmSync(copy, { recursive: true, force: true });
  const before = dataFileUse(dir);
  const { freeBytes } = freeSpace(dir);
  if (freeBytes < before.usedBytes) throw full(dir, before.usedBytes);
  mkdirSync(copy, { mode: 0o700 });
  try {
    await writeCopy(dir, copy);
    renameSync(dataFile(copy), dataFile(dir));
    syncPath(dir);
    return { beforeBytes: before.sizeBytes, afterBytes: dataFileUse(dir).sizeBytes };
  } finally {
    if (existsSync(copy)) rmSync(copy, { recursive: true });
  }
}

async function writeCopy(dir: string, copy: string): Promise<void> {
  const reader = openReader(dir);
  const generation = reader.generation();
  try {
    await reader.inspect().environment.root.backup(copy, true);
  } catch (error) {
    throw notCopied(dir, error);
  } finally {
    await reader.close();
  }
  chmodSync(dataFile(copy), 0o600);
  syncPath(dataFile(copy));
  const copied = openReader(copy);
  try {
    const [first] = verifyStore(copied).problems;
    if (first !== undefined || copied.generation() !== generation)
      throw new StoreFailure(
        'STORE_DAMAGED',
        atPath(dir, 'the store'),
        `the compacted copy of ${dir} is not the store: ${first ?? 'it is of another generation'}; nothing was changed`,
        'waxseal store check names what is wrong; restore a backup',
      );
  } finally {
    await copied.close();
  }
  syncPath(copy);
}

/** LMDB reads every page that it copies: one that is lost or damaged shows. */
function notCopied(dir: string, error: unknown): StoreFailure {
  const why = messageOf(error);
  const code = /space|quota|too large/i.test(why) ? 'STORE_FULL' : 'STORE_DAMAGED';
  const fix = code === 'STORE_FULL' ? 'make free space on that file system' : 'waxseal store check names what is wrong';
  return new StoreFailure(
    code,
    atPath(dir, 'the store'),
    `${dir} is not compacted: ${why}. Nothing was changed`,
    fix,
    error,
  );
}

function full(dir: string, bytes: number): StoreFailure {
  const need = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const why = `${dir} is not compacted: the copy takes up to ${need}, and less is free. Nothing was changed`;
  return new StoreFailure('STORE_FULL', atPath(dir, 'the store'), why, 'make free space on that file system');
}
