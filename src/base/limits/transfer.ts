/**
 * Limits of zone transfers. Each with its reason.
 * Not here: how long a stream may take (server.ts, TCP_STREAM_MS_MAX).
 */

/** Octets of a message of a transfer: the most at which all names in it can be compressed (RFC 1035 §4.1.4). */
export const TRANSFER_MESSAGE_BYTES = 16 * 1024;
/** Nodes read from the store by one look: a message has some hundred records. */
export const TRANSFER_NODES_PER_LOOK = 256;
/** Transfers of one thread at once: each keeps a snapshot, and secondaries ask again. BIND has 10. */
export const TRANSFERS_MAX = 16;
/** Of those, with one key or, without a key, to one address: the others' secondaries get through. */
export const TRANSFERS_PER_CLIENT_MAX = 4;
/** Keys that this server has: each is sent to every thread. */
export const TSIG_KEYS_MAX = 1000;
/** Seconds that clocks may differ (RFC 8945 §10). */
export const TSIG_FUDGE_SECONDS = 300;
/** Zones that one key can be granted one by one: 100 of the longest names fit into one message between processes. */
export const TSIG_KEY_ZONES_MAX = 100;
/** Octets of a secret: RFC 8945 §8 wants as many as the hash has; longer ones are hashed before use. */
export const TSIG_SECRET_BYTES_MIN = 16;
export const TSIG_SECRET_BYTES_MAX = 128;
/** Changesets of an IXFR: past it the whole zone is mostly less. */
export const IXFR_CHANGESETS_MAX = 1000;
/** Changesets looked at in one step while the way back to a secondary's serial is looked for. */
export const IXFR_LOOK_ENTRIES = 16;
/** Lines in the log about wrong signatures, per thread and second: strangers can send as many as they like. */
export const TSIG_LOG_LINES_PER_SECOND_MAX = 5;
/** Secondaries of a zone: registries take 13 name servers at most, and each change is announced to all of them. */
export const SECONDARIES_PER_ZONE_MAX = 16;
/** Wait before keys are sent again to an answer process that did not take them. */
export const TRANSFER_KEY_RETRY_MS = 1_000;

// --- NOTIFY ---

/** For a reply: three times the round trip to the other side of the world. */
export const NOTIFY_REPLY_MS = 1_000;
/** Datagrams read while a reply is awaited: one that is none may come before it. */
export const NOTIFY_DATAGRAMS_MAX = 4;
/** Waits before it is sent again (RFC 1996 §3.6: up to five times); then the secondary asks by itself. */
export const NOTIFY_WAITS_MS: readonly number[] = [1_000, 4_000, 15_000, 60_000];
/** Waits before each look whether a secondary has followed: most do in a second, large zones take minutes. */
export const NOTIFY_LOOKS_MS: readonly number[] = [500, 2_000, 10_000, 60_000, 300_000];
/** Between two rounds of what is due: small against a transfer. */
export const NOTIFY_TICK_MS = 100;
/** NOTIFY and looks under way: 320 a second at most, each one datagram. */
export const NOTIFY_AT_ONCE_MAX = 32;
