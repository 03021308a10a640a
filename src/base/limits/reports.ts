/**
 * Limits of reports about mail, DMARC and TLS: how much of one is read, how much is kept of all, and from where on
 * their numbers count as evidence. Any receiver of mail may write such reports, so each bound holds against
 * strangers. Each with its reason.
 */

// --- one report ---

/** A report as it is sent. XML shrinks to a twentieth, so REPORT_BYTES_MAX of it fits easily. */
export const REPORT_PACKED_BYTES_MAX = 1024 * 1024;
/** A report unpacked: some ten thousand rows. Receivers send larger ones in parts. */
export const REPORT_BYTES_MAX = 8 * 1024 * 1024;
/** Entries of a ZIP file that has a report, folders too; no report has as many. */
export const ZIP_ENTRIES_MAX = 16;
/** Packings around one report: a message, a zip in it, a gzip in that. */
export const REPORT_PACKINGS_MAX = 3;
/** Where the fields of a mail message are looked for: behind those that servers on the way have put before them. */
export const MESSAGE_HEADER_BYTES_MAX = 64 * 1024;
/** Parts of a mail message that are looked at: a text, its HTML and the report are usual. */
export const MESSAGE_PARTS_MAX = 50;
/** Parts within parts of a mail message, forwarded messages included. */
export const MESSAGE_DEPTH_MAX = 8;
/** `<` in a DMARC report: some 60 for a row. 8 MiB of empty elements would take a gigabyte when read. */
export const DMARC_REPORT_TAGS_MAX = 400_000;
/** Elements within elements of a DMARC report; the deepest of RFC 9990 is the sixth, extensions may nest deeper. */
export const DMARC_REPORT_DEPTH_MAX = 16;
/** Signatures reported in one row (RFC 9990 §3.1.3). */
export const DMARC_ROW_SIGNATURES_MAX = 100;
/**
 * Messages or sessions in one row: more than the largest receivers get for one domain in a day, and sums stay exact.
 */
export const REPORT_COUNT_MAX = 1_000_000_000;
/** Time that one report is about: a day is usual, a month at the most. */
export const REPORT_SPAN_MS_MAX = 31 * 86_400_000;
/** A report may end this much after now: receivers' clocks, and days that end elsewhere. */
export const REPORT_FUTURE_MS_MAX = 86_400_000;
/** Characters of an organization, a report's id or a failure type that are kept and shown. */
export const REPORT_TEXT_CHARACTERS_MAX = 120;
/** Different things of one report that are left out and named one by one; the rest is one entry. */
export const REPORT_LEFT_OUT_MAX = 8;
/** Policies in one TLS report: one for each mail host and kind is usual. */
export const TLS_REPORT_POLICIES_MAX = 1000;
/** Failure details of one policy in a TLS report. */
export const TLS_REPORT_DETAILS_MAX = 10_000;

// --- TLS reports that strangers post ---

/** Kinds of policies in a compact report; RFC 8460 §4.2 has three. */
export const TLS_COMPACT_POLICIES_MAX = 8;
/** Of a sender's name and a report's id in a compact report: longer ones are cut, and still tell reports apart. */
export const TLS_COMPACT_TEXT_CHARACTERS_MAX = 500;
/** A compact report with all its texts. */
export const POSTED_REQUEST_BYTES_MAX = 48 * 1024;
/** Posted reports that control works on at once: each is one commit of some milliseconds, beside other changes. */
export const POSTED_REPORTS_AT_ONCE = 4;
/** Posted as they are, unpacked by the policy host: a day of the largest receivers is a tenth of it. */
export const POSTED_REPORT_BYTES_MAX = 1024 * 1024;
/** Of one network, at once and then per second: a large sender reports to many domains of ours each day. */
export const POSTED_PER_NETWORK_BURST = 10;
export const POSTED_PER_NETWORK_PER_SECOND = 1;
/** For one domain, at once and then per second: senders of a day spread their reports over hours (RFC 8460 §4.1). */
export const POSTED_PER_DOMAIN_BURST = 30;
export const POSTED_PER_DOMAIN_PER_SECOND = 1 / 30;
/** Of all together: each report costs up to 0.1 s of computing, and a core has more to do. */
export const POSTED_BURST = 40;
export const POSTED_PER_SECOND = 4;
/** Networks and domains whose rates are known; past it all are forgotten. */
export const POSTED_RATES_MAX = 10_000;

// --- what is kept of a zone ---

/** Days: two months, as long as the steps of a ramp that is twice as slow as usual. */
export const REPORT_DAYS_MAX = 64;
/**
 * Reports remembered so that none counts twice: sixty receivers a day for REPORT_DAYS_MAX. The oldest are forgotten.
 */
export const REPORTS_KNOWN_MAX = 4000;
/** Reports shown: from whom and when, newest first. */
export const REPORTS_SHOWN_MAX = 8;
/** Sources of a day that have aligned mail, or that SPF names. The mail of further ones is summed up. */
export const SOURCES_KNOWN_PER_DAY_MAX = 100;
/** Unknown domains of a day, and unknown networks of a day: forgers use thousands, and the largest must be seen. */
export const SOURCES_UNKNOWN_PER_DAY_MAX = 40;
/** Networks of sources: what is announced on its own in BGP at the least, and what one site gets of IPv6. */
export const SOURCE_PREFIX_BITS = { 4: 24, 6: 48 } as const;
/** Sources that the operator has declared ours or not ours. */
export const REPORT_DECLARED_MAX = 200;
/** Names below a zone with a DMARC record of their own whose reports are kept; the longest unreported goes. */
export const REPORT_SUBDOMAINS_MAX = 20;
/** Selectors of a day; a domain has some ten. */
export const REPORT_SELECTORS_PER_DAY_MAX = 50;
/** Failure types of a day; RFC 8460 §4.3 has eleven. */
export const TLS_TYPES_PER_DAY_MAX = 24;

// --- as evidence ---

/** Reports of a day come one or two days later: a shorter time would never have any. */
export const REPORT_WINDOW_MS_MIN = 3 * 86_400_000;
/** A source counts when it has this part of the mail of all known sources… */
export const SOURCE_SHARE_MIN = 0.01;
/** …or so many messages on an average day: one in a hundred of a large sender is a department. */
export const SOURCE_MESSAGES_PER_DAY_MIN = 10;
/**
 * An unknown source that authenticates itself is asked about from so many messages on: below it is a person's mail over
 * a list.
 */
export const UNDECIDED_MESSAGES_MIN = 10;
/**
 * …and when it was seen on so many days: a source sends again and again, one flood of a forger is over after a day or
 * two…
 */
export const UNDECIDED_DAYS_MIN = 3;
/** …or when it has this part of all known mail, however rarely it sends: a monthly newsletter. */
export const UNDECIDED_SHARE_MIN = 0.1;
/**
 * Part of a source's mail, and of all known mail, that must be aligned. Forwarding that breaks signatures costs any
 * domain about one in a hundred.
 */
export const DMARC_ALIGNED_SHARE_MIN = 0.98;
/** Part of TLS sessions that may fail: connections break, and senders call that a failure. */
export const TLS_FAILED_SHARE_MAX = 0.01;
/** Sources named in a text; of more it tells the number. */
export const REPORT_SOURCES_TOLD_MAX = 4;
/** Sources shown one by one. */
export const REPORT_SOURCES_SHOWN_MAX = 20;
