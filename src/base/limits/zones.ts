/** Limits of zones beside and below each other. */

/** Records listed that a new zone would hide: what a person reads; that there are more is said. */
export const HIDDEN_RECORDS_SHOWN_MAX = 10;
/** Names looked at below a new cut or DNAME: what it hides is a warning, and one name is enough for it. */
export const HIDDEN_NAMES_MAX = 100;
