/**
 * One job about backups in a process of its own, with a limit of time: a disk that hangs costs the control process
 * nothing but that limit.
 * Not here: the jobs (jobs.ts).
 */
import { fork } from 'node:child_process';
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

export const runBackupProcess: RunBackupJob = (request, { limitMs, signal }) => {
  const { promise, resolve, reject } = Promise.withResolvers<BackupReply>();
  if (signal.aborted) return Promise.reject(new Error('the server stops'));
  const script = siblingModule(import.meta.url, 'backup-child');
  const child = fork(script, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [], env: environment() });
  const end = (why: string): void => {
    reject(new Error(why));
    child.kill('SIGKILL');
    // What the kernel holds until its disk answers must not hold this process.
    child.unref();
  };
  const timer = setTimeout(() => end(`it did not end within ${limitMs / 1000} s`), limitMs);
  const stop = () => end('the server stops');
  signal.addEventListener('abort', stop, { once: true });
  child.once('message', (reply: BackupReply) => resolve(reply));
  child.once('error', reject);
  child.once('exit', () => reject(new Error('its process has ended without a word')));
  child.send(request, (error) => error !== null && reject(error));
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    if (child.connected) child.disconnect();
  });
};
