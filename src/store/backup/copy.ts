/**
 * The store of a backup, opened for reading where it lies: LMDB's lock file stands in a folder of its own, so that a
 * backup is not written to, and one on a medium that is read-only can be looked at. And the key-encryption key that
 * opens its secrets.
 * Not here: what is checked of it (verify.ts).
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { atPath } from '#base/place.ts';
import { type Problem } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { readKek } from '#store/kek.ts';
import { readKekChange, settleKek } from '#store/kek/change.ts';
import { type StoreReader, openReader } from '#store/reader.ts';
import { type ChangingSealer, type Sealer, changingSealer, createSealer } from '#store/seal.ts';
import { BACKUP_FILES } from './manifest.ts';
import { OWNER_FILE, isOwnerGone, noteOwner } from './owner.ts';

const COPY = 'waxseal-copy-';
/** What LMDB puts beside the link to a store. */
const COPY_FILES: ReadonlySet<string> = new Set([BACKUP_FILES.data, 'lock.mdb', OWNER_FILE]);

export interface StoreCopy {
  readonly reader: StoreReader;
  /** Files that its key-encryption key was in, as it remembers. */
  readonly kekFiles: readonly string[];
  close(): Promise<void>;
}

/** Opens `data.mdb` in `folder`. Throws StoreFailure: not a store, newer than this version, damaged. */
export function openCopy(folder: string): StoreCopy {
  removeLeftCopies(tmpdir());
  const view = mkdtempSync(join(tmpdir(), COPY));
  const leave = () => rmSync(view, { recursive: true, force: true });
  try {
    noteOwner(view, COPY);
    symlinkSync(resolve(folder, BACKUP_FILES.data), join(view, BACKUP_FILES.data));
    const reader = openReader(view);
    const { environment, read } = reader.inspect();
    const change = readKekChange(environment.db.meta, read);
    const file = reader.kekFile();
    const one = file === undefined ? [] : [file];
    return {
      reader,
      kekFiles: change === undefined ? one : [change.fileBefore, change.file],
      close: async () => {
        await reader.close();
        leave();
      },
    };
  } catch (error) {
    leave();
    if (error instanceof StoreFailure) throw inPlace(error, view, folder);
    throw error;
  }
}

/** What processes of ours that were killed have left: real folders of this user with nothing else in them. */
function removeLeftCopies(folder: string): void {
  for (const entry of readdirSync(folder).filter((each) => each.startsWith(COPY))) {
    const path = join(folder, entry);
    try {
      const about = lstatSync(path);
      if (!about.isDirectory() || about.uid !== process.getuid?.() || !isOwnerGone(path, COPY)) continue;
      if (readdirSync(path).every((name) => COPY_FILES.has(name))) rmSync(path, { recursive: true });
    } catch (error) {
      // Another process removes it, or it cannot be removed: neither is in the way of this one.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
}

/**
 * What opens the secrets of `copy`, with the key in `kekFile`. Throws KEK_FILE or KEK_PERMISSIONS when there is no such
 * key, KEK_WRONG when it is not the one that they are sealed under.
 */
export function sealerOfCopy({ reader, kekFiles }: StoreCopy, kekFile: string): ChangingSealer {
  return sealerOfStore(reader, kekFile, kekFiles);
}

/** The same of a store where it is. */
export function sealerOfStore(reader: StoreReader, kekFile: string, kekFiles: readonly string[] = []): ChangingSealer {
  const given = sealerIn(kekFile);
  try {
    const { current, next } = settleKek(reader.inspect().environment, given, reader.installation(), sealerIn);
    const sealer = changingSealer(current);
    if (next !== undefined) sealer.begin(next);
    return sealer;
  } catch (error) {
    if (!(error instanceof StoreFailure) || error.code !== 'KEK_WRONG') throw error;
    throw anotherKey(kekFile, kekFiles);
  }
}

function sealerIn(file: string): Sealer {
  const key = readKek(file);
  if (!key.ok) {
    const [{ code, at, message, fix }] = key.problems as readonly [Problem];
    throw new StoreFailure(code === 'KEK_PERMISSIONS' ? code : 'KEK_FILE', at, message, fix);
  }
  const sealer = createSealer(key.value, (bytes) => new Uint8Array(randomBytes(bytes)));
  key.value.fill(0);
  return sealer;
}

function anotherKey(kekFile: string, kekFiles: readonly string[]): StoreFailure {
  const was = kekFiles.length === 0 ? '' : `; it was in ${kekFiles.join(' and ')} then`;
  const why = `the key in ${kekFile} is not the one that its secrets are sealed under${was}`;
  const fix = 'name the file that has the key of then: --kek-file FILE';
  return new StoreFailure('KEK_WRONG', atPath(kekFile, 'the file of the key-encryption key'), why, fix);
}

/** The failure with the folder of the backup in place of the folder that it was opened in. */
function inPlace({ code, problem: { message, fix } }: StoreFailure, view: string, folder: string): StoreFailure {
  return new StoreFailure(code, atPath(folder, 'the backup'), message.replaceAll(view, folder), fix);
}
