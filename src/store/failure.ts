/**
 * What goes wrong with the store as such: the disk, another process, a foreign format, a wrong key. The world's errors, so they
 * are exceptions; the edge that catches one shows its `problem`. Never holds secret octets.
 */
import { constants } from 'node:os';

import { type Place, atObject, atPath } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type ProblemCode } from '#base/problem-codes.ts';

/** The codes of base/problem-codes.ts that the store raises. */
type Family = 'STORE' | 'BACKUP' | 'KEK' | 'HTTPS_KEY';
type OwnCode = `${Family}_${string}` | 'SECRET_SEALED' | 'AUDIT_BROKEN';
export type StoreFailureCode = Extract<ProblemCode, OwnCode>;

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

const { EACCES, EDQUOT, ENOSPC, EPERM, EROFS } = constants.errno;
/** As Node and as LMDB name them. */
const NO_SPACE: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', ENOSPC, EDQUOT]);
/** LMDB's numbers for what is not the fault of the file's content. */
const NO_RIGHT: ReadonlySet<unknown> = new Set([EACCES, EPERM, EROFS]);

/** `error` as the failure of the data directory that it is about; `what` did not work, and nothing was changed. */
export function folderFailure(dir: string, error: unknown, what: string): StoreFailure {
  const message = `${what}: ${messageOf(error)}. Nothing was changed`;
  const at = atPath(dir, 'the data directory');
  if (NO_SPACE.has(codeOf(error))) return new StoreFailure('STORE_FULL', at, message, 'make room on that file system', error);
  const fix = 'name a directory on a local file system that the server may write';
  return new StoreFailure('STORE_FOLDER', at, message, fix, error);
}

/** An error of the system about files in `dir` as a failure; any other error as it is. */
export function asFolderFailure(dir: string, error: unknown): unknown {
  const code = codeOf(error);
  const isOfSystem = (error instanceof Error && 'syscall' in error) || NO_SPACE.has(code) || NO_RIGHT.has(code);
  return isOfSystem ? folderFailure(dir, error, `${dir} cannot be used`) : error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * What `read` gives; `otherwise` where it throws STORE_DAMAGED: for readers of many zones, where one zone's damaged
 * document must not stop the others, and its own due work tells of it.
 */
export function unlessDamaged<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof StoreFailure) || error.code !== 'STORE_DAMAGED') throw error;
    return otherwise;
  }
}

/** `what` in the store is readable and not what it should be. */
export function formFailure(what: string): StoreFailure {
  return new StoreFailure('STORE_DAMAGED', atObject(what), `${what} does not have its form`, 'restore the last backup');
}

export function storeMissing(dir: string): StoreFailure {
  return new StoreFailure(
    'STORE_MISSING',
    atPath(dir, 'the data directory'),
    `there is no store in ${dir} yet`,
    'start "waxseal serve" once: it makes the store',
  );
}
