/**
 * A folder of backups: which there are, and which may go. Only what is a backup of ours in every respect is ever
 * removed: its name, its manifest, of this installation, made by the schedule, and nothing else beside its files.
 * Not here: making one (make.ts).
 */
import { lstatSync, readdirSync, renameSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { BACKUPS_LISTED_MAX, BACKUP_LEFTOVER_MS } from '#base/limits/backup.ts';
import { syncPath } from '#base/folder.ts';
import { messageOf } from '#store/failure.ts';
import { BACKUP_FILES, type BackupManifest, isBackupName, readManifest, readVerified } from './manifest.ts';
import { OWNER_FILE, isOwnerGone, removeOwner } from './owner.ts';

export interface ListedBackup {
  readonly name: string;
  readonly folder: string;
  /** Absent: it cannot be read; `problem` says why. */
  readonly manifest?: BackupManifest;
  readonly problem?: string;
  /** When it was last found good; absent: not known. */
  readonly verifiedAtMs?: number;
}

const FILES: ReadonlySet<string> = new Set(Object.values(BACKUP_FILES));
const PARTIAL = '.partial-';
const REMOVING = '.removing-';

/** Where a backup is while it is written. */
export function partialFolder(folder: string, name: string): string {
  return join(folder, `${PARTIAL}${name}`);
}

/** Backups in `folder`, newest first, `max` at most; none when there is no such folder. Throws the system's error. */
export function listBackups(folder: string, max = BACKUPS_LISTED_MAX): readonly ListedBackup[] {
  return entriesOf(folder)
    .filter(isBackupName)
    .toSorted()
    .toReversed()
    .slice(0, max)
    .map((name) => describeBackup(folder, name));
}

function describeBackup(parent: string, name: string): ListedBackup {
  const folder = join(parent, name);
  try {
    const manifest = readManifest(folder);
    const verified = readVerified(folder);
    return { name, folder, manifest, ...(verified === undefined ? {} : { verifiedAtMs: verified.atMs }) };
  } catch (error) {
    return { name, folder, problem: messageOf(error) };
  }
}

/**
 * Removes scheduled backups of `installation` that are older than the `keep` newest good ones: one that was not found
 * good takes the place of none that was. Where none is known to be good, all count. Returns the names of those that
 * went; what cannot be removed stays for another time.
 */
export function removeOldBackups(folder: string, installation: string, keep: number): readonly string[] {
  const own = listBackups(folder, Infinity).filter(
    ({ name, manifest }) =>
      manifest?.isScheduled === true && manifest.installation === installation && manifest.name === name,
  );
  const good = own.filter(({ verifiedAtMs }) => verifiedAtMs !== undefined);
  const last = (good.length > 0 ? good : own)[keep - 1];
  const removed: string[] = [];
  for (const { name } of last === undefined ? [] : own.filter((each) => each.name < last.name))
    unlessItFails(() => {
      if (!hasOnlyOurFiles(join(folder, name))) return;
      // First out of the list: what is removed in part must not look like a backup.
      const leaving = join(folder, `${REMOVING}${name}`);
      renameSync(join(folder, name), leaving);
      removed.push(name);
      removeFiles(leaving);
    });
  if (removed.length > 0) syncPath(folder);
  return removed;
}

/**
 * Removes what backups of `storeDir` have left whose process is gone, and what those and removals that were broken off
 * BACKUP_LEFTOVER_MS before `nowMs` have left; what cannot be removed stays.
 */
export function removeLeftovers(folder: string, storeDir: string, nowMs: number): void {
  for (const entry of entriesOf(folder)) {
    const start = [PARTIAL, REMOVING].find((each) => entry.startsWith(each));
    if (start === undefined || !isBackupName(entry.slice(start.length))) continue;
    const path = join(folder, entry);
    unlessItFails(() => {
      const isOld = nowMs - lstatSync(path).mtimeMs > BACKUP_LEFTOVER_MS;
      if (hasOnlyOurFiles(path) && (isOld || isOwnerGone(path, storeDir))) removeFiles(path);
    });
  }
}

/** A folder that cannot be removed, or that another process removes, must not be in the way of a new backup. */
function unlessItFails(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

/** Removes a folder of ours with its files, whatever of it is there. */
export function removeFiles(folder: string): void {
  for (const name of FILES) rmSync(join(folder, name), { force: true });
  rmSync(join(folder, 'lock.mdb'), { force: true });
  removeOwner(folder);
  rmdirSync(folder);
}

/** A real folder in which nothing but regular files of a backup is, and the note of one that is being made. */
function hasOnlyOurFiles(folder: string): boolean {
  if (!lstatSync(folder).isDirectory()) return false;
  const isOurs = (name: string): boolean => FILES.has(name) || name === OWNER_FILE;
  return readdirSync(folder, { withFileTypes: true }).every((each) => each.isFile() && isOurs(each.name));
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
