/**
 * Alerts: once a minute, and soon after something was reported, what needs a person is looked at, written down, and
 * sent to the targets; all of one look in one transaction: a restart loses none and sends none twice.
 * Not here: when an alert begins and ends (book.ts), sending (deliveries.ts).
 */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ALERT_EVENTS_AT_ONCE, ALERT_LOOK_MS, ALERT_SETTLE_MS } from '#base/limits/alerts.ts';
import { type Clock, type Timers, systemTimers } from '#base/clock.ts';
import { type Log } from '#base/log.ts';
import { inUrl } from '#base/place.ts';
import { type Result, fail, formatProblem, ok, problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { alertPlaceWrite, alertRemoval, alertWrite, readAlertPlace, readAlerts } from '#store/alerts/alerts.ts';
import { type StoredAlert } from '#store/alerts/alerts.ts';
import { StoreFailure } from '#store/failure.ts';
import { type StoreWriter } from '#store/writer.ts';
import {
  type Acknowledgement,
  type AlertState,
  type AlertView,
  type AlertsApi,
  type TestedTarget,
} from '#control/api/alerts.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { type EventsApi, type StoredEvent } from '#control/api/events.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { AlertBook, type Moment, type Report, type Transition, type Turn } from './book.ts';
import { conditionsNow } from './conditions.ts';
import { Deliveries } from './deliveries.ts';
import { meaningOf } from './reported.ts';
import { type AlertRule } from './rules.ts';
import { type AlertMessage, type AlertTarget } from './targets.ts';

export interface AlertsOptions {
  readonly writer: StoreWriter;
  readonly funnel: Pick<Funnel, 'change'>;
  readonly events: Pick<EventsApi, 'after' | 'next' | 'range'>;
  readonly clock: Clock;
  readonly time: Pick<CountedTime, 'nowMs'>;
  readonly rules: readonly AlertRule[];
  readonly targets: readonly AlertTarget[];
  /** All metrics that rules are about. */
  readonly families: () => readonly MetricFamily[];
  /** Once a minute, before the look: asks our servers, until the signal. Never rejects. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  /** Those of `families` that come of it. */
  readonly seen: () => readonly MetricFamily[];
  /** Why what was reported is over, by the metrics of now; undefined: it is not, or nothing tells. */
  readonly overBecause?: (alert: StoredAlert, families: readonly MetricFamily[]) => string | undefined;
  readonly timers?: Timers;
  readonly lookMs?: number;
}

const LOOK = { actor: { kind: 'system', id: 'alerts', from: '' }, action: 'alert', upkeep: true } as const;
const RANK: Readonly<Record<AlertState, number>> = { standing: 0, acknowledged: 1, cleared: 2 };

export class Alerts implements AlertsApi {
  readonly #options: AlertsOptions;
  readonly #book: AlertBook;
  readonly #damaged: readonly string[];
  readonly #rules: ReadonlyMap<string, AlertRule>;
  readonly #deliveries: Deliveries;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #turns: Promise<void> = Promise.resolve();
  #after: number;
  #dropped = 0;
  #log: Log | undefined;

  constructor(options: AlertsOptions) {
    this.#options = options;
    const { writer, funnel, targets, time, rules, timers = systemTimers } = options;
    this.#rules = new Map(rules.map((each) => [each.id, each]));
    const { whole, damaged } = readAlerts(writer);
    [this.#book, this.#damaged] = [new AlertBook(whole, rules), damaged];
    this.#deliveries = new Deliveries({ reader: writer, funnel, targets, nowMs: () => time.nowMs(), timers });
    // Of a store without alerts so far: what was reported in the last version is history.
    this.#after = readAlertPlace(writer) ?? writer.eventRange().newest;
  }

  start(log: Log): void {
    this.#log = log;
    if (this.#damaged.length > 0)
      log.error('alert.damaged', `alerts in the store are damaged: ${this.#damaged.join(', ')}`);
    this.#running = this.#run(log);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#deliveries.stop();
  }

  async #run(log: Log): Promise<void> {
    await this.#deliveries.start(log);
    const { events, lookMs = ALERT_LOOK_MS } = this.#options;
    const { signal } = this.#stopping;
    let nextLookMs = performance.now();
    while (!signal.aborted) {
      const isMinute = performance.now() >= nextLookMs;
      if (isMinute) {
        nextLookMs += Math.max(1, Math.ceil((performance.now() - nextLookMs) / lookMs)) * lookMs;
        await this.probe();
      }
      const isDone = await (isMinute ? this.look() : this.lookAtReports());
      const waitMs = Math.max(1, nextLookMs - performance.now());
      // What came during the look is news; what a full store rejected waits for the next minute.
      await events.next(isDone ? this.#after : Number.MAX_SAFE_INTEGER, waitMs, signal);
      await delay(ALERT_SETTLE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Asks our servers, as each minute. Never rejects. */
  probe(): Promise<void> {
    return this.#options.probe(this.#stopping.signal);
  }

  /**
   * One look: what is so now, what was reported since the last one. False: the store does not take it, and it is looked
   * at again.
   */
  look(): Promise<boolean> {
    return this.#inTurn(() => this.#look(true));
  }

  /** The same for what was reported: metrics of ten thousand zones are not for every event. */
  lookAtReports(): Promise<boolean> {
    return this.#inTurn(() => this.#look(false));
  }

  /** What reads the book, writes, and takes over what was written is one turn: nothing comes between. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turns.then(work);
    this.#turns = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  async #look(withConditions: boolean): Promise<boolean> {
    const { funnel, families } = this.#options;
    try {
      const { reports, after } = this.#reports();
      if (!withConditions && reports.length === 0) {
        this.#after = after;
        return true;
      }
      const turn = this.#turn(reports, withConditions ? families() : undefined);
      const isPlaceNew = reports.length > 0;
      if (turn.written.length === 0 && turn.removed.length === 0 && !isPlaceNew) {
        this.#after = after;
        return true;
      }
      const sent = this.#deliveries.prepare(turn.transitions.map((each) => this.#message(each)));
      const done = await funnel.change(LOOK, () =>
        ok({
          documents: [
            ...turn.written.map(alertWrite),
            ...turn.removed.map(alertRemoval),
            ...(isPlaceNew ? [alertPlaceWrite(after)] : []),
            ...sent.documents,
          ],
          isChanged: true,
          isQuiet: true,
        }),
      );
      if (!done.ok) {
        const why = done.problems.map(formatProblem).join('; ');
        this.#log?.error('alert.not-written', `alerts are not written down now: ${why}`);
        return false;
      }
      this.#after = after;
      this.#book.take(turn);
      this.#tell(turn);
      sent.taken();
      return true;
    } catch (error) {
      // One damaged document must not end the process that everything else is done in.
      if (!(error instanceof StoreFailure)) throw error;
      this.#log?.error('alert.not-looked', `alerts cannot be looked at now: ${error.message}`);
      return false;
    }
  }

  #now(): Moment {
    const { clock, time } = this.#options;
    return { wallMs: clock.nowMs(), countedMs: time.nowMs() };
  }

  #turn(reports: readonly Report[], families: readonly MetricFamily[] | undefined): Turn {
    const { writer, rules, overBecause = () => undefined } = this.#options;
    const now = this.#now();
    const hasZone = (name: string): boolean => writer.zoneByName(nameOf(name)) !== undefined;
    if (families === undefined) return this.#book.turn({ reports, overBecause: () => undefined, hasZone }, now);
    const conditions = conditionsNow(rules, families, now.wallMs);
    return this.#book.turn({ conditions, reports, overBecause: (alert) => overBecause(alert, families), hasZone }, now);
  }

  /** Alerts of the journal that were not taken in yet. */
  #reports(): { readonly reports: readonly Report[]; readonly after: number } {
    const { events } = this.#options;
    const reports: Report[] = [];
    let after = this.#after;
    for (let found: readonly StoredEvent[] = []; ; after = found.at(-1)!.id) {
      found = events.after(after, ALERT_EVENTS_AT_ONCE);
      if (found.length === 0) return { reports, after };
      for (const each of found) if (each.kind === 'alert') reports.push(reportOf(each));
    }
  }

  /** Into the log, and what could not be taken in into the counter. */
  #tell({ transitions, dropped }: Turn): void {
    this.#dropped += dropped;
    if (dropped > 0)
      this.#log?.error('alert.dropped', `${dropped} alerts are not kept: there are too many of their zones, or of all`);
    for (const { kind, alert } of transitions) {
      const { id, rule, zone, text, severity, source, why } = alert;
      const fields = { id, rule, ...(zone === undefined ? {} : { zone }) };
      if (kind === 'cleared') this.#log?.info('alert.cleared', `${rule} is over: ${why ?? ''}`, fields);
      // Who reported it has logged it.
      else if (source === 'rule') this.#log?.[severity === 'critical' ? 'error' : 'warn']('alert.raised', text, fields);
    }
  }

  #message({ kind, alert }: Transition): AlertMessage {
    return this.#messageOf(`alert.${kind}`, alert);
  }

  #messageOf(type: AlertMessage['type'], alert: StoredAlert): AlertMessage {
    const { id, rule, severity, zone, object, text, fix, sinceMs, why, acknowledged } = alert;
    const { consequence, command } = this.#meaning(alert);
    return {
      type,
      timestamp: new Date(this.#options.clock.nowMs()).toISOString(),
      data: {
        ...{ id, rule, severity, text, consequence, command },
        ...(zone === undefined ? {} : { zone }),
        ...(object === undefined ? {} : { object }),
        ...(fix === undefined ? {} : { fix }),
        since: new Date(sinceMs).toISOString(),
        ...(why === undefined ? {} : { why }),
        ...(acknowledged === undefined ? {} : { acknowledgedBy: acknowledged.by }),
        server: hostname(),
      },
    };
  }

  #meaning({ rule, zone }: StoredAlert): { readonly consequence: string; readonly command: string } {
    const { consequence, command } = this.#rules.get(rule) ?? meaningOf(rule, zone);
    const name = zone?.replace(/(?<=.)\.$/, '');
    return { consequence, command: name === undefined ? command.replace(' ZONE', '') : command.replace('ZONE', name) };
  }

  // --- for the API ---

  list(): readonly AlertView[] {
    const raised = this.#book.all().filter(({ raisedMs }) => raisedMs !== undefined);
    const severity = (each: AlertView): number => (each.severity === 'critical' ? 0 : 1);
    return raised
      .map((each) => this.#view(each))
      .toSorted(
        (a, b) =>
          RANK[a.state] - RANK[b.state] || severity(a) - severity(b) || b.lastMs - a.lastMs || (a.id < b.id ? -1 : 1),
      );
  }

  get(id: string): AlertView | undefined {
    const found = this.#book.get(id);
    return found?.raisedMs === undefined ? undefined : this.#view(found);
  }

  #view(alert: StoredAlert): AlertView {
    const state =
      alert.clearedMs !== undefined ? 'cleared' : alert.acknowledged !== undefined ? 'acknowledged' : 'standing';
    return { ...alert, state, ...this.#meaning(alert) };
  }

  acknowledge(id: string, by: Acknowledgement, dryRun: boolean): Promise<Result<AlertView>> {
    return this.#inTurn(() => this.#acknowledge(id, by, dryRun));
  }

  async #acknowledge(id: string, { actor, reason }: Acknowledgement, dryRun: boolean): Promise<Result<AlertView>> {
    let acknowledged: StoredAlert | undefined;
    let sent: ReturnType<Deliveries['prepare']> | undefined;
    const done = await this.#options.funnel.change({ actor, action: 'alert.acknowledge', dryRun }, () => {
      const found = this.#book.get(id);
      if (found?.raisedMs === undefined) return fail(noAlert(id));
      if (found.clearedMs !== undefined || found.acknowledged !== undefined) {
        acknowledged = found;
        return ok({ isChanged: false });
      }
      const who = actor.kind === 'socket' ? actor.id : `${actor.kind} ${actor.id}`;
      const atMs = this.#options.clock.nowMs();
      acknowledged = { ...found, acknowledged: { by: who, atMs, ...(reason === undefined ? {} : { reason }) } };
      sent = this.#deliveries.prepare([this.#messageOf('alert.acknowledged', acknowledged)]);
      return ok({
        ...(found.zone === undefined ? {} : { zone: found.zone }),
        documents: [alertWrite(acknowledged), ...sent.documents],
        detail: `alert ${id} ${found.rule}${reason === undefined ? '' : `: ${reason}`}`,
        isChanged: true,
      });
    });
    if (!done.ok) return done;
    const view = this.#view(acknowledged!);
    if (dryRun || sent === undefined) return ok(view);
    this.#book.take({ written: [acknowledged!], removed: [] });
    sent.taken();
    return ok(view);
  }

  targets(): readonly string[] {
    return this.#options.targets.map(({ name }) => name);
  }

  async test(actor: Acknowledgement['actor'], dryRun: boolean): Promise<Result<readonly TestedTarget[]>> {
    const names = this.targets();
    // Also on a full disk: then it is wanted most.
    const turn = { actor, action: 'alert.test', dryRun, upkeep: true };
    const noted = await this.#options.funnel.change(turn, () =>
      ok({ detail: `${names.length} targets`, isChanged: true }),
    );
    if (!noted.ok) return noted;
    if (dryRun) return ok(names.map((target) => ({ target, failure: 'not tried' })));
    const timestamp = new Date(this.#options.clock.nowMs()).toISOString();
    const text = 'a test of this target; nothing is wrong';
    const data = { id: 'test', rule: 'TEST', severity: 'warning', text, server: hostname() } as const;
    return ok(await this.#deliveries.test({ type: 'alert.test', timestamp, data }));
  }

  /** Of alerts, messages, and servers that are asked. */
  metrics(): readonly MetricFamily[] {
    const counts = new Map<string, number>();
    for (const { severity, state } of this.list()) {
      if (state === 'cleared') continue;
      counts.set(`${severity} ${state}`, (counts.get(`${severity} ${state}`) ?? 0) + 1);
    }
    const samples = ['critical', 'warning'].flatMap((severity) =>
      ['standing', 'acknowledged'].map((state) => ({
        labels: { severity, state },
        value: counts.get(`${severity} ${state}`) ?? 0,
      })),
    );
    const { counts: deliveries, waiting } = this.#deliveries;
    const results = Object.entries(deliveries).map(([result, value]) => ({ labels: { result }, value }));
    return [
      { name: 'waxseal_alerts', help: 'Alerts that stand.', type: 'gauge', samples },
      {
        name: 'waxseal_alerts_dropped_total',
        help: 'Alerts that were not kept because there were too many.',
        type: 'counter',
        samples: [{ labels: {}, value: this.#dropped }],
      },
      {
        name: 'waxseal_alert_messages_total',
        help: 'Messages about alerts, by what became of a try.',
        type: 'counter',
        samples: results,
      },
      {
        name: 'waxseal_alert_messages_waiting',
        help: 'Messages about alerts that their target does not have yet.',
        type: 'gauge',
        samples: [{ labels: {}, value: waiting }],
      },
      ...this.#options.seen(),
    ];
  }
}

function reportOf({ event, severity, zone, object, text, fix, atMs }: StoredEvent): Report {
  return {
    code: event,
    severity: severity === 'warning' ? 'warning' : 'critical',
    ...(zone === undefined ? {} : { zone }),
    ...(object === undefined ? {} : { object }),
    text,
    ...(fix === undefined ? {} : { fix }),
    atMs,
  };
}

export function noAlert(id: string) {
  return problem('ALERT_NOT_FOUND', inUrl('alert'), `there is no alert ${JSON.stringify(id)}`, {
    fix: 'list them: waxseal alert list --all',
  });
}
