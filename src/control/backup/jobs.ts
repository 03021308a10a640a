/**
 * What the control process has done about backups by a process of its own: copying and checking a store takes
 * minutes, and a folder on a disk that hangs holds the process that asks it. Types of what goes back and forth, and
 * the doing itself.
 * Not here: the two ends (backup-process.ts, backup-child.ts).
 */
import { type Problem, problem } from '#base/problem.ts';
import { atPath } from '#base/place.ts';
import { type ListedBackup, listBackups, removeOldBackups } from '#store/backup/folder.ts';
import { type BackupOrder, makeBackup } from '#store/backup/make.ts';
import { type BackupVerdict, verifyBackup } from '#store/backup/verify.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';

/** A job with what it is given. All of it is JSON. */
export type BackupRequest =
  | { readonly kind: 'list'; readonly folder: string }
  /** Makes one, checks it, and removes scheduled ones beyond `keep`. */
  | { readonly kind: 'create'; readonly order: BackupOrder; readonly keep: number };

export interface CreatedBackup {
  readonly folder: string;
  readonly verdict: BackupVerdict;
  /** Names of backups that the schedule has removed. */
  readonly removed: readonly string[];
}

export type BackupReply =
  | { readonly kind: 'listed'; readonly backups: readonly ListedBackup[] }
  | { readonly kind: 'created'; readonly created: CreatedBackup }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** Does the job. Never rejects. */
export async function doBackupJob(request: BackupRequest): Promise<BackupReply> {
  const folder = request.kind === 'list' ? request.folder : request.order.folder;
  try {
    if (request.kind === 'list') return { kind: 'listed', backups: listBackups(folder) };
    return { kind: 'created', created: await create(request) };
  } catch (error) {
    if (error instanceof StoreFailure) return { kind: 'failed', problem: error.problem };
    const code = request.kind === 'list' ? 'BACKUP_FOLDER' : 'BACKUP_FAILED';
    return { kind: 'failed', problem: problem(code, atPath(folder, 'the folder of backups'), messageOf(error)) };
  }
}

async function create({ order, keep }: Extract<BackupRequest, { kind: 'create' }>): Promise<CreatedBackup> {
  const { folder, manifest } = await makeBackup(order);
  const { kekFile, productVersion, nowMs } = order;
  const verdict = await verifyBackup({
    folder,
    kekFile,
    productVersion,
    nowMs,
    signatures: 'sample',
    random: Math.random,
  });
  // A backup that is not good takes the place of none that is.
  const isGood = verdict.problems.length === 0;
  const removed = order.isScheduled && isGood ? removeOldBackups(order.folder, manifest.installation, keep) : [];
  return { folder, verdict, removed };
}
