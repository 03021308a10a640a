/**
 * Limits of mail policies and of the records that they result in. Each with its reason.
 * Not here: SPF (spf.ts), reports (reports.ts), life cycles of any kind (lifecycle.ts).
 */

// --- BIMI ---

/** Title of an SVG logo; a longer one is a warning (draft-svg-tiny-ps-abrotman §2.1). */
export const BIMI_TITLE_CHARACTERS_MAX = 64;
/** Width and height of an SVG logo; Gmail shows none that is smaller. */
export const BIMI_SIDE_PIXELS_MIN = 96;

// --- DKIM ---

/** The next key is published this long before its turn, or half the interval if that is less: a stuck secondary has days. */
export const DKIM_PREPARE_MS_MAX = 2 * 86_400_000;
/** Longest time without a query that counts as evidence: mail that is sent daily causes a query within it. */
export const DKIM_QUIET_MS_MAX = 86_400_000;
