/**
 * Problems as they are found, with a bound: input of any size and badness yields a list of readable length.
 * Errors and warnings are bounded apart, so that a hundred warnings cannot hide the error that stops the change.
 */
import { PROBLEMS_SHOWN_MAX } from '#base/limits/dns.ts';
import { WHOLE } from './place.ts';
import { type Problem, problem, warning } from './problem.ts';

export class ProblemList {
  readonly #shown: Problem[] = [];
  readonly #max: number;
  #errors = 0;
  #warnings = 0;

  constructor(max: number = PROBLEMS_SHOWN_MAX) {
    this.#max = max;
  }

  /** Errors so far, also those that are not kept. */
  get errorCount(): number {
    return this.#errors;
  }

  push(...problems: readonly Problem[]): void {
    for (const each of problems) {
      const count = each.severity === 'error' ? ++this.#errors : ++this.#warnings;
      if (count <= this.#max) this.#shown.push(each);
    }
  }

  /** In the order found, then one line for each kind that had more than could be kept. */
  list(): Problem[] {
    const listed = [...this.#shown];
    if (this.#errors > this.#max) listed.push(problem('PROBLEMS_MORE', WHOLE, `and ${this.#errors - this.#max} more errors`));
    if (this.#warnings > this.#max) listed.push(warning('PROBLEMS_MORE', WHOLE, `and ${this.#warnings - this.#max} more warnings`));
    return listed;
  }
}
