/**
 * Limits of signing: how threads share the work, and default times. Each with its reason.
 */

/** Signatures made without worker threads: a twentieth of a second of work, about what starting a thread costs. */
export const SIGNING_INLINE_COUNT_MAX = 2000;
/** Signing threads at most: the answer workers need the other cores. */
export const SIGNING_WORKERS_MAX = 4;
/** Signatures in one message to a signing thread: many enough to cost nothing, few enough to share evenly. */
export const SIGNING_CHUNK_COUNT = 4096;
/** TTL of DNSKEY, CDS and CDNSKEY unless settings say otherwise: an hour, the wait of a rollover. */
export const KEY_TTL_SECONDS = 3600;
/** Tries for a key tag that is new in the zone: two in 65,536 collide, so a run of these is a broken random source. */
export const KEY_TAG_TRIES_MAX = 20;
/** Keys whose first checks are remembered; past it all are forgotten, which costs a few checks more. */
export const SELF_CHECK_KEYS_MAX = 10_000;
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
