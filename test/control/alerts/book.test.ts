/** When alerts begin, stand and end; a year of outages: each raised once, cleared once, none lost over restarts. */
import { describe, expect, test } from 'vitest';
import { ALERTS_PER_ZONE_MAX, ALERT_HISTORY_MS, ALERT_QUIET_MS } from '#base/limits/alerts.ts';
import { type StoredAlert } from '#store/alerts/alerts.ts';
import { AlertBook, type Report, type Seen, type Turn, alertId } from '#control/alerts/book.ts';
import { type AlertRule } from '#control/alerts/rules.ts';
import { pick, seedOfRun, seededRandom } from '../../support/random.ts';

const MINUTE = 60_000;
const RULE: AlertRule = {
  id: 'SILENT',
  severity: 'critical',
  metric: 'm',
  is: 'below',
  threshold: 1,
  forMs: 5 * MINUTE,
  clearMs: 2 * MINUTE,
  title: 'a server does not answer',
  consequence: 'c',
  command: 'x',
};
const ZONE = 'example.com.';

function seen(more: Partial<Seen> = {}): Seen {
  return { conditions: [], reports: [], overBecause: () => undefined, hasZone: () => true, ...more };
}

const isSilent = (object?: string) =>
  seen({ conditions: [{ rule: RULE, text: RULE.title, ...(object === undefined ? {} : { object }) }] });

function report(more: Partial<Report> = {}): Report {
  return { code: 'DNSSEC_PARENT', severity: 'critical', zone: ZONE, text: 'a DS of no key of ours', atMs: 0, ...more };
}

/** A look at a minute, taken over as the store has it. */
class Looker {
  book: AlertBook;
  readonly transitions: string[] = [];

  constructor(alerts: readonly StoredAlert[] = [], rules: readonly AlertRule[] = [RULE]) {
    this.book = new AlertBook(alerts, rules);
  }

  look(minute: number, what: Seen, skewMs = 0): Turn {
    const turn = this.book.turn(what, { wallMs: minute * MINUTE + skewMs, countedMs: minute * MINUTE });
    this.book.take(turn);
    this.transitions.push(...turn.transitions.map(({ kind, alert }) => `${minute} ${kind} ${alert.rule}`));
    return turn;
  }

  /** The process ends; the next one has what is in the store. */
  restart(rules: readonly AlertRule[] = [RULE]): void {
    this.book = new AlertBook(JSON.parse(JSON.stringify(this.book.all())) as StoredAlert[], rules);
  }
}

describe('a condition', () => {
  test('is an alert when it has stood as long as its rule says, and no sooner', () => {
    const looker = new Looker();
    for (let minute = 0; minute < 12; minute++) looker.look(minute, isSilent());
    expect(looker.transitions).toEqual(['5 raised SILENT']);
    expect(looker.book.all()).toMatchObject([{ sinceMs: 0, raisedMs: 5 * MINUTE }]);
  });
  test('that goes before that time leaves nothing', () => {
    const looker = new Looker();
    for (const minute of [0, 1, 2, 3, 4]) looker.look(minute, isSilent());
    expect(looker.look(5, seen())).toMatchObject({ written: [], removed: [alertId('SILENT', undefined, undefined)] });
    expect(looker.book.all()).toEqual([]);
    for (const minute of [6, 7, 8, 9, 10]) looker.look(minute, isSilent());
    expect(looker.transitions).toEqual([]);
  });
  test('that comes back within clearMs is the same alert', () => {
    const looker = new Looker();
    for (let minute = 0; minute < 10; minute++) looker.look(minute, isSilent());
    looker.look(10, seen());
    looker.look(11, isSilent());
    looker.look(12, seen());
    looker.look(13, seen());
    expect(looker.transitions).toEqual(['5 raised SILENT']);
    looker.look(14, seen());
    expect(looker.transitions).toEqual(['5 raised SILENT', '14 cleared SILENT']);
  });
  test('a clock that jumps raises nothing and clears nothing', () => {
    const looker = new Looker();
    looker.look(0, isSilent());
    looker.look(1, isSilent(), 30 * 86_400_000);
    expect(looker.transitions).toEqual([]);
    for (let minute = 2; minute < 7; minute++) looker.look(minute, isSilent());
    looker.look(7, seen(), -86_400_000);
    looker.look(8, seen(), 86_400_000);
    expect(looker.transitions).toEqual(['5 raised SILENT']);
  });
  test('a look that was for reports alone begins and ends none', () => {
    const looker = new Looker();
    const { conditions: _none, ...reportsOnly } = seen();
    for (let minute = 0; minute < 8; minute++) looker.look(minute, minute % 2 === 0 ? isSilent() : reportsOnly);
    expect(looker.transitions).toEqual(['6 raised SILENT']);
    for (let minute = 8; minute < 20; minute++) looker.look(minute, reportsOnly);
    expect(looker.transitions).toHaveLength(1);
  });
  test('a restart in between changes nothing', () => {
    const looker = new Looker();
    for (let minute = 0; minute < 8; minute++) {
      looker.look(minute, isSilent());
      looker.restart();
    }
    expect(looker.transitions).toEqual(['5 raised SILENT']);
  });
  test('one whose rule is off is over', () => {
    const looker = new Looker();
    for (let minute = 0; minute < 8; minute++) looker.look(minute, isSilent());
    looker.restart([]);
    looker.look(8, seen());
    expect(looker.book.all()).toMatchObject([{ clearedMs: 8 * MINUTE, why: 'its rule is off' }]);
  });
});

describe('what was reported', () => {
  test('is an alert at once; the same again is counted and no news; another text is', () => {
    const looker = new Looker();
    looker.look(0, seen({ reports: [report()] }));
    looker.look(1, seen({ reports: [report({ atMs: MINUTE })] }));
    expect(looker.transitions).toEqual(['0 raised DNSSEC_PARENT']);
    expect(looker.book.all()).toMatchObject([{ times: 2, sinceMs: 0, lastMs: MINUTE }]);
    looker.look(2, seen({ reports: [report({ text: 'the DS is gone', atMs: 2 * MINUTE })] }));
    expect(looker.transitions).toEqual(['0 raised DNSSEC_PARENT', '2 raised DNSSEC_PARENT']);
  });
  test('of two objects is two alerts', () => {
    const looker = new Looker();
    looker.look(0, seen({ reports: [report({ object: 'a' }), report({ object: 'b' })] }));
    expect(looker.book.all()).toHaveLength(2);
  });
  test('is over when something shows it, else a week after the last report', () => {
    const looker = new Looker();
    looker.look(0, seen({ reports: [report(), report({ code: 'OTHER' })] }));
    looker.look(1, seen({ overBecause: ({ rule }) => (rule === 'OTHER' ? 'it works' : undefined) }));
    expect(looker.transitions.slice(2)).toEqual(['1 cleared OTHER']);
    const week = ALERT_QUIET_MS / MINUTE;
    looker.look(week - 1, seen());
    looker.look(week, seen());
    expect(looker.transitions.slice(3)).toEqual([`${week} cleared DNSSEC_PARENT`]);
  });
  test('an acknowledged one is over with it, unless it was reported again meanwhile', () => {
    const looker = new Looker();
    looker.look(0, seen({ reports: [report(), report({ code: 'OTHER' })] }));
    const acknowledged = looker.book.all().map((each) => ({ ...each, acknowledged: { by: 'admin', atMs: MINUTE } }));
    looker.book.take({ written: acknowledged, removed: [] });
    looker.look(2, seen({ reports: [report({ code: 'OTHER', atMs: 2 * MINUTE, text: 'worse' })] }));
    expect(looker.transitions.slice(2)).toEqual(['2 raised OTHER', '2 cleared DNSSEC_PARENT']);
    expect(looker.book.get(alertId('OTHER', ZONE, undefined))).not.toHaveProperty('acknowledged');
  });
  test('of a zone that goes is over', () => {
    const looker = new Looker();
    looker.look(0, seen({ reports: [report()] }));
    looker.look(1, seen({ hasZone: () => false }));
    expect(looker.book.all()).toMatchObject([{ why: 'the zone is not served any more' }]);
  });
});

test('the history is kept for a month, and one that comes back is a new alert', () => {
  const looker = new Looker();
  looker.look(0, seen({ reports: [report()] }));
  looker.look(1, seen({ overBecause: () => 'it works' }));
  looker.look(2, seen({ reports: [report({ atMs: 2 * MINUTE })] }));
  expect(looker.book.all()).toMatchObject([{ times: 1, sinceMs: 2 * MINUTE }]);
  looker.look(3, seen({ overBecause: () => 'it works' }));
  const month = 3 + ALERT_HISTORY_MS / MINUTE;
  looker.look(month - 1, seen());
  expect(looker.book.all()).toHaveLength(1);
  looker.look(month, seen());
  expect(looker.book.all()).toEqual([]);
});

test('one zone with many faults hides none of another, nor of the server', () => {
  const looker = new Looker();
  const many = Array.from({ length: ALERTS_PER_ZONE_MAX + 10 }, (_, at) => report({ object: `${at}` }));
  const ofServer: Report = { code: 'CLOCK_WRONG', severity: 'critical', text: 'the clock is wrong', atMs: 0 };
  const others = [report({ zone: 'other.test.' }), ofServer];
  expect(looker.look(0, seen({ reports: [...many, ...others] })).dropped).toBe(10);
  expect(looker.book.all().filter(({ zone }) => zone === 'other.test.')).toHaveLength(1);
  // What is over makes way.
  looker.look(1, seen({ overBecause: ({ object }) => (object === '3' ? 'it works' : undefined) }));
  expect(looker.look(2, seen({ reports: [report({ object: 'new', atMs: 2 * MINUTE })] })).dropped).toBe(0);
  const ids = looker.book.all().map(({ id }) => id);
  expect(ids).not.toContain(alertId('DNSSEC_PARENT', ZONE, '3'));
  expect(ids).toContain(alertId('DNSSEC_PARENT', ZONE, 'new'));
});

test('a year of outages: each is raised once and cleared once, whatever restarts come', () => {
  const random = seededRandom(seedOfRun('WAXSEAL_ALERTS_SEED'));
  const looker = new Looker();
  const [expected, minutes] = [[] as string[], 365 * 24 * 60];
  const below = (count: number) => Math.floor(random() * count);
  for (let minute = 0; minute < minutes;) {
    // Calm, then an outage; both far from the rule's bounds by a minute.
    const calm = 10 + below(600);
    for (let left = calm; left > 0; left -= 1 + below(2)) {
      looker.look(minute, seen());
      minute += 1;
      if (random() < 0.002) looker.restart();
    }
    const lasts = pick(random, [1, 2, 4, 7, 8, 45, 600]);
    const from = minute;
    for (; minute < from + lasts; minute++) {
      looker.look(minute, isSilent());
      if (random() < 0.1) looker.restart();
    }
    if (lasts > 5) expected.push('raised', 'cleared');
  }
  // The last outage may still stand.
  for (let minute = minutes + 2000; minute < minutes + 2004; minute++) looker.look(minute, seen());
  expect(looker.transitions.map((each) => each.split(' ')[1])).toEqual(expected);
  expect(expected.length).toBeGreaterThan(500);
});
