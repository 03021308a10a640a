/**
 * Wakes what is due in the mail of zones: looks at what is waited for, then has the next step taken through the same serial queue as
 * every other change. Keeps nothing itself: what is due when is in the store, so a late, missed or repeated wake-up is harmless.
 * Not here: what a step is (mail/step.ts), how places are looked at (control/outside/evidence.ts).
 */
import { MAIL_CHECKS_AT_ONCE, MAIL_DUE_AT_ONCE, MAIL_RETRY_MS, MAIL_WAKE_EVERY_MS, MAIL_ZONES_AT_ONCE } from '#base/limits/limits.ts';
import { type Log } from '#base/log.ts';
import { type Problem, type Result, formatProblem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { type Outcome } from '#control/api/control.ts';

/** What the scheduler needs of the control room. */
export interface MailUpkeep {
  /** Counted time. */
  countedNowMs(): number;
  /** Zones whose mail is due, soonest first. */
  dueMail(limit: number): readonly Name[];
  nextMailDueMs(): number | undefined;
  /** Looks at what the zone's mail waits to see now. */
  lookAtMail(zone: Name, atOnce: number): Promise<readonly LifecycleObservation[]>;
  tickMail(zone: Name, observations: readonly LifecycleObservation[]): Promise<Result<Outcome>>;
  /** A step was refused that was possible before. */
  alertMail(zone: string, problems: readonly Problem[]): Promise<void>;
  /** Writes the counted time down, when it was not for a while. */
  noteTime(): Promise<void>;
  /** Called when something may have become due. */
  onMailDue(listener: () => void): void;
}

export class MailScheduler {
  readonly #control: MailUpkeep;
  readonly #log: Log;
  /** Zones whose last step was refused → when to try again, counted time. */
  readonly #refused = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isWoken = false;
  #stopped = false;

  constructor(control: MailUpkeep, log: Log) {
    this.#control = control;
    this.#log = log;
  }

  /** Does what is due now, and from then on what becomes due. */
  start(): void {
    this.#control.onMailDue(() => this.#wake());
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wake(): void {
    if (this.#stopped) return;
    this.#isWoken = true;
    if (this.#running !== undefined) return;
    clearTimeout(this.#timer);
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (!this.#stopped) this.#timer = setTimeout(() => this.#wake(), this.#isWoken ? 0 : this.#sleepMs());
    });
  }

  async #run(): Promise<void> {
    // Later than the command that woke it: that one is answered first.
    await new Promise((resolve) => setImmediate(resolve));
    this.#isWoken = false;
    await this.#control.noteTime();
    await this.runDue();
  }

  #sleepMs(): number {
    const nextMs = this.#control.nextMailDueMs() ?? Infinity;
    const nowMs = this.#control.countedNowMs();
    // What is due and refused waits for its next try.
    return Math.min(MAIL_WAKE_EVERY_MS, nextMs <= nowMs ? MAIL_RETRY_MS : nextMs - nowMs);
  }

  /** Does everything that is due now, each zone once. */
  async runDue(): Promise<void> {
    const nowMs = this.#control.countedNowMs();
    const done = new Set<string>();
    for (;;) {
      const zones = this.#control.dueMail(MAIL_DUE_AT_ONCE + done.size).filter((zone) => !done.has(formatName(zone)));
      if (zones.length === 0 || this.#stopped) return;
      const group = zones.slice(0, MAIL_ZONES_AT_ONCE).map((zone) => ({ zone, name: formatName(zone) }));
      for (const { name } of group) done.add(name);
      await this.#tickAll(
        group.filter(({ name }) => (this.#refused.get(name) ?? 0) <= nowMs),
        nowMs,
      );
    }
  }

  /** Looks for some zones at the same time, since one whose hosts do not answer takes long; their steps are taken one after the other. */
  async #tickAll(group: readonly { readonly zone: Name; readonly name: string }[], nowMs: number): Promise<void> {
    const looks = await Promise.all(group.map(({ zone }) => this.#control.lookAtMail(zone, MAIL_CHECKS_AT_ONCE)));
    for (const [at, { zone, name }] of group.entries()) {
      if (this.#stopped) return;
      await this.#tick(zone, name, nowMs, looks[at]!);
    }
  }

  async #tick(zone: Name, name: string, nowMs: number, observations: readonly LifecycleObservation[]): Promise<void> {
    const ticked = await this.#control.tickMail(zone, observations);
    if (ticked.ok) {
      this.#refused.delete(name);
      return;
    }
    if (!this.#refused.has(name)) await this.#control.alertMail(name, ticked.problems);
    this.#refused.set(name, nowMs + MAIL_RETRY_MS);
    const problems = ticked.problems.map(formatProblem).join('; ');
    this.#log.error('mail.refused', `${name} a step of the mail policy is not possible, will try again: ${problems}`, {
      zone: name,
      problems,
    });
  }
}
