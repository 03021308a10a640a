/**
 * Limits of mail policies and of the records that they result in. Each with its reason.
 * Not here: SPF (spf.ts), reports (reports.ts), life cycles of any kind (lifecycle.ts).
 */

// --- mail policy ---

/** A mail policy document: some hundred keys and hosts. */
export const MAIL_POLICY_BYTES_MAX = 256 * 1024;
/** Entries in any list of a mail policy: signers, selectors, mechanisms. */
export const MAIL_POLICY_ITEMS_MAX = 256;
/** Of a text that is shown in a problem. */
export const TEXT_SHOWN_CHARACTERS_MAX = 100;
/** Keys of one TLSA host in a policy: those in use and those to come, of two algorithms each, twice over. */
export const TLSA_KEYS_MAX = 8;
/** Records that a proposal names though no policy is about them. */
export const MAIL_IMPORT_OTHERS_MAX = 100;
/** Hosts outside that one `mail check` looks up, three types each: a domain has few mail hosts and report addresses. */
export const MAIL_CHECK_HOSTS_MAX = 32;
/** Keys published ahead of their use, per algorithm: each can be found by walking the zone, so a few. */
export const DKIM_SPARE_KEYS_MAX = 4;
/** Keys that plans showed and nothing used, in memory: some for the few zones that people plan at the same time. */
export const DKIM_PLANNED_KEYS_MAX = 64;

// --- mail records ---

/** Aliases followed inside our own zones to where a policy host leads; more is a circle. */
export const STS_HOST_ALIASES_MAX = 8;

/** Shortest RSA key that verifiers accept (RFC 8301 §3.2). */
export const DKIM_RSA_BITS_MIN = 1024;
/** RSA keys should be at least this long (RFC 8301 §3.2). */
export const DKIM_RSA_BITS_GOOD = 2048;
/** Longest RSA key that verifiers must support (RFC 8301 §3.2). */
export const DKIM_RSA_BITS_MAX = 4096;
/** A DMARC tree walk shortens a longer name to so many labels (RFC 9989 §4.10): at most 8 queries. */
export const DMARC_WALK_LABELS_MAX = 7;
/** An MTA-STS id (RFC 8461 §3.1). */
export const STS_ID_CHARACTERS_MAX = 32;
/** Longest MTA-STS max_age, about a year (RFC 8461 §3.2). */
export const STS_MAX_AGE_SECONDS_MAX = 31_557_600;
/** A settled MTA-STS policy should be kept at least so long: RFC 8461 §3.2 expects weeks. */
export const STS_MAX_AGE_SECONDS_GOOD = 7 * 86_400;
/** …and a new one so long: senders fetch a policy once a day at least (RFC 8461 §3.3, §10.2). */
export const STS_SHORT_AGE_SECONDS_GOOD = 86_400;
/** An MTA-STS policy body: senders need not fetch more (RFC 8461 §3.3). */
export const STS_POLICY_BYTES_MAX = 64 * 1024;
/** An SVG logo, uncompressed: mailbox providers reject more than this (draft-svg-tiny-ps-abrotman §2.4). */
export const BIMI_SVG_BYTES_MAX = 32 * 1024;
/** Elements within elements of an SVG logo; drawing programs make fewer than 20. */
export const BIMI_SVG_DEPTH_MAX = 64;
/** Elements drawn when every `use` is followed: 32 KiB of nested ones could draw 2^100. */
export const BIMI_SVG_DRAWN_MAX = 10_000;

// --- DKIM ---

/** The next key is published this long before its turn, or half the interval if that is less: secondaries may lag. */
export const DKIM_PREPARE_MS_MAX = 2 * 86_400_000;
/** Longest time without a query that counts as evidence: mail that is sent daily causes a query within it. */
export const DKIM_QUIET_MS_MAX = 86_400_000;
/** Rounds of one step that make keys: the first asks for keys, the second uses them; a third is a bug. */
export const DKIM_KEY_ROUNDS_MAX = 3;

// --- BIMI ---

/** Title of an SVG logo; a longer one is a warning (draft-svg-tiny-ps-abrotman §2.1). */
export const BIMI_TITLE_CHARACTERS_MAX = 64;
/** Width and height of an SVG logo; Gmail shows none that is smaller. */
export const BIMI_SIDE_PIXELS_MIN = 96;
/** Evidence in PEM: a mark certificate with a logo of 32 KiB in it has some 60 KiB, those of its issuers 2 KiB each. */
export const BIMI_EVIDENCE_BYTES_MAX = 96 * 1024;
/** A mark certificate, its issuers, a cross-signed root. */
export const BIMI_EVIDENCE_CERTIFICATES_MAX = 6;
/** Clocks of receivers differ by this much from ours. */
export const BIMI_EVIDENCE_CLOCK_MS = 300_000;
/** So long before it ends a mark certificate is warned of: a new one takes a mark CA weeks. */
export const BIMI_EVIDENCE_ENDING_MS = 45 * 86_400_000;
/** …and once more: by then a new one should have been uploaded. */
export const BIMI_EVIDENCE_LAST_MS = 7 * 86_400_000;
/** Evidence is looked at as often as this, whatever is to come: the policy may name another selector meanwhile. */
export const BIMI_EVIDENCE_IDLE_MS = 7 * 86_400_000;
/** Zones whose evidence is looked at, at the same time: each look is one small commit. */
export const BIMI_ZONES_AT_ONCE = 4;
/** A logo that was replaced is served so long: mail programs fetch the logos of mail that was received before. */
export const BIMI_KEEP_OLD_MS = 30 * 86_400_000;
/** Selectors of one domain with a logo here: a brand has few, and each may keep 128 KiB. */
export const BIMI_UPLOADS_MAX = 8;
/** Logos and evidence that are kept for one domain: the uploads, and as many that they replaced. */
export const BIMI_HOSTED_BYTES_MAX = 2 * BIMI_UPLOADS_MAX * (BIMI_SVG_BYTES_MAX + BIMI_EVIDENCE_BYTES_MAX);
/** …and so many: small ones, uploaded again and again, fill a state that every step of the zone's mail reads. */
export const BIMI_HOSTED_PAIRS_MAX = 32;

/** A policy host of another server is looked at this often: mail may bounce while it shows something wrong. */
export const STS_WATCH_EVERY_MS = 3_600_000;
/** After a look that failed it is looked at again so soon, doubled each time up to the second one. */
export const STS_WATCH_SOON_MS = 10_000;
export const STS_WATCH_SOON_MS_MAX = 300_000;
/** Looks in a row that fail before the operator hears of it: one connection may break off. */
export const STS_WATCH_FAILURES_MIN = 3;
/** What is still wrong is said again once a day. */
export const STS_WATCH_ALERT_EVERY_MS = 86_400_000;
/** A certificate that ends sooner than this has no successor in sight: others renew a third of its life before. */
export const STS_WATCH_CERTIFICATE_MS = 3 * 86_400_000;
/** Zones whose policy hosts are looked at, at the same time. */
export const STS_WATCH_ZONES_AT_ONCE = 8;
