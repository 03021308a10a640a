/**
 * Free space on the disk under the store. Large changes stop before the disk is full, so that upkeep (signature
 * refresh, removals) still fits and an error names the reason; DNS continues to answer either way.
 * Not here: making space in the data file (data-file.ts).
 */
import { statfsSync } from 'node:fs';

import {
  STORE_COMMIT_BYTES,
  STORE_LOW_BYTES_MAX,
  STORE_NEXT_COMMIT_BYTES,
  STORE_RESERVE_BYTES_MAX,
} from '#base/limits/store.ts';
import { atPath } from '#base/place.ts';

import { type DataFileUse } from './data-file.ts';
import { StoreFailure } from './failure.ts';

export interface FreeSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** `low`: tell the operator. `reserved`: only upkeep is still written. */
  readonly level: 'enough' | 'low' | 'reserved';
  /** Free space that is kept for upkeep. */
  readonly reserveBytes: number;
  /** The kind of remote file system, on which LMDB's locks and maps are not safe; undefined for a local one. */
  readonly remote: string | undefined;
}

/** Magic numbers of statfs(2). */
const REMOTE: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x00c36400, 'Ceph'],
  [0x01021997, '9p'],
]);

/** Free space of the file system that holds `dir`. */
export function freeSpace(dir: string): FreeSpace {
  const { bavail, blocks, bsize, type } = statfsSync(dir);
  return judgeSpace(bavail * bsize, blocks * bsize, REMOTE.get(type));
}

export function judgeSpace(freeBytes: number, totalBytes: number, remote?: string): FreeSpace {
  const reserveBytes = Math.min(Math.floor(totalBytes / 20), STORE_RESERVE_BYTES_MAX);
  const lowBytes = Math.min(Math.floor(totalBytes / 5), STORE_LOW_BYTES_MAX);
  const level = freeBytes < reserveBytes ? 'reserved' : freeBytes < lowBytes ? 'low' : 'enough';
  return { freeBytes, totalBytes, level, reserveBytes, remote };
}

/** What a transaction has written so far, for the space it takes in the file. */
export interface Written {
  /** Octets of keys and values. */
  readonly bytes: number;
  readonly entries: number;
}

/** What the writes of one transaction have taken so far. */
export interface WrittenTogether extends Written {
  readonly commits: number;
}

/**
 * Room that a transaction takes at most: pages are at least half full, so twice what is written; and each entry may
 * have its page copied, but not more pages than there are.
 */
export function roomFor({ bytes, entries, commits }: WrittenTogether, { usedBytes, pageBytes }: DataFileUse): number {
  return (
    STORE_COMMIT_BYTES + (commits - 1) * STORE_NEXT_COMMIT_BYTES + 2 * bytes + Math.min(entries * pageBytes, usedBytes)
  );
}

export function sumOf(a: WrittenTogether, b: WrittenTogether): WrittenTogether {
  return { bytes: a.bytes + b.bytes, entries: a.entries + b.entries, commits: a.commits + b.commits };
}

const OUT_OF_SPACE: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** True for the system's errors that mean a full disk or a used-up quota. */
export function isOutOfSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && OUT_OF_SPACE.has(error.code);
}

/** What is answered when there is no space; nothing was changed. */
export function fullFailure(dir: string, why: string, cause?: unknown): StoreFailure {
  return new StoreFailure(
    'STORE_FULL',
    atPath(dir, 'the data directory'),
    `not written: there is no room under ${dir}: ${why}. Nothing was changed, DNS continues`,
    'make room on that file system, then repeat the change',
    cause,
  );
}

export function mebibytes(bytes: number): string {
  return (bytes / (1024 * 1024)).toFixed(1);
}
