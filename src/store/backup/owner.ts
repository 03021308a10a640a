/**
 * Who works in a folder that is not there for long: a note in it, by which a later process sees that this one was
 * killed, so that what it has left does not wait for hours.
 * Not here: what is in such a folder (folder.ts, copy.ts).
 */
import { lstatSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { BACKUP_OWNER_BYTES_MAX } from '#base/limits/backup.ts';
import { hasFields } from '#store/json.ts';

/** The file of the note. */
export const OWNER_FILE = 'owner.json';

interface Owner {
  readonly host: string;
  /** Where process ids mean the same; empty where the system does not say. */
  readonly space: string;
  readonly pid: number;
  /** What it works for: the folder of a store, or of a backup. */
  readonly of: string;
}

export function noteOwner(folder: string, of: string): void {
  const owner: Owner = { host: hostname(), space: processSpace(), pid: process.pid, of };
  writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner), { mode: 0o600, flag: 'wx' });
}

export function removeOwner(folder: string): void {
  rmSync(join(folder, OWNER_FILE), { force: true });
}

/**
 * True when the process that the note names is certainly gone: one of this machine, for the same `of`. Without a note,
 * or with one of another machine that shares the folder, it is not known. Process ids of another container of the same
 * name are of one that was there before: two do not have one store open.
 */
export function isOwnerGone(folder: string, of: string): boolean {
  const owner = readOwner(folder);
  if (owner === undefined || owner.host !== hostname() || owner.of !== of) return false;
  return owner.space !== processSpace() || !isThere(owner.pid);
}

function readOwner(folder: string): Owner | undefined {
  try {
    const path = join(folder, OWNER_FILE);
    const about = lstatSync(path);
    if (!about.isFile() || about.size > BACKUP_OWNER_BYTES_MAX) return undefined;
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isOwner(value) ? value : undefined;
  } catch {
    // Not there, or half written: then its age says enough.
    return undefined;
  }
}

function isOwner(value: unknown): value is Owner {
  return hasFields(value, {
    host: 'string',
    space: 'string',
    pid: (pid) => Number.isSafeInteger(pid) && (pid as number) > 0,
    of: 'string',
  });
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and of another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** pid_namespaces(7). */
function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
