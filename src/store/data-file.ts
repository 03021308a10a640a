/**
 * A look at LMDB's data file before LMDB maps it: the binding dies of SIGSEGV when the meta pages are not LMDB's, and of SIGBUS on a
 * file that was cut. Both become an error that can be read.
 *
 * Two meta pages at the start of the file (little-endian, as LMDB writes them on the machines we run on):
 *    0  u64  page number (0, 1)      18  u16  flags: 8 = meta        24  u32  magic        28  u32  version of LMDB's format
 *   48  u32  page size              144  u64  last page             152  u64  transaction
 *
 * What is inside other pages: verify.ts.
 */
import { closeSync, fstatSync, ftruncateSync, fsyncSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { StoreFailure } from './failure.ts';

const MAGIC = 0xbeefc0de;
const LMDB_VERSION = 2;
const META_FLAG = 8;
/** Read from the start of each meta page. */
const META_BYTES = 160;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;

/** LMDB's data file in the store's directory. */
export function dataFile(dir: string): string {
  return join(dir, 'data.mdb');
}

/** `absent`: LMDB will make it. `extended`: it was shorter than its content; see `checkDataFile`. */
export type DataFileState = 'absent' | 'good' | 'extended';

/**
 * Looks at the meta pages. Throws STORE_DAMAGED when LMDB could not open the file.
 *
 * With `extend` (only under the writer's lock) a file that is shorter than its last page is filled up with zeros: pages freed at its end
 * may never have been written, which is no fault; but of a file that was cut, LMDB then reports the missing pages instead of dying on them.
 */
export function checkDataFile(dir: string, extend: boolean): DataFileState {
  const path = dataFile(dir);
  let file: number;
  try {
    file = openSync(path, extend ? 'r+' : 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'absent';
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    if (size === 0) return 'absent';
    const first = readMeta(file, 0);
    const pageBytes = first.readUInt32LE(48);
    const sound = isMeta(first, 0) && pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && size >= 2 * pageBytes;
    if (!sound) throw damaged(dir, 'its first meta page is not LMDB’s');
    const second = readMeta(file, pageBytes);
    if (!isMeta(second, 1)) throw damaged(dir, 'its second meta page is not LMDB’s');
    if (!extend) return 'good';
    const newest = second.readBigUInt64LE(152) > first.readBigUInt64LE(152) ? second : first;
    const wanted = (Number(newest.readBigUInt64LE(144)) + 1) * pageBytes;
    if (size >= wanted) return 'good';
    if (!Number.isSafeInteger(wanted)) throw damaged(dir, 'its meta pages name a page that cannot be');
    ftruncateSync(file, wanted);
    fsyncSync(file);
    return 'extended';
  } finally {
    closeSync(file);
  }
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

/** LMDB's errors for pages that are not what they should be: CORRUPTED, PAGE_NOTFOUND, INVALID, VERSION_MISMATCH, BAD_DBI. */
const DAMAGE: ReadonlySet<unknown> = new Set([-30796, -30797, -30793, -30794, -30780]);

/** `error` as STORE_DAMAGED when LMDB means that; any other as it is. */
export function asDamage(dir: string, error: unknown): unknown {
  return error instanceof Error && 'code' in error && DAMAGE.has(error.code) ? damaged(dir, error.message) : error;
}

export function damaged(dir: string, why: string): StoreFailure {
  return new StoreFailure('STORE_DAMAGED', dir, `the store in ${dir} is damaged: ${why}`, 'keep a copy of it, and restore the last backup');
}
