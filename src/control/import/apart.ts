/**
 * A change that a process makes ready: it gets what it reads, and what it made is committed in the change's turn when
 * nothing that it was made of has changed meanwhile. Else it is made again.
 * Not here: what the process does (job.ts), which changes these are (imports.ts).
 */
import { randomBytes } from 'node:crypto';
import { IMPORT_TRIES_MAX } from '#base/limits/changes.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { messageOf } from '#store/failure.ts';
import { KEK_BYTES, type Sealer, createSealer } from '#store/seal.ts';
import { type Decision, type Turn } from '#control/commands/decision.ts';
import { type Done } from '#control/funnel/carry-out.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type Decide } from '#control/funnel/group.ts';
import { TurnQueue } from '#control/funnel/turn-queue.ts';
import { keyLabel } from '#control/signing/keys.ts';
import { FILL_LIMITS, type FillLimits, type Filled, type Filling, cleared, isRewrittenBy } from './filling.ts';
import { type ImportDone, type ImportInput, type RunImport } from './import-process.ts';
import { type ImportMade } from './job.ts';
import { type ImportRequest } from './work.ts';
import { type ImportStep } from './progress.ts';
import { type RequestFacts, type RequestOrder, importRequest } from './request.ts';

export interface ApartOptions extends RequestFacts {
  readonly runImport: RunImport;
  readonly fillLimits?: FillLimits | undefined;
  readonly funnel: Pick<Funnel, 'changeAfter'>;
  readonly filling: Filling;
  /** Ends those under way, of which nothing was written. */
  readonly stopping: AbortSignal;
  /** Work that is left when a change has been answered. */
  readonly follow: (work: Promise<void>) => void;
  /** Something may have become due. */
  readonly onDue: () => void;
}

/** What is made ready, and how it becomes a change. */
export interface ApartOrder {
  readonly zone: Name;
  readonly turn: Turn;
  readonly input: ImportInput;
  /** What it is for people: `import`. */
  readonly what: string;
  /** Those of one lane take turns with those of others; large ones do not hold up small ones. */
  readonly lane: string;
  readonly isLarge: boolean;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** What is against it already; looked at before the work. */
  readonly early: () => Promise<Result<unknown>>;
  /** Why nothing of the zone can be signed now. */
  readonly clockProblem: () => Problem | undefined;
  /** What is asked of the process; called when its time has come. */
  readonly request: () => RequestOrder;
  /** What the change is made of, as text. */
  readonly base: () => string;
  /** What decides in its turn: conditions first. */
  readonly decide: (settle: () => Result<Decision>) => Decide;
  /** Receives what the process made. */
  readonly onMade?: (made: ImportMade) => void;
}

export class ApartWork {
  readonly #options: ApartOptions;
  readonly #small = oneByOne();
  readonly #large = oneByOne();

  constructor(options: ApartOptions) {
    this.#options = options;
  }

  /** Carries it out, three times at most. `tell` receives how far it is. */
  async carryOut(order: ApartOrder, tell: Tell): Promise<Result<Done>> {
    for (let tries = 1; ; tries++) {
      const done = await this.#once(order, tell);
      const isStale = !done.ok && done.problems[0]?.code === 'IMPORT_OVERTAKEN';
      if (!isStale || tries === IMPORT_TRIES_MAX) return done;
    }
  }

  async #once(order: ApartOrder, tell: Tell): Promise<Result<Done>> {
    const { turn, decide, isLarge, lane } = order;
    const { filling, follow, stopping } = this.#options;
    const attempt: Attempt = {};
    let isWritten = false;
    try {
      const done = await this.#options.funnel.changeAfter(turn, async () => {
        // A condition that does not hold already is said before the work.
        const early = await order.early();
        if (!early.ok) return early;
        const wrong = order.clockProblem();
        if (wrong !== undefined) return fail(wrong);
        const inTurn = isLarge ? this.#large : this.#small;
        const made = await inTurn(lane, () => this.#make(order, attempt, tell));
        if (!made.ok) return made;
        const filled = await this.#fill(order, made.value, attempt, tell);
        return filled.ok ? ok(decide(() => this.#settle(order, made.value, filled.value))) : filled;
      });
      isWritten = done.ok && done.value.generation !== undefined;
      return done;
    } finally {
      attempt.done?.close();
      const litter = isWritten ? attempt.left : attempt.reservedId;
      // Not waited for: nothing reads what is there.
      if (litter !== undefined) follow(filling.sweep(litter, stopping));
    }
  }

  /** Made ready in the process, of what is there when its time has come. */
  async #make(order: ApartOrder, attempt: Attempt, tell: Tell): Promise<Result<MadeImport>> {
    const { writer, runImport, filling } = this.#options;
    const { zone, turn, input } = order;
    const signal = this.#signal(order);
    if (signal.aborted) return fail(notMade(order, STOPPED));
    tell({ stage: 'starting' });
    const base = order.base();
    if (turn.dryRun !== true && writer.zoneByName(zone) === undefined) {
      // A zone that is made meanwhile must not make the import stale.
      const reserved = await filling.reserve(formatName(zone));
      if (!reserved.ok) return reserved;
      attempt.reservedId = reserved.value;
    }
    const { reservedId: newZoneId } = attempt;
    const session = randomBytes(KEK_BYTES);
    const request = importRequest(this.#options, order.request(), { sessionKey: session, newZoneId });
    try {
      attempt.done = await runImport(request, input, { signal, tell });
    } catch (error) {
      return fail(!signal.aborted && order.base() !== base ? overtaken(order) : notMade(order, messageOf(error)));
    }
    const { reply, nodes } = attempt.done;
    // What it read may be newer than what it was given: the zone has another key or another role by now.
    if (reply.kind === 'rejected') return order.base() === base ? fail(...reply.problems) : fail(overtaken(order));
    const { writtenByMs } = request;
    order.onMade?.(reply.made);
    return ok({ base, writtenByMs, sealer: createSealer(session, randomBytes), made: reply.made, nodes, newZoneId });
  }

  /** In the import's turn: what was made, when all that it was made of is as it was. */
  #settle(order: ApartOrder, ready: MadeImport, filled: Filled | undefined): Result<Decision> {
    const { base, writtenByMs, sealer, made, nodes, newZoneId } = ready;
    const { clock, time, onDue } = this.#options;
    const wrong = order.clockProblem();
    if (wrong !== undefined) return fail(wrong);
    if (order.base() !== base || time.nowMs() > writtenByMs) return fail(overtaken(order));
    const { write, parts, changed, warnings } = made;
    const fresh = new Set(parts.flatMap((part) => [...part.fresh.keys()]));
    const audit = { ...write?.audit, atMs: clock.nowMs(), ...(write?.audit.action && { countedMs: time.nowMs() }) };
    const secrets = write?.secrets?.map((each) =>
      each.value !== null && fresh.has(each.id)
        ? { ...each, value: this.#resealed(each.id, each.value, sealer) }
        : each,
    );
    const named = filled?.documents ?? (newZoneId === undefined ? [] : [cleared(newZoneId)]);
    const whole = write && {
      ...write,
      audit: audit as typeof write.audit,
      nodes: filled?.rest ?? nodes,
      documents: [...(write.documents ?? []), ...named],
      ...(secrets && { secrets }),
      ...(filled && { filled: filled.filled }),
    };
    const hasDue = (write?.documents ?? []).length > 0;
    return ok({
      zone: formatName(order.zone),
      made: { parts, changed, write: whole },
      warnings,
      isChanged: changed,
      ...(hasDue ? { afterCommit: onDue } : {}),
    });
  }

  /** The names of a large zone go into the store before its turn; undefined: all go in its turn. */
  async #fill(
    order: ApartOrder,
    { newZoneId, made: { fileBytes, names }, nodes }: MadeImport,
    attempt: Attempt,
    tell: Tell,
  ): Promise<Result<Filled | undefined>> {
    const { zone, turn } = order;
    const { filling } = this.#options;
    const name = formatName(zone);
    const record = newZoneId === undefined ? this.#options.writer.zoneByName(zone) : undefined;
    const { fillLimits = FILL_LIMITS } = this.#options;
    if (fileBytes < fillLimits.bytesMin || turn.dryRun === true) return ok(undefined);
    if (record !== undefined) {
      if (!isRewrittenBy(record.nodeCount, names, fillLimits)) return ok(undefined);
      const reserved = await filling.reserve(name);
      if (!reserved.ok) return reserved;
      attempt.reservedId = reserved.value;
    }
    const { reservedId: contentId } = attempt;
    // A zone that is gone meanwhile: its turn says so.
    if (contentId === undefined) return ok(undefined);
    const total = Math.max(record?.nodeCount ?? 0, names);
    const onWritten = (done: number) => tell({ stage: 'writing', done, total: Math.max(done, total) });
    const way = { signal: this.#signal(order), onWritten };
    const filled = await filling.fill({ name, contentId, record }, nodes, way);
    if (filled.ok) attempt.left = filled.value?.left;
    return filled.ok && filled.value === undefined ? fail(notMade(order, STOPPED)) : filled;
  }

  #signal({ signal: cancelled }: ApartOrder): AbortSignal {
    const { stopping } = this.#options;
    return cancelled === undefined ? stopping : AbortSignal.any([stopping, cancelled]);
  }

  /** From under the key of the import to under the key-encryption key. */
  #resealed(id: string, sealed: Uint8Array, session: Sealer): Uint8Array {
    const opened = session.open(keyLabel(id), sealed);
    if (!opened.ok) throw new Error('a key of an import does not open');
    return this.#options.writer.sealer.seal(keyLabel(id), opened.value);
  }
}

/** Receives how far one is. */
export type Tell = (step: ImportStep) => void;

const STOPPED = 'it was stopped';

/** What is to be given back at the end of a try. */
interface Attempt {
  done?: ImportDone;
  /** Reserved for the names of the zone, when they are written under an id of their own. */
  reservedId?: number | undefined;
  /** The id that they stood under before. */
  left?: number | undefined;
}

/** An import that is ready for its turn. */
interface MadeImport extends Pick<ImportDone, 'nodes'>, Pick<ImportRequest, 'writtenByMs'> {
  readonly base: string;
  /** Reserved, when the import makes the zone. */
  readonly newZoneId: number | undefined;
  /** Of the key of the import. */
  readonly sealer: Sealer;
  readonly made: ImportMade;
}

function notMade({ zone, what }: ApartOrder, reason: string): Problem {
  const why = `the ${what} of ${formatName(zone)} was not made: ${reason}; nothing was changed`;
  const fix = 'repeat it; if it fails again, look at the log and at the memory of this machine';
  return problem('IMPORT_FAILED', atZone(formatName(zone)), why, { fix });
}

function overtaken({ zone, what }: ApartOrder): Problem {
  const name = formatName(zone);
  const times = `${IMPORT_TRIES_MAX} times while its ${what} was read`;
  const why = `${name} or what it depends on changed ${times}; nothing was changed`;
  return problem('IMPORT_OVERTAKEN', atZone(name), why, {
    fix: 'see what changes it: waxseal zone history; then repeat',
  });
}

/** Runs one at a time; lanes take turns. */
function oneByOne(): <T>(lane: string, run: () => Promise<T>) => Promise<T> {
  const queue = new TurnQueue<() => Promise<unknown>>(async (take) => {
    await take()?.();
  });
  return (lane, run) =>
    new Promise((resolve, reject) => {
      queue.add(lane, () => run().then(resolve, reject));
    });
}
