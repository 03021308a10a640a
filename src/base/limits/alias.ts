/** Limits of ALIAS records, each with its reason. */

/** Of one zone: they stand in one document, which is written with each look, some 200 octets each. */
export const ALIAS_PER_ZONE_MAX = 1000;
/** Addresses of one family that are taken from a target: content networks give out a dozen, more is a fault. */
export const ALIAS_ADDRESSES_MAX = 100;
/** A target is looked at no more often; no shorter TTL is published unless the ALIAS has one. Load balancers use it. */
export const ALIAS_TTL_SECONDS_MIN = 60;
/** A target is looked at at least this often, and no longer TTL is published: who moves a host does not wait longer. */
export const ALIAS_TTL_SECONDS_MAX = 3600;
/** Looks in a row with a shorter TTL before that one is published: caches count down between looks. */
export const ALIAS_TTL_LOOKS = 8;
/** First retry after a look that failed; it doubles with each further one. */
export const ALIAS_RETRY_MS = 60_000;
/** Longest time between two looks at a target that fails. */
export const ALIAS_RETRY_MS_MAX = 900_000;
/** Failed looks in a row after which the operator is alerted: some seven minutes. A lost answer or two is no news. */
export const ALIAS_FAILURES_ALERT = 4;
/**
 * Addresses are kept this long when the target is said not to exist or to have none: long enough for a mistake to be
 * seen and mended, short because a provider may give the address to a stranger.
 */
export const ALIAS_GONE_KEPT_MS = 3_600_000;
/** Addresses are kept this long while the target cannot be looked up. RFC 8767 §4: stale data at most for 7 days. */
export const ALIAS_FAILING_KEPT_MS = 7 * 86_400_000;
/** Aliases of one zone that are looked at in one turn; the others stay due, and other zones have their turns before. */
export const ALIAS_LOOKS_PER_TURN = 50;
/** Look-ups of one zone at the same time. */
export const ALIAS_LOOKS_AT_ONCE = 8;
/** A zone's turn takes no longer: what has not answered by then counts as not answering. */
export const ALIAS_TURN_MS = 5000;
/** Zones that are looked at at the same time. */
export const ALIAS_ZONES_AT_ONCE = 16;
/** The same of zones with targets that failed: apart, so that they hold up no others. */
export const ALIAS_LATE_ZONES_AT_ONCE = 4;
/** Targets that one change looks up before it is decided; others are looked at right after it. */
export const ALIAS_LOOKS_PER_CHANGE = 50;
/** ALIAS records that are followed from one to the next, all of this server. */
export const ALIAS_CHAIN_MAX = 8;
/** Longest text of why a look failed: it is kept with the ALIAS. */
export const ALIAS_WHY_CHARACTERS_MAX = 200;
