/**
 * Life cycles as a list. All that is remembered of one subject of a zone (its mail) is one state; each kind of object
 * in it is a `Life`: a machine, where its objects are in the state, and what they depend on. Stepping, explaining,
 * observing and orders are loops over the list, so a new kind is one more entry.
 * Not here: one object's transitions (engine.ts), the lists themselves (mail/lives.ts).
 */
import { assert } from '#base/assert.ts';
import { LIFECYCLE_ROUNDS_MAX, LIFECYCLE_SETTLE_MS } from '#base/limits/lifecycle.ts';
import { type Problem, type Result, fail, ok } from '#base/problem.ts';
import { type Serial } from '#dns/serial.ts';
import { advance, type Advance, type LifecycleEvent, type WantedCheck } from './engine.ts';
import { type Expectation } from './expectation.ts';
import { explain, type Explanation } from './explain.ts';
import { type Machine } from './machine.ts';
import { findObject, forgetObjects, noObject, observe } from './state.ts';
import { type LifecycleObservation, type LifecycleState } from './state.ts';
import { type World } from './waits.ts';

/** By object: its stage, and the serial of the first zone that has what was done for it then. */
export type SerialNotes = Readonly<Record<string, { readonly stage: string; readonly serial?: Serial }>>;

/** What every state that lives are kept in has. */
export interface LivesState {
  readonly serials: SerialNotes;
}

/**
 * One kind of object with a life. `State` is all that is remembered of its subject, `Context` what else it depends on
 * (facts, a policy, the zone), `Data` what its objects keep.
 */
export interface Life<State, Context, Data = unknown> {
  readonly machine: Machine;
  get(state: State): LifecycleState<Data>;
  set(state: State, lifecycle: LifecycleState<Data>): State;
  /** What its waits depend on. */
  world(state: State, context: Context): World<Data>;
  /** Objects that begin, change or go because of the context. Asked before each of its turns: twice is as once. */
  prepare?(state: State, context: Context): State;
  /** What a look should show; undefined when nothing can be looked at: a word or a report is waited for. */
  expect?(check: WantedCheck, state: State, context: Context): Expectation | undefined;
  /** What is looked for may have been so before: records count only in a zone that is new enough. */
  readonly isSerialNoted?: boolean;
}

interface StepMoment {
  /** Counted time. */
  readonly nowMs: number;
  /** Of the zone that the step finds. */
  readonly serial: Serial;
}

/** A look that is wanted; without `expect` nothing can be looked up: a word or a report is waited for. */
export interface LifecycleCheck extends WantedCheck {
  readonly expect?: Expectation;
}

export interface LivesStep<State> {
  readonly state: State;
  readonly events: readonly LifecycleEvent[];
  readonly checks: readonly LifecycleCheck[];
  /** When to come back at the latest; undefined when only something from outside can change anything. */
  readonly nextDueMs?: number;
}

type Lives<State, Context> = readonly Life<State, Context>[];

/**
 * Does everything that is due, and forgets objects that nothing follows. What one life does may be what another waits
 * for, so rounds go over all of them until nothing happens any more.
 */
export function stepLives<State extends LivesState, Context>(
  lives: Lives<State, Context>,
  before: State,
  context: Context,
  { nowMs, serial }: StepMoment,
): LivesStep<State> {
  const events: LifecycleEvent[] = [];
  let state = before;
  for (let round = 0; ; round++) {
    assert(round < LIFECYCLE_ROUNDS_MAX, 'life cycles go round without waits');
    const advances: Advance<unknown>[] = [];
    for (const life of lives) {
      state = life.prepare?.(state, context) ?? state;
      const advanced = advance(life.machine, life.get(state), life.world(state, context));
      state = life.set(
        state,
        forgetObjects(advanced.state, ({ stage }) => life.machine.last.includes(stage)),
      );
      advances.push(advanced);
    }
    const happened = advances.flatMap((each) => each.events);
    events.push(...happened);
    if (happened.length > 0) continue;
    state = { ...state, serials: noteSerials(lives, state, serial) };
    const checks = lives.flatMap((life, at) => advances[at]!.checks.map((check) => withExpectation(life, check, state, context)));
    const times = advances.map((each) => each.nextDueMs).filter((each) => each !== undefined);
    if (checks.some(({ isUnsettled }) => isUnsettled)) times.push(nowMs + LIFECYCLE_SETTLE_MS);
    const nextDueMs = times.length === 0 ? {} : { nextDueMs: Math.min(...times) };
    return { state, events, checks: checks.map(({ check }) => check), ...nextDueMs };
  }
}

/** The zone that a step finds lacks what the step does; the one that the next step finds has it, as every later one. */
function noteSerials<State extends LivesState, Context>(lives: Lives<State, Context>, state: State, serial: Serial): SerialNotes {
  const objects = lives.filter((life) => life.isSerialNoted === true).flatMap((life) => life.get(state).objects);
  const noted = objects.map(({ id, stage }) => {
    const known = state.serials[id];
    return [id, known?.stage !== stage ? { stage } : { stage, serial: known.serial ?? serial }] as const;
  });
  return Object.fromEntries(noted);
}

/** The check with what it should find. Unsettled: that depends on a serial which the next step knows. */
function withExpectation<State extends LivesState, Context>(
  life: Life<State, Context>,
  check: WantedCheck,
  state: State,
  context: Context,
): { readonly check: LifecycleCheck; readonly isUnsettled: boolean } {
  const expect = life.expect?.(check, state, context);
  if (expect === undefined) return { check, isUnsettled: false };
  const isOfRecord = expect.kind === 'record' || expect.kind === 'no-record';
  if (life.isSerialNoted !== true || !isOfRecord) return { check: { ...check, expect }, isUnsettled: false };
  const serial = state.serials[check.object]?.serial;
  if (serial === undefined) return { check, isUnsettled: true };
  return { check: { ...check, expect: { ...expect, serial } }, isUnsettled: false };
}

/** How every object stands, for people. */
export function explainLives<State, Context>(lives: Lives<State, Context>, state: State, context: Context): Explanation[] {
  return lives.flatMap((life) => explain(life.machine, life.get(state), life.world(state, context)));
}

/** Takes note of what was seen of objects, whichever life they are of. */
export function observeLives<State, Context>(
  lives: Lives<State, Context>,
  before: State,
  observations: readonly LifecycleObservation[],
): State {
  let state = before;
  for (const { object, ...seen } of observations)
    for (const life of lives) {
      const lifecycle = life.get(state);
      if (findObject(lifecycle, object) !== undefined) state = life.set(state, observe(lifecycle, object, seen));
    }
  return state;
}

/** Does `change` to the life that has the object, or without one to all of them. */
export function changeLives<State, Context>(
  lives: Lives<State, Context>,
  before: State,
  object: string | undefined,
  change: <Data>(lifecycle: LifecycleState<Data>, machine: Machine) => Result<LifecycleState<Data>>,
): Result<State> {
  const problems: Problem[] = [];
  const concerned = lives.filter((life) => object === undefined || findObject(life.get(before), object) !== undefined);
  if (concerned.length === 0 && object !== undefined) return noObject(object);
  let state = before;
  for (const life of concerned) {
    const changed = change(life.get(state), life.machine);
    if (changed.ok) state = life.set(state, changed.value);
    else problems.push(...changed.problems);
  }
  return problems.length > 0 ? fail(...problems) : ok(state);
}
