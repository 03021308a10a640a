/**
 * The store's databases for its writer: those that are there, and all of them in a store that is new.
 * Not here: the lock and what the file must be before (writer.ts), opening one database (store.ts).
 */
import { atPath } from '#base/place.ts';

import { kekLabel } from '#store/kek/change.ts';
import { damaged } from './data-file.ts';
import { StoreFailure } from './failure.ts';
import { encodeJson } from './json.ts';
import { FIRST_FORMAT, readFormat, readKekFile, uuid } from './marks.ts';
import { type DatabaseName, type FormatMark, LATER_DATABASES, META, textKey } from './schema.ts';
import { createSealer } from './seal.ts';
import { type Environment, type Octets, existingDatabase, makeDatabase, openDatabases, openRoot } from './store.ts';

/**
 * Gives the key-encryption key, 32 octets (kek.ts). `lastFile` is where it was when the store was last opened; `isNew`:
 * nothing is sealed under any key yet. Throws when there is no key; the store is unchanged then.
 */
export type FindKek = (lastFile: string | undefined, isNew: boolean) => Uint8Array;

/** What a new store is made with. */
export interface MakingOptions {
  readonly kek: Uint8Array | FindKek;
  readonly random: (bytes: number) => Uint8Array;
  readonly nowMs: number;
}

export interface OpenedEnvironment {
  readonly environment: Environment;
  readonly kek: Uint8Array;
}

/** Throws STORE_FORMAT for what is not ours, or newer; nothing was changed then. */
export function openEnvironment(dir: string, options: MakingOptions): OpenedEnvironment {
  const root = openRoot(dir, false);
  try {
    const meta = existingDatabase(root, 'meta');
    const made = meta !== undefined && readFormat(meta, dir) !== undefined;
    // A foreign LMDB file is left alone; a store of ours whose making was interrupted has at most empty databases.
    if (!made && (meta === undefined ? root.getKeysCount() : meta.getKeysCount()) > 0)
      throw new StoreFailure(
        'STORE_FORMAT',
        atPath(dir, 'the data directory'),
        `${dir} holds an LMDB database that is not waxseal's`,
        'name another data directory',
      );
    const lastFile = made ? readKekFile(meta) : undefined;
    const kek = typeof options.kek === 'function' ? options.kek(lastFile, !made) : options.kek;
    // Of a complete store nothing is made, so nothing is written.
    const db = openDatabases((name) => {
      if (!made) return makeDatabase(root, name);
      if (!LATER_DATABASES.includes(name)) return existingOrDamaged(root, name, dir);
      return existingDatabase(root, name) ?? makeDatabase(root, name);
    });
    if (!made) makeStore(root, db, { ...options, kek });
    return { environment: { dir, root, db, releases: new Set() }, kek };
  } catch (error) {
    void root.close();
    throw error;
  }
}

function existingOrDamaged(root: Environment['root'], name: DatabaseName, dir: string): Octets {
  const database = existingDatabase(root, name);
  if (database === undefined) throw damaged(dir, `its database "${name}" is missing`);
  return database;
}

/** The first transaction. */
function makeStore(
  root: Environment['root'],
  { meta }: Environment['db'],
  { kek, random, nowMs }: Omit<MakingOptions, 'kek'> & { readonly kek: Uint8Array },
): void {
  const installation = uuid(random(16));
  const check = createSealer(kek, random).seal(kekLabel(installation), Buffer.from('waxseal'));
  root.transactionSync(() => {
    meta.putSync(textKey(META.INSTALLATION), encodeJson(installation));
    meta.putSync(textKey(META.KEK_CHECK), encodeJson(Buffer.from(check).toString('base64')));
    meta.putSync(textKey(META.GENERATION), encodeJson(0));
    meta.putSync(textKey(META.NEXT_ZONE), encodeJson(1));
    meta.putSync(textKey(META.CLOCK), encodeJson(nowMs));
    meta.putSync(textKey(META.FORMAT), encodeJson({ product: 'waxseal', version: FIRST_FORMAT, createdAtMs: nowMs } satisfies FormatMark));
  });
}
