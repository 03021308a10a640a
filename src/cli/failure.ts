/** How a command fails: coded problems, in a form for people or for programs; the first problem sets the exit code. */
import { type Place, WHOLE, formatPlace, inBody, inQuery, inUrl, placeMembers } from '#base/place.ts';
import { type ProblemCode, PROBLEM_KINDS, problemKind } from '#base/problem-codes.ts';
import { type Problem, type Severity, problem } from '#base/problem.ts';
import { formatLine, formatLines } from './terminal.ts';

/** A problem of this program, or of an answer of the API: then `code` may be one that this version does not know. */
export type FailureProblem = Omit<Problem, 'code' | 'at'> & { readonly code: string; readonly at: Place | StatedPlace };

/** A place outside the request, in the words of the server. */
interface StatedPlace {
  readonly kind: 'stated';
  readonly text: string;
}

/** A problem as it stands in answers of the API. */
export interface AnswerProblem {
  readonly code: string;
  readonly severity: Severity;
  readonly at: string;
  readonly pointer?: string;
  readonly parameter?: string;
  readonly detail: string;
  readonly rfc?: string;
  readonly fix?: string;
}

export function readAnswerProblem({ at, pointer, parameter, detail, ...rest }: AnswerProblem): FailureProblem {
  return { ...rest, at: readPlace(at, pointer, parameter), message: detail };
}

/** A problem of this program in the form of an answer's. */
export function answerProblemOf({ code, severity, at, message, rfc, fix }: FailureProblem): AnswerProblem {
  const reference = rfc === undefined ? {} : { rfc };
  return { code, severity, at: placeText(at), detail: message, ...reference, ...(fix === undefined ? {} : { fix }) };
}

function readPlace(text: string, pointer: string | undefined, parameter: string | undefined): FailureProblem['at'] {
  if (pointer !== undefined) return inBody(pointer);
  if (parameter !== undefined) return text.startsWith('?') ? inQuery(parameter) : inUrl(parameter);
  return text === '' ? WHOLE : { kind: 'stated', text };
}

/** The place in words; empty for the input as a whole. */
export function placeText(at: FailureProblem['at']): string {
  return at.kind === 'stated' ? at.text : formatPlace(at);
}

/** The problem in JSON output: its place in words, and as a pointer or parameter when it is one. */
export function problemDocument({ code, severity, at, message, rfc, fix }: FailureProblem) {
  return {
    code,
    severity,
    at: placeText(at),
    ...(at.kind === 'stated' ? {} : placeMembers(at)),
    message,
    ...(rfc === undefined ? {} : { rfc }),
    ...(fix === undefined ? {} : { fix }),
  };
}

/** Thrown by commands, caught by program.ts. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly problems: readonly FailureProblem[];
  readonly exit: number;
  /** Nothing was changed, for certain: the message says so. */
  readonly unchanged: boolean;

  constructor(problems: readonly FailureProblem[], options: { readonly exit?: number; readonly unchanged?: boolean } = {}) {
    super(problems[0]?.message ?? 'failed');
    const first = problems.find((each) => each.severity === 'error') ?? problems[0];
    this.problems = problems;
    this.exit = options.exit ?? (first === undefined ? 1 : exitOf(first.code));
    this.unchanged = options.unchanged ?? false;
  }
}

/** A failure with one problem. */
export function failure(code: ProblemCode, message: string, fix?: string): CommandFailure {
  return new CommandFailure([problem(code, WHOLE, message, fix === undefined ? {} : { fix })]);
}

/** Exit code of a problem code; 1 for one that only a newer server knows. */
export function exitOf(code: string): number {
  return isKnown(code) ? problemKind(code).exit : 1;
}

function isKnown(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEM_KINDS, code);
}

/** Text of what the system threw. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What went wrong, why, what is unchanged, how to fix it; see "An error, as its reader sees it" in the documentation. */
export function formatFailure({ problems, unchanged }: CommandFailure): string {
  const prefix = `waxseal: ${unchanged ? 'not changed: ' : ''}`;
  const errors = problems.filter((each) => each.severity === 'error');
  const shown = errors.length === 0 ? problems : errors;
  const rest =
    errors.length === 0
      ? ''
      : problems
          .filter((each) => each.severity === 'warning')
          .map(formatWarning)
          .join('');
  if (shown.length === 1) return `${prefix}${formatOne(shown[0]!, '  ')}${rest}`;
  return `${prefix}${shown.length} problems\n${shown.map((each) => `  ${formatOne(each, '    ')}`).join('')}${rest}`;
}

/** Where it is, as a prefix. A pointer, parameter or header means something to who wrote a request, not to who typed a command. */
function placePrefix(at: FailureProblem['at'], message: string): string {
  if (at.kind === 'whole' || at.kind === 'body' || at.kind === 'parameter') return '';
  const text = placeText(at);
  return message.includes(text.split(' ')[0]!) ? '' : `${text}: `;
}

function formatOne({ at, message, fix, rfc, code }: FailureProblem, indent: string): string {
  const where = placePrefix(at, message);
  const lines = [`${where}${message.replace(/\.$/, '')}.`];
  if (fix !== undefined) lines.push(`${indent}${fix}`);
  lines.push(`${indent}[${code}${rfc === undefined ? '' : `, ${rfc}`}]`);
  return formatLines(lines);
}

/** A problem of an answer, with its severity. */
export function formatAnswerWarning(warning: AnswerProblem): string {
  return formatWarning(readAnswerProblem(warning));
}

/** A problem of a change or check that went through: a warning, or an error that a check found. */
export function formatWarning({ severity, at, message, fix, code }: FailureProblem): string {
  return formatLine(`waxseal: ${severity}: ${placePrefix(at, message)}${message}${fix === undefined ? '' : ` (${fix})`} [${code}]`);
}

/** The failure as the one JSON document of `--json`. */
export function failureDocument({ problems, exit }: CommandFailure): unknown {
  return { ok: false, exit, code: problems[0]?.code, errors: problems.map(problemDocument) };
}
