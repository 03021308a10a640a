/** The `[backup]` section of the configuration. Not here: making backups (control/backup/backups.ts). */
import { type Static, Type } from 'typebox';
import { BACKUP_EVERY_MS_MAX, BACKUP_EVERY_MS_MIN, BACKUP_KEEP_DEFAULT, BACKUP_KEEP_MAX } from '#base/limits/backup.ts';
import { formatDuration, parseDuration } from '#base/units.ts';
import { type ValueReaders } from './readers.ts';

export interface BackupConfig {
  /** Absolute. */
  readonly folder: string;
  /** Undefined: none are made by themselves. */
  readonly everyMs: number | undefined;
  /** Scheduled ones that are kept. */
  readonly keep: number;
}

export const BackupSection = Type.Object(
  {
    folder: Type.Optional(Type.String({ minLength: 1 })),
    every: Type.Optional(Type.String()),
    keep: Type.Optional(Type.Integer({ minimum: 1, maximum: BACKUP_KEEP_MAX })),
  },
  { additionalProperties: false },
);

type BackupForm = Static<typeof BackupSection>;

const RANGE = `from ${formatDuration(BACKUP_EVERY_MS_MIN)} to ${formatDuration(BACKUP_EVERY_MS_MAX)}`;
const EVERY_FORM = `a duration like 1d, ${RANGE}, or off`;

/** `usual`: the folder unless one is given. */
export function settleBackup(
  section: BackupForm = {},
  usual: string,
  readers: Pick<ValueReaders, 'read' | 'path'>,
): BackupConfig {
  const { folder, every = 'off', keep = BACKUP_KEEP_DEFAULT } = section;
  const everyMs = readers.read('backup.every', every, parseEvery, EVERY_FORM);
  return {
    folder: folder === undefined ? usual : readers.path('backup.folder', folder),
    everyMs: everyMs === 0 ? undefined : everyMs,
    keep,
  };
}

/** 0: off. */
function parseEvery(text: string): number | undefined {
  if (text === 'off') return 0;
  const everyMs = parseDuration(text);
  return everyMs === undefined || everyMs < BACKUP_EVERY_MS_MIN || everyMs > BACKUP_EVERY_MS_MAX ? undefined : everyMs;
}

/** The section for `config show`. */
export function describeBackup({ folder, everyMs, keep }: BackupConfig): Record<string, unknown> {
  return { folder, every: everyMs === undefined ? 'off' : formatDuration(everyMs), keep };
}
