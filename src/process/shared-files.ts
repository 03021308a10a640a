/**
 * Files that are there before a confined process starts, because the kernel's rules are about files and not names; and
 * the answer process's right to them, when it has a user of its own: by the group of that user, it may pass through
 * the data directory, read the store's file and write LMDB's lock file.
 *
 * All is made as the server's user. Root only changes the group, of what it has open, is no link, and belongs to the
 * server's user: who could exchange a file there gets nothing by it that it did not have.
 * Not here: what the kernel lets the process do with them (confine/roles.ts).
 */
import { chownSync, constants, existsSync, mkdirSync } from 'node:fs';
import { closeSync, fchmodSync, fchownSync, fstatSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from '#base/folder.ts';
import { type Account } from '#process/confine/identity.ts';
import { type WithRights } from './privileges.ts';

export interface SharedFiles {
  readonly data: string;
  readonly storeDir: string;
  /** Folder of compiled code, and in it that of the answer process. */
  readonly cache: string;
  readonly answerCache: string;
}

/** Who may pass through a folder and who may read or write a file, beside its owner: the group. */
export const MODE = { passed: 0o710, read: 0o640, written: 0o660, own: 0o700 } as const;

/** Makes the data directory for `owner` where only root can: in a folder that is there. Throws the system's error. */
export function makeDataFolder(data: string, owner: Account): void {
  if (existsSync(data) || !existsSync(dirname(data))) return;
  mkdirSync(data, { mode: MODE.own });
  chownSync(data, owner.uid, owner.gid);
}

/** Makes what is missing. Throws the system's error. */
export function prepareFiles(files: SharedFiles, answer: Account | undefined, withRights: WithRights): void {
  const { data, storeDir, cache, answerCache } = files;
  makeFolder(storeDir);
  // LMDB takes an empty file for none.
  const [dataFile, lockFile] = [join(storeDir, 'data.mdb'), join(storeDir, 'lock.mdb')];
  closeSync(openSync(lockFile, 'a', 0o600));
  makeFolder(answerCache);
  if (answer === undefined) return;
  closeSync(openSync(dataFile, 'a', 0o600));
  const owner = process.geteuid?.() ?? 0;
  const { gid } = answer;
  const share = (path: string, mode: number, uid = owner) => withRights(() => give(path, owner, { uid, gid }, mode));
  for (const folder of [data, storeDir, cache]) share(folder, MODE.passed);
  share(dataFile, MODE.read);
  share(lockFile, MODE.written);
  share(answerCache, MODE.own, answer.uid);
  withRights(() => checkReach(lockFile, answer));
}

/**
 * As the user: the folders above the data directory are not ours to open. Called as root. Throws the system's error.
 */
function checkReach(path: string, { uid, gid }: Account): void {
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([gid]);
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    closeSync(openSync(path, 'r+'));
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

/** Of a file or folder that belongs to `owner`, or has been given already. */
function give(path: string, owner: number, to: Account, mode: number): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { uid } = fstatSync(file);
    if (uid !== owner && uid !== to.uid) throw new Error(`${path} belongs to user ${uid}, not to ${owner}`);
    fchownSync(file, to.uid, to.gid);
    fchmodSync(file, mode);
  } finally {
    closeSync(file);
  }
}
