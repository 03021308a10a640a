/**
 * Words, quoted strings and line ends of master-file text: the ground that zone files and single records share.
 * Implements: RFC 1035 §5.1 (blanks, `;` comments, parentheses, quotes, `\X` and `\DDD` kept as written).
 * Text has one character per octet (latin1): read files and JSON strings through `latin1` first, so that UTF-8 passes unchanged.
 * Not here: what the words mean (dns/zone-file.ts, dns/registry.ts).
 */
import { type Result, type Problem, fail, ok, problem } from '#base/problem.ts';

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
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  let tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  let depth = 0;
  let openedAt = '';
  let blankOwner = false;
  let entryLine = 1;
  const place = (at: number) => `${file}:${line}:${at - lineStart + 1}`;
  const finish = () => {
    if (tokens.length > 0) entries.push({ tokens, blankOwner, line: entryLine });
    tokens = [];
  };
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    if (character === '\n') {
      if (depth === 0) {
        finish();
        blankOwner = false;
      }
      line++;
      lineStart = ++at;
    } else if (character === ' ' || character === '\t' || character === '\r') {
      if (at === lineStart && depth === 0 && character !== '\r') blankOwner = true;
      at++;
    } else if (character === ';') {
      while (at < text.length && text[at] !== '\n') at++;
    } else if (character === '(') {
      if (depth++ === 0) openedAt = place(at);
      at++;
    } else if (character === ')') {
      if (depth === 0) problems.push(problem('TEXT_PAREN_CLOSE', place(at), 'this parenthesis was never opened', { rfc: 'RFC 1035 §5.1' }));
      else depth--;
      at++;
    } else {
      if (tokens.length === 0) entryLine = line;
      const start = at;
      const startLine = line;
      const column = at - lineStart + 1;
      if (character === '"') {
        at++;
        while (at < text.length && text[at] !== '"' && text[at] !== '\n') at += text[at] === '\\' && text[at + 1] !== '\n' ? 2 : 1;
        if (at >= text.length || text[at] !== '"') {
          problems.push(
            problem('TEXT_QUOTE_OPEN', `${file}:${startLine}:${column}`, 'this quoted string is not closed on its line', {
              rfc: 'RFC 1035 §5.1',
            }),
          );
          at = Math.min(at, text.length);
          tokens.push({ text: text.slice(start + 1, at), quoted: true, line: startLine, column });
        } else {
          tokens.push({ text: text.slice(start + 1, at), quoted: true, line: startLine, column });
          at++;
        }
      } else {
        // A quote inside a word belongs to it (`alpn="h2"` of RFC 9460 §2.1): what stands between is kept with its blanks.
        let inQuotes = false;
        while (at < text.length && text[at] !== '\n' && (inQuotes || !' \t\r;()'.includes(text[at]!))) {
          if (text[at] === '"') inQuotes = !inQuotes;
          at += text[at] === '\\' && at + 1 < text.length && text[at + 1] !== '\n' ? 2 : 1;
        }
        if (inQuotes)
          problems.push(
            problem('TEXT_QUOTE_OPEN', `${file}:${startLine}:${column}`, 'a quote in this word is not closed on its line', {
              rfc: 'RFC 1035 §5.1',
            }),
          );
        tokens.push({ text: text.slice(start, at), quoted: false, line: startLine, column });
      }
    }
  }
  if (depth > 0)
    problems.push(problem('TEXT_PAREN_OPEN', openedAt, 'this parenthesis is not closed before the end', { rfc: 'RFC 1035 §5.1' }));
  finish();
  return { entries, problems };
}

/** Tokens of one record's data, as in an API body or on a command line. A line end counts as a blank. */
export function lexRdata(text: string): Result<readonly Token[]> {
  const { entries, problems } = lexEntries(`(${text}\n)`, 'rdata');
  return problems.length > 0 ? fail(...problems) : ok(entries.flatMap((entry) => entry.tokens));
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
