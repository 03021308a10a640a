/**
 * What is remembered of objects that live through a machine: JSON, with a version, kept in the same transaction as what
 * it led to. Everything here gives a new state and leaves the old one alone, so a decision that is not committed never
 * happened.
 * Not here: transitions (engine.ts).
 */
import { atObject } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

/** What was seen, where and when. */
export interface Observation {
  /** What was looked at: `record`, `body`, `switched`. */
  readonly what: string;
  /** Where: a name server, a signer, a probe. */
  readonly place: string;
  readonly isGood: boolean;
  /** Nothing could be seen: what was seen there before stays. */
  readonly isUnseen?: true;
  /** What it looked like, for people: `NXDOMAIN`, `v=DKIM1; p=…`. */
  readonly text: string;
  /** Counted time (timeline.ts). */
  readonly atMs: number;
}

/** Something seen, and of which object: a selector, `tlsa-mx1-2`, `mta-sts-body-3`, `dmarc`. */
export interface LifecycleObservation extends Observation {
  readonly object: string;
}

export interface Hold {
  readonly reason: string;
  readonly by: string;
  readonly atMs: number;
}

/** An operator's word that a wait of this stage need not be waited for. */
export interface Override extends Hold {
  readonly wait: string;
}

/** Why a wait was taken as over. */
export interface Evidence {
  readonly wait: string;
  readonly text: string;
  readonly seen: readonly Observation[];
  readonly override?: Override;
}

export interface TransitionRecord {
  readonly from: string;
  readonly to: string;
  readonly atMs: number;
  readonly evidence: readonly Evidence[];
}

/** One thing with a life. `Data` is what its kind keeps about it; JSON. */
export interface LifecycleObject<Data> {
  readonly id: string;
  /** Objects that replace each other share it. */
  readonly group: string;
  readonly stage: string;
  readonly createdAtMs: number;
  readonly enteredAtMs: number;
  readonly data: Data;
  /** The last observation of each kind at each place, since the stage was entered. */
  readonly seen: readonly Observation[];
  /** When gates and conditions of this stage were first found good, by `to/wait`; not there while they are not. */
  readonly confirmed: Readonly<Record<string, number>>;
  readonly overrides: readonly Override[];
  readonly hold?: Hold;
  /** What was last said about its wait, so that it is said once. */
  readonly told?: string;
  readonly history: readonly TransitionRecord[];
}

export interface LifecycleState<Data> {
  readonly version: 1;
  /** Nothing moves by itself. */
  readonly hold?: Hold;
  /** In the order they were made. */
  readonly objects: readonly LifecycleObject<Data>[];
}

export function newLifecycle<Data>(): LifecycleState<Data> {
  return { version: 1, objects: [] };
}

export interface NewObject<Data> {
  readonly id: string;
  readonly group: string;
  readonly stage: string;
  readonly data: Data;
}

/** `state` with one more object. Its id must be new; the maker sees to that. */
export function addObject<Data>(
  state: LifecycleState<Data>,
  { id, group, stage, data }: NewObject<Data>,
  nowMs: number,
): LifecycleState<Data> {
  const added: LifecycleObject<Data> = {
    id,
    group,
    stage,
    createdAtMs: nowMs,
    enteredAtMs: nowMs,
    data,
    seen: [],
    confirmed: {},
    overrides: [],
    history: [],
  };
  return { ...state, objects: [...state.objects, added] };
}

export function findObject<Data>(state: LifecycleState<Data>, id: string): LifecycleObject<Data> | undefined {
  return state.objects.find((each) => each.id === id);
}

/** `state` with that object replaced by what `change` makes of it. */
export function changeObject<Data>(
  state: LifecycleState<Data>,
  id: string,
  change: (object: LifecycleObject<Data>) => LifecycleObject<Data>,
): LifecycleState<Data> {
  return { ...state, objects: state.objects.map((each) => (each.id === id ? change(each) : each)) };
}

/** `state` without objects that `isGone` says nothing is left of. */
export function forgetObjects<Data>(state: LifecycleState<Data>, isGone: (object: LifecycleObject<Data>) => boolean): LifecycleState<Data> {
  return state.objects.some(isGone) ? { ...state, objects: state.objects.filter((each) => !isGone(each)) } : state;
}

/**
 * Takes note of an observation. One that is older than what is known, than the stage, or about an object that is gone
 * changes nothing.
 */
export function observe<Data>(state: LifecycleState<Data>, id: string, observation: Observation): LifecycleState<Data> {
  const isSame = (each: Observation) => each.what === observation.what && each.place === observation.place;
  const isReplaced = (each: Observation) => isSame(each) && (observation.isUnseen !== true || each.isUnseen === true);
  return changeObject(state, id, (object) =>
    observation.atMs < object.enteredAtMs || object.seen.some((each) => isSame(each) && each.atMs > observation.atMs)
      ? object
      : { ...object, seen: [...object.seen.filter((each) => !isReplaced(each)), observation] },
  );
}

/** The last observation at a place; undefined when there is none. */
export function lastAt(seen: readonly Observation[], place: string): Observation | undefined {
  const there = seen.filter((each) => each.place === place);
  return there.length < 2 ? there[0] : there.reduce((last, each) => (each.atMs > last.atMs ? each : last));
}

/** Stops one object, or with `id` undefined all of them. What waits continues to wait, and time continues to count. */
export function holdLifecycle<Data>(state: LifecycleState<Data>, id: string | undefined, hold: Hold): Result<LifecycleState<Data>> {
  if (id === undefined) return ok({ ...state, hold });
  return findObject(state, id) === undefined ? noObject(id) : ok(changeObject(state, id, (object) => ({ ...object, hold })));
}

export function resumeLifecycle<Data>(state: LifecycleState<Data>, id: string | undefined): Result<LifecycleState<Data>> {
  const resumed = <T extends { readonly hold?: Hold }>({ hold: _hold, ...rest }: T) => rest;
  if (id === undefined) return ok(resumed(state));
  return findObject(state, id) === undefined ? noObject(id) : ok(changeObject(state, id, resumed));
}

export function noObject(id: string): { readonly ok: false; readonly problems: readonly ReturnType<typeof problem>[] } {
  return fail(problem('LIFECYCLE_OBJECT', atObject(id), `there is nothing called ${JSON.stringify(id)} whose life is kept here`));
}
