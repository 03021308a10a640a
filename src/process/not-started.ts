/** How a process of `waxseal serve` says why it does not start. Not here: what is wrong (each part returns its problems). */
import { problemKind } from '#base/problem-codes.ts';
import { type Problem, formatProblem } from '#base/problem.ts';

/** Writes the problems (at least one) to stderr and returns the exit code of the first. */
export function reportNotStarted(problems: readonly Problem[]): number {
  process.stderr.write(`waxseal: not started:\n${problems.map((each) => `  ${formatProblem(each)}\n`).join('')}`);
  return problemKind(problems[0]!.code).exit;
}
