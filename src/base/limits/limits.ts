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

// --- server: UDP ---

/** Kernel buffers asked for each UDP socket: about 20,000 queries, a burst of 100 ms at 200,000 a second. The kernel clamps it to rmem_max. */
export const UDP_SOCKET_BUFFER_BYTES = 2 * 1024 * 1024;
/** Answers the kernel has not taken yet, per UDP socket. Normally 1; a full send buffer is congestion, and then dropping is right for UDP. */
export const UDP_SENDS_MAX = 64;
/** Queries received, and answers sent, by one system call: what Knot and NSD take; more only makes the first of a batch wait for the last. */
export const UDP_BATCH_MESSAGES_MAX = 64;
/** A batch of this many or more is followed by another one at once; after a smaller one poll is asked, which knows all sockets. */
export const UDP_BATCH_AGAIN = 8;
/** The young generation of a worker's heap: what it makes dies at once, and room that the collector once took it does not give back. */
export const WORKER_YOUNG_MIB = 8;
/** Lines of a worker's query log: sampling is for looking, and a log that grows with a flood is one more thing to drown in. */
export const QUERY_LOG_LINES_PER_SECOND_MAX = 20;
/** Batches of each socket between two polls: 512 queries, about 1 ms, in which other sockets and messages to the thread wait. */
export const UDP_ROUNDS_MAX = 8;
/** How often the rest of a batch of answers may wait for room in the send buffer; then it is dropped. */
export const UDP_SEND_WAITS_MAX = 2;
/** Each such wait; 2 MiB of answers leave a 1 Gbit/s interface in 17 ms, so there is room again in a fraction of this. */
export const UDP_SEND_WAIT_MS = 1;
/** Threads that block at UDP sockets for each one that serves TCP beside them: TCP is some 5 % of the queries an authoritative server gets. */
export const UDP_THREADS_PER_TCP_THREAD = 4;

// --- server: TCP (RFC 7766 §6.2, RFC 9210 §4), per worker ---

/** Connections; BIND has 150, NSD 100 for the whole server. Each may hold 64 KiB of queries (what node reads at once): 16 MiB. */
export const TCP_CONNECTIONS_MAX = 256;
/** Connections of one client (IPv4 address or IPv6 /64): a resolver behind NAT fits, one host cannot take all. */
export const TCP_CONNECTIONS_PER_CLIENT_MAX = 64;
/** Connections with answers that the client does not take; each holds an answer buffer of 80 KiB: 5 MiB. */
export const TCP_BLOCKED_CONNECTIONS_MAX = 64;
/** From accept to the first whole query; clients send it in their first segment. */
export const TCP_FIRST_MESSAGE_MS = 5_000;
/** From the first octet of a message to its last: a slow-loris limit. Knot has 0.5 s; 2 s allows for one retransmission. */
export const TCP_MESSAGE_MS = 2_000;
/** Idle after an answer (RFC 7766 §6.2.3: of the order of seconds); Knot has 10 s. */
export const TCP_IDLE_MS = 10_000;
/** Idle when the table is full; between half full and full it shrinks to this. */
export const TCP_IDLE_FULL_MS = 1_000;
/** For a client to take the answers it asked for. */
export const TCP_WRITE_MS = 5_000;
/**
 * For a whole stream of messages: 1 GiB at 5 Mbit/s. A stream keeps a snapshot of the store, and what it keeps cannot
 * be reused.
 */
export const TCP_STREAM_MS_MAX = 1_800_000;
/** How often the times above are looked at: small against all of them. */
export const TCP_SWEEP_MS = 100;
/** Answers gathered before they are written: a few segments. */
export const TCP_WRITE_BATCH_BYTES = 16 * 1024;
/** Answer buffers (80 KiB) kept for reuse after connections that were blocked. */
export const TCP_SPARE_BUFFERS_MAX = 32;
/** Octets of one connection taken before others get their turn: about 60 queries, 0.2 ms. With the table full, UDP still gets its turn every 50 ms. */
export const TCP_TURN_BYTES = 2048;

// --- server: processes ---

/** Worker threads. More than this many cores never serve DNS only. */
export const WORKERS_MAX = 64;
/** First wait before a dead child or worker is started again: answering is back in well under a second. */
export const RESTART_MS_MIN = 100;
/** Longest such wait: a process that cannot start must not eat the machine. */
export const RESTART_MS_MAX = 5_000;
/** A life this long counts as a good start, and the wait begins small again. */
export const RESTART_SETTLED_MS = 30_000;
/** For connections to finish after TERM, in the answer process. */
export const DRAIN_MS = 3_000;
/** For both children to end after TERM; then KILL. Longer than DRAIN_MS, shorter than a service manager's 90 s. */
export const SHUTDOWN_MS = 10_000;
/** Longest wait between two looks for a store that does not exist yet (first start: control makes it). */
export const STORE_WAIT_MS_MAX = 500;
/** How often a worker looks for a newer generation that nobody told it of: a control process may die between commit and telling. */
export const GENERATION_LOOK_MS = 1_000;
/** Ports tried when one is wanted that is free on UDP and TCP together. */
export const PORT_ATTEMPTS_MAX = 32;
/** How often the answer process reports its counters. */
export const COUNTERS_EVERY_MS = 1_000;

// --- store ---

/** Zone id (4) and owner key of the longest name: 250 label octets, each escaped to 2, and their ends; LMDB takes 1978. */
export const NODE_KEY_BYTES_MAX = 4 + 512;
/** One stored node; 100 types of one message's size each. Above 16 MiB the store would hand out its own mapped memory. */
export const NODE_BYTES_MAX = 8 * 1024 * 1024;
/** Reader slots of LMDB: workers, commands and their crashed predecessors until the next check; its default of 126 is reached by restarts. */
export const STORE_READERS_MAX = 1024;
/** Named databases in the environment; twice what exists, for later formats. */
export const STORE_DATABASES_MAX = 24;
/** Changesets kept for one zone: secondaries and people look back hours or days, not for ever. */
export const JOURNAL_ENTRIES_MAX = 1000;
/** Octets of changesets kept for one zone. */
export const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;
/** A changeset above this is kept as a marker only: a secondary is better served by AXFR (RFC 1995 §2). */
export const JOURNAL_CHANGESET_BYTES_MAX = 16 * 1024 * 1024;
/** Generations whose changed zones are remembered: a reader that is further behind reads the whole zone table. */
export const RECENT_GENERATIONS_MAX = 4096;
/** Changed nodes remembered by name for one zone and generation; a change of more makes readers forget all they know of the zone. */
export const RECENT_KEYS_MAX = 256;
/** Octets of such names: with RECENT_GENERATIONS_MAX, 40 MiB of the store at most. */
export const RECENT_KEYS_BYTES_MAX = 8 * 1024;
/** One audit entry's detail; longer text is cut, the changeset is in the journal. */
export const AUDIT_DETAIL_CHARACTERS_MAX = 16 * 1024;
/** Nodes looked at for one NSEC predecessor: 127 empty non-terminals in a row and 127 labels up from an occluded name, rounded up. */
export const NSEC_STEPS_MAX = 512;
/** Nodes read at once when a zone is walked: no cursor stays open between batches. */
export const WALK_BATCH_NODES_MAX = 256;
/** Keys collected at once when a zone is removed. */
export const REMOVE_BATCH_KEYS_MAX = 1000;
/** Room kept in the data file beyond what a commit needs: several rounds of signature refresh on a disk that is full. */
export const STORE_SLACK_BYTES = 4 * 1024 * 1024;
/** Free space under which changes other than upkeep are refused: a twentieth of the file system, but not more than this. */
export const STORE_RESERVE_BYTES_MAX = 256 * 1024 * 1024;
/** Free space under which the operator is warned: a fifth of the file system, but not more than this. */
export const STORE_LOW_BYTES_MAX = 1024 * 1024 * 1024;
/** Problems that one integrity check reports; a damaged store has thousands alike. */
export const INTEGRITY_PROBLEMS_MAX = 100;
/** Octets of documents of one kind whose meaning is kept in memory: some thousand mail policies. As objects they take several times that. */
export const DOCUMENT_CACHE_BYTES_MAX = 4 * 1024 * 1024;

// --- zone files ---

/** Problems shown of one file, errors and warnings each: who has a hundred repairs them and tries again. */
export const PROBLEMS_SHOWN_MAX = 100;
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

// --- signing ---

/** Signatures made without worker threads: a twentieth of a second of work, about what starting a thread costs. */
export const SIGNING_INLINE_COUNT_MAX = 2000;
/** Signing threads at most: the answer workers need the other cores. */
export const SIGNING_WORKERS_MAX = 4;
/** Signatures in one message to a signing thread: large enough for the message to cost nothing, small enough to share the work evenly. */
export const SIGNING_CHUNK_COUNT = 4096;

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

// --- answering: cookies and rate limits ---

/** A server cookie is taken this long after it was made (RFC 9018 §4.3). */
export const COOKIE_PAST_SECONDS = 3600;
/** …and when its time is at most this far ahead: servers that share a secret may have clocks that differ (RFC 9018 §4.3). */
export const COOKIE_FUTURE_SECONDS = 300;
/** A cookie older than this is replaced by a new one (RFC 9018 §4.3). */
export const COOKIE_RENEW_SECONDS = 1800;
/** A random secret is replaced after 26 hours: RFC 7873 §7.1 says 36 days at most and advises against whole days; Knot has the same. */
export const COOKIE_ROTATE_MS = 26 * 3_600_000;
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

// --- life cycles and mail policy ---

/** Transitions of one step beyond 8 for each object; a machine that goes round without waits is a bug. */
export const LIFECYCLE_STEPS_MAX = 64;
/** Secondaries are taken to give out a TTL that was changed for as long as this: more than any SOA refresh in use, when a NOTIFY was lost. */
export const SECONDARY_LAG_MS_MAX = 86_400_000;
/** Transitions remembered with an object; no life has more, but the mode of MTA-STS may go back and forth. The audit log has them all. */
export const LIFECYCLE_HISTORY_MAX = 24;
/** A mail policy document: some hundred keys and hosts. */
export const MAIL_POLICY_BYTES_MAX = 256 * 1024;
/** Entries in any list of a mail policy: signers, selectors, mechanisms. */
export const MAIL_POLICY_ITEMS_MAX = 256;
/** Keys published ahead of their use, per algorithm: each can be found by walking the zone, so a few. */
export const DKIM_SPARE_KEYS_MAX = 4;
/** Keys that plans showed and nothing used, in memory: some for the few zones that people plan at the same time. */
export const DKIM_PLANNED_KEYS_MAX = 64;
/** A step of a mail policy that is refused, or that has errors, is tried again after this. */
export const MAIL_RETRY_MS = 60_000;
/** The mail scheduler looks at least this often: a due time that somebody else wrote is never far away. */
export const MAIL_WAKE_EVERY_MS = 60_000;
/** Zones read from the table of due times at once. */
export const MAIL_DUE_AT_ONCE = 100;
/** Look-ups for evidence at the same time, for one zone. */
export const MAIL_CHECKS_AT_ONCE = 8;
/** Zones that evidence is looked for at the same time: a policy host that does not answer holds up its group for STS_PROBE_MS_MAX. */
export const MAIL_ZONES_AT_ONCE = 16;
/** Counted time is written down this often: what a reboot loses of it makes every wait longer by as much. */
export const MAIL_TIME_EVERY_MS = 3_600_000;

// --- answering: cache and names in memory, per worker ---

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
/** Nodes of all zones whose names are in memory together; some 50 octets each. */
export const NEGATIVE_INDEX_NODES_MAX = 2_000_000;
/** Octets of all these names together. */
export const NEGATIVE_INDEX_BYTES_MAX = 128 * 1024 * 1024;
/** Nodes read with each batch of queries while a zone's names are read: about a fifth of a millisecond. */
export const NEGATIVE_SLICE_NODES = 128;
/** Nodes without NSEC looked at in memory before the store is asked: more than glue or empty names in a row usually are. */
export const NEGATIVE_STEPS_MAX = 64;
