/**
 * Limits of SPF: those of RFC 7208 §3.4 and §4.6.4, and how much of strangers' records is looked at, kept and reported.
 */

/** Terms that cause DNS look-ups in one evaluation; the eleventh is a permerror at every receiver. */
export const SPF_LOOKUPS_MAX = 10;
/** From here on the operator is warned: one more include of a third party, and mail stops. */
export const SPF_LOOKUPS_WARN = 8;
/** Terms whose look-ups may find nothing; the number the RFC recommends to receivers. */
export const SPF_VOIDS_MAX = 2;
/** Hosts of one `mx` whose addresses are looked up; an eleventh is a permerror. */
export const SPF_MX_NAMES_MAX = 10;
/** Names of the client address that `ptr` and `%{p}` look at; the rest are ignored. */
export const SPF_PTR_NAMES_MAX = 10;
/** For one whole evaluation; receivers should allow at least this much. */
export const SPF_EVALUATION_MS_MAX = 20_000;
/** Longest name after macro expansion, without its last dot; labels are dropped from the left (RFC 7208 §7.3). */
export const SPF_TARGET_CHARACTERS_MAX = 253;
/** Owner and all TXT of it: with this much the answer still fits 512 octets of plain UDP. */
export const SPF_OWNER_TXT_BYTES_MAX = 450;
/** Records read for one include tree. Evaluation stops at 10; the rest shows by how much a record is over. */
export const SPF_TREE_RECORDS_MAX = 100;
/** Records looked at for the addresses of one include. */
export const SPF_FLATTEN_RECORDS_MAX = 50;
/** Networks of one flattened include. Ten records of 450 octets hold about 250, so more cannot be published. */
export const SPF_FLATTEN_NETWORKS_MAX = 1000;
/** `_spfN` records of a domain, with those that caches may still want. The sizes of records count on two digits. */
export const SPF_PARTS_MAX = 99;
/** Others' records are looked up again after this, unless the policy says another time or their TTL is shorter. */
export const SPF_REFRESH_MS_DEFAULT = 3_600_000;
/** …but not sooner: a sender that changes its addresses keeps both in its record for longer than this. */
export const SPF_REFRESH_MS_MIN = 5 * 60_000;
/** …and not later: what others add is unknown, and its mail rejected, until then. */
export const SPF_REFRESH_MS_MAX = 24 * 3_600_000;
/** Part of the time between two looks by which zones differ, so that those of one start do not stay together. */
export const SPF_LOOK_SPREAD = 0.2;
/** One look at all that a domain includes; then silent servers count as silent. Clients of `mail apply` wait for it. */
export const SPF_LOOK_MS_MAX = 20_000;
/** Zones looked at together: each asks one name after another, so this is the number of open questions. */
export const SPF_LOOKS_AT_ONCE = 8;
/** The kept tree of a domain, as JSON. Ten look-ups are 2 KiB; the records of strangers may hold what they like. */
export const SPF_TREE_BYTES_MAX = 64 * 1024;
/** Alerts that are kept with a domain; the audit log has them all. */
export const SPF_ALERTS_MAX = 16;
/** A kept alert is shown as something wrong for this long; after that as history. */
export const SPF_ALERT_SHOWN_MS = 24 * 3_600_000;
/** Characters of a kept or logged text that strangers have a part in. */
export const SPF_TEXT_CHARACTERS_MAX = 500;
/** Networks that are named in an alert; of more it tells the number. */
export const SPF_NETWORKS_TOLD_MAX = 8;
/** Shortest prefix of a network that one sender can have: an IPv4 /8; regional registries get an IPv6 /12. */
export const SPF_NETWORK_PREFIX_MIN = { 4: 8, 6: 12 } as const;
