/**
 * Large imports, and large zones from primaries: made ready by a process of their own, while other changes have their
 * turns, and committed in a turn when nothing that they depend on has changed meanwhile.
 *
 * Other changes of the zone wait until its import has ended, and are turned away when that takes long: an import that
 * every record of a busy zone makes stale would never end. The server's own upkeep does not wait.
 * Not here: making ready and committing (apart.ts), what an import changes (control/zone/import.ts).
 */
import {
  IMPORT_APART_CHARACTERS_MIN,
  IMPORT_APART_GENERATED_MIN,
  IMPORT_LARGE_CHARACTERS_MIN,
  IMPORT_WAIT_MS,
  ROLLBACK_APART_BYTES_MIN,
} from '#base/limits/changes.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { type Actor, type Command, type RunOptions } from '#control/api/control.ts';
import { type Decision, type Turn } from '#control/commands/decision.ts';
import { type CommandOf, type ZoneContext } from '#control/commands/table.ts';
import { type Done } from '#control/funnel/carry-out.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type Decide } from '#control/funnel/group.ts';
import { changedMeanwhile } from '#control/secondary/decisions.ts';
import { type TakeTransfer, type TransferOrder } from '#control/secondary/take-apart.ts';
import { type ApartOrder, ApartWork } from './apart.ts';
import { type FillLimits, Filling } from './filling.ts';
import { type RunImport } from './import-process.ts';
import { type ImportMade } from './job.ts';
import { LargeWrites } from './large-writes.ts';
import { Progress, type ProgressOptions } from './progress.ts';
import { type RequestFacts, clockProblem, fileOrder, importBase, rollbackBytes, zoneBase } from './request.ts';
import { transferOrder } from './transfer-order.ts';
import { UnderWay } from './under-way.ts';
import { type RollbackCommand } from './work.ts';

type ApartCommand = CommandOf<'zone.import'> | RollbackCommand;

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
  readonly command: ApartCommand;
  readonly turn: Turn;
  readonly options: RunOptions;
  /** What decides in its turn, when the conditions of the command hold. */
  readonly decide: (how: (context: ZoneContext) => Result<Decision>) => Decide;
}

export class Imports {
  readonly #options: ImportsOptions;
  readonly #stopping = new AbortController();
  readonly #underWay: UnderWay;
  /** Undefined: all is made in its turn. */
  readonly #apart: ApartWork | undefined;
  /** Work that is left when an import has been answered. */
  readonly #after = new Set<Promise<void>>();

  constructor(options: ImportsOptions) {
    this.#options = options;
    this.#underWay = new UnderWay(options.importWaitMs ?? IMPORT_WAIT_MS);
    const { runImport } = options;
    if (runImport === undefined) return;
    const [filling, underWay, stopping] = [new Filling(options), this.#underWay, this.#stopping.signal];
    this.#follow(filling.sweepAll(stopping));
    const follow = this.#follow.bind(this);
    this.#apart = new ApartWork({ ...options, runImport, filling, stopping, follow });
    options.funnel.useLarge(new LargeWrites({ ...options, filling, underWay, stopping, follow }));
  }

  /** Whether the command is one that has a process of its own. */
  takes(command: Command, { mayTouch }: RunOptions): command is ApartCommand {
    if (this.#apart === undefined) return false;
    // What a sender with narrower rights may touch is not known there.
    if (command.kind === 'zone.rollback' || command.kind === 'zone.revert')
      return mayTouch === undefined && rollbackBytes(this.#options, command) >= ROLLBACK_APART_BYTES_MIN;
    if (command.kind !== 'zone.import' || command.include !== undefined) return false;
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
    const isTold = turn.dryRun !== true && command.kind === 'zone.import';
    const progress = isTold ? new Progress(parts) : undefined;
    let ended = 'nothing was changed';
    try {
      const done = await this.#apart!.carryOut(this.#orderOf(order), (step) => progress?.at(step));
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

  /** How a zone from a primary is made ready and written; undefined: not apart from this process. */
  get takeTransfer(): TakeTransfer | undefined {
    const apart = this.#apart;
    return apart && ((order) => this.#takeTransfer(order, apart));
  }

  async #takeTransfer(order: TransferOrder, apart: ApartWork): Promise<Result<readonly string[]>> {
    const held = await this.#underWay.hold(formatName(order.zone), 'a transfer');
    if (!held.ok) return held;
    let notes: readonly string[] = [];
    try {
      const onMade = (made: ImportMade): void => void (notes = made.notes);
      const done = await apart.carryOut({ ...transferOrder(this.#options, order), onMade }, () => {});
      if (done.ok) return ok(notes);
      // No fault of the primary.
      return this.#stopping.signal.aborted ? fail(changedMeanwhile(order.record)) : done;
    } finally {
      held.value();
    }
  }

  #orderOf({ command, turn, options, decide }: ImportOrder): ApartOrder {
    const { zone } = command;
    const facts = this.#options;
    const shared = {
      zone,
      turn,
      lane: `${turn.actor.kind} ${turn.actor.id}`,
      signal: options.signal,
      early: async () => decide(() => ok({ isChanged: false }))(),
      clockProblem: () => clockProblem(facts, command),
      decide,
    };
    if (command.kind !== 'zone.import') {
      const work = { kind: 'rollback', command } as const;
      return {
        ...shared,
        what: 'rollback',
        input: { text: '' },
        isLarge: rollbackBytes(facts, command) >= IMPORT_LARGE_CHARACTERS_MIN,
        request: () => ({ zone, turn, work, inputBytes: 0, parent: undefined }),
        base: () => zoneBase(facts, zone),
      };
    }
    const { text } = command;
    return {
      ...shared,
      what: 'import',
      input: { text },
      isLarge: text.length >= IMPORT_LARGE_CHARACTERS_MIN,
      request: () => fileOrder(facts, command, turn, options),
      base: () => importBase(facts, command),
    };
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

/** Codes alone: the texts are about a file that only its sender has. */
function endText(done: Result<Done>): string {
  if (!done.ok) return `nothing was changed: ${[...new Set(done.problems.map(({ code }) => code))].join(', ')}`;
  return done.value.generation === undefined ? 'the zone is that way already' : 'it is durable';
}
