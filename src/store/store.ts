/**
 * The LMDB environment: how it is opened, its databases, the refusal of what we cannot read. The only importer of `lmdb` is this room.
 *
 * Choices that matter (each was tried):
 * - `overlappingSync: false`: a commit is visible to readers only after it is on disk. DNS must not serve what a power cut can take back.
 * - no `useWritemap`, no `noSync`: a stray pointer or a full disk must not reach the file.
 * - `permissionsMode` 0600: the binding's default is 0664.
 * - `mapSize` is left alone: the binding grows the map by itself.
 * Not here: reading (reader.ts), writing (writer.ts), who may write (writer-lock.ts).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { type Database, type RootDatabase, open } from 'lmdb';

import { STORE_DATABASES_MAX, STORE_READERS_MAX } from '#base/limits.ts';

import { StoreFailure, messageOf } from './failure.ts';
import { DATABASES, type DatabaseName, type FormatMark, META, STORE_FORMAT, decodeJson, textKey } from './schema.ts';

/** What `get` and ranges take to read from a held snapshot. */
export type ReadOptions = { readonly transaction?: ReturnType<Database['useReadTransaction']> };

/** A database with octets as keys and values. */
export type Octets = Database<Buffer, Uint8Array> & {
  /** As the binding has it; its types leave out the second argument. `length` of the result is right, `byteLength` is not. */
  getBinaryFast(key: Uint8Array, read?: ReadOptions): Buffer | undefined;
};

export interface Environment {
  readonly dir: string;
  readonly root: RootDatabase<Buffer, Uint8Array>;
  readonly db: Readonly<Record<DatabaseName, Octets>>;
}

const BINARY = { keyEncoding: 'binary', encoding: 'binary', cache: false } as const;

/** LMDB's data file in the store's directory. */
export function dataFile(dir: string): string {
  return join(dir, 'data.mdb');
}

/** True when the directory holds a store, complete or not. Then a missing key-encryption key must not be made anew. */
export function storeExists(dir: string): boolean {
  return existsSync(dataFile(dir));
}

/** The binding knows `permissionsMode` and `noSubdir`; its types know only the second. */
const OPTIONS = {
  ...BINARY,
  noSubdir: false,
  overlappingSync: false,
  permissionsMode: 0o600,
  maxReaders: STORE_READERS_MAX,
  maxDbs: STORE_DATABASES_MAX,
} as const;

/** Opens LMDB. Throws STORE_DAMAGED when the file is not LMDB's. */
export function openRoot(dir: string, readOnly: boolean): RootDatabase<Buffer, Uint8Array> {
  try {
    return open<Buffer, Uint8Array>(dir, { ...OPTIONS, readOnly });
  } catch (error) {
    throw new StoreFailure('STORE_DAMAGED', dir, `the store cannot be opened: ${messageOf(error)}`, 'restore the last backup', error);
  }
}

/** A database that must exist, or undefined: never creates. */
export function existingDatabase(root: RootDatabase<Buffer, Uint8Array>, name: DatabaseName): Octets | undefined {
  // The types say that a missing database is made; with `create: false` the binding returns undefined.
  return root.openDB<Buffer, Uint8Array>(name, { ...BINARY, create: false } as typeof BINARY) as Octets | undefined;
}

/** Opens or makes a database: writer only. */
export function makeDatabase(root: RootDatabase<Buffer, Uint8Array>, name: DatabaseName): Octets {
  return root.openDB<Buffer, Uint8Array>(name, BINARY) as Octets;
}

/** All databases, by `openOne`; undefined when one is missing. */
export function openDatabases(openOne: (name: DatabaseName) => Octets | undefined): Environment['db'] | undefined {
  const found: Partial<Record<DatabaseName, Octets>> = {};
  for (const name of DATABASES) {
    const database = openOne(name);
    if (database === undefined) return undefined;
    found[name] = database;
  }
  return found as Record<DatabaseName, Octets>;
}

/** The store's format mark, or undefined when it has none. Throws STORE_FORMAT for one that this version cannot read. */
export function readFormat(meta: Octets, dir: string): FormatMark | undefined {
  const bytes = meta.get(textKey(META.FORMAT));
  if (bytes === undefined) return undefined;
  const mark = decodeJson<Partial<FormatMark>>(bytes, 'the format mark');
  if (mark.product !== 'waxseal' || !Number.isInteger(mark.version) || mark.version! < 1)
    throw new StoreFailure('STORE_FORMAT', dir, `${dir} is not a waxseal store`, 'name another data directory');
  if (mark.version! > STORE_FORMAT)
    throw new StoreFailure(
      'STORE_FORMAT',
      dir,
      `the store in ${dir} has format ${mark.version}; this version of waxseal reads format ${STORE_FORMAT} and nothing newer. Nothing was changed`,
      'run the newer waxseal that wrote it, or restore a backup made before the upgrade',
    );
  return mark as FormatMark;
}
