/**
 * Looks every hour whether the audit log has entries that are old enough to go, and removes them slice by slice, so
 * that changes go between. What cannot be removed, because the log is not what was written, is reported once and
 * stays.
 * Not here: what is old enough (retention.ts).
 */
import { AUDIT_LOOK_MS } from '#base/limits/store.ts';
import { type Log } from '#base/log.ts';
import { type Problem, formatProblem } from '#base/problem.ts';
import { type AuditRetention } from './retention.ts';

export class AuditUpkeep {
  readonly #retention: AuditRetention;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #hasFailed = false;

  constructor(retention: AuditRetention, log: Log) {
    this.#retention = retention;
    this.#log = log;
  }

  /** Looks now, then every hour. */
  start(): void {
    const look = (): void => {
      this.#running = this.look().finally(() => {
        if (!this.#stopped) this.#timer = setTimeout(look, AUDIT_LOOK_MS);
      });
    };
    look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async look(): Promise<void> {
    const noted = await this.#retention.note();
    if (!noted.ok) return this.#report(noted.problems);
    for (let isMore = true; isMore && !this.#stopped;) {
      const removed = await this.#retention.removeSlice();
      if (!removed.ok) return this.#report(removed.problems);
      isMore = removed.value.isMore;
    }
    this.#hasFailed = false;
  }

  async #report(problems: readonly Problem[]): Promise<void> {
    if (!this.#hasFailed) await this.#retention.alert(problems);
    this.#hasFailed = true;
    const text = problems.map(formatProblem).join('; ');
    const message = `nothing is removed from the audit log now, will try again in an hour: ${text}`;
    this.#log.error('audit.not-removed', message, { problems: text });
  }
}
