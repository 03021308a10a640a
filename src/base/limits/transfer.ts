/**
 * Limits of zone transfers. Each with its reason.
 * Not here: how long a stream may take (server.ts, TCP_STREAM_MS_MAX).
 */

/** Octets of a message of a transfer: the most at which all names in it can be compressed (RFC 1035 §4.1.4). */
export const TRANSFER_MESSAGE_BYTES = 16 * 1024;
/**
 * Of these, for what is each client's own: OPT with EXPIRE (19), and a TSIG with the longest name and MAC (RFC 8945
 * §4.2: 381). The same for all, so that messages end at the same records and can be shared.
 */
export const TRANSFER_TAIL_BYTES = 400;
/**
 * Messages, of one thread, that are kept for other clients: 32 MiB. A zone with 100,000 signed names is whole in there;
 * secondaries of a larger one that begin together stay within it.
 */
export const TRANSFER_SHARED_MESSAGES_MAX = 2048;
/** They are kept for this long after the last transfer: a secondary that asks once a minute finds them. */
export const TRANSFER_SHARED_MS = 60_000;
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
/** From so many changesets on they are made one: fewer are sent as they are, so that who passes them on has each. */
export const IXFR_CONDENSED_CHANGESETS_MIN = 16;
/** Octets of changesets that are made one: some 40 ms of a thread, and 10 MiB until the transfer has ended. */
export const IXFR_CONDENSED_BYTES_MAX = 2 * 1024 * 1024;
/** Nodes whose size tells how large a zone is, against what its differences have. */
export const ZONE_SIZE_NODES = 256;
/** Changesets looked at in one step while the way back to a secondary's serial is looked for. */
export const IXFR_LOOK_ENTRIES = 16;
/** Lines in the log about wrong signatures, per thread and second: strangers can send as many as they like. */
export const TSIG_LOG_LINES_PER_SECOND_MAX = 5;
/** Secondaries of a zone: registries take 13 name servers at most, and each change is announced to all of them. */
export const SECONDARIES_PER_ZONE_MAX = 16;
/** Wait before keys are sent again to an answer process that did not take them. */
export const TRANSFER_KEY_RETRY_MS = 1_000;

// --- catalogs ---

/**
 * Names in a catalog, two for each member that has a group: servers that follow one read it whole after each change.
 * So there can be 100,000 members, ten times the zones that a large server of ours has.
 */
export const CATALOG_NAMES_MAX = 200_000;
/** Octets of the name of a catalog: `group.`, a label and `zones.` stand before it (RFC 1035 §3.1: 255 in all). */
export const CATALOG_NAME_BYTES_MAX = 200;
/** Groups of one member: one for each kind of server that follows the catalog. */
export const CATALOG_GROUPS_MAX = 16;
/** Characters of a group: one string of a TXT record (RFC 9432 §4.4.2). */
export const CATALOG_GROUP_CHARACTERS_MAX = 255;

// --- catalogs of other servers ---

/** Members of a followed catalog, unless its settings have another number: a catalog must not fill the store. */
export const CATALOG_MEMBERS_DEFAULT = 10_000;
/** And the highest such number: as many as a catalog of ours may have. */
export const CATALOG_MEMBERS_MAX = 100_000;
/** Templates of a followed catalog: one for each group, and one for all others. */
export const CATALOG_TEMPLATES_MAX = CATALOG_GROUPS_MAX + 1;
/** Members that one version of a catalog may remove without an operator: an ordinary day's work. */
export const CATALOG_REMOVALS_MIN = 10;
/** Or this share of the members that it brought: above it, a producer that lost its data is likelier. */
export const CATALOG_REMOVALS_SHARE = 0.1;
/** Between two looks at catalogs of which something is left to do: a clash, a full disk. */
export const CATALOG_AGAIN_MS = 60_000;
/** Names that are shown of a longer list: what a person reads. */
export const CATALOG_NAMES_SHOWN_MAX = 20;

// --- zones from primaries ---

/** Messages of a stream in a row without a signature (RFC 8945 §5.3.1). */
export const TSIG_UNSIGNED_MESSAGES_MAX = 99;
/** Records of one transfer: in memory until the zone is written, two KiB each with all that is made of them. */
export const TRANSFER_IN_RECORDS_MAX = 1_000_000;
/** Records that each place of a transfer has memory for, whatever the others take: most zones have fewer. */
export const TRANSFER_IN_RECORDS_OWN = 25_000;
/** Records of all transfers under way beyond that: one of the largest zones. A process may have some two GiB. */
export const TRANSFERS_IN_RECORDS_MAX = TRANSFER_IN_RECORDS_MAX;
/** So long a transfer keeps its part of that; then it gives it up to another that needs it. A million take a minute. */
export const TRANSFER_IN_SHARED_MS = 300_000;
/** Wait before a zone is asked for again for which there was no memory. */
export const POSTPONED_MS = 10_000;
/**
 * A whole zone from here on is made ready by a process of its own (ADR 0050): some 8,000 records, which would take this
 * process 100 ms. Its octets wait in a file, so many at a time. Below it the process would take longer to start.
 */
export const TRANSFER_IN_APART_BYTES_MIN = 1024 * 1024;
/** A zone from here on waits for others of its size; it does not hold up smaller ones. Some 100,000 records. */
export const TRANSFER_IN_LARGE_BYTES_MIN = 12 * 1024 * 1024;
/** Octets of one transfer: what so many records of ordinary size have, signatures too. */
export const TRANSFER_IN_BYTES_MAX = 512 * 1024 * 1024;
/** How long one transfer may take: 512 MiB at 75 KiB/s. A new one begins at the beginning. */
export const TRANSFER_IN_MS_MAX = 2 * 3_600_000;
/** Until the first octet of an answer, and between two: a primary that reads a large zone from a disk is in time. */
export const TRANSFER_IN_IDLE_MS = 30_000;
/** For a TCP connection: a primary that is there takes it within a round trip or two. */
export const TRANSFER_IN_CONNECT_MS = 5_000;
/** Transfers at once: each may have a zone in memory. BIND has 10 for each primary, NSD 128. */
export const TRANSFERS_IN_MAX = 4;
/** Of those, from one address: a primary that hangs leaves places for the others. */
export const TRANSFERS_IN_PER_PRIMARY_MAX = 2;
/** Questions for SOA records under way: one datagram each. */
export const SOA_CHECKS_MAX = 64;
/** Of those, of zones whose first primary is one address: one that hangs leaves places for the others. */
export const SOA_CHECKS_PER_PRIMARY_MAX = 8;
/** For a SOA over UDP, and how often it is asked for. */
export const SOA_CHECK_MS = 2_000;
export const SOA_CHECK_TRIES = 3;
/** Primaries of a zone: BIND's and Knot's users have two or three. */
export const PRIMARIES_PER_ZONE_MAX = 8;
/** Keys that a primary or a secondary may have over TLS: the present one, the next one, and some of a cluster. */
export const TLS_PINS_MAX = 4;
/** REFRESH and RETRY below this are taken as this: a SOA with 0 would be asked for without end. Knot has 2. */
export const REFRESH_SECONDS_MIN = 2;
/** And above this as this: four weeks, as BIND has. */
export const REFRESH_SECONDS_MAX = 28 * 86_400;
/** EXPIRE above this is taken as this: 24 weeks, as BIND and NSD have. */
export const EXPIRE_SECONDS_MAX = 24 * 7 * 86_400;
/** Before a zone was ever there: the first wait after a failure, doubled each time up to the last. */
export const FIRST_RETRY_MS = 2_000;
export const FIRST_RETRY_MS_MAX = 3_600_000;
/** Share of a wait that is left out by chance: zones of one primary are not all asked for in one second. */
export const REFRESH_JITTER = 0.1;
/** A primary that failed is asked last for this long, doubled with each failure up to the last. */
export const PRIMARY_REST_MS = 5_000;
export const PRIMARY_REST_MS_MAX = 600_000;
/** After NOTIFY: at most one look at the primaries of a zone in this time, however many come. */
export const NOTIFIED_CHECK_MS = 1_000;
/** Between two rounds of what is due. */
export const SECONDARY_TICK_MS = 100;
/** After a look has ended, before the next zones have its place: 800 zones a second of one primary. */
export const SECONDARY_NEXT_MS = 10;
/** That a zone was looked at is written down when this share of its EXPIRE has passed since the last time. */
export const CHECKED_WRITE_SHARE = 0.05;
/** Wait before it is tried again to write that a zone has expired. */
export const EXPIRE_AGAIN_MS = 10_000;
/** Nodes between two turns of other work while a plan is made of a whole zone: some ten milliseconds. */
export const RECEIVED_NODES_PER_TURN = 2_000;

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
/** Between two looks for what is known of zones and secondaries that are gone. */
export const NOTIFY_SWEEP_MS = 60_000;
/** NOTIFY and looks under way: 320 a second at most, each one datagram. */
export const NOTIFY_AT_ONCE_MAX = 32;
