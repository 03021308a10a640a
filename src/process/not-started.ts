/**
 * How a process of `waxseal serve` says why it does not start. Not here: what is wrong (each part returns its
 * problems).
 */
import { type NoticeFormat, formatNotice } from '#process/confine/notice.ts';
import { problemKind } from '#base/problem-codes.ts';
import { type Problem, formatProblem } from '#base/problem.ts';

/**
 * Writes the problems (at least one) to stderr and returns the exit code of the first. In the form of the log, but at a
 * terminal in that for people: who starts the server there reads them.
 */
export function reportNotStarted(who: string, problems: readonly Problem[], format: NoticeFormat): number {
  const exit = problemKind(problems[0]!.code).exit;
  const texts = problems.map(formatProblem);
  if (format === 'text' || process.stderr.isTTY)
    process.stderr.write(`waxseal: not started:\n${texts.map((each) => `  ${each}\n`).join('')}`);
  else {
    const event = 'server.not-started';
    const fields = { exit, code: problems[0]!.code, problems: texts };
    const message = `not started: ${texts.join('; ')}`;
    process.stderr.write(formatNotice('json', { level: 'fatal', process: who, event, message, fields }));
  }
  return exit;
}
