/**
 * The engine: given a machine, what is remembered and the world at one moment, does what is due and says what is waited
 * for. Timers only wake it: a late, repeated or missed wake-up is harmless, because every wait counts from what is
 * written down. Its result is committed in one transaction with what it leads to; what is not committed never happened
 * and is decided again.
 * Not here: texts (explain.ts), the clock (timeline.ts).
 */
import { assert } from '#base/assert.ts';
import { LIFECYCLE_HISTORY_MAX, LIFECYCLE_STEPS_MAX } from '#base/limits/lifecycle.ts';
import { atObject } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type GateWait, type Machine, type Transition } from './machine.ts';
import {
  changeObject,
  type Evidence,
  findObject,
  type Hold,
  lastAt,
  type LifecycleObject,
  type LifecycleState,
  noObject,
  type Observation,
} from './state.ts';
import { formatTime } from './timeline.ts';
import { type WaitReport, type World, checkAfterMs, confirmationKey, judgeWaits } from './waits.ts';

export type Due =
  | { readonly kind: 'transition'; readonly transition: Transition; readonly reports: readonly WaitReport[] }
  /** `transition` is the one that is normally next. */
  | { readonly kind: 'wait'; readonly transition: Transition; readonly reports: readonly WaitReport[] }
  | { readonly kind: 'held'; readonly hold: Hold }
  /** Nothing follows by itself. */
  | { readonly kind: 'rest' };

/**
 * Started: begun. Step: a transition. Waiting: for another party than before. Confirmed: a gate opened. Finished:
 * nothing follows.
 */
export interface LifecycleEvent {
  readonly event: 'started' | 'step' | 'waiting' | 'confirmed' | 'finished';
  readonly machine: string;
  readonly object: string;
  readonly stage: string;
  readonly atMs: number;
  readonly text: string;
}

/** A place to be looked at. */
export interface WantedCheck {
  readonly machine: string;
  readonly object: string;
  readonly what: string;
  readonly place: string;
  /** Not before; may be in the past. */
  readonly dueMs: number;
}

export interface Advance<Data> {
  readonly state: LifecycleState<Data>;
  readonly events: readonly LifecycleEvent[];
  readonly checks: readonly WantedCheck[];
  /**
   * When to come back at the latest; undefined when only something from outside can change anything. Always in the
   * future.
   */
  readonly nextDueMs?: number;
}

/** What `object` does now, or what it waits for. */
export function due<Data>(machine: Machine, object: LifecycleObject<Data>, state: LifecycleState<Data>, world: World<Data>): Due {
  const hold = object.hold ?? state.hold;
  if (hold !== undefined) return { kind: 'held', hold };
  let waiting: Due | undefined;
  for (const transition of waysOut(machine, object)) {
    const reports = judgeWaits(machine, transition, object, state, world);
    if (reports.every((each) => each.isOver)) return { kind: 'transition', transition, reports };
    if (waiting === undefined && transition.isQuiet !== true) waiting = { kind: 'wait', transition, reports };
  }
  return waiting ?? { kind: 'rest' };
}

function waysOut<Data>(machine: Machine, object: LifecycleObject<Data>): readonly Transition[] {
  return machine.transitions.filter((each) => each.from === object.stage && each.by !== 'order');
}

/** Does everything that is due, then says what is waited for. */
export function advance<Data>(machine: Machine, before: LifecycleState<Data>, world: World<Data>): Advance<Data> {
  const events: LifecycleEvent[] = [];
  let state = before;
  for (let steps = 0; ; steps++) {
    assert(steps <= LIFECYCLE_STEPS_MAX + 8 * state.objects.length, `${machine.kind}: a circle without waits`);
    state = noteConfirmations(machine, state, world, events);
    const next = firstDue(machine, state, world);
    if (next === undefined) break;
    state = move(machine, state, next.object, next.transition, evidenceOf(next.reports, world.wallOffsetMs), world.nowMs, events);
  }
  const checks: WantedCheck[] = [];
  const times: number[] = [];
  for (const object of state.objects) {
    for (const transition of waysOut(machine, object)) {
      const reports = judgeWaits(machine, transition, object, state, world);
      collect(machine, object, reports, checks, times);
    }
    state = tellWait(machine, state, object, world, events);
  }
  const nextDueMs = Math.min(...times.filter((each) => each > world.nowMs));
  return { state, events, checks, ...(Number.isFinite(nextDueMs) ? { nextDueMs } : {}) };
}

function collect<Data>(
  machine: Machine,
  object: LifecycleObject<Data>,
  reports: readonly WaitReport[],
  checks: WantedCheck[],
  times: number[],
): void {
  const want = (wait: GateWait, place: string, last: Observation | undefined, fromMs = object.enteredAtMs): void => {
    const afterMs = last === undefined ? 0 : checkAfterMs(machine, wait, fromMs, last.atMs);
    const dueMs = (last?.atMs ?? object.enteredAtMs) + afterMs;
    checks.push({ machine: machine.kind, object: object.id, what: wait.observation, place, dueMs });
  };
  for (const { wait, isOver, override, seen, missing, untilMs, latestMs, nextCheckMs, fromMs } of reports) {
    if (isOver) {
      const isWatched = wait.kind === 'gate' && wait.isWatched === true && override === undefined;
      if (isWatched) for (const last of seen) want(wait, last.place, last);
      continue;
    }
    if (untilMs !== undefined) times.push(untilMs);
    if (latestMs !== undefined) times.push(latestMs);
    if (nextCheckMs !== undefined) times.push(nextCheckMs);
    if (wait.kind !== 'gate') continue;
    for (const place of missing) want(wait, place, lastAt(seen, place), fromMs);
  }
}

/**
 * Writes down when gates and conditions were first found good, and takes it back when they are not: waits that count
 * from there start over.
 */
function noteConfirmations<Data>(
  machine: Machine,
  state: LifecycleState<Data>,
  world: World<Data>,
  events: LifecycleEvent[],
): LifecycleState<Data> {
  let noted = state;
  for (const object of state.objects) {
    const confirmed: Record<string, number> = {};
    for (const transition of waysOut(machine, object)) {
      for (const { wait, isOver, override, seen, missing } of judgeWaits(machine, transition, object, noted, world)) {
        if (wait.kind === 'time' || !isOver || override !== undefined || missing.length > 0) continue;
        const key = confirmationKey(transition, wait);
        confirmed[key] = object.confirmed[key] ?? world.nowMs;
        if (object.confirmed[key] === undefined && wait.kind === 'gate' && seen.length > 0)
          events.push(event(machine, object, 'confirmed', world.nowMs, `${wait.who}: ${seen.map(({ place }) => place).join(', ')}`));
      }
    }
    if (JSON.stringify(confirmed) !== JSON.stringify(object.confirmed))
      noted = changeObject(noted, object.id, (each) => ({ ...each, confirmed }));
  }
  return noted;
}

function firstDue<Data>(machine: Machine, state: LifecycleState<Data>, world: World<Data>) {
  for (const object of state.objects) {
    const found = due(machine, object, state, world);
    if (found.kind === 'transition') return { object, transition: found.transition, reports: found.reports };
  }
  return undefined;
}

function evidenceOf(reports: readonly WaitReport[], wallOffsetMs: number): Evidence[] {
  return reports.map(({ wait, seen, text, untilMs, override }) => {
    if (override !== undefined) return { wait: wait.id, text: `overridden by ${override.by}: ${override.reason}`, seen, override };
    const over = untilMs === undefined ? wait.who : `over since ${formatTime(untilMs + wallOffsetMs)}`;
    return { wait: wait.id, text: text ?? over, seen };
  });
}

/** One transition, and what it displaces. */
function move<Data>(
  machine: Machine,
  state: LifecycleState<Data>,
  object: LifecycleObject<Data>,
  { to }: Pick<Transition, 'to'>,
  evidence: readonly Evidence[],
  nowMs: number,
  events: LifecycleEvent[],
): LifecycleState<Data> {
  const enter = (each: LifecycleObject<Data>, stage: string, why: readonly Evidence[]): LifecycleObject<Data> => {
    const { told: _told, ...rest } = each;
    const record = { from: each.stage, to: stage, atMs: nowMs, evidence: why };
    const entered: LifecycleObject<Data> = {
      ...rest,
      stage,
      enteredAtMs: nowMs,
      seen: [],
      confirmed: {},
      overrides: [],
      history: [...each.history, record].slice(-LIFECYCLE_HISTORY_MAX),
    };
    if (each.history.length === 0) events.push(event(machine, each, 'started', nowMs, `begins as ${each.stage}`));
    events.push(event(machine, entered, machine.last.includes(stage) ? 'finished' : 'step', nowMs, `${each.stage} → ${stage}`));
    return entered;
  };
  let moved = changeObject(state, object.id, (each) => enter(each, to, evidence));
  const { singular } = machine;
  if (singular === undefined || to !== singular.stage) return moved;
  for (const other of state.objects) {
    if (other.id === object.id || other.group !== object.group || other.stage !== singular.stage) continue;
    const why = [{ wait: 'displaced', text: `${object.id} has taken its place`, seen: [] }];
    moved = changeObject(moved, other.id, (each) => enter(each, singular.displaced, why));
  }
  return moved;
}

function tellWait<Data>(
  machine: Machine,
  state: LifecycleState<Data>,
  object: LifecycleObject<Data>,
  world: World<Data>,
  events: LifecycleEvent[],
): LifecycleState<Data> {
  const found = due(machine, object, state, world);
  if (found.kind !== 'wait') return state;
  const open = found.reports.filter((each) => !each.isOver);
  const told = open.map(({ wait, missing }) => [wait.id, ...missing].join(' ')).join('; ');
  if (told === object.told) return state;
  const text = open.map(({ wait, missing }) => (missing.length === 0 ? wait.who : `${wait.who}: ${missing.join(', ')}`)).join('; ');
  events.push(event(machine, object, 'waiting', world.nowMs, `for ${text}`));
  return changeObject(state, object.id, (each) => ({ ...each, told }));
}

function event<Data>(
  machine: Machine,
  object: LifecycleObject<Data>,
  what: LifecycleEvent['event'],
  atMs: number,
  text: string,
): LifecycleEvent {
  return { event: what, machine: machine.kind, object: object.id, stage: object.stage, atMs, text };
}

/** Who asks for something, and why; both are for the audit log and the object's history. */
export interface OrderCause {
  readonly reason: string;
  readonly by: string;
  readonly nowMs: number;
}

/** Takes a transition that only an order takes, whatever holds. */
export function order<Data>(
  machine: Machine,
  state: LifecycleState<Data>,
  id: string,
  to: string,
  { reason, by, nowMs }: OrderCause,
): Result<{ readonly state: LifecycleState<Data>; readonly events: readonly LifecycleEvent[] }> {
  const object = findObject(state, id);
  if (object === undefined) return noObject(id);
  const transition = machine.transitions.find((each) => each.by === 'order' && each.from === object.stage && each.to === to);
  if (transition === undefined)
    return fail(problem('LIFECYCLE_ORDER', atObject(id), `${id} is ${object.stage} and cannot be made ${to} by an order`));
  const events: LifecycleEvent[] = [];
  const evidence = [{ wait: 'order', text: `${by}: ${reason}`, seen: [] }];
  return ok({ state: move(machine, state, object, transition, evidence, nowMs, events), events });
}

/** Notes that a wait of the present stage need not be waited for. It ends with the stage. */
export function overrideWait<Data>(
  machine: Machine,
  state: LifecycleState<Data>,
  id: string,
  wait: string,
  { reason, by, nowMs }: OrderCause,
): Result<LifecycleState<Data>> {
  const object = findObject(state, id);
  if (object === undefined) return noObject(id);
  const waits = waysOut(machine, object).flatMap((each) => each.waits.map((one) => one.id));
  if (!waits.includes(wait))
    return fail(
      problem('LIFECYCLE_WAIT', atObject(id), `${id} is ${object.stage} and does not wait for ${JSON.stringify(wait)}`, {
        fix: waits.length === 0 ? 'it waits for nothing' : `it waits for: ${waits.join(', ')}`,
      }),
    );
  if (reason.trim() === '')
    return fail(problem('LIFECYCLE_REASON', atObject(id), 'an override needs a reason, which is written into the audit log'));
  const override = { wait, reason, by, atMs: nowMs };
  return ok(changeObject(state, id, (each) => ({ ...each, overrides: [...each.overrides.filter((one) => one.wait !== wait), override] })));
}
