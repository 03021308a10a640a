/**
 * Changes of a zone that is there which write more names than one transaction should: signing is turned on, another
 * denial of existence, a transfer from a primary, a version from before. They are planned and signed in their turns;
 * then other changes have turns, and the names come in slices (filling.ts). The last turn looks whether all is as it
 * was; else the change is decided again. Whatever stands in the way of slices, one transaction does it, as before.
 * A large zone is removed by one small transaction; its names go in slices afterwards.
 *
 * Steps of keys are written in one: their waits are counted from when they are decided.
 * Not here: zone files, which are made ready by a process of their own too (imports.ts).
 */
import { IMPORT_TRIES_MAX } from '#base/limits/changes.ts';
import { atZone } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { type StoreWrite } from '#store/writer.ts';
import { type Decision, type Prepared } from '#control/commands/decision.ts';
import { type Done, type Ready } from '#control/funnel/carry-out.ts';
import { type Job, type LargeWay, type RunJob } from '#control/funnel/group.ts';
import { FILL_LIMITS, type Filled, type Filling, type FillingOptions, isRewrittenBy } from './filling.ts';
import { type RequestFacts, zoneBase } from './request.ts';
import { type UnderWay } from './under-way.ts';

export interface LargeWritesOptions extends FillingOptions, Pick<RequestFacts, 'time'> {
  readonly filling: Filling;
  readonly underWay: UnderWay;
  /** Slices end: what is left is written in one transaction. */
  readonly stopping: AbortSignal;
  /** Work that is left when a change has been answered. */
  readonly follow: (work: Promise<void>) => void;
}

/** A change that is written in slices. */
interface LargeChange {
  readonly ready: Ready & { readonly write: StoreWrite };
  readonly part: Prepared;
  /** What it is made of, as text. */
  readonly base: string;
  readonly startedMs: number;
}

const OVERTAKEN = 'IMPORT_OVERTAKEN';

export class LargeWrites implements LargeWay {
  readonly #options: LargeWritesOptions;

  constructor(options: LargeWritesOptions) {
    this.#options = options;
  }

  isLarge(ready: Ready, { tries }: Job): boolean {
    const { decision } = ready.done;
    const { stopping, underWay } = this.#options;
    if (ready.write === undefined || decision.made !== undefined || stopping.aborted) return false;
    if ((decision.parts ?? []).some(({ keySet }) => keySet !== undefined)) return false;
    const part = largest(ready);
    if (part === undefined || !this.#isRewritten(part)) return false;
    // One that is made again holds its zone already.
    return tries !== undefined || !underWay.isHeld(part.record.name);
  }

  withoutSweep(ready: Ready): Ready {
    const { done, write } = ready;
    const { decision } = done;
    const { filling, stopping, follow, fillLimits: { inPlaceNodes } = FILL_LIMITS } = this.#options;
    const large = (decision.removed ?? []).filter(({ nodeCount }) => nodeCount > inPlaceNodes);
    if (write === undefined || large.length === 0) return ready;
    const zones = { ...write.zones, leave: large.map(({ id }) => id) };
    const named = large.map(({ id, contentId = id, name }) => filling.named(contentId, name));
    const afterCommit = () => {
      decision.afterCommit?.();
      for (const { id, contentId = id } of large) follow(filling.sweep(contentId, stopping));
    };
    return {
      ...ready,
      done: { ...done, decision: { ...decision, afterCommit } },
      write: { ...write, zones, documents: [...(write.documents ?? []), ...named] },
    };
  }

  #isRewritten({ record, plan }: Prepared): boolean {
    const stored = this.#options.writer.zoneById(record.id);
    if (stored === undefined) return false;
    return isRewrittenBy(stored.nodeCount, plan.nodes.size + plan.hashed.size, this.#options.fillLimits ?? FILL_LIMITS);
  }

  take(job: Job, ready: Ready, run: RunJob): void {
    const part = largest(ready)!;
    const write = ready.write!;
    const startedMs = this.#options.time.nowMs();
    const change = { ready: { ...ready, write }, part, base: this.#base(ready), startedMs };
    this.#options.follow(this.#take(job, change, run));
  }

  /** Holds the zone until the job is answered. */
  async #take(job: Job, change: LargeChange, run: RunJob): Promise<void> {
    if (job.tries !== undefined) return this.#carryOut(job, change, run);
    const held = await this.#options.underWay.hold(change.part.record.name, 'a large change');
    if (!held.ok) return run({ ...job, isWhole: true });
    const { resolve, reject } = job.answer;
    const thenFree =
      <T>(answer: (value: T) => void) =>
      (value: T): void => {
        held.value();
        answer(value);
      };
    return this.#carryOut({ ...job, answer: { resolve: thenFree(resolve), reject: thenFree(reject) } }, change, run);
  }

  async #carryOut(job: Job, change: LargeChange, run: RunJob): Promise<void> {
    const { filling, stopping, follow } = this.#options;
    const { part, ready } = change;
    const { name } = part.record;
    const whole = { ...job, isWhole: true };
    let litter: number | undefined;
    try {
      const reserved = await filling.reserve(name);
      if (!reserved.ok) return run(whole);
      const contentId = (litter = reserved.value);
      const record = this.#options.writer.zoneById(part.record.id);
      const nodes = ready.write.nodes ?? [];
      const filled = await filling.fill({ name, contentId, record }, nodes, { signal: stopping });
      if (!filled.ok || filled.value === undefined) return run(whole);
      const done = await this.#inTurn(job, change, filled.value, run);
      if (!done.ok && done.problems[0]?.code === OVERTAKEN) {
        const tries = (job.tries ?? 1) + 1;
        return run({ ...job, tries, isWhole: tries > IMPORT_TRIES_MAX });
      }
      if (done.ok) litter = filled.value.left;
      job.answer.resolve(done);
    } catch (error) {
      job.answer.reject(error);
    } finally {
      if (litter !== undefined) follow(filling.sweep(litter, stopping));
    }
  }

  /** The switch, when all is as it was. */
  #inTurn({ turn }: Job, change: LargeChange, filled: Filled, run: RunJob): Promise<Result<Done>> {
    const answer = Promise.withResolvers<Result<Done>>();
    run({ turn, isWhole: true, answer, decide: () => this.#settle(change, filled) });
    return answer.promise;
  }

  #settle({ ready, part, base, startedMs }: LargeChange, filled: Filled): Result<Decision> {
    const { clock, time } = this.#options;
    const { name } = part.record;
    if (this.#base(ready) !== base)
      return fail(problem(OVERTAKEN, atZone(name), `${name} changed meanwhile; nothing was changed`));
    const { done, write, warnings = [] } = ready;
    // What caches hold of what goes, they hold from now on.
    const put = write.zones?.put?.map((record) => withLater(record, time.nowMs() - startedMs));
    const audit = { ...write.audit, atMs: clock.nowMs() } as typeof write.audit;
    const documents = [...(write.documents ?? []), ...filled.documents];
    const zones = { ...write.zones, ...(put && { put }) };
    const whole = { ...write, audit, zones, documents, nodes: filled.rest, filled: filled.filled };
    const made = { parts: done.parts, changed: done.changed, write: whole };
    return ok({ ...done.decision, made, warnings, isChanged: done.changed });
  }

  /** Zones, their neighbours, and documents that are written. */
  #base({ done, write }: Ready): string {
    const { writer } = this.#options;
    const zones = done.parts.map(({ record }) => zoneBase(this.#options, nameOf(record.name)));
    const documents = (write?.documents ?? []).map(({ zoneId, kind, id }) => writer.document(zoneId, kind, id) ?? null);
    return JSON.stringify([zones, documents]);
  }
}

function withLater<T extends { readonly cachedUntilMs?: number }>(record: T, ms: number): T {
  return record.cachedUntilMs === undefined ? record : { ...record, cachedUntilMs: record.cachedUntilMs + ms };
}

/** The part of a decision that writes the most names. */
function largest({ done }: Ready): Prepared | undefined {
  const size = ({ plan }: Prepared) => plan.nodes.size + plan.hashed.size;
  return done.parts.reduce<Prepared | undefined>(
    (most, part) => (most === undefined || size(part) > size(most) ? part : most),
    undefined,
  );
}
