/** Limits of searches over zones and of their index, each with its reason. */

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

// --- the index ---

/** Characters of a gram. With two, every list has nearly every name; with four, texts of three have no gram. */
export const SEARCH_GRAM_CHARACTERS = 3;
/** Names of all zones up to which there is no index: to look at them all takes some hundredths of a second. */
export const SEARCH_INDEX_NAMES_MIN = 2_000;
/**
 * Names of one entry of the index. With 32 it has 46 octets for a name in place of 63, and an address leads to twelve
 * times as many names that do not have it.
 */
export const SEARCH_BLOCK_NAMES = 8;
/** A zone of more names has an index of its own; that of the others is shared, and for those who may see all zones. */
export const SEARCH_OWN_INDEX_NAMES = 1_024;
/** Octets of the index, as counted: some millions of names. What does not fit is looked at name by name. */
export const SEARCH_INDEX_BYTES_MAX = 512 * 1024 * 1024;
/** Names changed since a part of the index was made, from which on it is made again: each is compared by itself. */
export const SEARCH_CHANGED_NAMES_MIN = 1_000;
/** The same as a share of the part's names: making it again then costs eight names for each that changed. */
export const SEARCH_CHANGED_NAMES_SHARE = 1 / 8;
/** Lists of grams that are compared: after these, the others hardly make the result smaller. */
export const SEARCH_LISTS_MAX = 12;
/** Names that the process of the index looks at for one answer: some hundredths of a second. */
export const SEARCH_INDEX_LOOK_NAMES = 2_000;
/** Names or zones of one answer of the index: two pages. */
export const SEARCH_STEPS_MAX = 200;
/** Questions whose result is kept until something changes: the pages of the searches at one time. */
export const SEARCH_KEPT_RESULTS = 8;
/** Places of them all together, but for the last question's: 15 MiB. */
export const SEARCH_KEPT_PLACES = 200_000;
/** Work of the index without a look at what has been asked. */
export const SEARCH_INDEX_SLICE_MS = 20;
/** Between two looks at what has changed; a question looks too. Old snapshots keep the store from reusing pages. */
export const SEARCH_INDEX_FOLLOW_MS = 1_000;
/** An answer of the index that takes longer is not waited for: the names are looked at. */
export const SEARCH_INDEX_WAIT_MS = 2_000;
/** Without a search for so long the index ends, and its memory is free: who searches once a day finds it. */
export const SEARCH_INDEX_IDLE_MS = 30 * 3_600_000;
/** First wait before an index whose process has ended badly is made again. */
export const SEARCH_INDEX_RESTART_MS_MIN = 1_000;
/** Longest such wait: a million names take a minute of a processor, for nothing if the process ends each time. */
export const SEARCH_INDEX_RESTART_MS_MAX = 3_600_000;
/** A process of the index that lived so long was sound, and the wait begins small again. */
export const SEARCH_INDEX_SETTLED_MS = 600_000;
