/**
 * Why nothing happens: for each object what it waits for, what was seen where and when, the time of the next look, the
 * earliest safe time, and the command that continues without the wait. No wait is silent.
 */
import { due } from './engine.ts';
import { type Machine } from './machine.ts';
import { type Hold, lastAt, type LifecycleObject, type LifecycleState, type Observation } from './state.ts';
import { formatTime } from './timeline.ts';
import { type WaitReport, type World } from './waits.ts';

/** One wait, explained. Times are wall times. */
export interface WaitExplanation {
  readonly id: string;
  readonly who: string;
  readonly why: string;
  readonly rfc?: string;
  readonly isOver: boolean;
  readonly seen: readonly Observation[];
  readonly missing: readonly string[];
  readonly nextCheckMs?: number;
  readonly earliestMs?: number;
  /** It is over then, whatever is seen. */
  readonly latestMs?: number;
  readonly override: string;
  /** One sentence. */
  readonly text: string;
}

export interface Explanation {
  readonly machine: string;
  readonly object: string;
  readonly stage: string;
  /** Wall time. */
  readonly sinceMs: number;
  readonly hold?: Hold;
  /** What comes next; undefined when nothing does by itself. */
  readonly next?: string;
  readonly waits: readonly WaitExplanation[];
  /** No wait is over before; undefined when that depends on others. Wall time. */
  readonly earliestMs?: number;
  /** Everything above in lines for people. */
  readonly lines: readonly string[];
}

/** How every object stands. Changes nothing. */
export function explain<Data>(machine: Machine, state: LifecycleState<Data>, world: World<Data>): Explanation[] {
  return state.objects.map((object) => explainObject(machine, object, state, world));
}

function explainObject<Data>(
  machine: Machine,
  object: LifecycleObject<Data>,
  state: LifecycleState<Data>,
  world: World<Data>,
): Explanation {
  const found = due(machine, object, state, world);
  const sinceMs = object.enteredAtMs + world.wallOffsetMs;
  const base = { machine: machine.kind, object: object.id, stage: object.stage, sinceMs };
  const head = `${object.id} is ${object.stage} since ${formatTime(sinceMs)}`;
  if (found.kind === 'rest') return { ...base, waits: [], lines: [`${head}; nothing follows by itself`] };
  if (found.kind === 'held') {
    const { reason, by, atMs } = found.hold;
    return {
      ...base,
      hold: found.hold,
      waits: [],
      lines: [`${head}; held since ${formatTime(atMs + world.wallOffsetMs)} by ${by}: ${reason}`],
    };
  }
  const waits = found.reports.map((report) => explainWait(report, object, world));
  const next = found.transition.to;
  const open = waits.filter((each) => !each.isOver);
  if (open.length === 0) return { ...base, next, waits, lines: [`${head}; next: ${next}, now`] };
  const known = open.every((each) => each.earliestMs !== undefined);
  const earliestMs = Math.max(...open.map((each) => each.earliestMs ?? 0));
  const lines = [`${head}; next: ${next}`, ...open.flatMap((each) => [`  ${each.text}`, `    to continue without: ${each.override}`])];
  return { ...base, next, waits, ...(known ? { earliestMs } : {}), lines };
}

function explainWait<Data>(report: WaitReport, object: LifecycleObject<Data>, world: World<Data>): WaitExplanation {
  const { wait, isOver, seen, missing, untilMs, latestMs, nextCheckMs } = report;
  const wall = (atMs: number) => atMs + world.wallOffsetMs;
  return {
    id: wait.id,
    who: wait.who,
    why: wait.why,
    ...(wait.rfc === undefined ? {} : { rfc: wait.rfc }),
    isOver,
    seen,
    missing,
    ...(nextCheckMs === undefined ? {} : { nextCheckMs: wall(nextCheckMs) }),
    ...(untilMs === undefined ? {} : { earliestMs: wall(untilMs) }),
    ...(latestMs === undefined ? {} : { latestMs: wall(latestMs) }),
    override: world.overrideCommand(object, wait.id),
    text: isOver ? `${wait.id}: over` : waitText(report, wall, world),
  };
}

function waitText(
  { wait, seen, missing, untilMs, latestMs, nextCheckMs, text }: WaitReport,
  wall: (atMs: number) => number,
  world: Pick<World<unknown>, 'unseenText'>,
): string {
  const parts = [`${wait.id}: waits for ${wait.who}`];
  if (text !== undefined) parts.push(text);
  for (const place of missing) {
    const last = seen.find((each) => each.place === place && each.isUnseen !== true) ?? lastAt(seen, place);
    const unseen = wait.kind === 'gate' ? world.unseenText?.(wait.places, place) : undefined;
    const verb = last?.isUnseen === true ? 'tried' : 'seen';
    const told = last && `${last.text}, ${verb} ${formatTime(wall(last.atMs))}`;
    const found = told ?? unseen ?? 'not looked at yet';
    parts.push(`${place}: ${found}`);
  }
  for (const good of seen.filter((each) => each.isGood)) parts.push(`${good.place}: good, seen ${formatTime(wall(good.atMs))}`);
  if (nextCheckMs !== undefined) parts.push(`next check ${formatTime(wall(nextCheckMs))}`);
  if (latestMs !== undefined) parts.push(`over on ${formatTime(wall(latestMs))} at the latest`);
  if (untilMs !== undefined) parts.push(`earliest ${formatTime(wall(untilMs))}`);
  else if (wait.kind === 'time' && wait.since !== undefined) parts.push(`it counts from the end of "${wait.since}"`);
  return `${parts.join('; ')} (without it ${wait.why}${wait.rfc === undefined ? '' : `, ${wait.rfc}`})`;
}
