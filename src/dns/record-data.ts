/**
 * One record's data as requests and command lines give it. A string is the data of one record and never a line of a zone file: nothing in
 * it begins a comment, nothing is cut; it is taken as given, or rejected with the fix. docs/records.md tells users the rule.
 * Implements: RFC 1035 §5.1 (words, quotes, `\X`, `\DDD`), RFC 3597 §5 (`\#`).
 * Not here: what words mean (registry.ts), lines of zone files (lexer.ts), names (request-name.ts).
 */
import { fromLatin1, latin1 } from '#base/bytes.ts';
import { RDATA_BYTES_MAX, REPEATED_TEXT_OCTETS_MAX } from '#base/limits/dns.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type NameReader } from '#dns/rdata/field.ts';
import { quote } from '#dns/rdata/field-text.ts';
import { textRdata } from '#dns/rdata/txt.ts';
import { type Token, unescape } from './lexer.ts';
import { type Name } from './name.ts';
import { isTextType, parseRdata, typeName } from './registry.ts';
import { parseRequestName } from './request-name.ts';
import { TYPE, type RrType } from './types.ts';

/**
 * Wire form of `text` as a record's data in the zone `apex`. Characters become octets as UTF-8 has them. Names are read
 * as requests give them, or by `nameReader`. Problems have no place that means anything.
 */
export function parseRecordData(type: RrType, text: string, apex: Name, nameReader?: NameReader): Result<Uint8Array> {
  const mnemonic = typeName(type);
  if (!text.isWellFormed() || text.includes('\ufffd'))
    return reject(mnemonic, 'there is a character that stands for octets which were not UTF-8', {
      fix: 'send UTF-8, or write octets as \\DDD in quotes; U+FFFD itself is \\239\\191\\189',
    });
  const octets = latin1(Buffer.from(text, 'utf8'));
  if (isTextType(type) && !/^[ \t]*\\#(?:[ \t]|$)/.test(octets)) return parseText(mnemonic, octets);
  const words = readWords(mnemonic, octets, (character) => fileSyntaxFix(type, octets, character));
  if (!words.ok) return words;
  const parsed = parseRdata(type, words.value, apex, undefined, nameReader ?? readName);
  const quoted = parsed.ok ? undefined : withValueQuoted(type, octets);
  if (parsed.ok || quoted === undefined) return parsed;
  return fail(...parsed.problems.map((each) => (each.code === 'RDATA_TRAILING' ? { ...each, fix: quoted } : each)));
}

function reject(
  mnemonic: string,
  message: string,
  details: { readonly fix: string; readonly code?: ProblemCode },
): ReturnType<typeof fail> {
  const { code = 'RDATA_SYNTAX', fix } = details;
  return fail(problem(code, WHOLE, `${mnemonic}: ${message}`, { rfc: 'RFC 1035 §5.1', fix }));
}

/** A name among the words: its octets are characters again. */
function readName(word: string, apex: Name): Result<Name> {
  return parseRequestName(Buffer.from(word, 'latin1').toString('utf8'), apex);
}

// --- texts ---

/** One text as it stands, or quoted strings; what is longer than a character-string is split. */
function parseText(mnemonic: string, text: string): Result<Uint8Array> {
  const strings = /^[ \t]*"/.test(text) ? readStrings(mnemonic, text) : readPlainText(mnemonic, text);
  if (!strings.ok) return strings;
  const rdata = textRdata(strings.value);
  if (rdata.length <= RDATA_BYTES_MAX) return ok(rdata, strings.warnings);
  return reject(mnemonic, `the data is longer than ${RDATA_BYTES_MAX} octets`, { code: 'RDATA_VALUE', fix: 'publish a shorter text' });
}

/** A text without quotes: every character of it is meant. */
function readPlainText(mnemonic: string, text: string): Result<readonly Uint8Array[]> {
  if (/^[ \t]*\([ \t\r\n]*"/.test(text))
    return reject(mnemonic, 'the text begins with a parenthesis and a quote', {
      fix: 'leave out the parentheses, which belong to zone files: "one string" "the next"',
    });
  const control = /[^ -~\x80-\xff]/.exec(text)?.[0];
  if (control !== undefined) return rejectControl(mnemonic, control, 'put the text in quotes and write');
  if (/\\(?:[;"\\]|[0-9]{3})/.test(text))
    return reject(mnemonic, 'there is an escape outside quotes, and its backslash could be meant', { fix: bothReadings(text) });
  const doubt =
    text === ''
      ? 'the text is empty'
      : /^ | $/.test(text)
        ? 'the text begins or ends with a blank, which is part of it for its readers'
        : undefined;
  return ok([fromLatin1(text)], doubt === undefined ? [] : [warning('RDATA_DOUBTFUL', WHOLE, `${mnemonic}: ${doubt}`)]);
}

function bothReadings(text: string): string {
  const resolved = unescape(text);
  if (resolved === undefined || text.length > REPEATED_TEXT_OCTETS_MAX)
    return 'put the text in quotes, where \\\\ is a backslash and \\" a quote';
  return `write ${quote(resolved)} or ${quote(fromLatin1(text))}`;
}

/** Quoted strings with blanks around and between them. */
function readStrings(mnemonic: string, text: string): Result<readonly Uint8Array[]> {
  const fix = 'put all of the text in quotes, or none of it';
  const words = readWords(mnemonic, text, () => fix);
  if (!words.ok) return words;
  const strings: Uint8Array[] = [];
  for (const { text: written, quoted } of words.value) {
    if (!quoted) return reject(mnemonic, `${JSON.stringify(written)} stands outside the quotes`, { fix });
    const octets = unescape(written);
    if (octets === undefined)
      return reject(mnemonic, `"${written}" has a bad escape`, {
        code: 'TEXT_ESCAPE',
        fix: 'write \\DDD with three digits up to 255, or \\\\ for a backslash',
      });
    strings.push(octets);
  }
  return ok(strings);
}

// --- words ---

const ENDS_WORD = ' \t\r\n;()"';

/** Words and quoted strings of `text`. What ends a word and is no blank would be a zone file's; `fixOf` it goes into the problem. */
function readWords(mnemonic: string, text: string, fixOf: (character: string) => string): Result<readonly Token[]> {
  const control = /[^\t\r\n -~\x80-\xff]/.exec(text)?.[0];
  if (control !== undefined) return rejectControl(mnemonic, control, 'where a text in quotes may hold it write');
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    if (text[at] === ' ' || text[at] === '\t') {
      at++;
      continue;
    }
    const quoted = text[at] === '"';
    const end = quoted ? stringEnd(text, at) : wordEnd(text, at);
    if (end < 0)
      return reject(mnemonic, `the quote at or after character ${at + 1} is not closed`, {
        code: 'TEXT_QUOTE_OPEN',
        fix: 'close it; a quote that belongs to a text in quotes is written \\"',
      });
    const word = quoted ? text.slice(at + 1, end - 1) : text.slice(at, end);
    const inside = /[\t\r\n]/.exec(word)?.[0];
    if (inside !== undefined) return rejectControl(mnemonic, inside, 'in the quotes write');
    const after = text[end] ?? ' ';
    if (after !== ' ' && after !== '\t') return rejectAfterWord(mnemonic, after, quoted, end, fixOf);
    tokens.push({ text: word, quoted, line: 1, column: at + 1 });
    at = end;
  }
  return ok(tokens);
}

/** Index after the quoted string that begins at `at`, or -1 when it is not closed. */
function stringEnd(text: string, at: number): number {
  for (let next = at + 1; next < text.length; next++) {
    if (text[next] === '"') return next + 1;
    if (text[next] === '\\') next++;
  }
  return -1;
}

/** Index after the word at `at`. After `=` a quoted part belongs to it (RFC 9460 §2.1); -1 when that is not closed. */
function wordEnd(text: string, at: number): number {
  let next = at;
  while (next < text.length && !ENDS_WORD.includes(text[next]!)) {
    if (text[next] === '=' && text[next + 1] === '"') {
      next = stringEnd(text, next + 1);
      if (next < 0) return -1;
    } else next += text[next] === '\\' ? 2 : 1;
  }
  return Math.min(next, text.length);
}

function rejectAfterWord(
  mnemonic: string,
  character: string,
  quoted: boolean,
  index: number,
  fixOf: (character: string) => string,
): ReturnType<typeof fail> {
  const where = `at character ${index + 1}`;
  if (character === '\r' || character === '\n')
    return reject(mnemonic, `there is a line break ${where}`, { fix: 'give one string for each record, without line breaks' });
  if (character === '"')
    return reject(mnemonic, quoted ? `two quotes touch ${where}` : `there is a quote inside a word ${where}`, {
      fix: quoted
        ? 'put a blank between two strings; a quote that belongs to a text is written \\"'
        : 'put the whole word in quotes, and write \\" for a quote inside it',
    });
  const what = { ';': 'a semicolon', '(': 'a parenthesis', ')': 'a parenthesis' }[character];
  if (what === undefined) return reject(mnemonic, `text follows a closing quote ${where}`, { fix: fixOf(character) });
  return reject(mnemonic, `there is ${what} outside quotes ${where}, and nothing says what it is for`, { fix: fixOf(character) });
}

function rejectControl(mnemonic: string, character: string, how: string): ReturnType<typeof fail> {
  const escape = `\\${String(character.charCodeAt(0)).padStart(3, '0')}`;
  const what = character === '\r' || character === '\n' ? 'a line break' : 'a control character';
  return reject(mnemonic, `there is ${what} in the data`, { fix: `leave it out; if it is meant, ${how} ${escape}` });
}

// --- fixes ---

const WITH_TEXTS: readonly RrType[] = [TYPE.HINFO, TYPE.X25, TYPE.ISDN, TYPE.GPOS, TYPE.NAPTR, TYPE.DOA, TYPE.RESINFO, TYPE.WALLET];

/** What to write instead of a semicolon or parenthesis outside quotes. */
function fileSyntaxFix(type: RrType, text: string, character: string): string {
  const quoted = withValueQuoted(type, text);
  if (quoted !== undefined) return quoted;
  if (type === TYPE.SVCB || type === TYPE.HTTPS)
    return 'only blanks stand between parameters; put a value that has it inside in quotes, after its =';
  if (WITH_TEXTS.includes(type)) return 'put the text that it belongs to in quotes';
  if (character === ';') return 'leave it out with what follows: the data of a record has no comment';
  return character === '(' || character === ')' ? 'leave out the parentheses, which belong to zone files' : 'leave out the quotes';
}

/** CAA and URI end in one text: the whole data with that in quotes. */
function withValueQuoted(type: RrType, text: string): string | undefined {
  if (type !== TYPE.CAA && type !== TYPE.URI) return undefined;
  const [, words, value] = /^[ \t]*([^ \t"]+[ \t]+[^ \t"]+)[ \t]+([^"\\]+)$/.exec(text) ?? [];
  if (words === undefined || value === undefined || text.length > REPEATED_TEXT_OCTETS_MAX) return 'put the value in quotes';
  return `write: ${words} ${quote(fromLatin1(value))}`;
}
