/**
 * Backups without a server: made of a store that no server has open, or whose server does not answer, and checked.
 * Not here: making and checking one (store/backup/).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { atPath } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { productVersion } from '#base/version.ts';
import { type Config } from '#config/config.ts';
import { makeBackup } from '#store/backup/make.ts';
import { readManifest, sizeOfBackup } from '#store/backup/manifest.ts';
import { type BackupVerdict, verifyBackup } from '#store/backup/verify.ts';
import { dataFileUse } from '#store/data-file.ts';
import { StoreFailure } from '#store/failure.ts';
import { openReader } from '#store/reader.ts';
import { storeExists } from '#store/store.ts';

type StoreConfig = Pick<Config, 'data' | 'keys'>;

export interface OfflineBackup {
  readonly folder: string;
  readonly zoneCount: number;
  readonly sizeBytes: number;
  readonly kekFiles: readonly string[];
  readonly dryRun: boolean;
}

/** Makes a backup in `folder` and checks it. */
export async function backupOffline(
  config: StoreConfig,
  folder: string,
  dryRun: boolean,
): Promise<Result<OfflineBackup>> {
  const storeDir = join(config.data, 'store');
  if (!storeExists(storeDir))
    return fail(
      problem('STORE_MISSING', atPath(storeDir, 'the store'), `there is no store in ${storeDir}`, {
        fix: 'name it with --data',
      }),
    );
  try {
    const reader = openReader(storeDir);
    const zoneCount = reader.zones().length;
    const kekFile = findKek(config, reader.kekFile());
    await reader.close();
    if (dryRun)
      return ok({ folder, zoneCount, sizeBytes: dataFileUse(storeDir).usedBytes, kekFiles: [kekFile], dryRun });
    const order = {
      storeDir,
      folder,
      kekFile,
      isScheduled: false,
      productVersion: productVersion(),
      nowMs: systemClock.nowMs(),
    };
    const { folder: made, manifest } = await makeBackup(order);
    const checked = await checkBackup(config, made, { signatures: 'sample', kekFile });
    if (!checked.ok) return checked;
    const [first] = checked.value.verdict.problems;
    if (first !== undefined)
      return fail(problem('BACKUP_BAD', atPath(made, 'the backup'), `it was made and is not good: ${first}`));
    const sizeBytes = sizeOfBackup(manifest);
    return ok({ folder: made, zoneCount: manifest.zoneCount, sizeBytes, kekFiles: manifest.kekFiles, dryRun });
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    throw error;
  }
}

export interface CheckOptions {
  readonly signatures: 'all' | 'sample';
  /** Undefined: as the configuration names it, or as the backup remembers it. */
  readonly kekFile: string | undefined;
}

/** Checks the backup in `folder`; the problem: it cannot be checked at all. */
export async function checkBackup(
  config: StoreConfig,
  folder: string,
  { signatures, kekFile: given }: CheckOptions,
): Promise<Result<{ readonly verdict: BackupVerdict; readonly kekFile: string }>> {
  try {
    const kekFile = given ?? findKek(config, readManifest(folder).kekFiles[0]);
    const order = {
      folder,
      kekFile,
      signatures,
      random: Math.random,
      productVersion: productVersion(),
      nowMs: systemClock.nowMs(),
    };
    return ok({ verdict: await verifyBackup(order), kekFile });
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    throw error;
  }
}

/** The file that is configured; without one, where the key was, if it is still there, else where it is expected. */
export function findKek({ keys: { kekFile, isKekFileGiven } }: StoreConfig, lastFile: string | undefined): string {
  if (isKekFileGiven || lastFile === undefined || !existsSync(lastFile)) return kekFile;
  return lastFile;
}
