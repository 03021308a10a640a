/**
 * Limits of the journal of events and its streams, and of the counts of queries for DKIM selectors. Each with its reason.
 */

// --- journal of events ---

/**
 * Events kept: some weeks of a few hundred domains; at a few hundred octets each, about 5 MiB of the store. A zone's
 * share is what the others leave, and never less than theirs: only the zone with most loses some, so that a busy zone
 * has hours, and a quiet one its weeks.
 */
export const EVENTS_KEPT_MAX = 10_000;
/** Text of one event; longer is cut, the audit log and the status of the object have all of it. */
export const EVENT_TEXT_CHARACTERS_MAX = 1000;

// --- streams of events ---

/** Streams open at the same time: dashboards and scripts. Each holds one of ADMIN_CONNECTIONS_MAX connections, and the others must stay free for people. */
export const EVENT_STREAMS_MAX = 32;
/** A token's share of them: one tenant's dashboards leave streams for three others. */
export const EVENT_STREAMS_PER_TOKEN_MAX = EVENT_STREAMS_MAX / 4;
/** Streams that only administrators may open: one who looks for the cause of a flood of clients needs one. */
export const EVENT_STREAMS_RESERVED = EVENT_STREAMS_MAX / 4;
/** Events read from the journal at once, and so what a stream holds in memory beside its socket: about 64 KiB. */
export const EVENT_BATCH_MAX = 100;
/** A comment after so much silence: proxies close what is idle for a minute, and a token that was revoked is noticed by then. */
export const EVENT_HEARTBEAT_MS = 15_000;
/** A client that takes nothing for so long is cut off; it comes back with the last id it saw and misses nothing. */
export const EVENT_STALL_MS_MAX = 30_000;
/** How long clients must wait before they connect again: a restart of the control process takes about so long. */
export const EVENT_RETRY_MS = 2000;

// --- queries for DKIM selectors ---

/** Selectors counted in each worker: 4,000 domains with two active keys and two that retire. Others are answered and not counted. */
export const SELECTORS_COUNTED_MAX = 16_384;
/** Octets of their names in each worker; a usual one has 30 to 60. */
export const SELECTOR_NAME_BYTES_MAX = 1024 * 1024;
/** How often the answer process looks whether counts changed, and tells them: "last asked" is as exact as this. */
export const SELECTOR_COUNTS_EVERY_MS = 2000;
/** Without any report for so long the counts are not known: the answer process is down, or does not count. */
export const SELECTOR_SILENCE_MS_MAX = 60_000;
