/**
 * Every limit of waxseal in one place, each with its reason. A buffer, queue, table or body without a limit here is a bug.
 * Sizes in bytes (`Bytes`), times in milliseconds (`Ms`) or seconds (`Seconds`), the rest are counts.
 */

// --- protocol (RFC 1035 §2.3.4, RFC 6891) ---

/** Longest name in wire form, root octet included (RFC 1035 §2.3.4). */
export const NAME_BYTES_MAX = 255;
/** Longest label (RFC 1035 §2.3.4). */
export const LABEL_BYTES_MAX = 63;
/** Most labels a 255-octet name can have, root not counted. */
export const LABELS_MAX = 127;
/** RDLENGTH is 16 bits. */
export const RDATA_BYTES_MAX = 65_535;
/** A DNS message over TCP: its length prefix is 16 bits. */
export const MESSAGE_BYTES_MAX = 65_535;
/** UDP answers to clients without EDNS (RFC 1035 §4.2.1). */
export const UDP_PLAIN_BYTES_MAX = 512;
/** UDP answers at most, whatever the client offers: fits an unfragmented IPv6 packet (RFC 9715 §3.1). */
export const UDP_EDNS_BYTES_MAX = 1232;
/** Highest TTL (RFC 2181 §8: the top bit is zero). */
export const TTL_SECONDS_MAX = 0x7fff_ffff;

// --- answering ---

/** CNAME and DNAME steps followed in one answer. Real chains have 1–4; NSD stops at 18, a chain longer than this is a mistake or an attack. */
export const ALIAS_STEPS_MAX = 16;
/** Names whose addresses are added to one answer (RFC 9471 glue comes first); 13 is the root's count, more only makes answers truncate. */
export const ADDITIONAL_NAMES_MAX = 16;

// --- zone data (CVE-2024-1737: huge RRsets and names with many types make every server slow) ---

/** Records in one RRset: BIND's max-records-per-type. */
export const RECORDS_PER_RRSET_MAX = 100;
/** Types at one name: BIND's max-types-per-name. */
export const TYPES_PER_NAME_MAX = 100;
