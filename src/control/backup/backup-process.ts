/**
 * One job about backups in a process of its own, with a limit of time: a disk that hangs costs the control process
 * nothing but that limit.
 * Not here: the jobs (jobs.ts).
 */
import { runChildJob } from '#base/ipc/child-job.ts';
import { siblingModule } from '#base/sibling.ts';
import { type BackupReply, type BackupRequest } from './jobs.ts';

export interface BackupProcessOptions {
  readonly limitMs: number;
  /** Kills it. */
  readonly signal: AbortSignal;
}

/** Does a job; a test gives its own. Rejects when the process ends without a word, takes too long or is sent away. */
export type RunBackupJob = (request: BackupRequest, options: BackupProcessOptions) => Promise<BackupReply>;

/** Variables that say where temporary files go; it needs no others. */
function environment(): NodeJS.ProcessEnv {
  const { TMPDIR } = process.env;
  return TMPDIR === undefined ? {} : { TMPDIR };
}

export const runBackupProcess: RunBackupJob = (request, options) => {
  const script = siblingModule(import.meta.url, 'backup-child');
  return runChildJob(script, request, { ...options, stopped: 'the server stops', env: environment() });
};
