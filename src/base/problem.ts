/**
 * What is wrong with input from outside, as values: every problem at once, each with a code from the catalogue.
 * The catalogue (problem-codes.ts) gives the API's status, the CLI's exit code and docs/errors.md.
 */
import { type Place, WHOLE, formatPlace, within } from './place.ts';
import { type ProblemCode } from './problem-codes.ts';

export type Severity = 'error' | 'warning';

/** One thing wrong with input. An error stops the change; a warning is shown and the change continues. */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: Severity;
  readonly at: Place;
  /** What is wrong and why, one sentence, without a final full stop. */
  readonly message: string;
  /** The section that says so, as `RFC 1034 §3.6.2`. */
  readonly rfc?: string;
  /** What to do about it, one sentence or a command. */
  readonly fix?: string;
}

/** A value, or every problem that stopped it from being one (at least one, all errors first). */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A good result, with warnings if there are any. */
export function ok<T>(value: T, warnings: readonly Problem[] = []): Result<T> {
  return { ok: true, value, warnings };
}

/** A bad result. */
export function fail(...problems: readonly Problem[]): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems };
}

type Details = { readonly rfc?: string; readonly fix?: string };

/** An error problem. */
export function problem(code: ProblemCode, at: Place, message: string, details: Details = {}): Problem {
  return { code, severity: 'error', at, message, ...details };
}

/** A warning. */
export function warning(code: ProblemCode, at: Place, message: string, details: Details = {}): Problem {
  return { code, severity: 'warning', at, message, ...details };
}

/** The problems, all placed at `at`: of a value whose place only the caller knows. */
export function placeAt(problems: readonly Problem[], at: Place): Problem[] {
  return problems.map((each) => ({ ...each, at }));
}

/** The problems of a text that stands at `outer`. */
export function placeWithin(problems: readonly Problem[], outer: Place): Problem[] {
  return problems.map((each) => ({ ...each, at: within(outer, each.at) }));
}

/** The problem for readers who are not on this machine: without the path that it is about, in its place and in its texts. */
export function withoutPath(each: Problem): Problem {
  const { at, message, fix } = each;
  if (at.kind !== 'path') return each;
  const shown = (text: string) => text.replaceAll(at.path, at.role);
  return { ...each, at: WHOLE, message: shown(message), ...(fix === undefined ? {} : { fix: shown(fix) }) };
}

/** True when at least one of them is an error. */
export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((each) => each.severity === 'error');
}

/** One line for people: `at: error: message (fix) [CODE, RFC …]`. */
export function formatProblem(each: Problem): string {
  const where = each.at.kind === 'whole' ? '' : `${formatPlace(each.at)}: `;
  const fix = each.fix === undefined ? '' : ` — ${each.fix}`;
  const rfc = each.rfc === undefined ? '' : `, ${each.rfc}`;
  return `${where}${each.severity}: ${each.message}${fix} [${each.code}${rfc}]`;
}
