/**
 * Limits of the admin API and of its command line: requests, answers, log-ins. Each with its reason.
 */

/** A JSON body: 10,000 RRset operations of ordinary length fit. */
export const JSON_BODY_BYTES_MAX = 1024 * 1024;
/** A JSON body of a PowerDNS client: as many RRsets as in a change of ours, which takes more words there. */
export const POWERDNS_BODY_BYTES_MAX = 8 * 1024 * 1024;
/** Kind, account and soa_edit_api of a zone: PowerDNS keeps 40 characters of an account. */
export const POWERDNS_LABEL_CHARACTERS_MAX = 40;
/** RRsets that ExternalDNS gets: it holds all of them, and asks for them each minute. */
export const EXTERNALDNS_ENDPOINTS_MAX = 100_000;
/** Records of one of them. */
export const EXTERNALDNS_TARGETS_MAX = 1000;
/** TTL of a new RRset that ExternalDNS gives none: what it takes for usual itself. */
export const EXTERNALDNS_TTL_SECONDS = 300;
/** TTL of SOA and NS of a zone that a PowerDNS client makes without them, as PowerDNS has it. */
export const POWERDNS_TTL_SECONDS = 3600;
/** Levels of a JSON body: a mail policy has six. What reads documents may call itself for each level. */
export const JSON_LEVELS_MAX = 32;
/**
 * A zone file over HTTP, unless configured: some 4 million records, far above what one import should hold in memory.
 */
export const ZONE_FILE_BYTES_MAX = 256 * 1024 * 1024;
/** Names of a zone that is shown whole in one turn of the event loop: some 50 ms. A larger one is read in parts. */
export const EXPORT_AT_ONCE_NODES_MAX = 10_000;
/** Such reads at once: each keeps a snapshot of the store. */
export const EXPORTS_MAX = 8;
/** A token's share of them. */
export const EXPORTS_PER_TOKEN_MAX = 2;
/** Of them, only for administrators. */
export const EXPORTS_RESERVED = 2;
/** Of one: a million names over a slow line. The store's file may grow for as long. */
export const EXPORT_MS_MAX = 10 * 60_000;
/** Imports of more than a JSON body's octets that wait or run: each has its text in memory, and they run one by one. */
export const LARGE_IMPORTS_MAX = 8;
/** A token's share of them: it sends the next when one has been answered, and may have one ready. */
export const LARGE_IMPORTS_PER_TOKEN_MAX = 2;
/** Of them, only for administrators. */
export const LARGE_IMPORTS_RESERVED = 2;
/**
 * Records that one command of a token without scope `admin` may bring: a customer's zone, not a registry's. Reading,
 * checking and signing takes the control process 20 s for 100,000 on a busy core, and 50 MiB.
 */
export const TOKEN_RECORDS_MAX = 100_000;
/** Of them, made by $GENERATE: the names of a /17 reverse zone, from one line. */
export const TOKEN_GENERATED_RECORDS_MAX = 32_768;
/** A name in a URL: 255 octets, each at most `%5C255`. */
export const URL_PARAMETER_CHARACTERS_MAX = 255 * 6;
/** Request line and headers; the longest URL (two names and a query) is below 4 KiB. */
export const HTTP_HEADER_BYTES_MAX = 16 * 1024;
/** Open connections per admin listener: people, scripts and a scraper; more is a leak or an attack. */
export const ADMIN_CONNECTIONS_MAX = 256;
/** One network's share of them over TCP; none for this machine: a proxy here may bring all clients' connections. */
export const ADMIN_CONNECTIONS_PER_NETWORK_MAX = ADMIN_CONNECTIONS_MAX / 4;
/** Time for the headers of a request: a slow client holds a connection slot no longer than this. */
export const HTTP_HEADERS_MS_MAX = 10_000;
/** Time for a whole request, unless configured: a 256 MiB zone file at 1 MiB/s, rounded up. */
export const HTTP_REQUEST_MS_MAX = 300_000;
/** Requests of one connection that are sent before answers have come: programs that do so send a few. */
export const HTTP_PIPELINED_MAX = 32;
/**
 * A connection on which nothing comes and nothing goes: its client has stopped reading an answer, which is in memory
 * until then. Longer than CLI_ANSWER_MS_MAX, in which a request may be carried out.
 */
export const HTTP_IDLE_MS_MAX = 600_000;
/** Requests of one token a minute over TCP: 100 a second is a busy script. The Unix socket has no limit. */
export const API_REQUESTS_PER_MINUTE_MAX = 6000;
/**
 * Tokens whose requests at that rate one address (IPv6: /64) may send: tenants behind one proxy or translator do not
 * shut out each other.
 */
export const API_TOKENS_PER_ADDRESS = 4;
/** Failed log-ins per client address and minute, then 429. Good tokens still work: 256-bit secrets cannot be guessed,
 * but a lock-out can be abused. */
export const AUTH_FAILURES_PER_MINUTE_MAX = 10;
/** Items in one page of a list when the client does not say. */
export const PAGE_ITEMS_DEFAULT = 100;
/** Items in one page at most. */
export const PAGE_ITEMS_MAX = 1000;
/** RRsets of a zone that a list looks at before other work has its turn: some milliseconds. */
export const RRSETS_STEP_COUNT = 2000;
/** Operations in one PATCH of RRsets; what is more is a zone-file import. */
export const RRSET_OPERATIONS_MAX = 10_000;
/**
 * How long `?wait=served` waits for the workers: they follow within milliseconds, a worker restart takes under a
 * second.
 */
export const WAIT_SERVED_MS_MAX = 10_000;
/** Requests that wait so at the same time: with every worker down each holds its connection for those ten seconds. */
export const SERVED_WAITS_MAX = 128;
/** A token's share of them; a further request is answered at once with 202. */
export const SERVED_WAITS_PER_TOKEN_MAX = SERVED_WAITS_MAX / 4;
/** Of them, only for administrators. */
export const SERVED_WAITS_RESERVED = SERVED_WAITS_MAX / 4;
/** A token's name, for people. */
export const TOKEN_NAME_CHARACTERS_MAX = 100;
/** Name of a token's owner, for people. */
export const TOKEN_OWNER_CHARACTERS_MAX = 200;
/** Grants of a token: one for each zone of a customer; more are a scope for all zones. */
export const TOKEN_GRANTS_MAX = 100;
/** Patterns and types of a grant: each is looked at for each RRset that is listed. */
export const TOKEN_GRANT_PATTERNS_MAX = 50;
/** RRsets outside of the sender's rights that an answer names: each repeats the rights. */
export const SCOPE_PROBLEMS_MAX = 10;
/** Networks that a token may come from. */
export const TOKEN_NETWORKS_MAX = 100;
/** The use of a token is written down this often: a write for each request would be as dear as the request. */
export const TOKEN_USE_WRITTEN_MS = 3_600_000;
/** Shortest period without use that can end a token: last uses are known to the hour after a restart. */
export const TOKEN_UNUSED_SECONDS_MIN = 86_400;
/** How long the command line waits for an answer: as long as the server may take over one request. */
export const CLI_ANSWER_MS_MAX = 300_000;
/**
 * Words compared for "did you mean": people do not mistype longer ones, and the table grows with the product of the
 * lengths.
 */
export const NEAREST_WORD_CHARACTERS_MAX = 64;
/** With more zones than this, metrics have no zone label: a scrape must stay small. */
export const METRIC_ZONES_MAX = 1000;
/**
 * Zones whose documents are read for metrics without a pause: about 3 ms. With more that are new or have changed, the
 * others follow while other work continues.
 */
export const ZONES_KEPT_AT_ONCE = 25;
/** The pause before the next so many: ten thousand zones take about four seconds. */
export const ZONES_KEPT_PAUSE_MS = 10;
/**
 * Series of requests by route, method and status: there are 300 routes with a few statuses each, and a scrape must stay
 * small.
 */
export const REQUEST_SERIES_MAX = 2000;
/** For running admin requests to end after TERM; less than SHUTDOWN_MS. */
export const ADMIN_DRAIN_MS = 3000;
/** A hook that waits for a TLSA record asks this often: the waits are hours, and a key given up is noticed soon. */
export const CLI_HOOK_POLL_MS = 15_000;
/** How long such a hook waits unless it is given another time: two TTLs of a day would be unusual. */
export const CLI_HOOK_WAIT_MS_DEFAULT = 86_400_000;
/** Names that a hook asks the server about to find the zones of a certificate's names; more are of no mail host. */
export const HOOK_NAMES_MAX = 400;
/** A hook that finds no server asks again after this: a control process is back within a second or two. */
export const CLI_HOOK_RETRY_MS = 1000;
/** What was deployed is reported for at least as long: the old record could else stay for ever. */
export const CLI_HOOK_REPORT_MS = 60_000;
/** A UUID has 36 characters; one below 16 can be guessed, and is used twice by mistake. */
export const IDEMPOTENCY_KEY_CHARACTERS_MIN = 16;
/** As long as the draft's examples need, and no store of texts. */
export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 255;
/** How long an answer is kept for repetitions: programs try again for minutes, people on the next day. */
export const KEPT_ANSWER_MS = 86_400_000;
/** Answers kept of one token: its oldest one goes before. A client repeats what it sent last. */
export const KEPT_ANSWERS_PER_SENDER_MAX = 256;
/** Answers kept in all, of 16 tokens that use their share. */
export const KEPT_ANSWERS_MAX = 16 * KEPT_ANSWERS_PER_SENDER_MAX;
/** An answer, packed: 64 MiB of them in all. One of a hundred changed records has a tenth of it. */
export const KEPT_ANSWER_BYTES_MAX = 16 * 1024;
/** The same before it is packed. */
export const KEPT_ANSWER_PLAIN_BYTES_MAX = 256 * 1024;
/** Names that the admin listener is known by: one for each way in. */
export const ADMIN_HOSTS_MAX = 64;
/** Networks of proxies: one for each proxy, or for the network that they are in. */
export const TRUSTED_PROXIES_MAX = 64;
/** Addresses in X-Forwarded-For: a content network, a load balancer and a proxy are three. */
export const FORWARDED_ADDRESSES_MAX = 16;
/** How often the certificate of the admin listener is looked at: a wrong one is logged soon. */
export const ADMIN_TLS_LOOK_MS = 10_000;
