/**
 * Text for one line of a terminal, a log or a table: characters that end the line, move the cursor, change colours, or reorder what stands
 * around them are shown as escapes, and input that has them is rejected where only a text for people belongs.
 * Implements: Unicode Standard Annex 9 §2 (the directional formatting characters, all of them).
 */

/** What an error that was caught says, without the lines of its details. */
export function firstLineOf(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]! : String(error);
}

/** Controls C0 and C1, the line and paragraph separators, the directional formatting characters. */
const HIDDEN = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The first such character of `text`; undefined when there is none. `allowed` are characters that do not count. */
export function findHidden(text: string, allowed = ''): string | undefined {
  return text.match(HIDDEN)?.find((character) => !allowed.includes(character));
}

/** What a hidden character that was found does, for the sentence “the text …”. */
export function hasHidden(found: string): string {
  return `has the character U+${hex(found, 4).toUpperCase()} in it, which ends, moves or hides what stands around it`;
}

/** The text on one line; hidden characters are `\xNN` and `\uNNNN`, but for those in `kept`. */
export function showHidden(text: string, kept = ''): string {
  return text.replaceAll(HIDDEN, (character) =>
    kept.includes(character) ? character : character < '\u0100' ? `\\x${hex(character, 2)}` : jsonEscape(character),
  );
}

/** The same JSON text, without hidden characters inside its strings. Line breaks between its values stay. */
export function showHiddenInJson(json: string): string {
  // JSON.stringify escapes C0 itself, so a line break stands between values.
  return json.replaceAll(HIDDEN, (character) => (character === '\n' ? character : jsonEscape(character)));
}

function jsonEscape(character: string): string {
  return `\\u${hex(character, 4)}`;
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
