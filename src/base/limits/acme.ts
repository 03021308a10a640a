/** Limits of certificates from a CA: its answers, and when it is asked again. Each with its reason. */

/** Most answers have a few hundred octets; a certificate chain has about 6,000. */
export const ACME_ANSWER_BYTES_MAX = 262_144;
/** For one request with its answer; a CA that waits longer than this is asked again. */
export const ACME_REQUEST_MS_MAX = 20_000;
/** A CA may reject any number of nonces (RFC 8555 §6.5); it is asked again at once this often, and then later. */
export const ACME_NONCE_TRIES_MAX = 5;
/** Nonces that are kept for the next request to a directory; each request brings one. */
export const ACME_NONCES_MAX = 32;
/** A URL of the CA that is kept with an order. */
export const ACME_URL_CHARACTERS_MAX = 1024;
/** What a CA says about a failure is kept with the state and shown. */
export const ACME_TEXT_CHARACTERS_MAX = 500;
/** RFC 8555 §8.3 asks for 128 random bits, 22 characters; the token becomes part of what is hashed. */
export const ACME_TOKEN_CHARACTERS_MAX = 256;
/** A CA offers a few kinds of challenges for each name. */
export const ACME_CHALLENGES_MAX = 32;
/** Let's Encrypt has four. */
export const ACME_PROFILES_MAX = 64;
/** Host, two intermediates and a root are the longest in use. */
export const ACME_CHAIN_CERTIFICATES_MAX = 8;
/** A directory changes with the CA's software: it is read again this often. */
export const ACME_DIRECTORY_KEPT_MS = 3_600_000;

/** The CA did not answer, or had a fault: asked again after this, a few times, and then doubled each time. */
export const ACME_RETRY_MS_MIN = 1_000;
export const ACME_RETRIES_ALIKE = 3;
export const ACME_RETRY_MS_MAX = 900_000;
/** A request that may be repeated is, at once, before it counts as failed: a connection breaks off now and then. */
export const ACME_TRIES_AT_ONCE = 3;
/** The CA rejected the order. Let's Encrypt takes five failed validations for each host and hour. */
export const ACME_REJECTED_MS_MIN = 900_000;
export const ACME_REJECTED_MS_MAX = 86_400_000;
/** How long a CA may tell its clients to stay away: past this it is asked again all the same. */
export const ACME_RETRY_AFTER_MS_MAX = 86_400_000;
/** Between two looks at an order that the CA works on, when it does not say. */
export const ACME_POLL_MS = 2_000;
/** Failures without an answer, after which the next directory is tried. */
export const ACME_FAILURES_BEFORE_NEXT = 4;
/** An order whose end the CA does not say; Let's Encrypt keeps them for seven days. */
export const ACME_ORDER_MS_MAX = 7 * 86_400_000;

/**
 * A certificate is not renewed in its first day, or tenth of its life, whatever its CA suggests: a CA in error would
 * have orders without end.
 */
export const ARI_FIRST_MS = 86_400_000;
/** RFC 9773 §4.3.3: a Retry-After outside these bounds is taken as the nearer one, and none as six hours. */
export const ARI_RETRY_MS_MIN = 60_000;
export const ARI_RETRY_MS_MAX = 86_400_000;
export const ARI_RETRY_MS_DEFAULT = 6 * 3_600_000;

/** With what stands before it in the store, a host is a key there, which takes 200 characters. */
export const CERTIFICATE_HOST_CHARACTERS_MAX = 180;
/** Hosts of one zone that have certificates; each has at most two objects. */
export const CERTIFICATE_HOSTS_PER_ZONE_MAX = 100;
/** Requests to CAs at the same time, for one zone. */
export const CERTIFICATE_REQUESTS_AT_ONCE = 16;
/** Zones whose certificates are worked on at the same time. */
export const CERTIFICATE_ZONES_AT_ONCE = 8;
/** Rounds of asking and storing in one piece of work; what is left is due at once. */
export const CERTIFICATE_ROUNDS_MAX = 16;
/** Clocks of clients differ by this much from ours: a certificate that begins later than this is not valid yet. */
export const CERTIFICATE_CLOCK_MS = 300_000;
/** An alert says that this part of a certificate's life is left and that there is no new one. */
export const CERTIFICATE_ALARM_SHARE = 1 / 6;
/** Zones whose certificates are counted for one scrape of the metrics: each is a document to be read. */
export const CERTIFICATE_METRIC_ZONES_MAX = 10_000;
/** Second look at a certificate that was just installed, and the longest pause between looks: each is a handshake. */
export const CERTIFICATE_SERVED_FIRST_MS = 1_000;
export const CERTIFICATE_SERVED_LOOK_MS = 300_000;
/** After this the operator hears once of an installed certificate that the policy host is not seen with. */
export const CERTIFICATE_UNSERVED_ALARM_MS = 300_000;
/** A certificate that waits for the TLSA record of its key is looked at again so soon at the earliest. */
export const CERTIFICATE_DEPLOY_LOOK_MS = 1_000;
/** Certificates that `/v1/status` names, those in trouble first; the lists of the zones have all of them. */
export const CERTIFICATE_STATUS_MAX = 20;
/** Files of certificates are looked at this often: a new one serves soon after it was put there. */
export const CERTIFICATE_FILES_LOOK_MS = 2_000;
/** A file with a chain and a key. */
export const CERTIFICATE_FILE_BYTES_MAX = 262_144;
/** TTL of a challenge: short, because a value that is looked up too early is asked for again. */
export const CHALLENGE_TTL_SECONDS = 30;
