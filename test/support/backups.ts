/** Backups of a store that a test has open, with its key-encryption key in a file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BackupOrder, makeBackup } from '#store/backup/make.ts';
import { type VerifyOrder, verifyBackup } from '#store/backup/verify.ts';
import { TEST_KEK, TEST_NOW_MS, temporaryFolder } from './temporary-store.ts';

/** A file with the key that stores of tests are sealed under, or another one. */
export function kekFileOf(key: Uint8Array = TEST_KEK): string {
  const file = join(temporaryFolder(), 'kek');
  writeFileSync(file, key, { mode: 0o600 });
  return file;
}

export function backupOrder(storeDir: string, order: Partial<BackupOrder> = {}): BackupOrder {
  const common = { isScheduled: false, productVersion: '0.0.0', nowMs: TEST_NOW_MS };
  return { storeDir, folder: join(temporaryFolder(), 'backups'), kekFile: kekFileOf(), ...common, ...order };
}

/** A new backup of the store, and its folder. */
export async function backupOf(storeDir: string, order: Partial<BackupOrder> = {}): Promise<string> {
  return (await makeBackup(backupOrder(storeDir, order))).folder;
}

/** Everything checked. */
export function checkAll(folder: string, order: Partial<VerifyOrder> = {}): ReturnType<typeof verifyBackup> {
  const common = {
    kekFile: kekFileOf(),
    signatures: 'all',
    random: () => 0,
    productVersion: '0.0.0',
    nowMs: TEST_NOW_MS,
  } as const;
  return verifyBackup({ folder, ...common, ...order });
}
