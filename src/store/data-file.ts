/**
 * LMDB's data file, where LMDB leaves something to wish for:
 * - before it maps the file: the binding dies of SIGSEGV when the meta pages are not LMDB's, and of SIGBUS on a file that was cut. Both
 *   become an error that can be read;
 * - before it writes: a commit that finds no space corrupts the heap of the process (tried: one in three dies of it),
 *   so space is made in the file first, by writing zeros behind its last page, where failing is harmless.
 *
 * Two meta pages at the start of the file (little-endian, as LMDB writes them on the machines we run on):
 *    0  u64  page number (0, 1)      18  u16  flags: 8 = meta        24  u32  magic        28  u32  version of LMDB's format
 *   48  u32  page size              144  u64  last page             152  u64  transaction
 *
 * What is inside other pages: verify.ts.
 */
import { atPath } from '#base/place.ts';
import { closeSync, fstatSync, ftruncateSync, fsyncSync, openSync, readSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { STORE_SLACK_BYTES, STORE_TRIM_BYTES, STORE_ZEROS_BYTES } from '#base/limits/store.ts';

import { StoreFailure } from './failure.ts';

const MAGIC = 0xbeefc0de;
const LMDB_VERSION = 2;
const META_FLAG = 8;
/** Read from the start of each meta page. */
const META_BYTES = 160;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;
/** 16 TiB of pages of 4 KiB: more is no number of ours. */
const LAST_PAGE_MAX = 0xffff_ffffn;

/** LMDB's data file in the store's directory. */
export function dataFile(dir: string): string {
  return join(dir, 'data.mdb');
}

/** `absent`: LMDB will make it. `extended`: it was shorter than its content; see `checkDataFile`. */
export type DataFileState = 'absent' | 'good' | 'extended';

/** How much of the file is in use; what is behind is space for the next commits. */
export interface DataFileUse {
  readonly usedBytes: number;
  readonly sizeBytes: number;
  readonly pageBytes: number;
}

/**
 * Looks at the meta pages. Throws STORE_DAMAGED when LMDB could not open the file.
 *
 * With `extend` (only under the writer's lock) a file that is shorter than its last page is filled up with zeros:
 * pages freed at its end may never have been written, which is no fault; but of a file that was cut, LMDB then
 * reports the missing pages instead of dying on them.
 */
export function checkDataFile(dir: string, extend: boolean): DataFileState {
  const file = openExisting(dir, extend ? 'r+' : 'r');
  if (file === undefined) return 'absent';
  try {
    if (fstatSync(file).size === 0) return 'absent';
    const { usedBytes, sizeBytes } = readUse(file, dir);
    if (!extend || sizeBytes >= usedBytes) return 'good';
    appendZeros(file, sizeBytes, usedBytes);
    fsyncSync(file);
    return 'extended';
  } finally {
    closeSync(file);
  }
}

/** How much of the file is in use. */
export function dataFileUse(dir: string): DataFileUse {
  const file = openSync(dataFile(dir), 'r');
  try {
    return readUse(file, dir);
  } finally {
    closeSync(file);
  }
}

/**
 * Makes the file `bytes` longer than what is in use, and some slack if there is space for it. Throws the system's
 * error, the file unchanged, when there is no space. Only for the writer, outside LMDB's own writing.
 */
export function makeRoom(dir: string, bytes: number): void {
  const file = openSync(dataFile(dir), 'r+');
  try {
    const { usedBytes, sizeBytes } = readUse(file, dir);
    if (sizeBytes - usedBytes >= bytes) return;
    try {
      appendZeros(file, sizeBytes, usedBytes + bytes + STORE_SLACK_BYTES);
    } catch {
      ftruncateSync(file, sizeBytes);
      try {
        appendZeros(file, sizeBytes, usedBytes + bytes);
      } catch (error) {
        ftruncateSync(file, sizeBytes);
        throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Gives back what is behind the pages in use, but for some slack, when it is much: a commit asks for as much as it
 * may take, and a large one takes less. Only for the writer, outside LMDB's own writing; no page there is in use.
 * Never throws.
 */
export function trimRoom(dir: string): void {
  try {
    const { usedBytes, sizeBytes } = dataFileUse(dir);
    if (sizeBytes - usedBytes >= STORE_TRIM_BYTES) truncateSync(dataFile(dir), usedBytes + STORE_SLACK_BYTES);
  } catch {
    // The file stays as long as it is, and that is all.
  }
}

function appendZeros(file: number, from: number, to: number): void {
  const zeros = Buffer.alloc(Math.min(STORE_ZEROS_BYTES, Math.max(0, to - from)));
  for (let at = from; at < to;) at += writeSync(file, zeros, 0, Math.min(zeros.length, to - at), at);
}

function openExisting(dir: string, flags: 'r' | 'r+'): number | undefined {
  try {
    return openSync(dataFile(dir), flags);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The newest of the two meta pages decides, as for LMDB. Throws STORE_DAMAGED when one is not a meta page. */
function readUse(file: number, dir: string): DataFileUse {
  const sizeBytes = fstatSync(file).size;
  const first = readMeta(file, 0);
  const pageBytes = first.readUInt32LE(48);
  const sound = isMeta(first, 0) && pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && sizeBytes >= 2 * pageBytes;
  if (!sound) throw damaged(dir, 'its first meta page is not LMDB’s');
  const second = readMeta(file, pageBytes);
  if (!isMeta(second, 1)) throw damaged(dir, 'its second meta page is not LMDB’s');
  const newest = second.readBigUInt64LE(152) > first.readBigUInt64LE(152) ? second : first;
  const lastPage = newest.readBigUInt64LE(144);
  if (lastPage > LAST_PAGE_MAX) throw damaged(dir, 'its meta pages name a page that cannot be');
  return { usedBytes: (Number(lastPage) + 1) * pageBytes, sizeBytes, pageBytes };
}

function readMeta(file: number, position: number): Buffer {
  const meta = Buffer.alloc(META_BYTES);
  readSync(file, meta, 0, META_BYTES, position);
  return meta;
}

function isMeta(page: Buffer, number: 0 | 1): boolean {
  return (
    page.readBigUInt64LE(0) === BigInt(number) &&
    page.readUInt16LE(18) === META_FLAG &&
    page.readUInt32LE(24) === MAGIC &&
    page.readUInt32LE(28) === LMDB_VERSION
  );
}

/**
 * LMDB's errors for pages that are not what they should be: CORRUPTED, PAGE_NOTFOUND, INVALID, VERSION_MISMATCH,
 * BAD_DBI.
 */
const DAMAGE: ReadonlySet<unknown> = new Set([-30796, -30797, -30793, -30794, -30780]);

/** `error` as STORE_DAMAGED when LMDB means that; any other as it is. */
export function asDamage(dir: string, error: unknown): unknown {
  return error instanceof Error && 'code' in error && DAMAGE.has(error.code) ? damaged(dir, error.message) : error;
}

export function damaged(dir: string, why: string): StoreFailure {
  return new StoreFailure(
    'STORE_DAMAGED',
    atPath(dir, 'the data directory'),
    `the store in ${dir} is damaged: ${why}`,
    'keep a copy of it, and restore the last backup',
  );
}
