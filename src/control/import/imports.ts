/**
 * Large imports: made ready by a process of their own, while other changes have their turns, and committed in a turn
 * when nothing that they depend on has changed meanwhile. Else they are made again.
 *
 * Other changes of the zone wait until its import has ended, and are turned away when that takes long: an import that
 * every record of a busy zone makes stale would never end. The server's own upkeep does not wait.
 * Not here: the process (import-process.ts), what an import changes (control/zone/import.ts).
 */
import { randomBytes } from 'node:crypto';
import {
  IMPORT_APART_CHARACTERS_MIN,
  IMPORT_APART_GENERATED_MIN,
  IMPORT_LARGE_CHARACTERS_MIN,
  IMPORT_TRIES_MAX,
  IMPORT_WAIT_MS,
} from '#base/limits/changes.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { messageOf } from '#store/failure.ts';
import { KEK_BYTES, type Sealer, createSealer } from '#store/seal.ts';
import { type Actor, type Command, type RunOptions } from '#control/api/control.ts';
import { type Decision, type Turn } from '#control/commands/decision.ts';
import { type CommandOf, type ZoneContext } from '#control/commands/table.ts';
import { type Done } from '#control/funnel/carry-out.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type Decide } from '#control/funnel/group.ts';
import { TurnQueue } from '#control/funnel/turn-queue.ts';
import { keyLabel } from '#control/signing/keys.ts';
import { FILL_LIMITS, type FillLimits, type Filled, Filling, cleared, isRewrittenBy } from './filling.ts';
import { type ImportDone, type RunImport } from './import-process.ts';
import { type ImportMade, type ImportRequest } from './job.ts';
import { type ImportStep, Progress, type ProgressOptions } from './progress.ts';
import { type RequestFacts, clockProblem, importBase, importRequest } from './request.ts';
import { LargeWrites } from './large-writes.ts';
import { UnderWay } from './under-way.ts';

type ImportCommand = CommandOf<'zone.import'>;

/** How large imports are made ready. */
export interface ImportsWay {
  /** Who does; absent: all imports are made in their turns. */
  readonly runImport?: RunImport;
  /** How long another change of the zone waits for one; a test waits less. */
  readonly importWaitMs?: number;
  /** What is large; a test has smaller numbers. */
  readonly fillLimits?: FillLimits;
  /** Between two events about how far one is; a test has a shorter time. */
  readonly importProgressMs?: number;
}

export interface ImportsOptions extends ImportsWay, RequestFacts {
  readonly funnel: Pick<Funnel, 'change' | 'changeAfter' | 'guard' | 'useLarge'>;
  /** Something may have become due. */
  readonly onDue: () => void;
  readonly note: ProgressOptions['note'];
}

/** An import as it is given. */
export interface ImportOrder {
  readonly command: ImportCommand;
  readonly turn: Turn;
  readonly options: RunOptions;
  /** What decides in its turn, when the conditions of the command hold. */
  readonly decide: (how: (context: ZoneContext) => Result<Decision>) => Decide;
}

export class Imports {
  readonly #options: ImportsOptions;
  readonly #stopping = new AbortController();
  readonly #underWay: UnderWay;
  readonly #small = oneByOne();
  readonly #large = oneByOne();
  readonly #filling: Filling;
  /** Work that is left when an import has been answered. */
  readonly #after = new Set<Promise<void>>();

  constructor(options: ImportsOptions) {
    this.#options = options;
    this.#filling = new Filling(options);
    this.#underWay = new UnderWay(options.importWaitMs ?? IMPORT_WAIT_MS);
    if (options.runImport === undefined) return;
    const [filling, underWay, stopping] = [this.#filling, this.#underWay, this.#stopping.signal];
    this.#follow(filling.sweepAll(stopping));
    const follow = this.#follow.bind(this);
    options.funnel.useLarge(new LargeWrites({ ...options, filling, underWay, stopping, follow }));
  }

  /** Whether the command is one that has a process of its own. */
  takes(command: Command): command is ImportCommand {
    if (this.#options.runImport === undefined || command.kind !== 'zone.import') return false;
    if (command.include !== undefined) return false;
    return command.text.length >= IMPORT_APART_CHARACTERS_MIN || generatesMany(command.text);
  }

  /** Runs `change` when no import of the zone is under way; a problem when one takes long. */
  async afterImport(zone: Name, actor: Actor, change: () => Promise<Result<Done>>): Promise<Result<Done>> {
    const busy = actor.kind === 'system' ? undefined : await this.#underWay.whenFree(formatName(zone));
    return busy === undefined ? await change() : fail(busy);
  }

  async carryOut(order: ImportOrder): Promise<Result<Done>> {
    const held = await this.#underWay.hold(formatName(order.command.zone));
    if (!held.ok) return held;
    const { note, importProgressMs: everyMs } = this.#options;
    const { command, turn } = order;
    const parts = {
      zone: formatName(command.zone),
      actor: turn.actor,
      note,
      ...(everyMs !== undefined && { everyMs }),
    };
    // A dry run writes nothing, no events either.
    const progress = turn.dryRun === true ? undefined : new Progress(parts);
    let ended = 'nothing was changed';
    try {
      const done = await this.#tries(order, (step) => progress?.at(step));
      ended = endText(done);
      return done;
    } finally {
      held.value();
      if (progress !== undefined) this.#follow(progress.end(ended));
    }
  }

  /** Kills those under way, of which nothing was written; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#underWay.idle();
    await Promise.all(this.#after);
  }

  #follow(work: Promise<void>): void {
    const ended = work.finally(() => this.#after.delete(ended));
    this.#after.add(ended);
  }

  async #tries(order: ImportOrder, tell: Tell): Promise<Result<Done>> {
    for (let tries = 1; ; tries++) {
      const done = await this.#once(order, tell);
      const isStale = !done.ok && done.problems[0]?.code === 'IMPORT_OVERTAKEN';
      if (!isStale || tries === IMPORT_TRIES_MAX) return done;
    }
  }

  async #once(order: ImportOrder, tell: Tell): Promise<Result<Done>> {
    const { command, turn, decide } = order;
    const attempt: Attempt = {};
    let isWritten = false;
    try {
      const done = await this.#options.funnel.changeAfter(turn, async () => {
        // A condition that does not hold already is said before the work.
        const early = await decide(() => ok({ isChanged: false }))();
        const wrong = clockProblem(this.#options, command);
        if (!early.ok || wrong !== undefined) return early.ok ? fail(wrong!) : early;
        const inTurn = command.text.length < IMPORT_LARGE_CHARACTERS_MIN ? this.#small : this.#large;
        const made = await inTurn(`${turn.actor.kind} ${turn.actor.id}`, () => this.#make(order, attempt, tell));
        if (!made.ok) return made;
        const filled = await this.#fill(order, made.value, attempt, tell);
        return filled.ok ? ok(decide(() => this.#settle(command, made.value, filled.value))) : filled;
      });
      isWritten = done.ok && done.value.generation !== undefined;
      return done;
    } finally {
      attempt.done?.close();
      const litter = isWritten ? attempt.left : attempt.reservedId;
      // Not waited for: nothing reads what is there.
      if (litter !== undefined) this.#follow(this.#filling.sweep(litter, this.#stopping.signal));
    }
  }

  /** Made ready in the process, of what is there when its time has come. */
  async #make({ command, turn, options }: ImportOrder, attempt: Attempt, tell: Tell): Promise<Result<MadeImport>> {
    const { writer, runImport } = this.#options;
    const { zone, text } = command;
    const signal = this.#signal(options.signal);
    if (signal.aborted) return fail(notMade(zone, STOPPED));
    tell({ stage: 'starting' });
    const base = importBase(this.#options, command);
    if (turn.dryRun !== true && writer.zoneByName(zone) === undefined) {
      // A zone that is made meanwhile must not make the import stale.
      const reserved = await this.#filling.reserve(formatName(zone));
      if (!reserved.ok) return reserved;
      attempt.reservedId = reserved.value;
    }
    const { reservedId: newZoneId } = attempt;
    const session = randomBytes(KEK_BYTES);
    const request = importRequest(this.#options, command, turn, options, { sessionKey: session, newZoneId });
    try {
      attempt.done = await runImport!(request, text, { signal, tell });
    } catch (error) {
      return fail(notMade(zone, messageOf(error)));
    }
    const { reply, nodes } = attempt.done;
    if (reply.kind === 'rejected') return fail(...reply.problems);
    const { writtenByMs } = request;
    return ok({ base, writtenByMs, sealer: createSealer(session, randomBytes), made: reply.made, nodes, newZoneId });
  }

  /** In the import's turn: what was made, when all that it was made of is as it was. */
  #settle(command: ImportCommand, ready: MadeImport, filled: Filled | undefined): Result<Decision> {
    const { base, writtenByMs, sealer, made, nodes, newZoneId } = ready;
    const { clock, time, onDue } = this.#options;
    const wrong = clockProblem(this.#options, command);
    if (wrong !== undefined) return fail(wrong);
    if (importBase(this.#options, command) !== base || time.nowMs() > writtenByMs) return fail(overtaken(command.zone));
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
      zone: formatName(command.zone),
      made: { parts, changed, write: whole },
      warnings,
      isChanged: changed,
      ...(hasDue ? { afterCommit: onDue } : {}),
    });
  }

  /** The names of a large zone go into the store before its turn; undefined: all go in its turn. */
  async #fill(
    { command: { zone }, turn, options }: ImportOrder,
    { newZoneId, made: { fileBytes, names }, nodes }: MadeImport,
    attempt: Attempt,
    tell: Tell,
  ): Promise<Result<Filled | undefined>> {
    const name = formatName(zone);
    const record = newZoneId === undefined ? this.#options.writer.zoneByName(zone) : undefined;
    const { fillLimits = FILL_LIMITS } = this.#options;
    if (fileBytes < fillLimits.bytesMin || turn.dryRun === true) return ok(undefined);
    if (record !== undefined) {
      if (!isRewrittenBy(record.nodeCount, names, fillLimits)) return ok(undefined);
      const reserved = await this.#filling.reserve(name);
      if (!reserved.ok) return reserved;
      attempt.reservedId = reserved.value;
    }
    const { reservedId: contentId } = attempt;
    // A zone that is gone meanwhile: its turn says so.
    if (contentId === undefined) return ok(undefined);
    const total = Math.max(record?.nodeCount ?? 0, names);
    const onWritten = (done: number) => tell({ stage: 'writing', done, total: Math.max(done, total) });
    const way = { signal: this.#signal(options.signal), onWritten };
    const filled = await this.#filling.fill({ name, contentId, record }, nodes, way);
    if (filled.ok) attempt.left = filled.value?.left;
    return filled.ok && filled.value === undefined ? fail(notMade(zone, STOPPED)) : filled;
  }

  #signal(cancelled: AbortSignal | undefined): AbortSignal {
    const stopping = this.#stopping.signal;
    return cancelled === undefined ? stopping : AbortSignal.any([stopping, cancelled]);
  }

  /** From under the key of the import to under the key-encryption key. */
  #resealed(id: string, sealed: Uint8Array, session: Sealer): Uint8Array {
    const opened = session.open(keyLabel(id), sealed);
    if (!opened.ok) throw new Error('a key of an import does not open');
    return this.#options.writer.sealer.seal(keyLabel(id), opened.value);
  }
}

/** A line of it stands for as many records as a large file has; or for who knows how many. */
function generatesMany(text: string): boolean {
  const lines = text.match(/\$generate/gi)?.length ?? 0;
  if (lines === 0) return false;
  const ranges = [...text.matchAll(/\$generate[ \t]+([0-9]{1,10})-([0-9]{1,10})/gi)];
  const records = ranges.reduce((sum, [, from, to]) => sum + Math.max(0, Number(to) - Number(from) + 1), 0);
  return ranges.length < lines || records >= IMPORT_APART_GENERATED_MIN;
}

type Tell = (step: ImportStep) => void;

/** Codes alone: the texts are about a file that only its sender has. */
function endText(done: Result<Done>): string {
  if (!done.ok) return `nothing was changed: ${[...new Set(done.problems.map(({ code }) => code))].join(', ')}`;
  return done.value.generation === undefined ? 'the zone is that way already' : 'it is durable';
}

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

function notMade(zone: Name, reason: string): Problem {
  const why = `the import of ${formatName(zone)} was not made: ${reason}; nothing was changed`;
  const fix = 'repeat the import; if it fails again, look at the log and at the memory of this machine';
  return problem('IMPORT_FAILED', atZone(formatName(zone)), why, { fix });
}

function overtaken(zone: Name): Problem {
  const name = formatName(zone);
  const times = `${IMPORT_TRIES_MAX} times while its import was read`;
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
