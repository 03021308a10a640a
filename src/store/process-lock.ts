/**
 * One server for a data directory, and one writer for its store: locks that the kernel holds for a process and drops
 * when it dies, however it dies. The supervisor has the first before anything is started, so that a second server on
 * the same data opens nothing; the control process has the second, because it may outlive a supervisor that was killed.
 *
 * A pid in a file is not enough: in containers every server is pid 1, a pid means nothing in another pid namespace, and
 * two starters that both find a dead pid can both take over. LMDB's own lock only makes a second writer wait. Node has
 * no flock; the file lock it does have is inside `node:sqlite`, which holds an exclusive POSIX lock on a file while a
 * transaction is open (nothing is ever written to it). Never open or close that file otherwise in this process: closing
 * any descriptor of a file drops its POSIX locks.
 *
 * The `.json` beside it says who holds the lock: pid, boot id, start time, host. It only serves the message.
 */
import { atPath } from '#base/place.ts';
import { chmodSync, closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { StoreFailure, folderFailure } from './failure.ts';
import { decodeJson, encodeJson, hasFields } from './json.ts';

/** Who has the lock. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Changes with every boot; empty where the system does not tell. */
  readonly bootId: string;
  /** Clock ticks from boot to the start of the process; empty where the system does not tell. */
  readonly startTicks: string;
  readonly sinceMs: number;
}

export interface ProcessLock {
  /** The holder that died without releasing the lock, if one did. */
  readonly abandonedBy: LockHolder | undefined;
  release(): void;
}

/** Kept here, because garbage collection closes a connection without references, and its lock is gone. */
const HELD = new Set<DatabaseSync>();

/** SQLite's code for "another connection has it". */
const SQLITE_BUSY = 5;

/** What a lock is for: the name of its files, and what its holder does. */
export interface LockPurpose {
  readonly name: string;
  readonly does: string;
}

/** In the store's directory. */
export const WRITER_LOCK: LockPurpose = { name: 'writer', does: 'writes the store in' };
/** In the data directory. */
export const SERVER_LOCK: LockPurpose = { name: 'server', does: 'serves the data in' };

/**
 * Takes the lock or throws STORE_LOCKED, naming the holder; DATA_FOLDER or STORE_FULL when there can be no lock in
 * `dir`. Does not wait.
 */
export function acquireLock(purpose: LockPurpose, dir: string, nowMs: number): ProcessLock {
  const lockPath = join(dir, `${purpose.name}.lock`);
  const holderPath = join(dir, `${purpose.name}.json`);
  // Made before SQLite sees it, for its mode. The check spares an open file: see the head.
  let lock: DatabaseSync | undefined;
  try {
    if (!existsSync(lockPath)) closeSync(openSync(lockPath, 'a', 0o600));
    lock = new DatabaseSync(lockPath, { timeout: 0 });
    lock.exec('PRAGMA journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if (isBusy(error)) throw lockedFailure(purpose, dir, readHolder(holderPath));
    throw folderFailure(dir, error, `the lock ${lockPath} cannot be taken`);
  }
  const held = lock;
  HELD.add(held);
  const abandonedBy = readHolder(holderPath);
  writeHolder(holderPath, thisProcess(nowMs));
  return {
    abandonedBy,
    release() {
      rmSync(holderPath, { force: true });
      HELD.delete(held);
      held.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function lockedFailure({ does }: LockPurpose, dir: string, holder: LockHolder | undefined): StoreFailure {
  const who =
    holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host} (since ${new Date(holder.sinceMs).toISOString()})`;
  return new StoreFailure(
    'STORE_LOCKED',
    atPath(dir, 'the data directory'),
    `${who} already ${does} ${dir}. Nothing was changed`,
    'stop that process first, or let it do the work: commands reach it through admin.sock in its data directory',
  );
}

function readHolder(path: string): LockHolder | undefined {
  try {
    return decodeJson(readFileSync(path), path, isLockHolder);
  } catch {
    // Missing, or cut short by a crash: the lock itself is what counts.
    return undefined;
  }
}

/** Best effort: on a full disk the lock holds without it, and the server must still start. */
function writeHolder(path: string, holder: LockHolder): void {
  try {
    writeFileSync(path, encodeJson(holder), { mode: 0o600 });
    chmodSync(path, 0o600);
  } catch {
    rmSync(path, { force: true });
  }
}

function isLockHolder(value: unknown): value is LockHolder {
  return hasFields(value, { pid: 'number', host: 'string', bootId: 'string', startTicks: 'string', sinceMs: 'number' });
}

function thisProcess(nowMs: number): LockHolder {
  return {
    pid: process.pid,
    host: hostname(),
    bootId: readLine('/proc/sys/kernel/random/boot_id'),
    // Field 22 of proc(5) stat; the name in field 2 may hold spaces and parentheses, so count from its end.
    startTicks: readLine('/proc/self/stat').split(') ').at(-1)?.split(' ')[19] ?? '',
    sinceMs: nowMs,
  };
}

function readLine(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}
