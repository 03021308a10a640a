/** Limits of life cycles and of the clock that wakes them, each with its reason. */

/** Transitions of one step beyond 8 for each object; a machine that goes round without waits is a bug. */
export const LIFECYCLE_STEPS_MAX = 64;
/** Rounds over all lives of a zone in one step: each lets those move that waited for another; MTA-STS takes about five. */
export const LIFECYCLE_ROUNDS_MAX = 32;
/** Second look at what this server has just begun to serve: by then its processes have it, and secondaries soon. */
export const LIFECYCLE_FIRST_CHECKS_MS = 2000;
/** By then a step is committed: what it could not know yet (its serial), or was not given (new keys), is there. */
export const LIFECYCLE_SETTLE_MS = 1000;
/**
 * What went, or had a longer TTL, counts for so long after caches could have it: a secondary that is behind gives it
 * out until its SOA's EXPIRE, two weeks as a rule (RFC 1912 §2.2).
 */
export const SECONDARY_BEHIND_MS_MAX = 14 * 86_400_000;
/** Steps in which Linux tells how long it has been up. */
export const UPTIME_STEP_MS = 10;
/** Work that was not possible, or a step that left errors, is tried again after this. */
export const LIFECYCLE_RETRY_MS = 60_000;
/** The scheduler looks at least this often: a due time that another process wrote is never far away. */
export const LIFECYCLE_WAKE_EVERY_MS = 60_000;
/** Zones read from the table of due times at once. */
export const LIFECYCLE_DUE_AT_ONCE = 100;
/** Look-ups for evidence at the same time, for one zone. */
export const LIFECYCLE_CHECKS_AT_ONCE = 8;
/** A worker renews its snapshot within milliseconds; one that is gone for longer is seen at the next look. */
export const LIFECYCLE_SERVED_MS_MAX = 2000;
/** Zones that evidence is looked for at the same time: hosts that do not answer hold one up for STS_PROBE_MS_MAX. */
export const LIFECYCLE_ZONES_AT_ONCE = 16;
/** Counted time is written down this often: what a reboot loses of it makes every wait longer by as much. */
export const LIFECYCLE_TIME_EVERY_MS = 3_600_000;
/**
 * Secondaries are taken to give out a TTL that was changed for as long as this: more than any SOA refresh in use, when a
 * NOTIFY was lost.
 */
export const SECONDARY_LAG_MS_MAX = 86_400_000;
/**
 * Transitions remembered with an object; no life has more, but the mode of MTA-STS may go back and forth. The audit log
 * has them all.
 */
export const LIFECYCLE_HISTORY_MAX = 24;

/** A zone whose step was due so long ago is overdue: ordinary work is a few minutes behind at most. */
export const OVERDUE_AFTER_MS = 600_000;
/** Overdue zones that are counted: a scrape must stay small, and so many are no different from more. */
export const OVERDUE_COUNTED_MAX = 1000;
