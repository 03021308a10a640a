/**
 * Limits of answering: aliases, cookies, rate limits, and what each worker keeps in memory. Each with its reason.
 * Not here: sockets and processes (server.ts).
 */

// --- names and aliases ---

/** CNAME and DNAME steps followed in one answer. Real chains have 1–4; NSD stops at 18, a chain longer than this is a mistake or an attack. */
export const ALIAS_STEPS_MAX = 16;
/**
 * Aliases made by DNAMEs in one answer: one that leads below itself makes new names for ever. BIND, Unbound and PowerDNS follow 11 aliases, so
 * nothing after the twelfth has a reader.
 */
export const DNAME_STEPS_MAX = 12;
/** Names whose addresses are added to one answer (RFC 9471 glue comes first); 13 is the root's count, more only makes answers truncate. */
export const ADDITIONAL_NAMES_MAX = 16;

// --- cookies and rate limits ---

/** A server cookie is taken this long after it was made (RFC 9018 §4.3). */
export const COOKIE_PAST_SECONDS = 3600;
/** …and when its time is at most this far ahead: servers that share a secret may have clocks that differ (RFC 9018 §4.3). */
export const COOKIE_FUTURE_SECONDS = 300;
/** A cookie older than this is replaced by a new one (RFC 9018 §4.3). */
export const COOKIE_RENEW_SECONDS = 1800;
/** A random secret is replaced after 26 hours: RFC 7873 §7.1 says 36 days at most and advises against whole days; Knot has the same. */
export const COOKIE_ROTATE_MS = 26 * 3_600_000;
/** A worker reads the wall clock no more often than this: cookies count in seconds. */
export const WALL_CLOCK_EVERY_MS = 250;
/** Buckets of the rate limiter, 32 octets each: 2 MiB per worker. A bucket is needed for as long as it is in use and two seconds after. */
export const RRL_BUCKETS = 65_536;
/** Full answers that a bucket gives at once after a rest, in seconds' worth: a resolver that starts, or a page with many names. */
export const RRL_BURST_SECONDS = 2;
/** A limited answer counts as this part of a full one: from four times its rate on, a flood gets no full answer at all. */
export const RRL_LIMITED_COST = 0.25;
/** Debt beyond the burst, in seconds' worth: how long full answers stay away after a flood has ended. */
export const RRL_DEBT_SECONDS = 1;
/** All answers to one client network together, as a multiple of the rate of one bucket; Knot has the same for a /24. */
export const RRL_NETWORK_FACTOR = 32;
/** Answers per second and bucket when nothing is configured; Knot's rate for one address. */
export const RRL_RATE_DEFAULT = 50;
/** The highest rate that is a limit at all; numbers in the table stay within 32 bits (× factor × burst and debt × 1000). */
export const RRL_RATE_MAX = 20_000;
/** Dropping more than nine of ten limited answers would silence a victim whose address is forged. */
export const RRL_SLIP_MAX = 10;
/** Networks in the allow list; each is compared with each limited client. */
export const RRL_ALLOW_MAX = 256;
/** One line of the log per network in this time; Knot's log-period. */
export const RRL_LOG_EVERY_MS = 30_000;
/** Networks that are remembered as logged: at most this many lines in RRL_LOG_EVERY_MS, however many networks are forged. */
export const RRL_LOG_NETWORKS = 64;

// --- cache and names in memory, per worker ---

/** Octets of cached answers of a worker: 400,000 of a usual size. Memory that no answer has reached yet costs nothing. */
export const ANSWER_CACHE_BYTES = 128 * 1024 * 1024;
/** Octets of the smallest useful cache: sixteen of the longest answers. */
export const ANSWER_CACHE_BYTES_MIN = 256 * 1024;
/** The longest answer that is cached, without header and question; longer ones are rare, and over TCP. */
export const ANSWER_CACHE_BODY_BYTES_MAX = 4096;
/** Compression pointers in a cached answer; more are in no answer of ANSWER_CACHE_BODY_BYTES_MAX that is asked for often. */
export const ANSWER_CACHE_POINTERS_MAX = 200;
/** Labels that names in a cached answer have below the cut or closest encloser that it is for: two SOA names, or name servers. */
export const ANSWER_CACHE_LABELS_MAX = 24;
/** Nodes that a cached answer may depend on; an answer with sixteen hosts in three zones fits. */
export const ANSWER_DEPENDENCIES_MAX = 48;
/** Stamps of change of nodes, four octets each: with 100 changes a second, a cached answer goes in vain every few minutes. A power of two. */
export const ANSWER_STAMPS = 262_144;
/** Nodes of all zones whose names are in memory together; some 60 octets each. */
export const NEGATIVE_INDEX_NODES_MAX = 2_000_000;
/** Octets of all these names together. */
export const NEGATIVE_INDEX_BYTES_MAX = 128 * 1024 * 1024;
/** Slots in a row that the table of these names takes: among two million names, chance makes runs of some 80. */
export const KEY_TABLE_RUN_MAX = 128;
/** Nodes read with each batch of queries while a zone's names are read: a quarter of a millisecond. */
export const NEGATIVE_SLICE_NODES = 128;
/** Nodes without NSEC looked at in memory before the store is asked: more than glue or empty names in a row usually are. */
export const NEGATIVE_STEPS_MAX = 64;
