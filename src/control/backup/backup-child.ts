/**
 * Entry of the process that makes and lists backups: one job, then it ends. What is half written when it is killed is
 * removed by a later backup.
 * Not here: what is done (jobs.ts), how long it may take (backup-process.ts).
 */
import { serveChildJob } from '#base/ipc/child-job.ts';
import { doBackupJob } from './jobs.ts';

serveChildJob('waxseal backup', doBackupJob);
