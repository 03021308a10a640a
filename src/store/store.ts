/**
 * The LMDB environment: opening it, its databases, rejecting what we cannot read. Only this folder imports `lmdb`.
 *
 * Choices that matter (each was tried):
 * - `overlappingSync: false`: a commit is visible to readers only after it is on disk. DNS must not serve what a power cut can take back.
 * - no `useWritemap`, no `noSync`: a stray pointer or a full disk must not reach the file.
 * - `permissionsMode` 0600: the binding's default is 0664.
 * - `mapSize` is left alone: the binding grows the map by itself.
 * Not here: reading (reader.ts), writing (writer.ts), who may write (process-lock.ts).
 */
import { existsSync } from 'node:fs';

import { type Database, type RootDatabase, open } from 'lmdb';

import { atPath } from '#base/place.ts';
import { STORE_DATABASES_MAX, STORE_READERS_MAX } from '#base/limits/store.ts';

import { dataFile } from './data-file.ts';
import { StoreFailure, asFolderFailure, messageOf } from './failure.ts';
import { type DatabaseName } from './schema.ts';

/** What `get` and ranges take to read from a held snapshot. */
export type ReadOptions = { readonly transaction?: ReturnType<Database['useReadTransaction']> };

/** A database with octets as keys and values. */
export type Octets = Database<Uint8Array, Uint8Array> & {
  /** As the binding has it; its types leave out the second argument. `length` of the result is right, `byteLength` is not. */
  getBinaryFast(key: Uint8Array, read?: ReadOptions): Buffer | undefined;
};

export interface Environment {
  readonly dir: string;
  readonly root: RootDatabase<Uint8Array, Uint8Array>;
  readonly db: Readonly<Record<DatabaseName, Octets>>;
  /** Give back what is held for longer than one read; LMDB is closed after them. */
  readonly releases: Set<() => void>;
}

/** Nothing may be read afterwards. */
export async function closeEnvironment({ root, releases }: Environment): Promise<void> {
  for (const release of releases) release();
  await root.close();
}

const BINARY = { keyEncoding: 'binary', encoding: 'binary', cache: false } as const;

/** True when the directory holds a store, complete or not. */
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

/** Opens LMDB; after `checkDataFile`, because this dies of a file that is not LMDB's. */
export function openRoot(dir: string, readOnly: boolean): RootDatabase<Uint8Array, Uint8Array> {
  try {
    return open<Uint8Array, Uint8Array>(dir, { ...OPTIONS, readOnly });
  } catch (error) {
    const refused = asFolderFailure(dir, error);
    if (refused !== error) throw refused;
    throw new StoreFailure(
      'STORE_DAMAGED',
      atPath(dir, 'the data directory'),
      `the store cannot be opened: ${messageOf(error)}`,
      'restore the last backup',
      error,
    );
  }
}

const EXISTING = { ...BINARY, create: false } as const;

/** A database that must exist, or undefined: never creates. */
export function existingDatabase(root: RootDatabase<Uint8Array, Uint8Array>, name: DatabaseName): Octets | undefined {
  // The types know nothing of `create`, and so not that the binding returns undefined.
  return root.openDB<Uint8Array, Uint8Array>(name, EXISTING);
}

/** Opens or makes a database: writer only. */
export function makeDatabase(root: RootDatabase<Uint8Array, Uint8Array>, name: DatabaseName): Octets {
  return root.openDB<Uint8Array, Uint8Array>(name, BINARY);
}

/** Octets of the pages of one database. */
export function databaseBytes(database: Octets): number {
  // The binding's types say only that it is an object.
  const stats: { pageSize?: number; treeBranchPageCount?: number; treeLeafPageCount?: number; overflowPages?: number } =
    database.getStats();
  const { pageSize = 0, treeBranchPageCount = 0, treeLeafPageCount = 0, overflowPages = 0 } = stats;
  return pageSize * (treeBranchPageCount + treeLeafPageCount + overflowPages);
}

/** All databases, by `openOne`. */
export function openDatabases(openOne: (name: DatabaseName) => Octets): Environment['db'] {
  return {
    meta: openOne('meta'),
    zones: openOne('zones'),
    nodes: openOne('nodes'),
    journal: openOne('journal'),
    audit: openOne('audit'),
    secrets: openOne('secrets'),
    tokens: openOne('tokens'),
    recent: openOne('recent'),
    documents: openOne('documents'),
    due: openOne('due'),
    events: openOne('events'),
    hashed: openOne('hashed'),
  };
}
