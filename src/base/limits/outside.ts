/**
 * Limits of what is asked outside: recursive servers, name servers, MTA-STS policy hosts; each with its reason.
 */

/** Tries at each server: a lost datagram is made good, a dead server does not hold up a check for long. */
export const RESOLVER_TRIES = 2;
/** Longest text of an observation: it is kept with the state. */
export const OBSERVATION_CHARACTERS_MAX = 200;
/** Requests of the API that ask outside at the same time: each may have ten look-ups open, and steps of mail use the same sockets. */
export const OUTSIDE_LOOKS_MAX = 32;
/** A token's share of them: a tree whose name servers do not answer takes half a minute. */
export const OUTSIDE_LOOKS_PER_TOKEN_MAX = OUTSIDE_LOOKS_MAX / 8;
/** Of them, only for administrators. */
export const OUTSIDE_LOOKS_RESERVED = OUTSIDE_LOOKS_MAX / 4;
/** Recursive servers in the configuration: they are asked one after the other, and a look-up must end. */
export const RESOLVERS_MAX = 8;
/** For the whole fetch of an MTA-STS body: RFC 8461 §3.3 has one minute for senders, but what takes this long is found wanting in time. */
export const STS_PROBE_MS_MAX = 10_000;
/** To connect to one address of the policy host; senders continue with the next one. */
export const STS_PROBE_CONNECT_MS_MAX = 4_000;
/** Addresses of one host that are looked at; content networks have up to eight. */
export const PROBE_ADDRESSES_MAX = 8;
/** Addresses of one name server that are asked; two is usual. */
export const NAME_SERVER_ADDRESSES_MAX = 8;
/** Names of name servers whose addresses are remembered, for all zones; past it all are looked up again. */
export const NAME_SERVER_HOSTS_MAX = 10_000;
/** Networks that the probe may reach though no host outside can. */
export const STS_PROBE_NETWORKS_MAX = 64;
/** For a STARTTLS look at all addresses of a mail host: postscreen lets an unknown client wait six seconds. */
export const STARTTLS_LOOK_MS_MAX = 20_000;
/** To connect to one address of a mail host; senders continue with the next one. */
export const STARTTLS_CONNECT_MS_MAX = 5_000;
/** Octets that a mail host may say before TLS: 100 lines of 512 octets (RFC 5321 §4.5.3.1.5) at most. */
export const STARTTLS_REPLY_BYTES_MAX = 51_200;
/** Octets of a handshake: longer chains are sent to do harm. OpenSSL stops at 100 KiB of certificates by itself. */
export const STARTTLS_HANDSHAKE_BYTES_MAX = 262_144;
/** Certificates of one chain that are judged; four is usual. */
export const PRESENTED_CERTIFICATES_MAX = 16;
/** Characters of a reply or a name in a certificate that are shown: strangers write them. */
export const PRESENTED_TEXT_CHARACTERS_MAX = 160;
/** Mail hosts of one zone that one request looks at; more have to be named one by one. */
export const TLSA_LIVE_HOSTS_MAX = 32;
/** Of them at the same time: each may have eight connections open. */
export const TLSA_LIVE_AT_ONCE = 8;
/** For one try of a question over UDP to one name server; a second one follows. */
export const DIRECT_UDP_MS = 2000;
/** For a question over TCP, connecting included. */
export const DIRECT_TCP_MS = 5000;
/** Datagrams that are looked at for one answer: others, forged ones say, do not keep a look open or busy. */
export const DIRECT_DATAGRAMS_MAX = 16;
/** Records of a reply that are read whole: 64 KiB have more only of the smallest, and no question here gets those. */
export const REPLY_RECORDS_MAX = 1024;
/** Records of an answer that are read; an RRset of more is cut, and the look says how many there are. */
export const DIRECT_RECORDS_MAX = 64;

/** Signatures over them that are read: keys of three algorithms, each in a rollover, twice. */
export const DIRECT_SIGNATURES_MAX = 24;

/** Sets of roots that requests trust: the configuration names three at most, and the usual ones stand alone. */
export const TRUSTED_CONTEXTS_MAX = 4;

/** For a look at our own policy host, the wait for what was just committed included: it has it in milliseconds. */
export const OWN_HOST_LOOK_MS_MAX = 3_000;
/** To connect to one of its addresses, on this machine. */
export const OWN_HOST_CONNECT_MS_MAX = 1_000;
/** Between two questions whether it serves what is in the store. */
export const OWN_HOST_POLL_MS = 20;
/** For one question over TLS, connecting and handshake included: two round trips more than over UDP. */
export const DOT_QUESTION_MS = 5000;
/** A connection over TLS without a question is closed after this; servers do so after about as long (RFC 7858 §3.4). */
export const DOT_IDLE_MS = 20_000;
/** Questions that wait for one server at the same time: all looks that may be under way, with ten each. */
export const DOT_QUESTIONS_MAX = 512;
/** Aliases that are followed in one answer: resolvers stop at about as many. */
export const ALIASES_MAX = 16;

// --- the check of a delegation ---

/** Name servers of a zone that are asked: registries take 13 at most, for a referral with addresses has to fit. */
export const DELEGATION_HOSTS_MAX = 13;
/** Addresses of each. */
export const DELEGATION_ADDRESSES_MAX = 4;
/** Checks at the same time, of all zones: each asks up to 52 addresses five questions. */
export const DELEGATION_CHECKS_MAX = 8;
/** A token's share of them. */
export const DELEGATION_CHECKS_PER_TOKEN_MAX = DELEGATION_CHECKS_MAX / 4;
/** Of them, only for administrators. */
export const DELEGATION_CHECKS_RESERVED = DELEGATION_CHECKS_MAX / 4;

// --- the check of a zone from outside ---

/** For one check, whatever does not answer: what is not known by then was not tested. STARTTLS has 20 s of them. */
export const CHECK_MS_MAX = 25_000;
/** Checks at the same time, of all zones, those of the schedule included: each has 16 questions under way. */
export const CHECKS_MAX = 8;
/** A token's share of those that are asked for. */
export const CHECKS_PER_TOKEN_MAX = CHECKS_MAX / 4;
/** Of them, only for administrators. */
export const CHECKS_RESERVED = CHECKS_MAX / 4;
/** A name server that has a version from before a change so long ago is on its way: NOTIFY, SOA, IXFR, and a retry. */
export const CHECK_FOLLOW_MS = 120_000;
/** Changes that are looked through for that; more in two minutes, and only the last count. */
export const CHECK_FOLLOW_CHANGES = 8;
/** Questions to resolvers and name servers that one check has under way. */
export const CHECK_QUESTIONS_AT_ONCE = 16;
/** Questions of one check: SPF takes up to 300, a zone with 13 name servers 400. More were not asked. */
export const CHECK_QUESTIONS_MAX = 1200;
/** Mail hosts of a zone that are looked at; senders try the best few. */
export const CHECK_MAIL_HOSTS_MAX = 8;
/** Addresses of each whose names are looked up. */
export const CHECK_HOST_ADDRESSES_MAX = 4;
/** DKIM selectors of a zone that are looked up; two or three are usual, and old ones stay for a while. */
export const CHECK_SELECTORS_MAX = 32;
/** RRsets that are compared with what each name server has. */
export const CHECK_COMPARED_MAX = 24;
/** Addresses of name servers that they are compared at, and whose signatures are judged. */
export const CHECK_SERVERS_MAX = 12;
/** Hosts outside whose consent to DMARC reports is looked up. */
export const CHECK_REPORT_HOSTS_MAX = 8;
/** Labels that CAA is looked for at, on the way up. */
export const CHECK_CAA_LABELS_MAX = 8;
/** For a host without TLSA that may have a certificate on port 443: most that take no connection there are silent. */
export const CHECK_WEB_HOST_MS_MAX = 5000;
/** Characters of one line of evidence: strangers write them. */
export const CHECK_EVIDENCE_CHARACTERS_MAX = 400;
/** Results of one check; past it those that passed are left out first. */
export const CHECK_RESULTS_MAX = 500;
/** A certificate that ends sooner is warned of: half of what the shortest renewal leaves (30 of 90 days). */
export const CHECK_CERTIFICATE_MS = 14 * 86_400_000;
/** Signatures have more than this part of their refresh time left; less means that no signer renews them. */
export const CHECK_SIGNATURE_SHARE = 0.5;
/** RFC 8461 §3.2: weeks; less than a day protects no sender that comes seldom. */
export const CHECK_STS_MAX_AGE_SECONDS_MIN = 86_400;
/** How long signatures that others made are to have left: when they renew them is not known. */
export const CHECK_FOREIGN_REFRESH_SECONDS = 4 * 86_400;

// --- checks of zones in turn ---

/** How often each zone is checked unless the configuration says otherwise: what breaks is found the same day. */
export const CHECK_EVERY_MS_DEFAULT = 6 * 3_600_000;
export const CHECK_EVERY_MS_MIN = 3_600_000;
export const CHECK_EVERY_MS_MAX = 30 * 86_400_000;
/** After a start, so long until the first: resolvers and secondaries have come up too. */
export const CHECK_FIRST_MS = 600_000;
/** After that, so long between the first checks of two zones: 10,000 zones take under three hours. */
export const CHECK_EACH_MS = 1000;
/** What was found once is looked at again after this, before it is an alert: a lost datagram is no drift. */
export const CHECK_AGAIN_MS = 600_000;
/** A zone that there is an alert of is looked at this often: the alert ends soon after the fault. */
export const CHECK_STANDING_MS = 1_800_000;
/** Zones that are checked in turn at the same time: requests have the other places of CHECKS_MAX. */
export const CHECKS_IN_TURN_MAX = 2;
/** Between two looks at which zones are due, and the longest sleep. */
export const CHECK_SLEEP_MS = 60_000;
/** Findings of a zone that are followed; an alert of more would have no place either. */
export const CHECK_STANDING_MAX = 50;
/** Findings of a zone that were there when it was first looked at, and are no drift. */
export const CHECK_KNOWN_MAX = 500;
/** An alert that stands is reported again after this: half of the time after which one ends by itself. */
export const CHECK_REPORT_MS = 3 * 86_400_000;
