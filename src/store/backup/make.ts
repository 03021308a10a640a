/**
 * Makes a backup beside a writer in another process, or of a store that no process has open. LMDB copies one snapshot:
 * changes that come meanwhile are made and are not in it. It is written under a name that no listing shows, flushed,
 * and gets its name last: what is there under its name is whole.
 * Not here: the form (manifest.ts), checking it (verify.ts), when one is made (control/backup/backups.ts).
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder, syncPath } from '#base/folder.ts';
import { atPath } from '#base/place.ts';
import { dataFileUse } from '#store/data-file.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { freeSpace, mebibytes } from '#store/free-space.ts';
import { FIRST_FORMAT, readFormat } from '#store/marks.ts';
import { type StoreReader, openReader } from '#store/reader.ts';
import { openCopy, sealerOfCopy } from './copy.ts';
import { partialFolder, removeFiles, removeLeftovers } from './folder.ts';
import { BACKUP_FILES, type BackupManifest, type BackupZone, backupName, hashFile, sealManifest } from './manifest.ts';
import { noteOwner, removeOwner } from './owner.ts';

export interface BackupOrder {
  /** Of the store. */
  readonly storeDir: string;
  /** Where backups stand; made when it is not there, mode 0700. */
  readonly folder: string;
  /** The file of the key-encryption key: what does not open with it is no backup of use. */
  readonly kekFile: string;
  readonly isScheduled: boolean;
  readonly productVersion: string;
  readonly nowMs: number;
}

export interface MadeBackup {
  readonly folder: string;
  readonly manifest: BackupManifest;
}

/**
 * Durable when it resolves. Rejects with BACKUP_FAILED or BACKUP_FOLDER, or a KEK_ code; nothing is left then. What is
 * left when the process is killed goes with the next backup of the store.
 */
export async function makeBackup(order: BackupOrder): Promise<MadeBackup> {
  prepareFolder(order);
  const name = backupName(order.nowMs, randomBytes(4).toString('hex'));
  const partial = partialFolder(order.folder, name);
  const final = join(order.folder, name);
  try {
    mkdirSync(partial, { mode: 0o700 });
    noteOwner(partial, order.storeDir);
    await copyStore(order, partial);
    const manifest = await describe(order, partial, name);
    writeDurably(join(partial, BACKUP_FILES.manifest), manifest);
    removeOwner(partial);
    syncPath(partial);
    // rename(2) would put it in place of an empty folder of that name, which is not ours.
    if (existsSync(final)) throw new Error(`${final} is there already`);
    renameSync(partial, final);
    syncPath(order.folder);
    return { folder: final, manifest };
  } catch (error) {
    if (existsSync(partial)) removeFiles(partial);
    throw failed(order.folder, error);
  }
}

function prepareFolder({ folder, storeDir, nowMs }: BackupOrder): void {
  const unusable = (why: string, error?: unknown) =>
    new StoreFailure(
      'BACKUP_FOLDER',
      atPath(folder, 'the folder of backups'),
      `no backup is made in ${folder}: ${why}`,
      'name another folder in backup.folder, or let the user that the server runs as write there',
      error,
    );
  if (folder === storeDir || folder.startsWith(`${storeDir}/`)) throw unusable("it is the store's own folder");
  try {
    makeFolder(folder);
    removeLeftovers(folder, storeDir, nowMs);
  } catch (error) {
    throw unusable(messageOf(error), error);
  }
}

async function copyStore({ storeDir, folder }: BackupOrder, partial: string): Promise<void> {
  checkSpace(storeDir, folder);
  const reader = openReader(storeDir);
  try {
    await copyOf(reader, partial);
  } finally {
    await reader.close();
  }
  const path = join(partial, BACKUP_FILES.data);
  // LMDB makes it for all to read, inside a folder that only its owner may enter.
  chmodSync(path, 0o600);
  const descriptor = openSync(path, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Without free pages; with them where LMDB finds that pages are lost: the copy is whole all the same. */
async function copyOf(reader: StoreReader, partial: string): Promise<void> {
  const { root } = reader.inspect().environment;
  try {
    await root.backup(partial, true);
  } catch (error) {
    if (!/Incompatible|leak|corrupt/i.test(messageOf(error))) throw error;
    rmSync(join(partial, BACKUP_FILES.data), { force: true });
    await root.backup(partial, false);
  }
}

/** A backup on the disk of the store must not take the free space that changes need. */
function checkSpace(storeDir: string, folder: string): void {
  const { usedBytes } = dataFileUse(storeDir);
  const { freeBytes, reserveBytes } = freeSpace(folder);
  const isSameDisk = statSync(storeDir).dev === statSync(folder).dev;
  const needBytes = usedBytes + (isSameDisk ? reserveBytes : 0);
  if (freeBytes >= needBytes) return;
  const kept = isSameDisk
    ? ` and ${mebibytes(reserveBytes)} MiB are kept for the store, which is on the same disk`
    : '';
  throw new Error(
    `${mebibytes(freeBytes)} MiB are free there, the store takes up to ${mebibytes(usedBytes)} MiB${kept}`,
  );
}

/** What the copy itself says: the snapshot of the reader may have been another one. */
async function describe(order: BackupOrder, partial: string, name: string): Promise<BackupManifest> {
  const copy = openCopy(partial);
  try {
    const { reader, kekFiles } = copy;
    const sealer = sealerOfCopy(copy, order.kekFile);
    const zones = reader.zones().map(({ name: zone, serial, dnssec, nodeCount }): BackupZone => ({
      name: zone,
      serial,
      dnssec,
      nodes: nodeCount,
    }));
    writeDurably(join(partial, BACKUP_FILES.zones), zones);
    return sealManifest(
      {
        name,
        createdAtMs: order.nowMs,
        isScheduled: order.isScheduled,
        productVersion: order.productVersion,
        storeFormat: readFormat(reader.inspect().environment.db.meta, partial)?.version ?? FIRST_FORMAT,
        generation: reader.generation(),
        installation: reader.installation(),
        host: hostname(),
        kekFiles: kekFiles.length === 0 ? [order.kekFile] : kekFiles,
        zoneCount: zones.length,
        files: [hashFile(partial, BACKUP_FILES.data), hashFile(partial, BACKUP_FILES.zones)],
      },
      sealer,
    );
  } finally {
    await copy.close();
  }
}

/** A new file, mode 0600, on disk when it returns. */
function writeDurably(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 1)}\n`, { mode: 0o600, flag: 'wx', flush: true });
}

function failed(folder: string, error: unknown): StoreFailure {
  if (error instanceof StoreFailure) return error;
  return new StoreFailure(
    'BACKUP_FAILED',
    atPath(folder, 'the folder of backups'),
    `the backup in ${folder} was not made: ${messageOf(error)}. Nothing of it is left, and the store is as it was`,
    'make room there, or name another folder in backup.folder; then: waxseal backup create',
    error,
  );
}
