/**
 * Makes backups in turn, and reports what keeps them from being made: once, until one has been made again.
 * Not here: making one (backups.ts).
 */
import { BACKUP_FIRST_MS, BACKUP_OLD_TURNS, BACKUP_RETRY_MS, BACKUP_SLEEP_MS_MAX } from '#base/limits/backup.ts';
import { type Log } from '#base/log.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, formatProblem, warning } from '#base/problem.ts';
import { formatDuration } from '#base/units.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type Backups } from './backups.ts';

export class BackupSchedule {
  readonly #backups: Backups;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;
  #hasFailed = false;
  #isOldTold = false;

  constructor(backups: Backups, log: Log) {
    this.#backups = backups;
    this.#log = log;
  }

  /** Looks which backups there are, and from then on makes those that are due. */
  start(): void {
    this.#sleep(0, async () => {
      await this.#look();
      const { everyMs } = this.#backups.settings;
      if (everyMs === undefined) return;
      const nowMs = this.#backups.clock.nowMs();
      this.#backups.nextAtMs = Math.max(nowMs + BACKUP_FIRST_MS, this.#dueMs(everyMs, nowMs));
      this.#wait(everyMs);
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#backups.stop();
    await this.#running;
  }

  async #look(): Promise<void> {
    const listed = await this.#backups.list();
    if (!listed.ok) return this.#log.warn('backup.not-listed', formatAll(listed.problems));
    for (const { folder, problem } of listed.value.bad)
      this.#log.warn('backup.bad', `${folder}: ${problem}`, { folder });
  }

  /** A time of the newest that lies ahead is of a clock that was wrong. */
  #dueMs(everyMs: number, nowMs: number): number {
    const { newestAtMs = 0 } = this.#backups;
    return Math.min(newestAtMs, nowMs) + everyMs;
  }

  #wait(everyMs: number): void {
    const { nextAtMs = 0, clock } = this.#backups;
    const restMs = nextAtMs - clock.nowMs();
    this.#sleep(Math.min(Math.max(0, restMs), BACKUP_SLEEP_MS_MAX, everyMs), async () => {
      await this.turn();
      this.#wait(everyMs);
    });
  }

  /** Makes one if it is due, and warns of age. */
  async turn(): Promise<void> {
    const { nextAtMs = 0, clock, settings } = this.#backups;
    const { everyMs } = settings;
    if (everyMs === undefined) return;
    if (clock.nowMs() >= nextAtMs) await this.#make(everyMs);
    await this.#warnOfAge(everyMs);
  }

  async #make(everyMs: number): Promise<void> {
    const made = await this.#backups.createScheduled();
    const nowMs = this.#backups.clock.nowMs();
    if (this.#isStopped) return;
    if (made?.ok === true) {
      const { folder, verdict, removed } = made.value;
      this.#hasFailed = false;
      this.#isOldTold = false;
      this.#backups.nextAtMs = nowMs + everyMs;
      return this.#log.info('backup.created', `${folder} was made and found good`, {
        folder,
        zones: verdict.zones,
        removed,
      });
    }
    this.#backups.nextAtMs = nowMs + Math.min(everyMs, BACKUP_RETRY_MS);
    if (made === undefined) return;
    this.#log.error('backup.failed', formatAll(made.problems));
    if (!this.#hasFailed) await this.#backups.alert(made.problems);
    this.#hasFailed = true;
  }

  async #warnOfAge(everyMs: number): Promise<void> {
    const { newestAtMs, clock, settings } = this.#backups;
    if (this.#isOldTold || this.#isStopped || newestAtMs === undefined) return;
    if (clock.nowMs() - newestAtMs < BACKUP_OLD_TURNS * everyMs) return;
    this.#isOldTold = true;
    const wanted = `one is wanted every ${formatDuration(everyMs)}`;
    const why = `the newest backup in ${settings.folder} is of ${formatTime(newestAtMs)}; ${wanted}`;
    await this.#backups.alert([warning('BACKUP_OLD', WHOLE, why, { fix: 'waxseal backup create says what is wrong' })]);
    this.#log.error('backup.old', why);
  }

  #sleep(ms: number, then: () => Promise<void>): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#running = then();
    }, ms);
  }
}

function formatAll(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('; ');
}
