/**
 * The one catalogue of problem codes: code → meaning, HTTP status of the API, exit code of the command line.
 * docs/errors.md is made from it; a code, once released, keeps its meaning.
 */

export interface ProblemKind {
  /** What the code stands for, one line. */
  readonly title: string;
  /** HTTP status of an answer whose first error has this code. */
  readonly status: number;
  /** Exit code of a command that fails with it (interface.md: 1 failed, 2 usage, 3 not found, 4 conflict, 5 denied, 6 check failed, 7 timeout, 78 configuration). */
  readonly exit: number;
}

const bad = (title: string): ProblemKind => ({ title, status: 422, exit: 1 });

/** Keep sorted by room, then by name. */
export const PROBLEM_KINDS = {
  // dns: names, rdata, lexing
  NAME_EMPTY_LABEL: bad('a domain name has an empty label'),
  NAME_ESCAPE: bad('a domain name has a bad escape'),
  NAME_LABEL_LONG: bad('a label is longer than 63 octets'),
  NAME_LONG: bad('a domain name is longer than 255 octets'),
  NAME_RELATIVE: bad('a relative name stands where there is no origin'),
  RDATA_SYNTAX: bad('record data does not have the form its type asks for'),
  RDATA_TRAILING: bad('record data has more in it than its type takes'),
  RDATA_MISSING: bad('record data ends before its type is complete'),
  RDATA_VALUE: bad('a value in record data is out of its range'),
  RDATA_WIRE: bad('record data in wire form is not well formed'),
  TEXT_QUOTE_OPEN: bad('a quoted string is not closed'),
  TEXT_PAREN_OPEN: bad('a parenthesis is not closed'),
  TEXT_PAREN_CLOSE: bad('a parenthesis is closed that was never opened'),
  TEXT_ESCAPE: bad('a bad escape'),
  TYPE_UNKNOWN: bad('no such record type'),
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEM_KINDS;

/** The catalogue's row for `code`. */
export function problemKind(code: ProblemCode): ProblemKind {
  return PROBLEM_KINDS[code];
}
