/**
 * Wakes what is due. Each source of due work has a lane of its own, so that slow look-ups of one do not hold up
 * another. Keeps nothing itself: what is due when is in the store, so a late, missed or repeated wake-up is harmless.
 * Not here: which zones are due and what is done for them (due-source.ts), counted time (clock.ts).
 */
import { type Timers, systemTimers } from '#base/clock.ts';
import { LIFECYCLE_DUE_AT_ONCE, LIFECYCLE_RETRY_MS, LIFECYCLE_SETTLE_MS } from '#base/limits/lifecycle.ts';
import { LIFECYCLE_WAKE_EVERY_MS } from '#base/limits/lifecycle.ts';
import { type Log } from '#base/log.ts';
import { type Problem, formatProblem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { type LifecycleClock } from './clock.ts';
import { type DueSource, type Refusal } from './due-source.ts';

/** What a test has otherwise. */
export interface SchedulerOptions {
  readonly timers?: Timers;
  /** It looks at least this often. */
  readonly wakeEveryMs?: number;
}

/** What waking needs of it. */
export type WakingClock = Omit<LifecycleClock, 'counts'>;

export class Scheduler {
  readonly #clock: WakingClock;
  readonly #lanes: readonly Lane[];

  constructor(clock: WakingClock, log: Log, options: SchedulerOptions = {}) {
    const { timers = systemTimers, wakeEveryMs = LIFECYCLE_WAKE_EVERY_MS } = options;
    this.#clock = clock;
    this.#lanes = clock.sources.map((source) => new Lane(source, { clock, log, timers, wakeEveryMs }));
  }

  /** Does what is due now, and from then on what becomes due. */
  start(): void {
    const wake = (): void => this.#lanes.forEach((lane) => lane.wake());
    this.#clock.onDue(wake);
    wake();
  }

  /** Ends when the work that is under way has ended. */
  async stop(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
  }
}

interface LaneOptions extends Required<SchedulerOptions> {
  readonly clock: WakingClock;
  readonly log: Log;
}

class Lane {
  readonly #source: DueSource;
  readonly #options: LaneOptions;
  /** Zones whose last work was not possible. */
  readonly #refused = new Map<string, Refusal>();
  #timer: unknown;
  #running: Promise<void> | undefined;
  #hasBegun = false;
  #isWoken = false;
  #isStopped = false;

  constructor(source: DueSource, options: LaneOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** At once, but later than the command that woke it: that one is answered first. */
  wake(): void {
    if (this.#running === undefined) this.#sleep(0);
    else this.#isWoken = true;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#options.timers.clear(this.#timer);
    await this.#running;
  }

  #sleep(ms: number): void {
    if (this.#isStopped) return;
    const { timers } = this.#options;
    timers.clear(this.#timer);
    this.#timer = timers.set(() => {
      this.#running = this.#run();
    }, ms);
  }

  async #run(): Promise<void> {
    this.#isWoken = false;
    await this.#options.clock.note();
    if (!this.#hasBegun) await this.#begin();
    await this.#workOnDue();
    this.#running = undefined;
    this.#sleep(this.#isWoken ? 0 : this.#sleepMs());
  }

  async #begin(): Promise<void> {
    this.#hasBegun = true;
    const begun = await this.#source.begin?.();
    if (begun === undefined || begun.ok) return;
    const { name, refused } = this.#source;
    this.#options.log.error(refused.event, `${name}: not every zone has a time yet: ${formatAll(begun.problems)}`);
  }

  #sleepMs(): number {
    const { clock, wakeEveryMs } = this.#options;
    const nextMs = this.#source.nextDueMs() ?? Infinity;
    const nowMs = clock.nowMs();
    if (nextMs > nowMs) return Math.min(wakeEveryMs, nextMs - nowMs);
    // What is due and was not possible waits for its next try; something may have become due since it was looked.
    return this.#refused.size > 0 ? LIFECYCLE_RETRY_MS : LIFECYCLE_SETTLE_MS;
  }

  /** Everything that is due now, each zone once. */
  async #workOnDue(): Promise<void> {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const done = new Set<string>();
    while (!this.#isStopped) {
      const zones = this.#source.due(clock.nowMs(), LIFECYCLE_DUE_AT_ONCE + done.size);
      const left = zones.map((zone) => ({ zone, name: formatName(zone) })).filter(({ name }) => !done.has(name));
      if (left.length === 0) return;
      for (const { name } of left) done.add(name);
      const open = left.filter(({ name }) => {
        return (this.#refused.get(name)?.retryAtMs ?? 0) <= nowMs || this.#source.isHurried?.(name) === true;
      });
      const work = async (): Promise<void> => {
        for (let next = open.shift(); next !== undefined && !this.#isStopped; next = open.shift())
          await this.#work(next.zone, next.name, nowMs);
      };
      await Promise.all(Array.from({ length: this.#source.zonesAtOnce }, work));
    }
  }

  async #work(zone: Name, name: string, nowMs: number): Promise<void> {
    const { log } = this.#options;
    const { refused } = this.#source;
    const done = await this.#source.work(zone);
    if (done.ok) {
      this.#refused.delete(name);
      this.#source.noted?.(name, undefined);
      for (const { level, event, text, fields } of done.value) log[level](event, `${name} ${text}`, { zone: name, ...fields });
      return;
    }
    const before = this.#refused.get(name);
    const [sinceMs, retryAtMs] = [before?.sinceMs ?? nowMs, nowMs + LIFECYCLE_RETRY_MS];
    const refusal = { problems: done.problems, sinceMs, retryAtMs };
    this.#refused.set(name, refusal);
    this.#source.noted?.(name, refusal);
    if (before === undefined) await this.#source.alert?.(name, done.problems);
    const problems = formatAll(done.problems);
    log.error(refused.event, `${name} ${refused.text}, will try again: ${problems}`, { zone: name, problems });
  }
}

function formatAll(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('; ');
}
