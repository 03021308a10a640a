/**
 * Limits of changes: how many wait for the one writer, what is shown of them, and the upkeep of signatures. Each with
 * its reason.
 */

// --- changes that wait ---

/** Changes that wait. At ~2 ms each the last one waits two seconds; more is a client gone wrong. */
export const CHANGES_WAITING_MAX = 1000;
/** A token's share of them: one client that sends without waiting leaves places for the others. */
export const CHANGES_WAITING_PER_TOKEN_MAX = CHANGES_WAITING_MAX / 4;
/**
 * Of them, only for the administrator at the Unix socket: four tokens that send without waiting do not lock out who
 * revokes them.
 */
export const CHANGES_WAITING_SOCKET = CHANGES_WAITING_MAX / 10;
/**
 * The server's own upkeep (signatures, times, alerts) beyond them: clients cannot keep signatures from being renewed.
 */
export const CHANGES_WAITING_UPKEEP_MAX = 100;

/**
 * Changes that are committed together. At 1 ms each and one flush, all of them are answered within a tenth of a
 * second.
 */
export const GROUP_CHANGES_MAX = 64;
/**
 * A group takes no further change after this long: for so long the process gives no answer, and `/livez` must stay
 * below 100 ms.
 */
export const GROUP_MS_MAX = 25;
/** Names that a change in a group writes at most; a larger one is committed by itself, and no other waits for it. */
export const GROUP_NODES_MAX = 1000;

// --- changes: why ---

/** Characters of the reason that a client gives: some sentences and the number of a ticket. */
export const CHANGE_REASON_CHARACTERS_MAX = 500;

// --- changes: what is shown of them, and the upkeep of signatures ---

/** Lines of each list of a changeset in an answer: what a person reads; the journal has the rest. */
export const CHANGESET_LINES_MAX = 500;
/** Lines of each list in the difference of two versions: 10 MiB of ordinary records; the rest is counted. */
export const ZONE_DIFF_LINES_MAX = 10_000;
/** Octets of changesets that lie between two versions that are compared: they are held in memory as records. */
export const ZONE_DIFF_BYTES_MAX = 16 * 1024 * 1024;
/**
 * Nodes of a large plan whose signatures are checked before it is published: 64 find a signer that fails one in ten
 * with 99.9 %.
 */
export const VERIFY_SAMPLE_NODES = 64;
/**
 * Between two announcements of new generations in a stream of changes: of the 200 ms that an answer may lag, a
 * quarter.
 */
export const PUBLISH_EVERY_MS = 50;
/**
 * Between two signatures of a known key that the slow reference checks too (2–5 ms each): a hundred changes a second
 * do not wait for it.
 */
export const REFERENCE_CHECK_EVERY_MS = 1000;
/** Nodes read in one slice of a signature sweep: about 50 ms of the writer. */
export const REFRESH_SLICE_NODES = 5000;
/** Each zone is swept this often; signatures are renewed with days to spare, so an hour more or less does not count. */
export const REFRESH_EVERY_MS = 3_600_000;
/** How often it is looked whether the sweep of a zone is due; after a start, all zones are due. */
export const REFRESH_LOOK_MS = 60_000;
