/**
 * Limits of DNS data: names, messages, zones, zone files, record data in requests. Each with its reason.
 */

// --- protocol (RFC 1035 §2.3.4, RFC 6891) ---

/** Longest name in wire form, root octet included (RFC 1035 §2.3.4). */
export const NAME_BYTES_MAX = 255;
/** Longest label (RFC 1035 §2.3.4). */
export const LABEL_BYTES_MAX = 63;
/** Most labels a 255-octet name can have, root not counted. */
export const LABELS_MAX = 127;
/** A character-string: its length octet is one (RFC 1035 §3.3). */
export const CHARACTER_STRING_BYTES_MAX = 255;
/** RDLENGTH is 16 bits. */
export const RDATA_BYTES_MAX = 65_535;
/** A DNS message over TCP: its length prefix is 16 bits. */
export const MESSAGE_BYTES_MAX = 65_535;
/** UDP answers to clients without EDNS (RFC 1035 §4.2.1). */
export const UDP_PLAIN_BYTES_MAX = 512;
/** UDP answers at most, whatever the client offers: fits an unfragmented IPv6 packet (RFC 9715 §3.1). */
export const UDP_EDNS_BYTES_MAX = 1232;
/**
 * Octets of this server's name in answers (RFC 5001): with it, the longest question, a cookie and an extended error,
 * an answer of 512 octets still has space for its OPT.
 */
export const NSID_BYTES_MAX = 128;
/** Highest TTL (RFC 2181 §8: the top bit is zero). */
export const TTL_SECONDS_MAX = 0x7fff_ffff;

// --- zone data (CVE-2024-1737: huge RRsets and names with many types make every server slow) ---

/**
 * Records in one RRset unless `limits.records_per_rrset` says otherwise. BIND's max-records-per-type is 100, and real
 * apexes have 260 TXT; an RRset of 1000 addresses, which fits a message, is still signed and answered in a millisecond.
 */
export const RECORDS_PER_RRSET_DEFAULT = 1000;
/** The highest setting: an address takes 16 octets of a message of 65,535, so that more of them fit none. */
export const RECORDS_PER_RRSET_MAX = 4096;
/** The lowest setting: a zone needs its 13 name servers, and the keys of a rollover. */
export const RECORDS_PER_RRSET_MIN = 16;
/** Types at one name: BIND's max-types-per-name. */
export const TYPES_PER_NAME_MAX = 100;

// --- zone files ---

/** Problems shown of one file, errors and warnings each: an operator with a hundred repairs them and tries again. */
export const PROBLEMS_SHOWN_MAX = 100;
/** A given text up to this length is repeated in a message, with how it can be written. */
export const REPEATED_TEXT_OCTETS_MAX = 200;
/** Records that one import may bring, $GENERATE and $INCLUDE counted: about 1 GB of memory while it runs. */
export const ZONE_RECORDS_MAX = 2_000_000;
/**
 * Octets that a table of a zone takes from the platform at once: more than an RDATA, so that little is left over at the
 * end of each.
 */
export const TABLE_CHUNK_BYTES = 128 * 1024;
/** Rows that a table begins with: most zones are small. */
export const TABLE_ROWS_FIRST = 16;
/** Names of a table that are kept as they are read: those above a name, and the hosts that names near it point to. */
export const TABLE_NODES_KEPT = 1024;
/** Words of one entry: 65,535 octets of data in RFC 3597 form, one word each, and the fields before them. */
export const ENTRY_TOKENS_MAX = 65_600;
/** $INCLUDE within $INCLUDE: people use two levels; a file that includes itself stops here. */
export const INCLUDE_DEPTH_MAX = 16;
/** Files one zone file may include, on all levels: with the depth alone, two self-including lines read 2¹⁶ files. */
export const INCLUDE_FILES_MAX = 1000;
/** Records of one $GENERATE line: a /16 reverse zone has 65,536 names. */
export const GENERATE_RECORDS_MAX = 131_072;
/** Widest `${…,width}` of $GENERATE: as long as a name can be. More is a mistake, and would only fill memory. */
export const GENERATE_WIDTH_MAX = 255;
/** Octets of an extended error's text: three lines of a terminal, and an answer of 512 octets has it mostly. */
export const EDE_TEXT_BYTES_MAX = 240;
/** Asterisks in a pattern of names: `_*._acme-challenge.*` has two, and each more is one more place to go back to. */
export const NAME_PATTERN_STARS_MAX = 4;
