/** Limits of life cycles and of the clock that wakes them, each with its reason. */

/** Transitions of one step beyond 8 for each object; a machine that goes round without waits is a bug. */
export const LIFECYCLE_STEPS_MAX = 64;
/** Rounds over all lives of a zone in one step: each lets those move that waited for another; MTA-STS takes about five. */
export const LIFECYCLE_ROUNDS_MAX = 32;
/** By then a step is committed: what it could not know yet (its serial), or was not given (new keys), is there. */
export const LIFECYCLE_SETTLE_MS = 1000;
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
