/**
 * Words, quoted strings and line ends of master-file text: the ground that zone files and single records share.
 * Implements: RFC 1035 §5.1 (blanks, `;` comments, parentheses, quotes, `\X` and `\DDD` kept as written).
 * Text has one character per octet (latin1): read files and JSON strings through `latin1` first, so that UTF-8 passes unchanged.
 * Not here: what the words mean (zone-file.ts, registry.ts).
 */
import { ENTRY_TOKENS_MAX } from '#base/limits/dns.ts';
import { type Place, WHOLE, inFile } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';

/** One word or quoted string, escapes not yet resolved. */
export interface Token {
  readonly text: string;
  /** Written in quotes; `text` is what stood between them. */
  readonly quoted: boolean;
  /** 1-based, where it starts. */
  readonly line: number;
  readonly column: number;
}

/** One entry: a line, or several joined by parentheses. Never without tokens. */
export interface Entry {
  readonly tokens: readonly Token[];
  /** True when the entry's line began with a blank: its owner is the last one stated (RFC 1035 §5.1). */
  readonly blankOwner: boolean;
  readonly line: number;
}

/** Entries of `text`, with every lexical problem at `file:line:column`. The entries around a problem are still returned. */
export function lexEntries(text: string, file: string): { readonly entries: readonly Entry[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  return { entries: [...streamEntries(text, file, problems)], problems };
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const EQUALS = 0x3d;
const PAREN_OPEN = 0x28;
const PAREN_CLOSE = 0x29;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;

/** 1 for octets that end a word outside quotes. */
const ENDS_WORD = new Uint8Array(256);
for (const octet of [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE, PAREN_OPEN, PAREN_CLOSE, SEMICOLON]) ENDS_WORD[octet] = 1;

/**
 * `lexEntries` one entry at a time, so that a large file never is all tokens at once. Problems go to `problems` before the entry that
 * has them is given out. `openBefore` parentheses count as opened before the text and closed after it. A lone carriage return ends a
 * line, as a line feed and both together do.
 */
export function* streamEntries(
  text: string,
  file: string,
  problems: { push(each: Problem): unknown },
  openBefore = 0,
): Generator<Entry, void, undefined> {
  const rfc = 'RFC 1035 §5.1';
  let tokens: Token[] = [];
  let dropped = 0;
  let line = 1;
  let lineStart = 0;
  let depth = openBefore;
  let openedAt: Place = WHOLE;
  let blankOwner = false;
  let entryLine = 1;
  const place = (at: number) => inFile(file, line, at - lineStart + 1);
  for (let at = 0; at < text.length;) {
    const octet = text.charCodeAt(at);
    if (octet === SPACE || octet === TAB) {
      if (at === lineStart && depth === 0) blankOwner = true;
      at++;
    } else if (octet === LINE_FEED || octet === CARRIAGE_RETURN) {
      at++;
      if (octet === CARRIAGE_RETURN && text.charCodeAt(at) === LINE_FEED) at++;
      if (depth === 0) {
        if (tokens.length > 0) yield { tokens, blankOwner, line: entryLine };
        tokens = [];
        dropped = 0;
        blankOwner = false;
      }
      line++;
      lineStart = at;
    } else if (octet === SEMICOLON) {
      while (at < text.length && text.charCodeAt(at) !== LINE_FEED && text.charCodeAt(at) !== CARRIAGE_RETURN) at++;
    } else if (octet === PAREN_OPEN) {
      if (depth++ === openBefore) openedAt = place(at);
      at++;
    } else if (octet === PAREN_CLOSE) {
      if (depth === openBefore) problems.push(problem('TEXT_PAREN_CLOSE', place(at), 'this parenthesis was never opened', { rfc }));
      else depth--;
      at++;
    } else {
      if (tokens.length === 0) entryLine = line;
      const column = at - lineStart + 1;
      let token: Token;
      if (octet === QUOTE) {
        const start = ++at;
        at = endOfQuoted(text, start);
        token = { text: text.slice(start, at), quoted: true, line, column };
        if (at < text.length && text.charCodeAt(at) === QUOTE) at++;
        else problems.push(problem('TEXT_QUOTE_OPEN', inFile(file, line, column), 'this quoted string is not closed on its line', { rfc }));
      } else {
        const start = at;
        const end = endOfWord(text, start);
        at = Math.abs(end);
        token = { text: text.slice(start, at), quoted: false, line, column };
        if (end < 0)
          problems.push(problem('TEXT_QUOTE_OPEN', inFile(file, line, column), 'a quote in this word is not closed on its line', { rfc }));
      }
      if (tokens.length < ENTRY_TOKENS_MAX) tokens.push(token);
      else if (dropped++ === 0)
        problems.push(problem('TEXT_ENTRY_LONG', inFile(file, line, column), `this entry has more than ${ENTRY_TOKENS_MAX} words`));
    }
  }
  if (depth > openBefore) problems.push(problem('TEXT_PAREN_OPEN', openedAt, 'this parenthesis is not closed before the end', { rfc }));
  if (tokens.length > 0) yield { tokens, blankOwner, line: entryLine };
}

/** Where the quoted string ends that begins at `at`: at its quote, or at the end of the line or the text. */
function endOfQuoted(text: string, at: number): number {
  while (at < text.length) {
    const next = text.charCodeAt(at);
    if (next === QUOTE || next === LINE_FEED) break;
    at += next === BACKSLASH && text.charCodeAt(at + 1) !== LINE_FEED ? 2 : 1;
  }
  return Math.min(at, text.length);
}

/**
 * Where the word ends that begins at `at`; negative when a quote in it is not closed. A quote in a word begins a string
 * of its own (BIND reads `a"b"` so), but not after `=`: in `alpn="h2"` (RFC 9460 §2.1) the quotes and what stands
 * between, blanks too, belong to the word.
 */
function endOfWord(text: string, at: number): number {
  let inQuotes = false;
  while (at < text.length) {
    const next = text.charCodeAt(at);
    if (next === LINE_FEED || (ENDS_WORD[next] === 1 && !inQuotes)) break;
    if (next === QUOTE) {
      if (!inQuotes && text.charCodeAt(at - 1) !== EQUALS) break;
      inQuotes = !inQuotes;
    }
    at += next === BACKSLASH && at + 1 < text.length && text.charCodeAt(at + 1) !== LINE_FEED ? 2 : 1;
  }
  return inQuotes ? -at : at;
}

/** Tokens of one record's data as a zone file has it; what requests give is read in record-data.ts. A line end counts as a blank. */
export function lexRdata(text: string): Result<readonly Token[]> {
  const problems: Problem[] = [];
  const tokens: Token[] = [];
  // As if inside parentheses that were opened before the text and are closed after it: a line end is a blank, a `)` of the text's own is not theirs.
  for (const entry of streamEntries(text, 'rdata', problems, 1)) tokens.push(...entry.tokens);
  return problems.length > 0 ? fail(...problems) : ok(tokens);
}

/** Octets of a token's text with `\X` and `\DDD` resolved (RFC 1035 §5.1), or undefined for a bad escape. */
export function unescape(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let octet = text.charCodeAt(at);
    if (octet === 0x5c) {
      const digits = /^[0-9]{3}/.exec(text.slice(at + 1, at + 4));
      if (digits !== null) {
        octet = Number(digits[0]);
        at += 3;
      } else {
        octet = text.charCodeAt(++at);
        if (Number.isNaN(octet) || (octet >= 0x30 && octet <= 0x39)) return undefined;
      }
    }
    if (octet > 0xff) return undefined;
    octets[length++] = octet;
  }
  return octets.slice(0, length);
}
