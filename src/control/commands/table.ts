/**
 * Every kind of command with what decides it, as one table: a kind without a handler does not compile.
 * Not here: the handlers (control/zone/decide.ts, control/mail/decide.ts), the turns (control/funnel/funnel.ts).
 */
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type ZoneView } from '#zone/view.ts';
import { type Actor, type Command } from '#control/api/control.ts';
import { type Decision } from './decision.ts';

export type CommandKind = Command['kind'];
export type CommandOf<K extends CommandKind> = Extract<Command, { readonly kind: K }>;

/** A zone with its records as they are. */
export interface ServedZone {
  readonly record: ZoneRecord;
  readonly view: ZoneView;
}

/** What a handler decides on. */
export interface ZoneContext {
  /** The command's zone; undefined when it is not served here. */
  readonly served: ServedZone | undefined;
  /** A zone of that name without records. */
  readonly emptyView: ZoneView;
  readonly actor: Actor;
  /** Whether the actor may change the zone with this apex. */
  readonly mayChange: (apex: Name) => boolean;
  /** Whether the actor may change this RRset of the zone; absent: every one. */
  readonly mayTouch?: (owner: Name, type: RrType) => boolean;
}

type Decided = Result<Decision> | Promise<Result<Decision>>;

export interface Handler<C extends Command> {
  /** The zone need not exist. */
  readonly isCreating?: true;
  /** Written even into the last reserve of the disk. */
  readonly isUpkeep?: true;
  /** Looks up in the world, before the command's turn, what `decide` needs: returns the deciding to be done in the turn. */
  readonly look?: (command: C) => Promise<Result<(context: ZoneContext) => Decided>>;
  readonly decide: (command: C, context: ZoneContext) => Decided;
}

/** Handlers of the kinds `K`. `command.zone` is in lower case for all of them. */
export type CommandTable<K extends CommandKind> = { readonly [Kind in K]: Handler<CommandOf<Kind>> };

/** The handler of `command`. */
export function handlerOf<C extends Command>(table: CommandTable<CommandKind>, { kind }: C): Handler<C> {
  // TypeScript does not follow the kind from the command into the table.
  return table[kind] as unknown as Handler<C>;
}
