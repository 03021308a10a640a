/**
 * Opens the store of `waxseal serve` for writing, and finds the key-encryption key that its secrets are sealed under:
 * in the file that `keys.kek_file` names, or else where the store remembers it, or else in `keys/kek` beside the data
 * directory, where it is made for a new store. None of these depends on the folder that the program was started in.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { atPath } from '#base/place.ts';
import { type Problem, type Result, fail, ok, warning } from '#base/problem.ts';
import { type Config } from '#config/config.ts';
import { alertEvent } from '#control/commands/events.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { KEK_ROLE, makeKek, readKek } from '#store/kek.ts';
import { type StoreWriter, openWriter } from '#store/writer.ts';
import { MODE } from './shared-files.ts';

export interface OpenStoreOptions {
  readonly random: (bytes: number) => Uint8Array;
  readonly nowMs: number;
}

export type StoreConfig = Pick<Config, 'data' | 'keys' | 'process'>;

export interface OpenedStore {
  readonly writer: StoreWriter;
  readonly kekFile: string;
  /** Set when the key was made just now: what its owner has to know. */
  readonly kekMade: Problem | undefined;
}

/** The writer, or why there is none; nothing is changed then, and only an empty store may have been made. */
export function openStore(config: StoreConfig, options: OpenStoreOptions): Result<OpenedStore> {
  const search = new KekSearch(config.keys, options.random);
  const keys: Uint8Array[] = [];
  const handed = (key: Uint8Array): Uint8Array => {
    keys.push(key);
    return key;
  };
  try {
    const kek = (lastFile: string | undefined, isNew: boolean) => handed(search.find(lastFile, isNew));
    const otherKek = (file: string) => handed(readOtherKek(file));
    const folderMode = config.process.answerUser === undefined ? MODE.own : MODE.passed;
    const writer = openWriter(join(config.data, 'store'), { kek, otherKek, folderMode, ...options });
    return ok({ writer, kekFile: search.file, kekMade: search.made });
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    if (error.code !== 'KEK_WRONG') return fail(error.problem);
    return fail({ ...error.problem, message: search.explain(error.problem.message) });
  } finally {
    // The writer has its own, which no inspection shows.
    for (const key of keys) key.fill(0);
  }
}

/** Notes in the store where its key is, if it does not know. A full disk is no reason not to start. */
export async function rememberKek({ writer, kekFile, kekMade }: OpenedStore, nowMs: number): Promise<void> {
  // While the key becomes another, the store knows both files.
  if (writer.kekFile() === kekFile || writer.kekChange() !== undefined) return;
  const action = kekMade === undefined ? 'kek.found' : 'kek.make';
  const actor = { kind: 'system', id: 'start', from: '' } as const;
  try {
    await writer.commit({
      audit: { atMs: nowMs, actor, action, detail: kekFile },
      kekFile,
      events: kekMade === undefined ? [] : [alertEvent(undefined, kekMade)],
      upkeep: true,
    });
  } catch (error) {
    if (!(error instanceof StoreFailure) || error.code !== 'STORE_FULL') throw error;
  }
}

/** The second key of a store whose key-encryption key was becoming another one. */
function readOtherKek(file: string): Uint8Array {
  const read = readKek(file);
  if (read.ok) return read.value;
  const [why] = read.problems;
  const message = `${why!.message}. The store is on its way between two keys and needs both`;
  throw new StoreFailure('KEK_FILE', why!.at, message, why!.fix);
}

class KekSearch {
  readonly #keys: Config['keys'];
  readonly #random: (bytes: number) => Uint8Array;
  #lastFile: string | undefined;
  /** Where the key was found, or is missed. */
  file: string;
  made: Problem | undefined;

  constructor(keys: Config['keys'], random: (bytes: number) => Uint8Array) {
    this.#keys = keys;
    this.#random = random;
    this.file = keys.kekFile;
  }

  find(lastFile: string | undefined, isNew: boolean): Uint8Array {
    this.#lastFile = lastFile;
    this.file = this.#place(isNew);
    if (isNew && !existsSync(this.file)) return this.#make();
    const read = readKek(this.file);
    if (read.ok) return read.value;
    const [why] = read.problems;
    throw new StoreFailure('KEK_FILE', why!.at, this.explain(why!.message), why!.fix);
  }

  /** `message`, and which file was tried why. */
  explain(message: string): string {
    const rule = this.#keys.isKekFileGiven
      ? 'keys.kek_file names it'
      : this.file === this.#lastFile
        ? 'the store was last opened with it'
        : 'it is expected beside the data directory';
    const isElsewhere = this.#lastFile !== undefined && this.#lastFile !== this.file;
    const last = isElsewhere ? `; the store was last opened with the key in ${this.#lastFile}` : '';
    return `${message}. The file is ${this.file}: ${rule}${last}`;
  }

  #place(isNew: boolean): string {
    const { kekFile, isKekFileGiven } = this.#keys;
    if (isKekFileGiven || isNew) return kekFile;
    // Earlier versions had the key in the folder that they were started in, and did not remember it.
    const earlier = this.#lastFile ?? resolve('keys/kek');
    return !existsSync(earlier) || (this.#lastFile === undefined && existsSync(kekFile)) ? kekFile : earlier;
  }

  #make(): Uint8Array {
    let key: Uint8Array;
    try {
      key = makeKek(this.file, this.#random);
    } catch (error) {
      if (error instanceof StoreFailure) throw error;
      throw new StoreFailure(
        'KEK_FILE',
        atPath(this.file, KEK_ROLE.file),
        this.explain(`the key-encryption key cannot be made: ${messageOf(error)}`),
        'name a file in keys.kek_file that this user may make, or make its folder',
        error,
      );
    }
    this.made = warning('KEK_MADE', atPath(this.file, KEK_ROLE.file), 'made for the new store', {
      fix: 'keep a copy of it elsewhere than backups of the store: without it the signing keys of all zones are lost',
    });
    return key;
  }
}
