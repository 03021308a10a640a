/**
 * Free space on the disk under the store. Large changes stop before the disk is full, so that upkeep (signature
 * refresh, removals) still fits and an error names the reason; DNS continues to answer either way.
 */
import { statfsSync } from 'node:fs';

import { STORE_LOW_BYTES_MAX, STORE_RESERVE_BYTES_MAX } from '#base/limits/store.ts';

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
