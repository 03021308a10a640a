/** What is known of backups, as metrics. Times are 0 while none is known: an alert on their age sees that too. */
import { type BackupInfo } from '#control/api/backups.ts';
import { type MetricFamily } from '#control/api/control.ts';

export interface BackupFacts {
  readonly newest: BackupInfo | undefined;
  readonly verifiedAtMs: number | undefined;
  readonly failures: number;
  readonly isRunning: boolean;
}

export function backupFamilies({
  newest,
  verifiedAtMs = 0,
  failures,
  isRunning,
}: BackupFacts): readonly MetricFamily[] {
  const one = (name: string, help: string, value: number, type: 'counter' | 'gauge' = 'gauge'): MetricFamily => ({
    name: `waxseal_backup_${name}`,
    help,
    type,
    samples: [{ labels: {}, value }],
  });
  return [
    one(
      'newest_timestamp_seconds',
      'When the newest backup was made; 0: none is known.',
      (newest?.createdAtMs ?? 0) / 1000,
    ),
    one('verified_timestamp_seconds', 'When a backup was last found good; 0: not known.', verifiedAtMs / 1000),
    one('newest_size_bytes', 'Size of the newest backup.', newest?.sizeBytes ?? 0),
    one('failures_total', 'Backups that could not be made since the start.', failures, 'counter'),
    one('running', '1 while a backup is being made.', isRunning ? 1 : 0),
  ];
}
