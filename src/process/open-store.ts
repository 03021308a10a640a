/** Opens the store of `waxseal serve` for writing; at the very first start makes it and its key-encryption key. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Result, fail, ok } from '#base/problem.ts';
import { type Config } from '#config/config.ts';
import { StoreFailure } from '#store/failure.ts';
import { makeKek, readKek } from '#store/kek.ts';
import { storeExists } from '#store/store.ts';
import { type StoreWriter, openWriter } from '#store/writer.ts';

export interface OpenStoreOptions {
  readonly random: (bytes: number) => Uint8Array;
  readonly nowMs: number;
}

/** The writer, or why there is none; the store is unchanged then. */
export function openStore({ data, keys }: Pick<Config, 'data' | 'keys'>, options: OpenStoreOptions): Result<StoreWriter> {
  const dir = join(data, 'store');
  const { kekFile } = keys;
  try {
    // An existing store's key is never made anew: that would lock its secrets away for good.
    const isNew = !storeExists(dir) && !existsSync(kekFile);
    const kek = isNew ? ok(makeKek(kekFile, options.random)) : readKek(kekFile);
    return kek.ok ? ok(openWriter(dir, { kek: kek.value, ...options })) : kek;
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    throw error;
  }
}
