/**
 * What is kept of the reports about a domain: counts by day, and which reports they are taken from, so that none counts
 * twice. JSON with a version; bounded in every direction, because strangers write reports. Times are wall times: those
 * that reports speak of.
 * Not here: reading reports (dmarc-aggregate.ts, tls-report.ts), days of DMARC (dmarc-book.ts), what follows from the
 * counts (evidence.ts).
 */
import { createHash } from 'node:crypto';
import {
  REPORT_FUTURE_MS_MAX,
  REPORT_SPAN_MS_MAX,
  REPORT_TEXT_CHARACTERS_MAX,
  REPORTS_KNOWN_MAX,
  REPORTS_SHOWN_MAX,
  TLS_TYPES_PER_DAY_MAX,
} from '#base/limits/reports.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { DAY_MS } from '#base/units.ts';
import { type DmarcReport } from './dmarc-aggregate.ts';
import { type TlsReport } from './tls-report.ts';

/** A report that was taken in. */
export interface ReportNote {
  readonly organization: string;
  readonly id: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly takenAtMs: number;
}

/** `day` counts from 1970-01-01. */
export interface TlsDay {
  readonly day: number;
  readonly succeeded: number;
  /** Without those of senders that went by TLSA records: DANE fails by itself. */
  readonly failed: number;
  /** Failed sessions by type; those of DANE say so. */
  readonly types: Readonly<Record<string, number>>;
}

export interface ReportBook<Day> {
  readonly version: number;
  /** Hash and day of each report in `days`, in the order they came. */
  readonly known: readonly (readonly [hash: string, day: number])[];
  /** Newest first. */
  readonly last: readonly ReportNote[];
  /** Oldest first. */
  readonly days: readonly Day[];
}

export type TlsBook = ReportBook<TlsDay>;

export function newBook<Day>(): ReportBook<Day> {
  return { version: 1, known: [], last: [], days: [] };
}

export interface ReportTimes {
  /** Wall time. */
  readonly nowMs: number;
  /** Days before it go. */
  readonly firstDay: number;
}

type ReportHead = Pick<DmarcReport, 'organization' | 'id' | 'beginMs' | 'endMs'>;

/** The day that a report counts for: that of its last second, so that none is too old before its time. */
export function reportDay({ beginMs, endMs }: Pick<ReportHead, 'beginMs' | 'endMs'>): number {
  return Math.floor(Math.max(beginMs, endMs - 1000) / DAY_MS);
}

/** What speaks against the time that the report is about. */
export function checkTime({ beginMs, endMs }: ReportHead, nowMs: number): Problem[] {
  const problems: Problem[] = [];
  const range = `${timeText(beginMs)} to ${timeText(endMs)}`;
  if (endMs < beginMs) problems.push(problem('REPORT_TIME', WHOLE, `it ends before it begins: ${range}`));
  else if (endMs - beginMs > REPORT_SPAN_MS_MAX) problems.push(problem('REPORT_TIME', WHOLE, `it is about more than a month: ${range}`));
  if (endMs > nowMs + REPORT_FUTURE_MS_MAX || beginMs > nowMs + REPORT_FUTURE_MS_MAX)
    problems.push(problem('REPORT_TIME', WHOLE, `it is about the future: ${range}`, { fix: 'is the clock here right?' }));
  return problems;
}

/** Times of strangers may be beyond what a date can hold. */
function timeText(atMs: number): string {
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString().slice(0, 16) : String(atMs);
}

function cut(text: string): string {
  return text.slice(0, REPORT_TEXT_CHARACTERS_MAX);
}

function hash(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 24);
}

/** One organization uses an id once for each time: some count their ids from 1 every day. */
function hashOf({ organization, id, beginMs, endMs }: ReportHead): string {
  return hash(organization, id, beginMs, endMs);
}

/**
 * Whether the report's counts are in the book: a report that is sent again has the same organization, id and time (RFC
 * 9990 §3.5.4).
 */
export function isKnownReport(book: ReportBook<unknown>, report: ReportHead): boolean {
  const [now, day] = [hashOf(report), reportDay(report)];
  // Books of earlier versions have them without their times.
  const before = hash(report.organization, report.id);
  return book.known.some(([known, at]) => known === now || (known === before && at === day));
}

export function withTlsReport(book: TlsBook, report: TlsReport, times: ReportTimes): TlsBook {
  const empty = (day: number): TlsDay => ({ day, succeeded: 0, failed: 0, types: {} });
  return enterReport(book, report, times, empty, (day) => {
    const types = new Map(Object.entries(day.types));
    let { succeeded, failed } = day;
    for (const policy of report.policies) {
      const isDane = policy.kind === 'tlsa';
      for (const { type, sessions } of policy.failures) {
        const key = isDane ? `${type} (DANE)` : type;
        types.set(key, (types.get(key) ?? 0) + sessions);
      }
      if (isDane) continue;
      succeeded += policy.succeeded;
      failed += policy.failed;
    }
    return { ...day, succeeded, failed, types: largest(types, TLS_TYPES_PER_DAY_MAX) };
  });
}

/** The largest counts. */
export function largest(counts: ReadonlyMap<string, number>, max: number): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a).slice(0, max));
}

/** The book with one more report; days before `firstDay` go. */
export function enterReport<Day extends { readonly day: number }>(
  book: ReportBook<Day>,
  report: ReportHead,
  { nowMs, firstDay }: ReportTimes,
  empty: (day: number) => Day,
  add: (day: Day) => Day,
): ReportBook<Day> {
  const day = reportDay(report);
  const { beginMs, endMs } = report;
  const note = { organization: cut(report.organization), id: cut(report.id), beginMs, endMs, takenAtMs: nowMs };
  const others = book.days.filter((each) => each.day !== day && each.day >= firstDay);
  const today = add(book.days.find((each) => each.day === day) ?? empty(day));
  const known = [...book.known.filter(([, at]) => at >= firstDay), [hashOf(report), day] as const];
  return {
    version: book.version,
    known: known.slice(-REPORTS_KNOWN_MAX),
    last: [note, ...book.last].slice(0, REPORTS_SHOWN_MAX),
    days: [...others, today].toSorted((a, b) => a.day - b.day),
  };
}
