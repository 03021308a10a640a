/** Limits of the policy host, its certificates, and the CA that gives them. */

/** One or two are usual: IPv4 and IPv6. */
export const HTTPS_LISTENERS_MAX = 16;
/** A and AAAA of `mta-sts.<domain>`: more than a sender would try, and each stands in every domain's zone. */
export const HTTPS_ADDRESSES_MAX = 8;
/** Each file is read at start and watched. */
export const HTTPS_CERTIFICATE_FILES_MAX = 256;
/** The first CA and a few to fall back to. */
export const ACME_DIRECTORIES_MAX = 4;
/** RFC 8555 §7.3 lets a CA reject accounts with too many; Let's Encrypt takes 10. */
export const ACME_CONTACTS_MAX = 10;

/** Self-signed certificates: long, because no client trusts them anyway, and each renewal needs a new `--cacert`. */
export const SELF_SIGNED_DAYS = 365;
/** Renewed with this much left: a server that is started once a month always has a valid one. */
export const SELF_SIGNED_RENEW_DAYS = 45;
/** Made for one commit: a P-256 key takes a tenth of a millisecond, and other changes wait for the commit. */
export const SELF_SIGNED_AT_ONCE = 64;
/** Zones looked at for hosts without a certificate at once: some 15 ms, in which nothing else is done. */
export const SELF_SIGNED_ZONES_AT_ONCE = 500;
/** How often control looks whether the store has changed: of 1,500 zones, each has its certificate within a second. */
export const SELF_SIGNED_LOOK_MS = 250;

/** RFC 5280 appendix A, ub-common-name. */
export const X509_COMMON_NAME_CHARACTERS_MAX = 64;
/** RFC 1035 §2.3.4: 255 octets with the length octets, so 253 characters of text. */
export const X509_DNS_NAME_CHARACTERS_MAX = 253;
/** Three octets of length: of all values that are written in DER here, none comes near. */
export const DER_LENGTH_MAX = 0xff_ffff;

// --- connections to the policy host ---

/** A TLS connection takes about 60 KiB here: 120 MiB for all. A mail server fetches a policy once a day or so. */
export const HTTPS_CONNECTIONS_MAX = 2_048;
/** Of one IPv4 address or one IPv6 /64: a large mail provider's exit has some tens at once. */
export const HTTPS_CONNECTIONS_PER_NETWORK_MAX = 64;
/** That asked for one host name: a flood at one tenant's host leaves three quarters to all the others. */
export const HTTPS_CONNECTIONS_PER_HOST_MAX = 512;
/** Handshakes under way. Each needs about a third of a millisecond of computing: the last one waits less than 0.1 s. */
export const HTTPS_HANDSHAKES_MAX = 256;
/** Of one network: who opens many at once shares this among them. */
export const HTTPS_HANDSHAKES_PER_NETWORK_MAX = 32;
/** Connections that the kernel keeps ready for us: a burst of a second. */
export const HTTPS_BACKLOG = 1_024;
/** Of a ClientHello with its records, which is kept until it is whole: with key shares of ML-KEM about 2 KiB. */
export const CLIENT_HELLO_BYTES_MAX = 16 * 1024;
/** Records of one ClientHello: clients send one, or two. What has come is looked at again with each packet. */
export const CLIENT_HELLO_RECORDS_MAX = 16;
/**
 * Age of ticket keys (RFC 5077 §5.5), and lifetime of a ticket: who takes the process later can open recorded
 * connections that were resumed within it. A sender that fetches many policies comes again within minutes, or a day.
 */
export const HTTPS_TICKET_KEYS_MS = 60 * 60_000;
/** From TCP to the end of the TLS handshake: some round trips over a slow line. */
export const HTTPS_HANDSHAKE_MS_MAX = 5_000;
/** From the handshake, or the last answer, to the end of the next request's headers. */
export const HTTPS_REQUEST_MS_MAX = 10_000;
/** From a request's headers until its answer is in the kernel's hands. A body is at most some tens of KiB. */
export const HTTPS_ANSWER_MS_MAX = 10_000;
/** However busy: a connection for so long is no fetch of a policy. It ends after its current answer. */
export const HTTPS_CONNECTION_MS_MAX = 10 * 60_000;
/** Requests on one connection; the last answer says that it closes. */
export const HTTPS_REQUESTS_PER_CONNECTION_MAX = 1_000;
/** How often connections are held to their times. */
export const HTTPS_LOOK_MS = 500;
/** Connections that end when the process does: for answers under way. */
export const HTTPS_DRAIN_MS = 2_000;
/** How often it is looked whether they have ended; small against HTTPS_DRAIN_MS. */
export const HTTPS_DRAIN_LOOK_MS = 20;

// --- requests ---

/** Of one request: method, path and headers. Senders need a few hundred octets. */
export const HTTPS_HEADER_BYTES_MAX = 8 * 1024;
/** Header lines of one request; browsers send about 20. */
export const HTTPS_HEADER_LINES_MAX = 64;
/** Octets that a connection may send beyond the headers of its requests: pings, settings, window updates. */
export const HTTPS_SPARE_BYTES_MAX = 64 * 1024;
/** HTTP/2 streams open at once on one connection: a policy is one. */
export const HTTPS_STREAMS_MAX = 16;
/** Streams that a client may reset at once and per second (CVE-2023-44487): more is an attack, and ends the session. */
export const HTTPS_STREAM_RESETS_BURST = 32;
export const HTTPS_STREAM_RESETS_PER_SECOND = 8;
/** SETTINGS and PING frames on one connection: clients send one SETTINGS at the start, and a PING per minute. */
export const HTTPS_SETTINGS_MAX = 16;
export const HTTPS_PINGS_MAX = 64;
/** Frames that are no HTTP/2 until the session ends. */
export const HTTPS_INVALID_FRAMES_MAX = 8;
/** MiB that nghttp2 may take for one session. */
export const HTTPS_SESSION_MEBIBYTES_MAX = 1;

// --- what the policy host keeps in memory ---

/** TLS contexts, about 40 KiB each: those asked for last. Another one takes about a millisecond to make. */
export const HTTPS_CONTEXTS_MAX = 1_024;
/** Octets of answers that are kept for the store's present generation. */
export const HTTPS_ANSWERS_BYTES_MAX = 16 * 1024 * 1024;
/** Lines of the access log in one second; how many were left out is in the next line. A flood must not fill a disk. */
export const HTTPS_LOG_LINES_PER_SECOND_MAX = 200;
/** Characters of a path in the access log. */
export const HTTPS_LOG_PATH_CHARACTERS_MAX = 256;
/** The supervisor starts the policy host when control is there, and without control after so long. */
export const POLICY_HOST_START_MS = 10_000;
/** How often the file of its key is looked for while it cannot be read: a first start waits for control to make it. */
export const HTTPS_KEY_LOOK_MS = 200;
/** Between the moment in which a process is confined and its first code, on a machine that has much to do. */
export const HTTPS_KEY_YOUNG_MS = 30_000;
/** The same complaint about a host's documents again, at the earliest. */
export const HTTPS_COMPLAIN_MS = 60_000;
/** Hosts whose complaints are remembered; past it all are forgotten, and each may be logged again. */
export const HTTPS_COMPLAINTS_MAX = 1_000;
/** First and longest wait before an address that could not be listened on is tried again. */
export const HTTPS_LISTEN_RETRY_MS_MIN = 1_000;
export const HTTPS_LISTEN_RETRY_MS_MAX = 30_000;
/** Of the process, nice(1): where cores are short, DNS comes first. */
export const HTTPS_PRIORITY = 5;

// --- bodies of requests ---

/** Bodies under way, together: reports of TLS-RPT, some hundred KiB each. */
export const HTTPS_BODIES_BYTES_MAX = 32 * 1024 * 1024;
/** Of one network. */
export const HTTPS_BODIES_PER_NETWORK_BYTES_MAX = 8 * 1024 * 1024;
/**
 * RFC 9112 §9.6: after an answer that ends a connection before its request's body has come, octets are read and
 * forgotten, so many and so long at most: what a client sends before it has seen the answer, over a slow line too.
 */
export const HTTPS_LINGER_BYTES_MAX = 4 * 1024 * 1024;
export const HTTPS_LINGER_MS_MAX = 2_000;
/** How often it is looked whether either is over. */
export const HTTPS_LINGER_LOOK_MS = 20;
