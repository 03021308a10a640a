/**
 * Limits of changes: how many wait for the one writer, what is shown of them, large imports, and the upkeep of
 * signatures. Each with its reason.
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
/** RRsets of changesets that are read or compared before other work has its turn: some milliseconds. */
export const CHANGESET_STEP_RRSETS = 2000;
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

// --- imports that have a process of their own ---

/**
 * A zone file from here on is read in a process of its own: some 3,000 records, which would take this process a third
 * of a second (measured: 1.4 s for 12,000). Below it a process would take longer to start than the file to read.
 */
export const IMPORT_APART_CHARACTERS_MIN = 64 * 1024;
/** Octets of changesets from which on a rollback or a revert is made ready by that process too: some 5,000 RRsets. */
export const ROLLBACK_APART_BYTES_MIN = 512 * 1024;
/** Records that `$GENERATE` makes of a shorter file, from which on the same holds. */
export const IMPORT_APART_GENERATED_MIN = 2000;
/** A file from here on waits for others of its size; it does not hold up smaller ones. Some 100,000 records. */
export const IMPORT_LARGE_CHARACTERS_MIN = 4 * 1024 * 1024;
/** For reading, checking and signing one: four million records on a slow core, and then some. */
export const IMPORT_MS_MAX = 1_800_000;
/**
 * Of this machine's memory, for the heap of its process: a million names of a zone that is there take 4 GiB (of a new
 * one 0.8), and others need some too.
 */
export const IMPORT_MEMORY_SHARE = 0.6;
/** How long the command line waits for one: another of its size may be before it. */
export const CLI_IMPORT_MS_MAX = 2 * IMPORT_MS_MAX;
/** How often one is made again because its zone changed meanwhile, by upkeep or by records of its parent. */
export const IMPORT_TRIES_MAX = 3;
/** How long another change of the zone waits for an import of it: what clients of UPDATE have patience for. */
export const IMPORT_WAIT_MS = 10_000;
/** Changes that wait so: a client that repeats does not fill the memory. */
export const IMPORT_WAITING_MAX = 200;
/** Of them, for one zone: who may change that alone leaves places for the others. */
export const IMPORT_WAITING_PER_ZONE_MAX = IMPORT_WAITING_MAX / 10;
/** Names of a large zone that are written in one transaction: some 25 ms, in which no other change has its turn. */
export const IMPORT_SLICE_NODES = 3000;
/** Names that go in one, of a zone that was not made. */
export const IMPORT_SWEEP_NODES = 3000;
/** Octets of names from here on are written in slices; fewer are one transaction of some 30 ms. */
export const IMPORT_FILL_BYTES_MIN = 2 * 1024 * 1024;
/**
 * Names of a zone that is there which a change writes where they are, in one transaction of some 50 ms; more are
 * written with the names that stay, in slices, as a whole zone.
 */
export const IMPORT_IN_PLACE_NODES_MAX = 10_000;
/**
 * Three times as many are written where they are too when they are fewer than this share of the zone: each then takes
 * a page of its own, and writing the whole zone would still be more than ten times as much.
 */
export const IMPORT_IN_PLACE_SHARE = 1 / 30;
/**
 * Between two events about how far an import is: what a person waits for patiently. The first comes so late too, so
 * that short imports have none.
 */
export const IMPORT_PROGRESS_EVERY_MS = 1000;
/** Between two looks at the clock by the line at a terminal: it counts seconds. */
export const CLI_PROGRESS_TICK_MS = 1000;
/**
 * Of the time that it has lasted, what passes before the next event: some 250 in half an hour, of the 10,000 that the
 * journal keeps.
 */
export const IMPORT_PROGRESS_SHARE = 0.02;
/** Octets that are written to or read from its files at once. */
export const IMPORT_FILE_CHUNK_BYTES = 1024 * 1024;
