/** What is kept of reports whatever they are about: each once, by day, and bounded. Not here: sources of DMARC (dmarc-book.test.ts). */
import { describe, expect, test } from 'vitest';
import {
  REPORTS_KNOWN_MAX,
  REPORTS_SHOWN_MAX,
  REPORT_FUTURE_MS_MAX,
  REPORT_SPAN_MS_MAX,
  REPORT_TEXT_CHARACTERS_MAX,
} from '#base/limits/reports.ts';
import { type TlsBook, checkTime, enterReport, isKnownReport, largest, newBook, reportDay, withTlsReport } from '#mail/reports/book.ts';
import { type TlsReport } from '#mail/reports/tls-report.ts';

const DAY_MS = 86_400_000;
const DAY = 20_454;
const report = (more: Partial<TlsReport> = {}): TlsReport => ({
  organization: 'sender.example',
  id: '1',
  beginMs: DAY * DAY_MS,
  endMs: (DAY + 1) * DAY_MS - 1000,
  policies: [],
  leftOut: [],
  ...more,
});
const enter = (book: TlsBook, each: TlsReport, firstDay = DAY - 10) =>
  enterReport(
    book,
    each,
    { nowMs: 5, firstDay },
    (day) => ({ day, succeeded: 0, failed: 0, types: {} }),
    (day) => ({ ...day, succeeded: day.succeeded + 1 }),
  );

describe('the time of a report', () => {
  test('it counts for the day of its last second', () => {
    expect(reportDay(report())).toBe(DAY);
    // Midnight belongs to the day before: ends are often written so.
    expect(reportDay(report({ endMs: (DAY + 1) * DAY_MS }))).toBe(DAY);
    expect(reportDay(report({ endMs: (DAY + 1) * DAY_MS + 1000 }))).toBe(DAY + 1);
    expect(reportDay(report({ endMs: DAY * DAY_MS }))).toBe(DAY);
  });
  const nowMs = (DAY + 1) * DAY_MS;
  test.each<[string, Partial<TlsReport>, number]>([
    ['yesterday', {}, 0],
    ['a month', { beginMs: report().endMs - REPORT_SPAN_MS_MAX }, 0],
    ['more than a month', { beginMs: report().endMs - REPORT_SPAN_MS_MAX - 1 }, 1],
    ['an end before its beginning', { endMs: DAY * DAY_MS - 1 }, 1],
    ['a clock that is a day ahead', { endMs: nowMs + REPORT_FUTURE_MS_MAX }, 0],
    ['the future', { endMs: nowMs + REPORT_FUTURE_MS_MAX + 1 }, 1],
    ['times that no date can hold', { beginMs: 9e15, endMs: 9e15 }, 1],
  ])('%s', (_, more, count) => {
    expect(checkTime(report(more), nowMs).map(({ code }) => code)).toEqual(Array.from({ length: count }, () => 'REPORT_TIME'));
  });
});

describe('the book', () => {
  test('days are in order, those before the first go, with what is known of their reports', () => {
    const at = (day: number) => report({ id: String(day), beginMs: day * DAY_MS, endMs: (day + 1) * DAY_MS - 1000 });
    let book: TlsBook = newBook();
    for (const day of [DAY, DAY - 5, DAY - 2]) book = enter(book, at(day));
    expect(book.days.map(({ day }) => day)).toEqual([DAY - 5, DAY - 2, DAY]);
    book = enter(book, report({ id: 'next' }), DAY - 2);
    expect(book.days.map(({ day, succeeded }) => [day, succeeded])).toEqual([
      [DAY - 2, 1],
      [DAY, 2],
    ]);
    expect([DAY - 5, DAY - 2, DAY].map((day) => isKnownReport(book, at(day)))).toEqual([false, true, true]);
  });

  test('is bounded: the newest reports are shown, the oldest are forgotten, texts are cut', () => {
    let book: TlsBook = newBook();
    for (let id = 0; id <= REPORTS_KNOWN_MAX; id++) book = enter(book, report({ id: String(id), organization: 'x'.repeat(500) }));
    expect(book.known).toHaveLength(REPORTS_KNOWN_MAX);
    expect(book.last.map(({ id }) => id)).toEqual(Array.from({ length: REPORTS_SHOWN_MAX }, (_, at) => String(REPORTS_KNOWN_MAX - at)));
    expect(book.last[0]).toMatchObject({ organization: 'x'.repeat(REPORT_TEXT_CHARACTERS_MAX), takenAtMs: 5 });
  });

  test('the largest counts are kept', () => {
    const counts = new Map([
      ['a', 1],
      ['b', 9],
      ['c', 5],
    ]);
    expect(largest(counts, 2)).toEqual({ b: 9, c: 5 });
  });
});

describe('RFC 8460 §4.4: sessions of a day', () => {
  test('those by TLSA records are told apart, and no failure of MTA-STS', () => {
    const policies = [
      { kind: 'sts', succeeded: 10, failed: 3, failures: [{ type: 'certificate-expired', sessions: 3 }] },
      { kind: 'tlsa', succeeded: 7, failed: 2, failures: [{ type: 'certificate-expired', sessions: 2 }] },
      { kind: 'no-policy-found', succeeded: 1, failed: 0, failures: [] },
    ];
    const once = withTlsReport(newBook(), report({ policies }), { nowMs: 0, firstDay: 0 });
    const twice = withTlsReport(once, report({ id: '2', policies: policies.slice(0, 1) }), { nowMs: 0, firstDay: 0 });
    expect(once.days).toEqual([
      { day: DAY, succeeded: 11, failed: 3, types: { 'certificate-expired': 3, 'certificate-expired (DANE)': 2 } },
    ]);
    expect(twice.days).toEqual([
      { day: DAY, succeeded: 21, failed: 6, types: { 'certificate-expired': 6, 'certificate-expired (DANE)': 2 } },
    ]);
  });
});
