/**
 * The one door of every change: commands, signers, tokens, events, times, signature refresh. It owns the turns, their
 * limits, and what happens when the store fails; a job only decides what is to be written.
 * Not here: what is decided (control/zone, control/mail, control/signers …), writing it (group.ts, carry-out.ts).
 */
import {
  CHANGES_WAITING_MAX,
  CHANGES_WAITING_PER_TOKEN_MAX,
  CHANGES_WAITING_SOCKET,
  CHANGES_WAITING_UPKEEP_MAX,
} from '#base/limits/changes.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { type Actor } from '#control/api/control.ts';
import { type Turn } from '#control/commands/decision.ts';
import { type CarryOutOptions, type Done } from './carry-out.ts';
import { Commits } from './commits.ts';
import { type Decide, type Job, type LargeWay, runGroup } from './group.ts';
import { TurnQueue } from './turn-queue.ts';

export interface FunnelOptions extends CarryOutOptions {
  /** Called when the store can no longer be trusted: the process has to end. */
  readonly onFatal: (failure: StoreFailure) => void;
}

export class Funnel {
  readonly #options: FunnelOptions;
  readonly #queue: TurnQueue<Job>;
  readonly #waitingOf = new Map<string, number>();
  #waiting = 0;
  #large: LargeWay | undefined;

  /** Of the store, since the start. */
  readonly commits = new Commits();

  constructor(options: FunnelOptions) {
    this.#options = options;
    const run = (job: Job) => this.#queue.add(laneOf(job.turn.actor), job);
    const large = () => this.#large && { way: this.#large, run };
    this.#queue = new TurnQueue((take) => runGroup(take, { ...options, commits: this.commits, large }));
  }

  /** Large changes are written in this way from now on. */
  useLarge(way: LargeWay): void {
    this.#large = way;
  }

  /** Jobs that wait or run. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Decides in the job's turn and carries the decision out; durable when it resolves, unless `turn.dryRun`. A store
   * that is full or broken, and a queue that is full, are problems; nothing was changed then.
   */
  change(turn: Turn, decide: Decide): Promise<Result<Done>> {
    return this.changeAfter(turn, () => Promise.resolve(ok(decide)));
  }

  /** The same for what must look something up first: slow servers out there do not hold up other changes. */
  async changeAfter(turn: Turn, look: () => Promise<Result<Decide>>): Promise<Result<Done>> {
    const lane = laneOf(turn.actor);
    const refusal = this.#refusal(turn.actor, lane);
    if (refusal !== undefined) return fail(refusal);
    this.#count(lane, 1);
    try {
      return await this.guard(async () => {
        const decide = await look();
        return decide.ok ? this.#run(lane, turn, decide.value) : decide;
      });
    } finally {
      this.#count(lane, -1);
    }
  }

  /** `read`, with a store that fails as a problem. A broken store ends the process. */
  async guard<T>(read: () => Promise<Result<T>>): Promise<Result<T>> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      this.commits.failed(error);
      if (error.code === 'STORE_BROKEN') this.#options.onFatal(error);
      return fail(error.problem);
    }
  }

  /** Resolves when every job that was given has ended. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  #run(lane: string, turn: Turn, decide: Decide): Promise<Result<Done>> {
    const answer = Promise.withResolvers<Result<Done>>();
    this.#queue.add(lane, { turn, decide, answer }, turn.actor.kind !== 'system');
    return answer.promise;
  }

  /** Why one more job of `actor` may not wait now. */
  #refusal(actor: Actor, lane: string): Problem | undefined {
    const ofLane = this.#waitingOf.get(lane) ?? 0;
    if (isFromOutside(actor) && ofLane >= CHANGES_WAITING_PER_TOKEN_MAX)
      return problem(
        'OVERLOADED',
        WHOLE,
        `${ofLane} changes of this ${actor.kind === 'tsig' ? 'key' : 'token'} are waiting already; nothing was changed`,
        {
          fix: 'wait for their answers before sending more',
        },
      );
    if (this.#waiting < waitingMax(actor)) return undefined;
    return problem('OVERLOADED', WHOLE, `${this.#waiting} changes are waiting already; nothing was changed`, {
      fix: 'try again later',
    });
  }

  #count(lane: string, by: 1 | -1): void {
    this.#waiting += by;
    const now = (this.#waitingOf.get(lane) ?? 0) + by;
    if (now === 0) this.#waitingOf.delete(lane);
    else this.#waitingOf.set(lane, now);
  }
}

function laneOf({ kind, id }: Actor): string {
  return `${kind} ${id}`;
}

/** A token or a TSIG key: there may be many, and none of them is the administrator. */
function isFromOutside({ kind }: Actor): boolean {
  return kind === 'token' || kind === 'tsig';
}

/** How many changes may wait when one of `actor` comes. */
function waitingMax(actor: Actor): number {
  if (actor.kind === 'system') return CHANGES_WAITING_MAX + CHANGES_WAITING_UPKEEP_MAX;
  return isFromOutside(actor) ? CHANGES_WAITING_MAX - CHANGES_WAITING_SOCKET : CHANGES_WAITING_MAX;
}
