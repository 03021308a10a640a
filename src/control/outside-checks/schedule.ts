/**
 * Checks every zone in turn, a few at a time, and reports what is new. When a zone is due is kept in memory: after a
 * start all are checked, one after the other; what was found before is in the store.
 * Not here: what is new (drift.ts), the check itself (control/doctor/).
 */
import {
  CHECKS_IN_TURN_MAX,
  CHECK_AGAIN_MS,
  CHECK_EACH_MS,
  CHECK_FIRST_MS,
  CHECK_SLEEP_MS,
  CHECK_STANDING_MS,
} from '#base/limits/outside.ts';
import { type Log } from '#base/log.ts';
import { type Problem, formatProblem, ok } from '#base/problem.ts';
import { type StoredAlert } from '#store/alerts/alerts.ts';
import { type ZoneDrift, driftWrite, readDrift } from '#store/alerts/checks.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { nameOf } from '#dns/name.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { VERDICTS, type Verdict, type ZoneCheckApi } from '#control/api/zone-check.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { driftOf } from './drift.ts';

export interface CheckScheduleOptions {
  readonly writer: StoreWriter;
  readonly funnel: Pick<Funnel, 'change' | 'guard'>;
  readonly time: Pick<CountedTime, 'nowMs'>;
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  readonly check: ZoneCheckApi['check'];
  /** Ends checks under way. */
  readonly stopChecks: () => void;
}

/** Of a zone that was checked since the start. */
interface Checked {
  readonly verdict: Verdict;
  readonly drift: ZoneDrift;
}

const TURN = { actor: { kind: 'system', id: 'check', from: '' }, action: 'check', upkeep: true } as const;

export class CheckSchedule {
  readonly #options: CheckScheduleOptions;
  /** By id of the zone, counted time. */
  readonly #dueMs = new Map<number, number>();
  readonly #checked = new Map<number, Checked>();
  #everyMs: number | undefined;
  #startedMs = 0;
  #count = 0;
  #log: Log | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: CheckScheduleOptions) {
    this.#options = options;
  }

  /** `everyMs`: undefined: zones are not checked by themselves. */
  start(log: Log, everyMs: number | undefined): void {
    [this.#log, this.#everyMs, this.#startedMs] = [log, everyMs, this.#options.time.nowMs()];
    if (everyMs !== undefined) this.#sleep(CHECK_SLEEP_MS);
  }

  /** Ends the checks under way, and when they have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#options.stopChecks();
    await this.#running;
  }

  #sleep(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.turn().then(() => this.#sleep(CHECK_SLEEP_MS));
    }, ms);
    this.#timer.unref();
  }

  /** Checks the zones that are due now. Never rejects. */
  async turn(): Promise<void> {
    const { funnel, time } = this.#options;
    const listed = await funnel.guard(() => Promise.resolve(ok(this.#zones())));
    if (!listed.ok) return this.#log?.warn('check.not-done', `zones cannot be read: ${texts(listed.problems)}`);
    const nowMs = time.nowMs();
    const due = listed.value.filter(({ id }) => this.#dueMs.get(id)! <= nowMs);
    const soonest = due.toSorted((a, b) => this.#dueMs.get(a.id)! - this.#dueMs.get(b.id)!).map(({ name }) => name);
    const work = async (): Promise<void> => {
      for (let next = soonest.shift(); next !== undefined && !this.#isStopped; next = soonest.shift())
        await this.#work(next);
    };
    await Promise.all(Array.from({ length: CHECKS_IN_TURN_MAX }, work));
  }

  /** Those that strangers are to find; each has a time afterwards. */
  #zones(): readonly ZoneRecord[] {
    const zones = this.#options.writer
      .zones()
      .filter(({ isCatalog, secondary }) => isCatalog !== true && secondary?.isExpired !== true);
    const ids = new Set(zones.map(({ id }) => id));
    for (const id of this.#dueMs.keys()) if (!ids.has(id)) this.#forget(id);
    const fresh = zones.filter(({ id }) => !this.#dueMs.has(id));
    const isFirst = this.#dueMs.size === 0;
    const fromMs = isFirst ? this.#startedMs + CHECK_FIRST_MS : this.#options.time.nowMs() + CHECK_FIRST_MS;
    for (const [at, { id }] of fresh.entries()) this.#dueMs.set(id, fromMs + at * CHECK_EACH_MS);
    return zones;
  }

  #forget(id: number): void {
    this.#dueMs.delete(id);
    this.#checked.delete(id);
  }

  async #work(name: string): Promise<void> {
    const { writer, funnel, time } = this.#options;
    const done = await funnel.guard(async () => {
      const record = writer.zoneByName(nameOf(name));
      if (record === undefined) return ok(undefined);
      this.#dueMs.set(record.id, time.nowMs() + CHECK_AGAIN_MS);
      return this.#check(record);
    });
    if (!done.ok) this.#log?.warn('check.not-done', `${name} was not checked: ${texts(done.problems)}`, { zone: name });
  }

  async #check(record: ZoneRecord) {
    const { writer, time, alert, check } = this.#options;
    const { id, name } = record;
    const report = await check(record);
    if (!report.ok) return report;
    // What was broken off tells nothing.
    if (this.#isStopped) return ok(undefined);
    // It may have gone in the meantime.
    if (writer.zoneById(id) === undefined) return ok(this.#forget(id));
    const { results, verdict } = report.value;
    const before = readDrift(writer, id);
    const { after, alerts, ended, isUnsure } = driftOf(before, results, {
      isDsWatched: isSignedHere(record),
      nowMs: time.nowMs(),
    });
    // First the alerts: one that is reported twice is one.
    if (alerts.length > 0) await alert(name, alerts);
    for (const each of alerts) this.#log?.warn('check.drift', `${name} ${formatProblem(each)}`, { zone: name });
    for (const key of ended) this.#log?.info('check.sound', `${name} ${key} is sound again`, { zone: name });
    if (JSON.stringify(before) !== JSON.stringify(after)) await this.#write(id, after);
    this.#checked.set(id, { verdict, drift: after });
    this.#count += 1;
    const everyMs = this.#everyMs ?? CHECK_STANDING_MS;
    const restMs = after.standing.length > 0 ? Math.min(everyMs, CHECK_STANDING_MS) : everyMs;
    this.#dueMs.set(id, time.nowMs() + (isUnsure ? CHECK_AGAIN_MS : restMs));
    return ok(undefined);
  }

  async #write(id: number, drift: ZoneDrift): Promise<void> {
    const { writer, funnel } = this.#options;
    const written = await funnel.change(TURN, () => {
      if (writer.zoneById(id) === undefined) return ok({ isChanged: false });
      return ok({ documents: [driftWrite(id, drift)], isChanged: true, isQuiet: true });
    });
    if (!written.ok) this.#log?.warn('check.not-done', `what a check found is not kept: ${texts(written.problems)}`);
  }

  /** Why an alert of drift is over; undefined: it is so, or the zone was not checked since the start. */
  over({ rule, zone, object }: StoredAlert): string | undefined {
    if (!rule.startsWith('CHECK_') || zone === undefined || object === undefined) return undefined;
    const record = this.#options.writer.zoneByName(nameOf(zone));
    const checked = record === undefined ? undefined : this.#checked.get(record.id);
    if (checked === undefined || checked.drift.standing.some(({ key }) => key === object)) return undefined;
    return 'the last check from outside finds it sound';
  }

  /** Zones by the verdict of their last check in turn, and how many checks there were. */
  families(): readonly MetricFamily[] {
    const verdicts = [...this.#checked.values()].map(({ verdict }) => verdict);
    return [
      {
        name: 'waxseal_checked_zones',
        help: 'Zones by the verdict of their last check from outside, since the start.',
        type: 'gauge',
        samples: VERDICTS.map((verdict) => ({
          labels: { verdict },
          value: verdicts.filter((each) => each === verdict).length,
        })),
      },
      {
        name: 'waxseal_zone_checks_total',
        help: 'Checks of zones from outside in turn.',
        type: 'counter',
        samples: [{ labels: {}, value: this.#count }],
      },
    ];
  }
}

function texts(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('; ');
}
