/** Limits of changes that wait for the one writer. */

/** Changes that wait. At ~2 ms each the last one waits two seconds; more is a client gone wrong. */
export const CHANGES_WAITING_MAX = 1000;
/** A token's share of them: one client that sends without waiting leaves room for the others. */
export const CHANGES_WAITING_PER_TOKEN_MAX = CHANGES_WAITING_MAX / 4;
/** The server's own upkeep (signatures, times, alerts) beyond them: clients cannot keep signatures from being renewed. */
export const CHANGES_WAITING_UPKEEP_MAX = 100;
