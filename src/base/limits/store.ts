/**
 * Limits of the store: sizes of what is kept, read and written at once, and free space. Each with its reason.
 */

/** Zone id (4) and owner key of the longest name: 250 octets, each escaped to 2, and label ends. LMDB takes 1978. */
export const NODE_KEY_BYTES_MAX = 4 + 512;
/** One stored node: 100 types of one message each. Above 16 MiB the store would return its own mapped memory. */
export const NODE_BYTES_MAX = 8 * 1024 * 1024;
/** Nodes up to this length have views that are kept, one for each length; a longer node costs one small object. */
export const STORE_VIEW_BYTES_MAX = 8192;
/** First buffer for a node that is written: nearly every node fits; it grows for the others. */
export const STORE_VALUE_BUFFER_BYTES = 64 * 1024;
/** Reader slots of LMDB: workers, commands, and those that crashed since the last check; restarts can use its 126. */
export const STORE_READERS_MAX = 1024;
/** Named databases in the environment; twice what exists, for later formats. */
export const STORE_DATABASES_MAX = 24;
/** Changesets kept for one zone: secondaries and people look back hours or days, not for ever. */
export const JOURNAL_ENTRIES_MAX = 1000;
/** Changes read at once when a version is looked for. */
export const JOURNAL_PAGE_ENTRIES = 64;
/** Octets of changesets kept for one zone. */
export const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;
/** A changeset above this is kept as a marker only: a secondary is better served by AXFR (RFC 1995 §2). */
export const JOURNAL_CHANGESET_BYTES_MAX = 16 * 1024 * 1024;
/** Generations whose changed zones are remembered: a reader that is further behind reads the whole zone table. */
export const RECENT_GENERATIONS_MAX = 4096;
/** Changed nodes remembered by name for a zone and generation. After more, readers forget all they know of the zone. */
export const RECENT_KEYS_MAX = 256;
/** Octets of such names: with RECENT_GENERATIONS_MAX, 40 MiB of the store at most. */
export const RECENT_KEYS_BYTES_MAX = 8 * 1024;
/** One audit entry's detail; longer text is cut, the changeset is in the journal. */
export const AUDIT_DETAIL_CHARACTERS_MAX = 16 * 1024;
/** Characters of all records in one audit entry, before and after: a change by hand; of more stands a digest. */
export const AUDIT_RECORDS_CHARACTERS_MAX = 4096;
/** Characters of one setting or token in an audit entry, before or after: of more stands a digest. */
export const AUDIT_OBJECT_CHARACTERS_MAX = 4096;
/** Codes of problems in one audit entry; a zone file with more has all of them in its answer. */
export const AUDIT_CODES_MAX = 20;
/** How long refusals of one sender are counted together after the first ones: 24 entries of a flood in a day. */
export const AUDIT_REFUSED_WINDOW_MS = 3_600_000;
/** Refusals of one sender in that time that have an entry each; with the count, 264 entries in a day at most. */
export const AUDIT_REFUSED_ENTRIES_MAX = 10;
/** Senders whose refusals are counted apart; those beyond share one count. Tokens are made by the administrator. */
export const AUDIT_REFUSED_SENDERS_MAX = 1000;
/** Kinds of refusals that one count tells apart: an entry that a person reads. */
export const AUDIT_REFUSED_KINDS_MAX = 20;
/** Characters of the text of a refusal in an audit entry. */
export const AUDIT_REFUSED_CHARACTERS_MAX = 500;
/** How often a signed head of the audit log is given away: what is older cannot be cut off unseen. */
export const AUDIT_HEAD_EVERY_MS = 3_600_000;
/** Audit entries are kept so long unless configured: who looks once a year sees all, with a month to do it. */
export const AUDIT_KEEP_MS_DEFAULT = 400 * 86_400_000;
/** The shortest setting: who looks at the log once a day sees everything. */
export const AUDIT_KEEP_MS_MIN = 86_400_000;
/** Marks of how old entries are: with 200 of them an entry stays a two-hundredth longer than it must at most. */
export const AUDIT_MARKS = 200;
/** How often it is looked whether entries are old enough, and how often counted time is written down for it. */
export const AUDIT_LOOK_MS = 3_600_000;
/** Fewer old entries than this stay: each removal writes an entry itself. */
export const AUDIT_REMOVE_ENTRIES_MIN = 100;
/** The operator is warned of an audit log of this size, and each time it has doubled: some four million entries. */
export const AUDIT_LARGE_BYTES = 1024 * 1024 * 1024;
/** Entries that are looked at for who writes most. */
export const AUDIT_LATEST_ENTRIES = 1000;
/** Entries read at once for an export: 200 KiB of an ordinary log, some MiB at worst. */
export const AUDIT_EXPORT_ENTRIES = 200;
/** Audit entries removed in one commit: reading, checking and removing them takes the writer about 50 ms. */
export const AUDIT_REMOVE_ENTRIES_MAX = 2000;
/** Nodes read for one NSEC predecessor: 127 empty non-terminals, 127 labels up from an occluded name, rounded up. */
export const NSEC_STEPS_MAX = 512;
/** Nodes read at once when a zone is walked: no cursor stays open between batches. */
export const WALK_BATCH_NODES_MAX = 256;
/** Keys collected at once when a zone is removed. */
export const REMOVE_BATCH_KEYS_MAX = 1000;
/** Space kept in the data file beyond a commit's need: some rounds of signature refresh when the disk is full. */
export const STORE_SLACK_BYTES = 4 * 1024 * 1024;
/** What a commit writes besides its nodes: audit entry, zone records, branch pages, the list of free pages. */
export const STORE_COMMIT_BYTES = 1024 * 1024;
/** The same for each further commit in one transaction: most of its pages are those of the first. */
export const STORE_NEXT_COMMIT_BYTES = 128 * 1024;
/**
 * Free space in the data file, behind what is in use, from which on it is given back: no ordinary commit asks for so
 * much.
 */
export const STORE_TRIM_BYTES = 16 * 1024 * 1024;
/** Zeros written at once when the data file is made longer. */
export const STORE_ZEROS_BYTES = 1024 * 1024;
/** Octets of one transaction between two looks at the free space; LMDB writes after 512 MiB at the latest. */
export const STORE_SPACE_CHECK_BYTES = 64 * 1024 * 1024;
/** With less free space only upkeep may write: a twentieth of the file system, but not more than this. */
export const STORE_RESERVE_BYTES_MAX = 256 * 1024 * 1024;
/** Free space under which the operator is warned: a fifth of the file system, but not more than this. */
export const STORE_LOW_BYTES_MAX = 1024 * 1024 * 1024;
/** Problems that one integrity check reports; a damaged store has thousands alike. */
export const INTEGRITY_PROBLEMS_MAX = 100;
/** Octets of documents of one kind that are kept decoded: some thousand mail policies. Decoded ones take more. */
export const DOCUMENT_CACHE_BYTES_MAX = 4 * 1024 * 1024;
/** Secrets that are sealed again in one commit: some milliseconds, in which no other change has its turn. */
export const RESEAL_SECRETS_AT_ONCE = 256;
/**
 * Characters of a name or id as key: the longest name, each of its octets written \DDD, and what stands beside it.
 * LMDB takes 1978 octets.
 */
export const KEY_TEXT_CHARACTERS_MAX = 1100;
