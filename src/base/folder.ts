/**
 * Makes folders, and what is in them durable. Node's own `recursive` never returns where the system answers ENOENT below a folder that exists
 * (/proc, /sys).
 */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Makes `path` and what is missing above it, each with `mode`; what exists is left as it is. Throws the system's error.
 */
export function makeFolder(path: string, mode = 0o700): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process has made it meanwhile; a file in its place is what the caller must hear of.
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isThere || !statSync(path).isDirectory()) throw error;
  }
}

/** Makes a file, or what was made and renamed in a folder, durable. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * A file in the folder that is open for reading and writing, for this user alone, and gone when it is closed, also
 * after a kill. `what` begins the name that it has for a moment.
 */
export function unnamedFile(folder: string, what: string): number {
  const path = join(folder, `${what}-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
}
