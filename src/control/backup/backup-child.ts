/**
 * Entry of the process that makes and lists backups: one job, then it ends. It has no part in serving: it gives way to
 * those that have.
 * Not here: what is done (jobs.ts), how long it may take (backup-process.ts).
 */
import { setPriority } from 'node:os';
import { assert } from '#base/assert.ts';
import { type BackupRequest, doBackupJob } from './jobs.ts';

process.title = 'waxseal backup';
process.umask(0o077);
const own = process;
assert(own.send !== undefined, 'the process for backups is started by the control process only');
/** nice(2): as far back as work goes that may take its time. */
const NICE = 10;
try {
  setPriority(NICE);
} catch {
  // A system that does not allow it: the job is the same.
}
own.once('message', (request: BackupRequest) => {
  void doBackupJob(request).then((reply) => own.send?.(reply, undefined, undefined, () => own.disconnect?.()));
});
// The parent has gone: what is half written is removed by the next backup.
own.on('disconnect', () => own.exit());
// What is meant for the server is not for this process: its parent says when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) own.on(signal, () => {});
