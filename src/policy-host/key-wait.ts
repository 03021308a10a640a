/**
 * Waits for the file of the policy host's key: on a first start control is just making it, and later an operator may
 * have to put it right. A confined process may read only the file that was there when it was started, so for another
 * file in its place it has to be started again; also for one that control made while this process was being started.
 * Not here: what the file must be (store/kek.ts), confinement (process/confine/).
 */
import { closeSync, openSync, statSync } from 'node:fs';
import { HTTPS_KEY_LOOK_MS, HTTPS_KEY_YOUNG_MS } from '#base/limits/https.ts';
import { type Problem, type Result } from '#base/problem.ts';
import { type Sealer } from '#store/seal.ts';

export interface KeyWaitOptions {
  readonly file: string;
  readonly sealer: () => Result<Sealer>;
  /** Called once: the key is there. */
  readonly ready: () => void;
  /** Called for each new reason why it is not. */
  readonly missed: (problem: Problem) => void;
  /** Another file stands there than at the start of this process, or one that is as young, and cannot be read. */
  readonly replaced: () => void;
  /** On the wall clock: when this process was started. */
  readonly startedMs: number;
}

/** Looks now and until the key is there; returns what ends it. */
export function waitForKey({ file, sealer, ready, missed, replaced, startedMs }: KeyWaitOptions): () => void {
  const first = identityOf(file);
  let timer: NodeJS.Timeout | undefined;
  let lastText = '';
  const look = (): void => {
    const opened = sealer();
    if (opened.ok) return ready();
    if (identityOf(file) !== first || isYoung(file, startedMs)) return replaced();
    const [problem] = opened.problems;
    if (problem!.message !== lastText) missed(problem!);
    lastText = problem!.message;
    timer = setTimeout(look, HTTPS_KEY_LOOK_MS);
  };
  look();
  return () => clearTimeout(timer);
}

/** Undefined: there is no such file. */
function identityOf(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev} ${found.ino}`;
}

/** Made, or given to this user, after this process was confined, or so shortly before that it cannot be decided. */
function isYoung(file: string, startedMs: number): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && found.ctimeMs > startedMs - HTTPS_KEY_YOUNG_MS && !mayRead(file);
}

function mayRead(file: string): boolean {
  try {
    closeSync(openSync(file, 'r'));
    return true;
  } catch {
    return false;
  }
}
