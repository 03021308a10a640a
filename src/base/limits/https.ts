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
/** How often control looks whether the store has changed: a new zone's host has its certificate within a second. */
export const SELF_SIGNED_LOOK_MS = 250;

/** RFC 5280 appendix A, ub-common-name. */
export const X509_COMMON_NAME_CHARACTERS_MAX = 64;
/** RFC 1035 §2.3.4: 255 octets with the length octets, so 253 characters of text. */
export const X509_DNS_NAME_CHARACTERS_MAX = 253;
/** Three octets of length: of all values that are written in DER here, none comes near. */
export const DER_LENGTH_MAX = 0xff_ffff;
