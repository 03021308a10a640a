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
