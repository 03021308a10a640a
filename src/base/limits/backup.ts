/**
 * Limits of backups: how long one may take, how many are looked at, how much of one is checked. Each with its reason.
 */

/** One backup, written and checked: 100 GiB on a disk of 20 MiB/s. Then its process is killed, and nothing is left. */
export const BACKUP_MS_MAX = 2 * 3_600_000;
/** Looking at what backups there are: some small files each, on a disk that is slow and not dead. */
export const BACKUP_LIST_MS_MAX = 30_000;
/** How long a request waits for its backup; a longer one is answered 202, and continues. */
export const BACKUP_ANSWER_MS_MAX = 60_000;
/** How often the command line asks whether a backup that takes longer has ended. */
export const BACKUP_POLL_MS = 2000;
/** Backups of one folder that are looked at, newest first: hourly ones of a month, and some. */
export const BACKUPS_LISTED_MAX = 1000;
/** A manifest: a few hundred octets, and a path. The list of zones is a file of its own. */
export const BACKUP_MANIFEST_BYTES_MAX = 64 * 1024;
/** A list of zones: a million of them. */
export const BACKUP_ZONES_BYTES_MAX = 256 * 1024 * 1024;
/** Octets of a file that are hashed at once. */
export const BACKUP_HASH_BYTES = 1024 * 1024;
/** Owner names of all zones whose signatures are checked, each apex beside them; all of them on demand. */
export const BACKUP_SIGNATURE_NODES = 1000;
/** Nodes read at once when signatures are checked. */
export const BACKUP_BATCH_NODES = 256;
/** A note of who works in a folder: names of a machine and of a folder. */
export const BACKUP_OWNER_BYTES_MAX = 8 * 1024;
/**
 * What a backup that was broken off has left is removed after so long, when it is not known whether its process is
 * gone: longer than BACKUP_MS_MAX.
 */
export const BACKUP_LEFTOVER_MS = 3 * 3_600_000;
/** Scheduled backups that are kept unless configured: two weeks of daily ones. */
export const BACKUP_KEEP_DEFAULT = 14;
/** The most that may be configured: hourly ones of a year. */
export const BACKUP_KEEP_MAX = 8784;
/** The shortest schedule: a backup holds a snapshot, and the store's file grows meanwhile. */
export const BACKUP_EVERY_MS_MIN = 60_000;
/** The longest: an operator who looks once a year sees one. */
export const BACKUP_EVERY_MS_MAX = 366 * 86_400_000;
/** A scheduled backup that failed is tried again after this time, or at its next turn if that is sooner. */
export const BACKUP_RETRY_MS = 3_600_000;
/** So many times the schedule, and the newest backup is too old. */
export const BACKUP_OLD_TURNS = 2;
/** The longest sleep of the schedule: timers of Node take 24 days at most, and clocks are set. */
export const BACKUP_SLEEP_MS_MAX = 3_600_000;
/** After a start no scheduled backup is made for this time: signatures and transfers come first. */
export const BACKUP_FIRST_MS = 60_000;
/** A restored zone's serial goes ahead by so much at least: changes of the minutes between the backup and the loss. */
export const RESTORE_SERIAL_STEP = 65_536;
/** And by so many for each second since the backup: no zone changes as often for long. */
export const RESTORE_SERIALS_PER_SECOND = 16;
/** Never by more: twice that is half the circle, where RFC 1982 §3.2 knows no newer; it is two years of the above. */
export const RESTORE_SERIAL_STEP_MAX = 2 ** 30;
/** Zones whose serials are raised in one transaction. */
export const RESTORE_ZONES_AT_ONCE = 50;
/** Zones whose secondaries and parents are asked at the same time. */
export const RESTORE_ASKED_AT_ONCE = 16;
/** Things that are older than the world, and servers that do not answer, shown in one answer. */
export const RESTORE_FINDINGS_MAX = 1000;
