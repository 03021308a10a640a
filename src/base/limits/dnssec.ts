/**
 * Limits of signing: how threads share the work, and default times. Each with its reason.
 */

/** Signatures made without worker threads: a twentieth of a second of work, about what starting a thread costs. */
export const SIGNING_INLINE_COUNT_MAX = 2000;
/** Signing threads at most: the answer workers need the other cores. */
export const SIGNING_WORKERS_MAX = 4;
/** Signatures in one message to a signing thread: many enough to cost nothing, few enough to share evenly. */
export const SIGNING_CHUNK_COUNT = 4096;
/** Requests that a signing thread has at the same time: when one is done, the next is there already. */
export const SIGNING_REQUESTS_PER_THREAD = 2;
/** Names of a new zone that are planned and signed together, of some 2 KiB each; a few such slices are in memory. */
export const NEW_ZONE_SLICE_NODES = 1000;
/**
 * Octets of a changeset that are kept as records while it is made, for the audit log and for who asked: some hundred
 * names. What is longer stands in an audit entry as its digest.
 */
export const NEW_ZONE_RECORDS_BYTES_MAX = 256 * 1024;
/**
 * Names that come or go in an NSEC3 chain whose neighbours are looked up one by one: a look-up costs some ten steps of
 * a walk, and a walk reads the whole chain.
 */
export const NSEC3_LOOKUPS_MAX = 256;
/**
 * Names of a zone with ZONEMD: each change reads and digests the whole zone, some 10 µs for each name, during which no
 * other change is made.
 */
export const ZONEMD_NODES_MAX = 20_000;
/** TTL of DNSKEY, CDS and CDNSKEY unless settings say otherwise: an hour, the wait of a rollover. */
export const KEY_TTL_SECONDS = 3600;
/** Tries for a key tag that is new in the zone: two in 65,536 collide, so a run of these is a broken random source. */
export const KEY_TAG_TRIES_MAX = 20;
/** Keys whose first checks are remembered; past it all are forgotten, which costs a few checks more. */
export const SELF_CHECK_KEYS_MAX = 10_000;
/** Signatures remembered as good: a dozen at the apex of each of a thousand zones that change, some 2 MiB. */
export const SELF_CHECK_GOOD_MAX = 16_384;
/** Octets for signatures taken from the platform at once: small, because one kept signature keeps all of them. */
export const SIGNATURE_SLAB_BYTES = 16 * 1024;
/**
 * Public keys that the platform's engine has read and keeps: a zone in a rollover has up to four, and two zones may
 * take turns.
 */
export const ENGINE_KEYS_MAX = 8;
/**
 * Shortest modulus of an RSA key (RFC 5702 §2: 512 bits). No such key is made here, and a signature by one is checked
 * as what it is.
 */
export const RSA_MODULUS_BYTES_MIN = 64;
/** Longest modulus of an RSA key (RFC 5702 §2: 4096 bits). */
export const RSA_MODULUS_BYTES_MAX = 512;
/** Longest exponent of an RSA key that is used: longer ones do not occur, and make each check slow. */
export const RSA_EXPONENT_BYTES_MAX = 8;
/**
 * How long a ZSK is used unless a policy says otherwise: 90 days, as RFC 6781 §3.3 has it for keys of ordinary
 * strength.
 */
export const ZSK_LIFETIME_SECONDS = 90 * 86_400;
/**
 * By then every name server of a zone has a change, unless a policy says otherwise: a lost NOTIFY and one SOA refresh.
 */
export const PROPAGATION_SECONDS = 3600;
/** The same at the parent: registries publish within the hour, and the slow ones can be given another number. */
export const PARENT_PROPAGATION_SECONDS = 3600;
/**
 * How long caches hold a DS whose TTL no server of the parent has told: a day, the longest in use at top-level domains.
 */
export const DS_TTL_SECONDS_UNKNOWN = 86_400;
/** Tags of keys that went and are not given to a new one: the last so many, which are years of rollovers. */
export const PAST_KEY_TAGS_MAX = 64;
/** How often the zone's name servers are asked while a rollover waits for them. */
export const ROLLOVER_CHECK_EVERY_MS = 60_000;
/** How often the parent's are: registries publish every few minutes at most, and they serve everybody. */
export const PARENT_CHECK_EVERY_MS = 600_000;
/** How often a parent is asked that nothing waits for: a DS that vanishes is found within six hours. */
export const PARENT_WATCH_EVERY_MS = 6 * 3_600_000;
/** After a start, so long between the first looks at the parents of two zones: 10,000 zones take under three hours. */
export const PARENT_WATCH_EACH_MS = 1000;
/** How often the list of zones is read again for that, at most: it is all of the zones' records. */
export const PARENT_WATCH_LIST_MS = 10_000;
/** DS records of one zone that are looked at: a zone in two rollovers has eight, more are an attack or a mistake. */
export const PARENT_DS_MAX = 32;
/** Places of the parent that are asked: 13 names with two addresses each, as the largest have. */
export const PARENT_PLACES_MAX = 26;
/** Zones whose parent's servers are remembered; past it all are looked up again. */
export const PARENT_ZONES_MAX = 10_000;
/** Labels between a zone and the zone above it: more do not occur. */
export const PARENT_LABELS_MAX = 16;
/** Addresses that a policy may name as those of the parent. */
export const PARENT_ADDRESSES_MAX = 16;
/** Shortest and longest times that a key policy may name: a second for tests, ten years for keys. */
export const POLICY_SECONDS_MIN = 1;
export const POLICY_SECONDS_MAX = 10 * 366 * 86_400;
/** Longest life of a signature that a policy may name: a year, past which a lost key is of use for too long. */
export const POLICY_SIGNATURE_SECONDS_MAX = 366 * 86_400;
/** Longest TTL of DNSKEY, and longest propagation: a week, which caches cap TTLs at. */
export const POLICY_WAIT_SECONDS_MAX = 7 * 86_400;
/** Turns of a forecast: a rollover has four stages and a few looks in each. */
export const ROLLOVER_FORECAST_STEPS_MAX = 200;
/**
 * Least time that a signature has left when it is renewed, beside the propagation: two sweeps, so that a missed one
 * does no harm.
 */
export const SIGNATURE_REFRESH_SECONDS_MIN = 2 * 3600;
/** Less than this left at the renewal is warned of: a week without signing, or with a wrong clock, is survived. */
export const SIGNATURE_DEAD_SECONDS = 7 * 86_400;
/** Zones and names of each that are checked once a minute as they are served: some 20 ms of work. */
export const SERVED_SAMPLE_ZONES = 8;
export const SERVED_SAMPLE_NODES = 4;
/** RRsets that are asked for over the network at each zone, beside DNSKEY and one name that is not there. */
export const SERVED_ASKED_NAMES = 2;
/** Tries to find them by chance: a zone may have names that are not asked for. */
export const SERVED_SAMPLE_TRIES = 6;
/** A wall clock that is further than this from the uptime has jumped: NTP slews a fraction of it in a day. */
export const CLOCK_JUMP_MS = 60_000;
/** Further apart, signatures that are valid either way would live for too long: a week, and a minute to tell it. */
export const CLOCK_UNSURE_MS_MAX = 7 * 86_400_000 + 60_000;
/** Key policies with names: one for each kind of customer, and no more than a person can tell apart. */
export const KEY_POLICIES_MAX = 100;
/** Zones whose plans are shown when a named policy changes; the others are counted. */
export const POLICY_PLAN_ZONES_MAX = 20;
/** Zones of a policy that is changed take it over within this time, spread evenly: signing is never all at once. */
export const POLICY_SPREAD_MS = 3_600_000;
/** The same of a few zones: one every so often. */
export const POLICY_SPREAD_EACH_MS = 250;
/** Keys that one request brings: the KSK and ZSK of a zone, and the next ones. */
export const KEYS_IMPORTED_MAX = 8;
/** Characters of a private key as text: RSA with 4096 bits takes 3,400 in either form, and comments come with it. */
export const KEY_TEXT_CHARACTERS_MAX = 8192;
/** DNSKEY records of others in a zone: each provider has up to four in a rollover, and answers must fit UDP. */
export const FOREIGN_KEYS_MAX = 8;
/** Shorter RSA keys are within reach of factoring; they are taken: a zone must move before it can leave them. */
export const RSA_MODULUS_BITS_WARNED = 2048;
/**
 * How long caches hold the DNSKEY RRset that another server gave out, whose TTL is not known: a day, the longest in
 * use by signers.
 */
export const FOREIGN_KEY_TTL_SECONDS_UNKNOWN = 86_400;
/** Octets of a file with keys: every key of a zone in all its forms takes a tenth of it. */
export const KEY_FILE_BYTES_MAX = 256 * 1024;
/**
 * Iterations of the NSEC3 hash in a zone that another signer has signed: an answer about a random name then takes some
 * 150 µs of SHA-1. Validators take 50 to 150 (RFC 9276 §3.2); with more the zone is insecure or bogus to them.
 */
export const NSEC3_ITERATIONS_MAX = 150;
/** Nodes of a pre-signed zone that are checked before other work has its turn: some ten milliseconds. */
export const PRESIGNED_VERIFY_NODES = 200;
/** Problems of a pre-signed zone that are shown: a wrong key makes one for each RRset. */
export const PRESIGNED_PROBLEMS_MAX = 20;
/** Signatures over one RRset: keys of three algorithms, each in a rollover. */
export const PRESIGNED_SIGNATURES_MAX = 12;
/** Less than this left of the first signature is warned of: a week, in which a signer that died is noticed. */
export const PRESIGNED_WARN_SECONDS = 7 * 86_400;
/** Less than this is an error: a day is left for the transfer and for caches. */
export const PRESIGNED_LATE_SECONDS = 86_400;
/** Name servers of a parent that are asked for its DSYNC record, one after the other: all have the same. */
export const DSYNC_SERVERS_MAX = 4;
/** Addresses of the endpoint that a NOTIFY(CDS) is tried at, one after the other. */
export const CDS_NOTIFY_ADDRESSES_MAX = 4;
/** Zones whose parents are sent messages at the same time. */
export const CDS_NOTIFY_AT_ONCE_MAX = 16;
/** How often what is remembered of zones that were removed is dropped. */
export const CDS_NOTIFY_SWEEP_MS = 60_000;
/** Waits before it is sent again (RFC 1996 §3.6: up to five times); then the parent looks by itself. */
export const CDS_NOTIFY_WAITS_MS: readonly number[] = [1_000, 5_000, 30_000, 120_000, 600_000];
/** Zones whose rollovers are counted for one scrape of the metrics: each is a document to be read. */
export const DNSSEC_METRIC_ROLLOVERS_MAX = 10_000;

// --- as a parent: DS records of delegations from CDS and CDNSKEY ---

/** CDS or CDNSKEY records of a child that are looked at: a child in two rollovers has eight. */
export const CHILD_CDS_MAX = 16;
/** DNSKEY records of a child that are looked at: two providers with KSK and ZSK, each in a rollover, have eight. */
export const CHILD_KEYS_MAX = 16;
/** Signatures that are checked for one look at a child (KeyTrap): three RRsets in two forms take six. */
export const CHILD_VERIFICATIONS_MAX = 16;
/** Addresses of a child's name servers that are asked; a child with more is left as it is. */
export const CHILD_PLACES_MAX = 26;
/** Delegations of one zone that are looked at: 10,000 each quarter of a day are one look every two seconds. */
export const CHILDREN_MAX = 10_000;
/** Children that are looked at at the same time, each with some questions under way. */
export const CHILD_LOOKS_AT_ONCE = 4;
/** Looks in one piece of work: servers that do not answer take half a minute, then other zones have their turns. */
export const CHILD_LOOKS_PER_WORK = 8;
/** Zones whose children are looked at at the same time. */
export const CHILD_ZONES_AT_ONCE = 4;
/** How often a child is looked at that has sent no NOTIFY. */
export const CHILD_LOOK_EVERY_MS = 6 * 3_600_000;
/** A child is looked at no more often than this, however many NOTIFY messages come: anyone can send them. */
export const CHILD_LOOK_LEAST_MS = 2_000;
/** Waits before the next look at a child whose servers do not agree, or do not answer; the last one stays. */
export const CHILD_HELD_WAITS_MS: readonly number[] = [5_000, 30_000, 300_000, 3_600_000];
/** After a start, so long between the first looks at two children. */
export const CHILD_LOOK_EACH_MS = 200;
/** A zone that changes all the time is searched for delegations no more often than this, */
export const CHILD_LIST_LEAST_MS = 5_000;
/** and no more often than so many times as long as the last search took: it is a twentieth of the work at most. */
export const CHILD_LIST_TIMES = 20;
/** Names of a zone that are searched for delegations before other work has its turn: some milliseconds. */
export const CHILD_LIST_NODES = 500;
/** TTL of DS records that come from CDS: an hour, so that a rollover is soon over and a mistake soon mended. */
export const CHILD_DS_TTL_SECONDS = 3600;
/** Longest that can be asked for: a day, as registries have it. */
export const CHILD_DS_TTL_SECONDS_MAX = 86_400;
/** Addresses that a setting names in place of those of the children's NS records. */
export const CHILD_SERVERS_MAX = 16;
/** Name servers of a zone below whose names its signals stand (RFC 9615): 13 names are what the largest have. */
export const SIGNAL_HOSTS_MAX = 13;
