/**
 * The `name=value; name=value` texts of mail records, read with every problem at once and never with an exception.
 * Implements: RFC 6376 §3.2 (tag-list: DKIM, DMARC, BIMI), RFC 8461 §3.1 and RFC 8460 §3 (fields: no blanks around `=`).
 * Not here: what a tag means (mail/dkim/record.ts, mail/dmarc/record.ts, mail/mta-sts/record.ts, mail/tls-rpt/record.ts, mail/bimi/record.ts).
 */
import { nearestWord } from '#base/nearest.ts';
import { WHOLE, atTag } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, type Result, hasErrors, ok, problem, warning } from '#base/problem.ts';

/** One kind of record, as its tags are written. */
export interface TagGrammar {
  /** Exact value of the tag `v`, which comes first. */
  readonly version: string;
  /** True where a record without a version is read as this version (RFC 6376 §3.6.1). */
  readonly isVersionOptional?: boolean;
  /** Tags with a meaning; others are ignored by readers. */
  readonly known: readonly string[];
  /** Blanks are allowed around `=` (RFC 6376 §3.2), or not (RFC 8461 §3.1, RFC 8460 §3). */
  readonly equals: 'spaced' | 'tight';
  /** True when a second tag of the same name makes the whole list worthless (RFC 6376 §3.2); else readers take what they like. */
  readonly isTwiceFatal: boolean;
  readonly rfc: string;
  readonly codes: {
    readonly syntax: ProblemCode;
    readonly twice: ProblemCode;
    readonly unknown: ProblemCode;
    readonly version: ProblemCode;
    readonly versionFirst: ProblemCode;
  };
}

/** A list as read. Tags keep their order; of tags given twice, `all` has each and `tags` the first. */
export interface TagList {
  readonly tags: ReadonlyMap<string, string>;
  readonly all: readonly (readonly [name: string, value: string])[];
  readonly problems: readonly Problem[];
}

/** RFC 6376 §3.2 tag-name; RFC 8461 §3.1 and RFC 8460 §3 extension names. */
const NAME = { spaced: /^[A-Za-z][A-Za-z0-9_]*$/, tight: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/ };
const BLANK = ' \t\r\n';
/** RFC 6376 §3.2 tag-value: VALCHAR and folding white space between. */
const VALUE = /^[\x21-\x3a\x3c-\x7e \t\r\n]*$/;

/** Reads `text` as tags and checks its version, its form and the names of its tags. */
export function readTagList(text: string, grammar: TagGrammar): TagList {
  const problems: Problem[] = [];
  const all: [string, string][] = [];
  const { codes, rfc } = grammar;
  const parts = text.split(';');
  // One final `;` is allowed and says nothing.
  if (trimBlanks(parts.at(-1)!) === '') parts.pop();
  for (const part of parts) {
    const tag = readTag(part, grammar.equals);
    if (tag === undefined) {
      const shown = trimBlanks(part);
      const why = shown === '' ? 'nothing stands between two semicolons' : `${JSON.stringify(shown)} is not name=value`;
      problems.push(problem(codes.syntax, WHOLE, why, { rfc }));
      continue;
    }
    const [name, value] = tag;
    if (!VALUE.test(value)) problems.push(problem(codes.syntax, atTag(name), 'has a character that no tag may have', { rfc }));
    all.push(tag);
  }
  if (parts.length === 0) problems.push(problem(codes.syntax, WHOLE, 'is empty', { rfc }));
  problems.push(...versionProblems(all, grammar));

  const tags = new Map<string, string>();
  for (const [name, value] of all) {
    if (tags.has(name)) problems.push((grammar.isTwiceFatal ? problem : warning)(codes.twice, atTag(name), 'is given twice', { rfc }));
    else tags.set(name, value);
  }
  for (const name of tags.keys()) if (name !== 'v' && !grammar.known.includes(name)) problems.push(unknownTag(name, grammar));
  return { tags, all, problems };
}

function readTag(part: string, equals: TagGrammar['equals']): [string, string] | undefined {
  const at = part.indexOf('=');
  if (at === -1) return undefined;
  const [before, after] = [part.slice(0, at), part.slice(at + 1)];
  const name = trimBlanks(before);
  const value = trimBlanks(after);
  if (!NAME[equals].test(name)) return undefined;
  // Blanks next to the equals sign: a string that touches it is as long as its trimmed self there.
  if (equals === 'tight' && (!before.endsWith(name) || !after.startsWith(value))) return undefined;
  return [name, value];
}

/** `text` without blanks at its ends. Not String.trim, which takes no-break spaces too; not a pattern, which takes quadratic time. */
export function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && BLANK.includes(text[start]!)) start++;
  while (end > start && BLANK.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}

function versionProblems(all: TagList['all'], { version, codes, rfc, isVersionOptional = false }: TagGrammar): Problem[] {
  const at = all.findIndex(([name]) => name === 'v');
  const fix = `begin with v=${version}`;
  if (at === -1) {
    if (isVersionOptional) return [warning(codes.version, atTag('v'), `does not say v=${version}, which readers would like`, { rfc, fix })];
    return [problem(codes.version, atTag('v'), `does not say v=${version}, and readers ignore it`, { rfc, fix })];
  }
  const problems: Problem[] = [];
  // The value is compared with its case everywhere: RFC 6376 §3.6.1, RFC 9989 §4.7, RFC 8461 §3.1, RFC 8460 §3.
  if (all[at]![1] !== version)
    problems.push(problem(codes.version, atTag('v'), `is ${JSON.stringify(all[at]![1])}, not ${version}`, { rfc, fix }));
  if (at !== 0) problems.push(problem(codes.versionFirst, atTag('v'), 'does not come first, and readers ignore the record', { rfc, fix }));
  return problems;
}

function unknownTag(name: string, { known, codes, rfc }: TagGrammar): Problem {
  const meant = known.includes(name.toLowerCase()) ? name.toLowerCase() : name.length > 2 ? nearestWord(name, known) : undefined;
  return warning(codes.unknown, atTag(name), 'is ignored by readers', { rfc, ...(meant === undefined ? {} : { fix: `write ${meant}=` }) });
}

/** The canonical text: tags in the order given, one blank after each semicolon. */
export function formatTags(tags: readonly (readonly [name: string, value: string])[]): string {
  return tags.map(([name, value]) => `${name}=${value}`).join('; ');
}

/** The members of a list value (`a:b`, `a,b`), blanks around each removed; an empty value has none. */
export function splitList(value: string, separator: string): string[] {
  return trimBlanks(value) === '' ? [] : value.split(separator).map(trimBlanks);
}

/** `value()` with the warnings among `problems`, or the problems, errors first. */
export function resultOf<T>(problems: readonly Problem[], value: () => T): Result<T> {
  if (!hasErrors(problems)) return ok(value(), problems);
  const errors = problems.filter((each) => each.severity === 'error');
  return { ok: false, problems: [...errors, ...problems.filter((each) => each.severity === 'warning')] };
}
