/** Limits of searches over zones, each with its reason. */

/** Characters of a text that is searched for: a record of ordinary length. */
export const SEARCH_TEXT_CHARACTERS_MAX = 255;
/** `*` and `?` in one: the time of a comparison grows with them. */
export const SEARCH_WILDCARDS_MAX = 8;
/** Names that one request looks at, some tenths of a second: the next request continues at the cursor. */
export const SEARCH_NAMES_MAX = 20_000;
/** Zones that are looked up at once for a list: some more than a page has. */
export const SEARCH_ZONES_AT_ONCE = 1001;
/** Names between two pauses, in which changes and other requests have their turns: a millisecond or two. */
export const SEARCH_SLICE_NAMES = 250;
/** Searches at the same time: each has slices of the one thread that also commits changes. */
export const SEARCHES_MAX = 8;
/** Of one token. */
export const SEARCHES_PER_TOKEN_MAX = 2;
/** Of them, only for administrators. */
export const SEARCHES_RESERVED = 2;
