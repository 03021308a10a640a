/**
 * How each wait of a transition stands at one moment, with what was seen and until when.
 * Not here: what follows from it (engine.ts), texts for people (explain.ts).
 */
import { unreachable } from '#base/assert.ts';
import { formatDuration } from '#base/units.ts';
import { type ConditionWait, type GateWait, type Machine, type TimeWait, type Transition, type Wait } from './machine.ts';
import { lastAt, type LifecycleObject, type LifecycleState, type Observation, type Override } from './state.ts';

export interface ConditionVerdict {
  readonly isMet: boolean;
  /** How it stands, for people. */
  readonly text: string;
  /** When it will be met if nothing else happens. */
  readonly atMs?: number;
}

export interface Moment {
  /** Counted time (timeline.ts). */
  readonly nowMs: number;
  /** Wall time minus counted time, for texts. */
  readonly wallOffsetMs: number;
}

/** What the kinds of objects know and the engine does not. Pure: the same question has the same answer. */
export interface World<Data> extends Moment {
  /** Length of a duration named in a machine, for a wait that began at `sinceMs`. */
  durationMs(term: string, object: LifecycleObject<Data>, sinceMs: number): number;
  /** The places that a gate of that name looks at. */
  places(name: string, object: LifecycleObject<Data>): readonly string[];
  /** Why nothing was seen at `place`, where that is known. */
  unseenText?(name: string, place: string): string | undefined;
  condition(id: string, object: LifecycleObject<Data>, state: LifecycleState<Data>): ConditionVerdict;
  /** The command line that overrides a wait. */
  overrideCommand(object: LifecycleObject<Data>, wait: string): string;
}

/** How one wait stands. */
export interface WaitReport {
  readonly wait: Wait;
  readonly isOver: boolean;
  readonly override?: Override;
  /** What was seen at the places of a gate. */
  readonly seen: readonly Observation[];
  /** Places of a gate that have nothing good to show. */
  readonly missing: readonly string[];
  /** Since when it counts, or is good. */
  readonly sinceMs?: number;
  /** When it will be over, as far as that can be known. */
  readonly untilMs?: number;
  /** When a gate with patience is over at the latest. */
  readonly latestMs?: number;
  /** Since when a gate is looked at. */
  readonly fromMs?: number;
  /** When the next look is due. */
  readonly nextCheckMs?: number;
  /** What a condition says about itself. */
  readonly text?: string;
}

/** Key in `confirmed`. */
export function confirmationKey(transition: Transition, wait: Wait): string {
  return `${transition.to}/${wait.id}`;
}

export function judgeWaits<Data>(
  machine: Machine,
  transition: Transition,
  object: LifecycleObject<Data>,
  state: LifecycleState<Data>,
  world: World<Data>,
): WaitReport[] {
  const reports: WaitReport[] = [];
  for (const wait of transition.waits) {
    const goodSinceMs = object.confirmed[confirmationKey(transition, wait)] ?? world.nowMs;
    const report = judge(machine, wait, object, state, world, reports, goodSinceMs);
    const override = object.overrides.find((each) => each.wait === wait.id);
    reports.push(override === undefined || report.isOver ? report : { ...report, isOver: true, override, sinceMs: override.atMs });
  }
  return reports;
}

function judge<Data>(
  machine: Machine,
  wait: Wait,
  object: LifecycleObject<Data>,
  state: LifecycleState<Data>,
  world: World<Data>,
  before: readonly WaitReport[],
  goodSinceMs: number,
): WaitReport {
  switch (wait.kind) {
    case 'time':
      return judgeTime(wait, object, world, before);
    case 'gate':
      return judgeGate(machine, wait, object, world, before, goodSinceMs);
    case 'condition':
      return judgeCondition(wait, object, state, world, goodSinceMs);
    default:
      return unreachable(wait);
  }
}

function judgeTime<Data>(wait: TimeWait, object: LifecycleObject<Data>, world: World<Data>, before: readonly WaitReport[]): WaitReport {
  const start = wait.since === undefined ? undefined : before.find((each) => each.wait.id === wait.since);
  if (start !== undefined && !start.isOver) return { wait, isOver: false, seen: [], missing: [] };
  const sinceMs = start?.sinceMs ?? object.enteredAtMs;
  const untilMs = endOf(wait.terms, sinceMs, object, world);
  return { wait, isOver: untilMs <= world.nowMs, seen: [], missing: [], sinceMs, untilMs };
}

function judgeGate<Data>(
  machine: Machine,
  wait: GateWait,
  object: LifecycleObject<Data>,
  world: World<Data>,
  before: readonly WaitReport[],
  goodSinceMs: number,
): WaitReport {
  const places = world.places(wait.places, object);
  const leastMs = wait.least === undefined ? -Infinity : endOf(wait.least.terms, object.enteredAtMs, object, world);
  const counts = (each: Observation) => each.what === wait.observation && each.atMs >= leastMs;
  const seen = object.seen.filter((each) => counts(each) && places.includes(each.place));
  if (places.length === 0 && wait.needsPlaces === true)
    return { wait, isOver: false, seen: [], missing: [], text: 'no place is known that could be asked' };
  if (wait.least !== undefined && (places.length === 0 || leastMs > world.nowMs))
    return judgeLeast(wait, places.length === 0 ? wait.least.text : undefined, leastMs, object, world);
  const missing = places.filter((place) => !seen.some((each) => each.place === place && each.isGood));
  if (missing.length === 0) return { wait, isOver: true, seen, missing, sinceMs: goodSinceMs };
  const start = wait.after === undefined ? undefined : before.find((each) => each.wait.id === wait.after);
  if (start !== undefined && !start.isOver)
    return { wait, isOver: false, seen, missing: [], text: `it is looked at when "${start.wait.id}" is over` };
  if (wait.least !== undefined && missing.every((place) => isUnseenAt(seen, place)))
    return { wait, isOver: true, seen, missing, sinceMs: leastMs, text: 'nothing can be seen' };
  const latestMs = wait.patience === undefined ? undefined : patienceEnd(wait.patience, start, object, world);
  if (latestMs !== undefined && latestMs <= world.nowMs)
    return { wait, isOver: true, seen, missing, text: 'nothing good was seen for as long as this may hold things up', sinceMs: latestMs };
  const lookedMs = Math.min(...missing.map((place) => lastAt(seen, place)?.atMs ?? -Infinity));
  const fromMs = Math.max(object.enteredAtMs, start?.sinceMs ?? 0);
  const everyMs = checkAfterMs(machine, wait, fromMs, lookedMs);
  const dueMs = lookedMs + everyMs;
  const nextCheckMs = dueMs > world.nowMs ? dueMs : world.nowMs + everyMs;
  return { wait, isOver: false, seen, missing, fromMs, nextCheckMs, ...(latestMs === undefined ? {} : { latestMs }) };
}

/** How long after a look at `lookedMs` the next one is due, where looks began at `fromMs`. */
export function checkAfterMs(
  machine: Machine,
  { checkEveryMs = machine.checkEveryMs, firstChecksMs = checkEveryMs }: GateWait,
  fromMs: number,
  lookedMs: number,
): number {
  return Math.min(checkEveryMs, Math.max(firstChecksMs, lookedMs - fromMs));
}

/** True for a place that looked, and saw nothing. */
function isUnseenAt(seen: readonly Observation[], place: string): boolean {
  const there = seen.filter((each) => each.place === place);
  return there.length > 0 && there.every(({ isUnseen }) => isUnseen === true);
}

/** Time before a look, or where no place looks (`unlooked` says at what) instead of one. */
function judgeLeast<Data>(
  wait: GateWait,
  unlooked: string | undefined,
  untilMs: number,
  object: LifecycleObject<Data>,
  world: World<Data>,
): WaitReport {
  const length = formatDuration(untilMs - object.enteredAtMs);
  const common = { wait, seen: [], missing: [], untilMs };
  if (unlooked === undefined) return { ...common, isOver: false, text: `it is looked at after ${length}` };
  const isOver = untilMs <= world.nowMs;
  const text = `${unlooked}; ${isOver ? 'waited' : 'it waits'} ${length} instead`;
  return { ...common, isOver, sinceMs: untilMs, text };
}

/** Each term begins where the one before it ends: two TTLs after a lowered TTL are the old one and then the new one. */
function endOf<Data>(terms: readonly string[], sinceMs: number, object: LifecycleObject<Data>, world: World<Data>): number {
  return terms.reduce((atMs, term) => atMs + world.durationMs(term, object, atMs), sinceMs);
}

function patienceEnd<Data>(
  terms: readonly string[],
  start: WaitReport | undefined,
  object: LifecycleObject<Data>,
  world: World<Data>,
): number {
  return endOf(terms, start?.override?.atMs ?? start?.untilMs ?? start?.sinceMs ?? object.enteredAtMs, object, world);
}

function judgeCondition<Data>(
  wait: ConditionWait,
  object: LifecycleObject<Data>,
  state: LifecycleState<Data>,
  world: World<Data>,
  goodSinceMs: number,
): WaitReport {
  const { isMet, text, atMs } = world.condition(wait.id, object, state);
  if (isMet) return { wait, isOver: true, seen: [], missing: [], text, sinceMs: goodSinceMs };
  return { wait, isOver: false, seen: [], missing: [], text, ...(atMs === undefined ? {} : { untilMs: atMs }) };
}
