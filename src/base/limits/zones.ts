/** Limits of zones beside and below each other. */

/** Records listed that a new zone would hide: what a person reads; that there are more is said. */
export const HIDDEN_RECORDS_SHOWN_MAX = 10;
/** Names looked at below a new cut or DNAME: what it hides is a warning, and one name is enough for it. */
export const HIDDEN_NAMES_MAX = 100;

/** How long the key, serial and records of a removed zone are kept: longer than any DS TTL, and a holiday. */
export const REMOVED_ZONE_KEPT_MS = 30 * 86_400_000;
/** Text of a removed zone that is kept: a hundred thousand records or so. A larger zone has its file elsewhere. */
export const REMOVED_ZONE_TEXT_BYTES_MAX = 4 * 1024 * 1024;
/** Removed zones that are kept; the first to expire go. Removing zones must not fill the disk. */
export const REMOVED_ZONES_KEPT_MAX = 200;
