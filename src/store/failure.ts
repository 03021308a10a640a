/**
 * What goes wrong with the store as such: the disk, another process, a foreign format, a wrong key. The world's errors, so they
 * are exceptions; the edge that catches one shows its `problem`. Never holds secret octets.
 */
import { type Place, atObject } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type ProblemCode } from '#base/problem-codes.ts';

/** The codes of base/problem-codes.ts that the store raises. */
export type StoreFailureCode = Extract<ProblemCode, `STORE_${string}` | `KEK_${string}` | 'SECRET_SEALED'>;

/** Thrown by the store; `problem` is the same as a value, for API and command line. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly problem: Problem;
  readonly code: StoreFailureCode;

  constructor(code: StoreFailureCode, at: Place, message: string, fix?: string, cause?: unknown) {
    super(fix === undefined ? message : `${message}; ${fix}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.problem = problem(code, at, message, fix === undefined ? {} : { fix });
  }
}

/** The text of something caught. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `what` in the store is readable and not what it should be. */
export function formFailure(what: string): StoreFailure {
  return new StoreFailure('STORE_DAMAGED', atObject(what), `${what} does not have its form`, 'restore the last backup');
}
