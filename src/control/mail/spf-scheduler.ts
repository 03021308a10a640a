/**
 * Wakes looks at the SPF of zones when they are due: some at a time, each beside the queue, and what it found through the queue. Keeps
 * nothing itself: what is due when is in the store, so a late, missed or repeated wake-up is harmless.
 * Not here: what a look is (mail/spf/upkeep.ts), what follows from it (decide.ts).
 */
import { MAIL_DUE_AT_ONCE, MAIL_RETRY_MS, MAIL_WAKE_EVERY_MS } from '#base/limits/limits.ts';
import { type Log } from '#base/log.ts';
import { type Problem, type Result, formatProblem } from '#base/problem.ts';
import { SPF_LOOKS_AT_ONCE } from '#base/limits/spf.ts';
import { type Name, formatName } from '#dns/name.ts';
import { type SpfLook } from '#mail/spf/upkeep.ts';

/** What the scheduler needs of the control room. */
export interface SpfUpkeep {
  /** Counted time. */
  countedNowMs(): number;
  /** Zones with SPF that nobody has looked at yet get their times, spread over the usual interval. */
  begin(): Promise<Result<void>>;
  /** Zones whose look is due, soonest first. */
  dueSpf(limit: number): readonly Name[];
  nextSpfDueMs(): number | undefined;
  /** Looks, and has what was found taken in. */
  lookAtSpf(zone: Name): Promise<Result<SpfLook>>;
}

export class SpfScheduler {
  readonly #upkeep: SpfUpkeep;
  readonly #log: Log;
  /** Zones whose last look came to nothing → when to try again, counted time. */
  readonly #refused = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(upkeep: SpfUpkeep, log: Log) {
    this.#upkeep = upkeep;
    this.#log = log;
  }

  /** Looks where that is due now, and from then on where it becomes due. */
  start(): void {
    this.#running = this.#begin();
  }

  async #begin(): Promise<void> {
    const begun = await this.#upkeep.begin();
    if (!begun.ok) this.#log.error('mail.refused', `SPF is not looked at for every zone: ${begun.problems.map(formatProblem).join('; ')}`);
    await this.#round();
  }

  async #round(): Promise<void> {
    await this.runDue();
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#round();
    }, this.#sleepMs());
  }

  /** Ends when the looks that are under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #sleepMs(): number {
    const nowMs = this.#upkeep.countedNowMs();
    const nextMs = this.#upkeep.nextSpfDueMs() ?? Infinity;
    return Math.min(MAIL_WAKE_EVERY_MS, nextMs <= nowMs ? MAIL_RETRY_MS : nextMs - nowMs);
  }

  /** Looks at everything that is due now, each zone once. */
  async runDue(): Promise<void> {
    const nowMs = this.#upkeep.countedNowMs();
    const done = new Set<string>();
    while (!this.#stopped) {
      const zones = this.#upkeep.dueSpf(MAIL_DUE_AT_ONCE + done.size).filter((zone) => !done.has(formatName(zone)));
      if (zones.length === 0) return;
      for (const zone of zones) done.add(formatName(zone));
      const open = zones.filter((zone) => (this.#refused.get(formatName(zone)) ?? 0) <= nowMs);
      const work = async (): Promise<void> => {
        for (let zone = open.shift(); zone !== undefined && !this.#stopped; zone = open.shift()) await this.#look(zone, nowMs);
      };
      await Promise.all(Array.from({ length: SPF_LOOKS_AT_ONCE }, work));
    }
  }

  async #look(zone: Name, nowMs: number): Promise<void> {
    const name = formatName(zone);
    const looked = await this.#upkeep.lookAtSpf(zone);
    if (looked.ok) {
      this.#refused.delete(name);
      for (const alert of looked.value.alerts) this.#tell(name, alert);
      for (const include of looked.value.recovered)
        this.#log.info('mail.spf-recovered', `${name} include:${include} can be read again`, { zone: name, include });
      return;
    }
    this.#refused.set(name, nowMs + MAIL_RETRY_MS);
    const problems = looked.problems.map(formatProblem).join('; ');
    this.#log.error('mail.refused', `${name} what SPF needs cannot be published, will try again: ${problems}`, { zone: name, problems });
  }

  #tell(zone: string, alert: Problem): void {
    const { code, message, severity } = alert;
    const event = code.startsWith('SPF_DRIFT') ? 'mail.spf-drift' : 'mail.spf-kept';
    this.#log[severity === 'error' ? 'error' : 'warn'](event, `${zone} ${message}`, { zone, code });
  }
}
