/**
 * Limits that have no file of their subject yet. Every limit of waxseal is in this folder, each with its reason. A buffer, queue, table or body without a limit here is a bug.
 * Sizes in bytes (`Bytes`), times in milliseconds (`Ms`) or seconds (`Seconds`), the rest are counts.
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
/** Highest TTL (RFC 2181 §8: the top bit is zero). */
export const TTL_SECONDS_MAX = 0x7fff_ffff;

// --- zone data (CVE-2024-1737: huge RRsets and names with many types make every server slow) ---

/** Records in one RRset: BIND's max-records-per-type. */
export const RECORDS_PER_RRSET_MAX = 100;
/** Types at one name: BIND's max-types-per-name. */
export const TYPES_PER_NAME_MAX = 100;

// --- admin API ---

/** A JSON body: 10,000 RRset operations of ordinary length fit. */
export const JSON_BODY_BYTES_MAX = 1024 * 1024;
/** A zone file over HTTP, unless configured: some 4 million records, far above what one import should hold in memory. */
export const ZONE_FILE_BYTES_MAX = 256 * 1024 * 1024;
/** A name in a URL: 255 octets, each at most `%5C255`. */
export const URL_PARAMETER_CHARACTERS_MAX = 255 * 6;
/** Request line and headers; the longest URL (two names and a query) is below 4 KiB. */
export const HTTP_HEADER_BYTES_MAX = 16 * 1024;
/** Open connections per admin listener: people, scripts and a scraper; more is a leak or an attack. */
export const ADMIN_CONNECTIONS_MAX = 256;
/** Time for the headers of a request: a slow client holds a connection slot no longer than this. */
export const HTTP_HEADERS_MS_MAX = 10_000;
/** Time for a whole request, unless configured: a 256 MiB zone file at 1 MiB/s, rounded up. */
export const HTTP_REQUEST_MS_MAX = 300_000;
/** Requests per client address (IPv6: /64) and minute over TCP: 100 a second is a busy script. The Unix socket has no limit. */
export const API_REQUESTS_PER_MINUTE_MAX = 6000;
/** Failed log-ins per client address and minute, then 429. Good tokens go on working: 256-bit secrets cannot be guessed, but a lock-out can be abused. */
export const AUTH_FAILURES_PER_MINUTE_MAX = 10;
/** Items in one page of a list when the client does not say. */
export const PAGE_ITEMS_DEFAULT = 100;
/** Items in one page at most. */
export const PAGE_ITEMS_MAX = 1000;
/** Operations in one PATCH of RRsets; what is more is a zone-file import. */
export const RRSET_OPERATIONS_MAX = 10_000;
/** How long `?wait=served` waits for the workers: they follow within milliseconds, a worker restart takes under a second. */
export const WAIT_SERVED_MS_MAX = 10_000;
/** A token's name, for people. */
export const TOKEN_NAME_CHARACTERS_MAX = 100;
/** How long the command line waits for an answer: as long as the server may take over one request. */
export const CLI_ANSWER_MS_MAX = 300_000;
/** Words compared for "did you mean": people do not mistype longer ones, and the table grows with the product of the lengths. */
export const NEAREST_WORD_CHARACTERS_MAX = 64;

// --- zone files ---

/** Problems shown of one file, errors and warnings each: who has a hundred repairs them and tries again. */
export const PROBLEMS_SHOWN_MAX = 100;
/** A given text up to this length is repeated in a message, with how it can be written. */
export const REPEATED_TEXT_OCTETS_MAX = 200;
/** Records that one import may bring, $GENERATE and $INCLUDE counted: about 1 GB of memory while it runs. */
export const ZONE_RECORDS_MAX = 2_000_000;
/** Words of one entry: the longest data, 65,535 octets, in RFC 3597 form with each octet apart, and the fields before it. */
export const ENTRY_TOKENS_MAX = 65_600;
/** $INCLUDE within $INCLUDE: people use two levels; a file that includes itself stops here. */
export const INCLUDE_DEPTH_MAX = 16;
/** Files one zone file may take in, all levels together: with the depth alone, two self-including lines would be 2¹⁶ reads. */
export const INCLUDE_FILES_MAX = 1000;
/** Records of one $GENERATE line: a /16 reverse zone has 65,536 names. */
export const GENERATE_RECORDS_MAX = 131_072;
/** Widest `${…,width}` of $GENERATE: as long as a name can be. More is a mistake, and would only fill memory. */
export const GENERATE_WIDTH_MAX = 255;

// --- control: commands and what they give back ---

/** Lines of each list of a changeset in an answer: what a person reads; the journal has the rest. */
export const CHANGESET_LINES_MAX = 500;
/** Nodes of a large plan whose signatures are checked before it is published: 64 find a signer that fails one in ten with 99.9 %. */
export const VERIFY_SAMPLE_NODES = 64;
/** Between two announcements of new generations in a stream of changes: of the 200 ms that an answer may lag, a quarter. */
export const PUBLISH_EVERY_MS = 50;
/** Between two signatures of a known key that the slow reference checks too (2–5 ms each): a hundred changes a second do not wait for it. */
export const REFERENCE_CHECK_EVERY_MS = 1000;
/** With more zones than this, metrics have no zone label: a scrape must stay small. */
export const METRIC_ZONES_MAX = 1000;
/** Nodes read in one slice of a signature sweep: about 50 ms of the writer. */
export const REFRESH_SLICE_NODES = 5000;
/** Each zone is swept this often; signatures are renewed with days to spare, so an hour more or less does not count. */
export const REFRESH_EVERY_MS = 3_600_000;
/** For running admin requests to end after TERM; less than SHUTDOWN_MS. */
export const ADMIN_DRAIN_MS = 3000;

// --- mail signers ---

/** Signers that can be registered: mail servers, not mailboxes. All are one sealed document, read at each fetch. */
export const SIGNERS_MAX = 500;
/** Domains of one signer; with SIGNERS_MAX the document stays below 16 MiB. */
export const SIGNER_DOMAINS_MAX = 1000;
/** Networks that one signer may ask from. */
export const SIGNER_NETWORKS_MAX = 64;
/** Words of the command that runs after an export, and characters of each. */
export const SIGNER_COMMAND_WORDS_MAX = 32;
export const SIGNER_COMMAND_WORD_CHARACTERS_MAX = 1024;
/** The command after an export: reloading a mail filter takes well under a second. Then its whole process group is killed. */
export const SIGNER_COMMAND_MS_MAX = 30_000;
/** Of what that command says, this much is kept: the last lines tell why it failed. */
export const SIGNER_COMMAND_OUTPUT_BYTES_MAX = 2048;
/** A signer whose clock is behind by less than this still takes a key that has just become active for valid. */
export const SIGNER_CLOCK_SKEW_SECONDS = 3600;
/** How often it is looked whether keys changed; signers that have files follow within this time. */
export const SIGNER_EXPORT_LOOK_MS = 1000;
/** The same without a change of the store: windows of keys begin and end by themselves. */
export const SIGNER_EXPORT_LOOK_ANYWAY_MS = 30_000;
/** How often the disk is looked at although no key changed: what somebody took away there is put back after this time. */
export const SIGNER_EXPORT_CHECK_MS = 600_000;
/** One job in a signer's folder: a few small files, on a disk that is slow and not dead. */
export const SIGNER_FOLDER_MS_MAX = 10_000;
/** The process for such jobs ends after so long without one: starting it takes a tenth of a second, keeping it some 40 MiB. */
export const SIGNER_FOLDER_IDLE_MS = 5000;
/** Processes that a dead disk holds, although they were killed; with so many no further one is started. */
export const SIGNER_FOLDER_STUCK_MAX = 4;
/** Names shown of what is in a folder that should be empty. */
export const SIGNER_FOLDER_NAMES_SHOWN_MAX = 5;
/** First and longest wait before an export that failed is tried again. */
export const SIGNER_EXPORT_RETRY_MS_MIN = 5000;
export const SIGNER_EXPORT_RETRY_MS_MAX = 600_000;
/** Fetches of keys from one address in a minute: rspamd asks once for each message, and 1000 messages a second is a large relay. */
export const SIGNER_REQUESTS_PER_MINUTE_MAX = 60_000;
/** Pairs of signer and key (or refused address) remembered for an hour, so that each stands once in the audit log. */
export const SIGNER_AUDIT_PAIRS_MAX = 20_000;

// --- mail records ---

/** Shortest RSA key that verifiers accept (RFC 8301 §3.2). */
export const DKIM_RSA_BITS_MIN = 1024;
/** RSA keys should be at least this long (RFC 8301 §3.2). */
export const DKIM_RSA_BITS_GOOD = 2048;
/** Longest RSA key that verifiers must support (RFC 8301 §3.2). */
export const DKIM_RSA_BITS_MAX = 4096;
/** Where a DMARC tree walk goes on when the first name has this many labels or more (RFC 9989 §4.10): at most 8 queries. */
export const DMARC_WALK_LABELS_MAX = 7;
/** An MTA-STS id (RFC 8461 §3.1). */
export const STS_ID_CHARACTERS_MAX = 32;
/** Longest MTA-STS max_age, about a year (RFC 8461 §3.2). */
export const STS_MAX_AGE_SECONDS_MAX = 31_557_600;
/** An MTA-STS policy body: senders need not fetch more (RFC 8461 §3.3). */
export const STS_POLICY_BYTES_MAX = 64 * 1024;
/** An SVG logo, uncompressed: more than this and mailbox providers refuse it (draft-svg-tiny-ps-abrotman §2.4). */
export const BIMI_SVG_BYTES_MAX = 32 * 1024;
/** Elements within elements of an SVG logo; drawing programs make fewer than 20. */
export const BIMI_SVG_DEPTH_MAX = 64;
/** Elements drawn when every `use` is followed: 32 KiB of nested ones could draw 2^100. */
export const BIMI_SVG_DRAWN_MAX = 10_000;

// --- life cycles and mail policy ---

/** A mail policy document: some hundred keys and hosts. */
export const MAIL_POLICY_BYTES_MAX = 256 * 1024;
/** Entries in any list of a mail policy: signers, selectors, mechanisms. */
export const MAIL_POLICY_ITEMS_MAX = 256;
/** Keys published ahead of their use, per algorithm: each can be found by walking the zone, so a few. */
export const DKIM_SPARE_KEYS_MAX = 4;
/** Keys that plans showed and nothing used, in memory: some for the few zones that people plan at the same time. */
export const DKIM_PLANNED_KEYS_MAX = 64;
