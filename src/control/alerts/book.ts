/**
 * The book of alerts: what was seen now becomes alerts that begin, stand and end. Each begins once and ends once: what
 * comes back within its rule's `clearMs` is the same alert. Pure; all durations in counted time, so that a clock that
 * jumps raises nothing.
 * Not here: what is seen (conditions.ts, the journal of events), writing it down (alerts.ts).
 */
import { createHash } from 'node:crypto';
import { ALERTS_MAX, ALERTS_PER_ZONE_MAX, ALERT_HISTORY_MS, ALERT_QUIET_MS } from '#base/limits/alerts.ts';
import { type AlertSeverity, type StoredAlert } from '#store/alerts/alerts.ts';
import { type Condition } from './conditions.ts';
import { type AlertRule } from './rules.ts';

/** Something that was reported as an alert: an event of the journal. */
export interface Report {
  readonly code: string;
  readonly severity: AlertSeverity;
  readonly zone?: string;
  readonly object?: string;
  readonly text: string;
  readonly fix?: string;
  /** Wall time. */
  readonly atMs: number;
}

export interface Moment {
  readonly wallMs: number;
  readonly countedMs: number;
}

export interface Seen {
  /** Absent: they were not looked at now. */
  readonly conditions?: readonly Condition[];
  readonly reports: readonly Report[];
  /** Why what was reported is over; undefined: it is not, or nothing tells. */
  readonly overBecause: (alert: StoredAlert) => string | undefined;
  readonly hasZone: (name: string) => boolean;
}

export interface Transition {
  readonly kind: 'raised' | 'cleared';
  readonly alert: StoredAlert;
}

export interface Turn {
  readonly written: readonly StoredAlert[];
  readonly removed: readonly string[];
  readonly transitions: readonly Transition[];
  /** Not taken in: there are too many already, of the zone or of all. */
  readonly dropped: number;
}

export function alertId(rule: string, zone: string | undefined, object: string | undefined): string {
  const text = [rule, zone ?? '', object ?? ''].join('\0');
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

export class AlertBook {
  readonly #alerts: Map<string, StoredAlert>;
  readonly #rules: ReadonlyMap<string, AlertRule>;
  /** Since when a condition is away, counted time. Not kept: after a restart it is looked at anew. */
  readonly #awaySince = new Map<string, number>();

  constructor(alerts: readonly StoredAlert[], rules: readonly AlertRule[]) {
    this.#alerts = new Map(alerts.map((each) => [each.id, each]));
    this.#rules = new Map(rules.map((each) => [each.id, each]));
  }

  /** All that are kept, in no order. */
  all(): readonly StoredAlert[] {
    return [...this.#alerts.values()];
  }

  get(id: string): StoredAlert | undefined {
    return this.#alerts.get(id);
  }

  /** What changes by what is seen now. Nothing is taken over until `take`: the store may refuse it. */
  turn(seen: Seen, now: Moment): Turn {
    const next = new Map(this.#alerts);
    const space = new Space(next);
    const transitions: Transition[] = [];
    let dropped = 0;
    const put = (alert: StoredAlert, kind?: Transition['kind']): void => {
      if (!next.has(alert.id) && !space.take(alert)) {
        dropped += 1;
        return;
      }
      next.set(alert.id, alert);
      if (kind !== undefined) transitions.push({ kind, alert });
    };
    for (const report of seen.reports) this.#report(next, report, now, put);
    const standing = new Set<string>();
    for (const condition of seen.conditions ?? []) standing.add(this.#condition(next, condition, now, put));
    this.#end(next, standing, seen, now, put);
    const removed = [...this.#alerts.keys()].filter((id) => !next.has(id));
    const written = [...next.values()].filter((each) => this.#alerts.get(each.id) !== each);
    return { written, removed, transitions, dropped };
  }

  /** What was written is the state from now on. */
  take({ written, removed }: Pick<Turn, 'written' | 'removed'>): void {
    for (const each of written) this.#alerts.set(each.id, each);
    for (const id of removed) {
      this.#alerts.delete(id);
      this.#awaySince.delete(id);
    }
  }

  #report(next: ReadonlyMap<string, StoredAlert>, report: Report, now: Moment, put: Put): void {
    const { code, severity, zone, object, text, fix, atMs } = report;
    const id = alertId(code, zone, object);
    const known = standingOf(next, id);
    const said = { severity, text, ...(fix === undefined ? {} : { fix }), lastMs: atMs, lastCountedMs: now.countedMs };
    if (known !== undefined) {
      // The same once more is no news; another text is, also to who has acknowledged the one before.
      const { acknowledged, ...open } = known;
      const isNews = known.text !== text;
      const kept = isNews || acknowledged === undefined ? open : known;
      return put({ ...kept, ...said, times: known.times + 1 }, isNews ? 'raised' : undefined);
    }
    const place = { ...(zone === undefined ? {} : { zone }), ...(object === undefined ? {} : { object }) };
    const begun = { sinceMs: atMs, raisedMs: atMs, sinceCountedMs: now.countedMs, times: 1 };
    put({ version: 1, id, rule: code, source: 'report', ...place, ...said, ...begun }, 'raised');
  }

  #condition(next: ReadonlyMap<string, StoredAlert>, condition: Condition, now: Moment, put: Put): string {
    const { rule, zone, object, text } = condition;
    const id = alertId(rule.id, zone, object);
    this.#awaySince.delete(id);
    const known = standingOf(next, id);
    const alert: StoredAlert = known ?? {
      version: 1,
      id,
      rule: rule.id,
      source: 'rule',
      severity: rule.severity,
      ...(zone === undefined ? {} : { zone }),
      ...(object === undefined ? {} : { object }),
      text,
      sinceMs: now.wallMs,
      lastMs: now.wallMs,
      sinceCountedMs: now.countedMs,
      lastCountedMs: now.countedMs,
      times: 1,
    };
    if (alert.raisedMs === undefined && now.countedMs - alert.sinceCountedMs >= rule.forMs)
      put({ ...alert, text, raisedMs: now.wallMs }, 'raised');
    else if (known === undefined) put(alert);
    return id;
  }

  /** What is not there any more. */
  #end(next: Map<string, StoredAlert>, standing: ReadonlySet<string>, seen: Seen, now: Moment, put: Put): void {
    for (const alert of [...next.values()]) {
      if (alert.clearedMs !== undefined) {
        if (now.countedMs - alert.lastCountedMs >= ALERT_HISTORY_MS) next.delete(alert.id);
        continue;
      }
      if (standing.has(alert.id)) continue;
      const why = this.#overBecause(alert, seen, now);
      if (why === undefined) continue;
      // It did not stand long enough to be one.
      if (alert.raisedMs === undefined) next.delete(alert.id);
      else put({ ...alert, clearedMs: now.wallMs, lastCountedMs: now.countedMs, why }, 'cleared');
    }
  }

  #overBecause(alert: StoredAlert, seen: Seen, now: Moment): string | undefined {
    const { id, zone, source, rule, acknowledged, lastCountedMs, raisedMs } = alert;
    if (zone !== undefined && !seen.hasZone(zone)) return 'the zone is not served any more';
    if (source === 'report') {
      const why = seen.overBecause(alert);
      if (why !== undefined) return why;
      if (acknowledged !== undefined && acknowledged.atMs >= alert.lastMs) return 'acknowledged';
      return now.countedMs - lastCountedMs >= ALERT_QUIET_MS ? 'not reported again for a week' : undefined;
    }
    if (seen.conditions === undefined) return undefined;
    const known = this.#rules.get(rule);
    if (known === undefined) return 'its rule is off';
    if (raisedMs === undefined) return 'it did not last';
    const awayMs = this.#awaySince.get(id);
    if (awayMs === undefined) this.#awaySince.set(id, now.countedMs);
    return now.countedMs - (awayMs ?? now.countedMs) >= known.clearMs ? 'it is not so any more' : undefined;
  }
}

type Put = (alert: StoredAlert, kind?: Transition['kind']) => void;

/** One that is over and comes back is a new alert. */
function standingOf(alerts: ReadonlyMap<string, StoredAlert>, id: string): StoredAlert | undefined {
  const found = alerts.get(id);
  return found?.clearedMs === undefined ? found : undefined;
}

/** How many alerts there may be: of each zone, so that none hides those of others, and of all. History goes first. */
class Space {
  readonly #alerts: Map<string, StoredAlert>;
  readonly #ofZone = new Map<string | undefined, number>();

  constructor(alerts: Map<string, StoredAlert>) {
    this.#alerts = alerts;
    for (const { zone } of alerts.values()) this.#count(zone, 1);
  }

  /** Whether one more may be there; those of the server as a whole need no place among those of zones. */
  take({ zone }: StoredAlert): boolean {
    const isFull = zone !== undefined && this.#alerts.size >= ALERTS_MAX;
    if (!isFull && (this.#ofZone.get(zone) ?? 0) < ALERTS_PER_ZONE_MAX) {
      this.#count(zone, 1);
      return true;
    }
    const over = [...this.#alerts.values()].filter(
      (each) => each.clearedMs !== undefined && (isFull || each.zone === zone),
    );
    const [oldest] = over.toSorted((a, b) => a.lastCountedMs - b.lastCountedMs);
    if (oldest === undefined) return false;
    this.#alerts.delete(oldest.id);
    this.#count(oldest.zone, -1);
    this.#count(zone, 1);
    return true;
  }

  #count(zone: string | undefined, by: 1 | -1): void {
    this.#ofZone.set(zone, (this.#ofZone.get(zone) ?? 0) + by);
  }
}
