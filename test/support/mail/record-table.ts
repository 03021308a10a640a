/** Tables of good and bad records: each line is a test named after the record. */
import { expect, test } from 'vitest';
import { type Result } from '#base/problem.ts';
import { type ProblemCode } from '#base/problem-codes.ts';

/** The codes of what `result` complains of, with their severity when it is only a warning. */
export function codesOf(result: Result<unknown>): string[] {
  const problems = result.ok ? result.warnings : result.problems;
  return problems.map((each) => (each.severity === 'error' ? each.code : `${each.code}?`));
}

export interface RecordTable<T> {
  /** `text` is read as `value`, with exactly these warnings; and what is printed for `value` is read as `value`. */
  readonly good: (text: string, value: T, ...warnings: readonly ProblemCode[]) => void;
  /** `text` is refused with exactly these problems; `CODE?` is a warning beside them. */
  readonly bad: (text: string, ...codes: readonly (ProblemCode | `${ProblemCode}?`)[]) => void;
}

export function recordTable<T>(parse: (text: string) => Result<T>, format: (value: T) => string): RecordTable<T> {
  return {
    good(text, value, ...warnings) {
      test(`good: ${shown(text)}`, () => {
        const result = parse(text);
        expect(result).toMatchObject({ ok: true });
        expect(result.ok && result.value).toEqual(value);
        expect(codesOf(result)).toEqual(warnings.map((code) => `${code}?`));
        const again = parse(format(value));
        expect(again.ok && again.value).toEqual(value);
      });
    },
    bad(text, ...codes) {
      test(`bad: ${shown(text)}`, () => {
        const result = parse(text);
        expect(result.ok).toBe(false);
        expect(codesOf(result)).toEqual(codes);
      });
    },
  };
}

function shown(text: string): string {
  const line = text.replaceAll('\r\n', '⏎').replaceAll('\n', '↓');
  return line.length > 100 ? `${line.slice(0, 60)}…${line.slice(-30)}` : line;
}
