/**
 * Changes that wait together are committed together: one transaction and one flush for all of them, so that a flush,
 * which takes longer than most changes, is not paid by each. Every change is decided on what the ones before it left,
 * applied in a nested transaction that is undone alone when it fails, and has its own generation, serial, audit
 * entry, events and answer. An answer goes out after the flush.
 *
 * A group is decided and written without a pause, so that no reader of this process sees what is not durable. A
 * change that needs a pause (many signatures, a decision that waits for something) or is large ends the group, which
 * is committed first; then it is carried out alone.
 * Not here: the order of changes (turn-queue.ts), planning, signing and writing one change (carry-out.ts).
 */
import { GROUP_CHANGES_MAX, GROUP_MS_MAX, GROUP_NODES_MAX } from '#base/limits/changes.ts';
import { type Problem, type Result, ok } from '#base/problem.ts';
import { type Soon, whenThere } from '#control/signing/soon.ts';
import { type CommitOutcome, type StoreWrite } from '#store/writer.ts';
import { type Decision, type Turn } from '#control/commands/decision.ts';
import { type CarryOutOptions, type Done, type Ready, carryOutAlone, carriedOut, makeReady } from './carry-out.ts';

/** What is decided in a job's turn: by then the store is as it will be written to. */
export type Decide = () => Result<Decision> | Promise<Result<Decision>>;

/** A change that waits. */
export interface Job {
  readonly turn: Turn;
  readonly decide: Decide;
  /** It is written in one transaction, however large it is. */
  readonly isWhole?: boolean;
  /** How often it is made now, when others overtook it; absent: once. */
  readonly tries?: number;
  readonly answer: Pick<PromiseWithResolvers<Result<Done>>, 'resolve' | 'reject'>;
}

/** Has a job carried out in its turn, and answered. */
export type RunJob = (job: Job) => void;

/** Writes what is too large for one transaction. */
export interface LargeWay {
  /** The change without what is left of it for slices after it: the names of large zones that it removes. */
  withoutSweep(ready: Ready): Ready;
  isLarge(ready: Ready, job: Job): boolean;
  /** Called in the job's turn, which ends with the call. The job is answered. */
  take(job: Job, ready: Ready, run: RunJob): void;
}

export interface GroupOptions extends CarryOutOptions {
  /** Undefined: everything is written in one transaction. */
  readonly large?: () => { readonly way: LargeWay; readonly run: RunJob } | undefined;
}

/** A change in a group, and what became of it so far. */
interface Member {
  readonly job: Job;
  readonly ready?: Result<Ready>;
  readonly outcome?: CommitOutcome;
  readonly failure?: { readonly error: unknown };
}

/** A change that ended the group. */
interface Pausing {
  readonly job: Job;
  readonly ready: Soon<Result<Ready>>;
}

/** Runs the next group of `take`, and answers its jobs. Never rejects: what fails, fails for a job. */
export async function runGroup(take: () => Job | undefined, options: GroupOptions): Promise<void> {
  const members: Member[] = [];
  let pausing: Pausing | undefined;
  try {
    let decidedMs = 0;
    await options.writer.commitTogether((apply) => {
      pausing = collect(take, members, apply, options);
      decidedMs = performance.now();
    });
    if (members.some(({ outcome }) => outcome !== undefined)) options.commits?.done(decidedMs);
  } catch (error) {
    // The one that ended the group was decided on what is not in the store now.
    const lost = [...members.map(({ job }) => job), ...(pausing === undefined ? [] : [pausing.job])];
    // A store that is broken already takes none: the first that waits hears of it.
    for (const job of lost.length > 0 ? lost : [take()]) job?.answer.reject(error);
    return;
  }
  answerAll(members, options);
  if (pausing !== undefined) await runAlone(pausing, options);
}

/** Fills the group; the change that ended it because it needs a pause. Throws when the transaction is lost. */
function collect(
  take: () => Job | undefined,
  members: Member[],
  apply: (write: StoreWrite) => CommitOutcome,
  options: GroupOptions,
): Pausing | undefined {
  const untilMs = options.clock.nowMs() + GROUP_MS_MAX;
  while (members.length < GROUP_CHANGES_MAX) {
    const job = take();
    if (job === undefined) return undefined;
    try {
      const ready = begin(job, options);
      if (ready instanceof Promise) {
        // Its job hears of it. With a group that is lost it is not waited for, and no rejection ends the process.
        ready.catch(() => undefined);
        return { job, ready };
      }
      if (isForItself(ready) || isForSlices(job, ready, options)) return { job, ready };
      const write = ready.ok ? ready.value.write : undefined;
      // Before it is applied: a transaction that is lost takes it along.
      const at = members.push({ job, ready }) - 1;
      if (write !== undefined) members[at] = { job, ready, outcome: apply(write) };
      // It is called before the next change decides.
      if (ready.ok && ready.value.done.decision.afterCommit !== undefined) return undefined;
    } catch (error) {
      if (options.writer.broken !== undefined) throw error;
      if (members.at(-1)?.job === job) members.pop();
      members.push({ job, failure: { error } });
    }
    if (options.clock.nowMs() > untilMs) return undefined;
  }
  return undefined;
}

/** Decides and makes ready. */
function begin({ turn, decide }: Job, options: GroupOptions): Soon<Result<Ready>> {
  return whenThere(decide(), (decided) => {
    if (!decided.ok) return decided;
    const own = decided.value.warnings ?? [];
    const leave = (ready: Result<Ready>): Result<Ready> => {
      const way = options.large?.()?.way;
      return ready.ok && way !== undefined ? ok(way.withoutSweep(ready.value), ready.warnings) : ready;
    };
    return whenThere(makeReady(decided.value, turn, options), (ready) => withWarnings(leave(ready), own));
  });
}

function withWarnings<T>(result: Result<T>, warnings: readonly Problem[]): Result<T> {
  return result.ok ? ok(result.value, [...warnings, ...result.warnings]) : result;
}

/**
 * A large change, because the others of a group would wait for it; another key-encryption key, because it seals what
 * comes after it.
 */
function isForItself(ready: Result<Ready>): boolean {
  if (!ready.ok || ready.value.write === undefined) return false;
  const { parts, decision } = ready.value.done;
  const nodes = parts.reduce((sum, { plan }) => sum + plan.nodes.size + plan.hashed.size, 0);
  return nodes > GROUP_NODES_MAX || decision.kek !== undefined || decision.made !== undefined;
}

function isForSlices(job: Job, ready: Result<Ready>, { large }: GroupOptions): boolean {
  return job.isWhole !== true && ready.ok && large?.()?.way.isLarge(ready.value, job) === true;
}

/** The group is durable. */
function answerAll(members: readonly Member[], options: CarryOutOptions): void {
  const generations = new Map<Ready, number>();
  for (const { ready, outcome } of members)
    if (ready?.ok === true && outcome !== undefined) generations.set(ready.value, outcome.generation);
  try {
    carriedOut(generations, options);
  } catch (error) {
    for (const { job, outcome } of members) if (outcome !== undefined) job.answer.reject(error);
  }
  for (const { job, ready, failure } of members) {
    if (failure !== undefined || ready === undefined) job.answer.reject(failure?.error);
    else if (!ready.ok) job.answer.resolve(ready);
    else job.answer.resolve(ok(doneOf(ready.value, generations.get(ready.value)), ready.warnings));
  }
}

function doneOf({ done }: Ready, generation: number | undefined): Done {
  return generation === undefined ? done : { ...done, generation };
}

async function runAlone({ job, ready }: Pausing, options: GroupOptions): Promise<void> {
  try {
    const made = await ready;
    const large = options.large?.();
    if (large !== undefined && made.ok && isForSlices(job, made, options))
      return large.way.take(job, { ...made.value, warnings: made.warnings }, large.run);
    job.answer.resolve(made.ok ? ok(await carryOutAlone(made.value, options), made.warnings) : made);
  } catch (error) {
    job.answer.reject(error);
  }
}
