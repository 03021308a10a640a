/**
 * What a life cycle is, as data: stages, the transitions between them, and what each transition waits for. DKIM
 * selectors, TLSA records, MTA-STS bodies, DMARC stages, and later keys and certificates are all *publish – wait until
 * every cache can know – use – wait until no reader can need it – withdraw* with other names and waits.
 * Not here: doing it (engine.ts), the waits of one kind (mail/<subject>/lifecycle.ts).
 */
import { assert } from '#base/assert.ts';

interface WaitBase {
  /** Unique among the waits of its transition; operators name it to override it. */
  readonly id: string;
  /** Who is waited for, as in "waits for …". */
  readonly who: string;
  /** What would go wrong without it, one clause. */
  readonly why: string;
  readonly rfc?: string;
}

/** Over when the durations named by `terms`, one after the other, have gone by. */
export interface TimeWait extends WaitBase {
  readonly kind: 'time';
  /**
   * Names that the world knows the lengths of: they are made of TTLs, queue lives and the like, so they are not numbers
   * here.
   */
  readonly terms: readonly string[];
  /** Another wait of the transition, from whose end it counts; without it, from the entry into the stage. */
  readonly since?: string;
}

/**
 * Over when the last observation `observation` at each of the places, made since the stage was entered, is a good one.
 */
export interface GateWait extends WaitBase {
  readonly kind: 'gate';
  readonly observation: string;
  /**
   * Name of a list of places that the world knows. With an empty list it is over at once, but for `needsPlaces`
   * and `least`.
   */
  readonly places: string;
  /** It is looked at again for as long as the transition has other waits: what was good may go. */
  readonly isWatched?: true;
  /** It is not over while no place is known: that nothing can be asked proves nothing. */
  readonly needsPlaces?: true;
  /**
   * How long it waits at least: durations, one after the other from the entry into the stage. Only looks after them
   * count. Where no place looks, or none has seen anything since, it is over then. `text` says what is not looked at.
   */
  readonly least?: { readonly terms: readonly string[]; readonly text: string };
  /** Another wait of the transition, which must be over before the first look. */
  readonly after?: string;
  /**
   * Durations, one after the other from the end of `after`, for which what is not good may hold things up: then it is
   * over all the same. For evidence that strangers can spoil.
   */
  readonly patience?: readonly string[];
  /** How often the places are looked at, where it is not as often as the machine says. */
  readonly checkEveryMs?: number;
  /**
   * The second look comes so soon, and later ones more and more seldom: for what is most likely good soon after the
   * stage began.
   */
  readonly firstChecksMs?: number;
}

/** Over when the world says so: what the operator's policy wants, how other objects stand. */
export interface ConditionWait extends WaitBase {
  readonly kind: 'condition';
}

export function condition(id: string, who: string, why: string, rfc?: string): ConditionWait {
  return { kind: 'condition', id, who, why, ...(rfc === undefined ? {} : { rfc }) };
}

export type Wait = TimeWait | GateWait | ConditionWait;

export interface Transition {
  readonly from: string;
  readonly to: string;
  /** All of them must be over. */
  readonly waits: readonly Wait[];
  /** `order`: only when an order says so. */
  readonly by?: 'order';
  /** True for ways out that normally are not taken: their waits are not reported. */
  readonly isQuiet?: boolean;
}

export interface Machine {
  /** As in events: `dkim`, `tlsa`. */
  readonly kind: string;
  /** The stage that objects begin in, unless they are found in a later one. */
  readonly first: string;
  /** Stages that nothing follows; objects in them may be forgotten. */
  readonly last: readonly string[];
  /** In the order in which they are tried. */
  readonly transitions: readonly Transition[];
  /**
   * At most one object of a group is in `stage`: who enters it puts the one before it into `displaced`, in the same
   * step.
   */
  readonly singular?: { readonly stage: string; readonly displaced: string };
  /** How often places are looked at while a gate is waited for. */
  readonly checkEveryMs: number;
}

/**
 * The machine itself, when it makes sense: asserts that each stage can be reached, and left unless it is a last one,
 * and that `since` and `after` name a wait before it.
 */
export function checkedMachine(machine: Machine): Machine {
  const { kind, first, last, transitions, singular } = machine;
  const reached = new Set([first, ...transitions.map(({ to }) => to), ...(singular === undefined ? [] : [singular.displaced])]);
  for (const { from, to, waits } of transitions) {
    assert(reached.has(from) && !last.includes(from), `${kind}: ${from} → ${to} can never happen`);
    for (const [index, wait] of waits.entries()) {
      const before = waits.slice(0, index).map(({ id }) => id);
      assert(!before.includes(wait.id), `${kind}: ${from} → ${to} has two waits ${wait.id}`);
      const start = wait.kind === 'time' ? wait.since : wait.kind === 'gate' ? wait.after : undefined;
      assert(start === undefined || before.includes(start), `${kind}: ${wait.id} counts from nothing`);
      assert(
        wait.kind !== 'gate' || wait.patience === undefined || start !== undefined,
        `${kind}: the patience of ${wait.id} has no beginning`,
      );
    }
  }
  for (const stage of reached)
    assert(last.includes(stage) || transitions.some(({ from }) => from === stage), `${kind}: no way out of ${stage}`);
  return machine;
}
