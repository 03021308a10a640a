/**
 * What is kept of the reports about a domain: counts by day, and which reports they come from, so that none counts twice. JSON with a
 * version; bounded in every direction, since strangers write reports. Times are wall times: those that reports speak of.
 * Not here: reading reports (dmarc-aggregate.ts, tls-report.ts), what follows from the counts (evidence.ts).
 */
import { createHash } from 'node:crypto';
import {
  REPORT_FUTURE_MS_MAX,
  REPORT_SELECTORS_PER_DAY_MAX,
  REPORT_SOURCES_PER_DAY_MAX,
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
export interface DmarcDay {
  readonly day: number;
  readonly sources: readonly DmarcSource[];
  /** Messages by selector of the domain that signed them and verified. */
  readonly selectors: Readonly<Record<string, number>>;
}

export interface DmarcSource {
  readonly address: string;
  readonly messages: number;
  /** By DKIM or by SPF. */
  readonly aligned: number;
  readonly dkim: number;
  readonly spf: number;
  /** Not aligned, and the receiver says that it was forwarded. */
  readonly forwarded: number;
}

export interface TlsDay {
  readonly day: number;
  readonly succeeded: number;
  /** Without those of senders that went by TLSA records: DANE fails by itself. */
  readonly failed: number;
  /** Failed sessions by type; those of DANE say so. */
  readonly types: Readonly<Record<string, number>>;
}

export interface ReportBook<Day> {
  readonly version: 1;
  /** Hash and day of each report in `days`, in the order they came. */
  readonly known: readonly (readonly [hash: string, day: number])[];
  /** Newest first. */
  readonly last: readonly ReportNote[];
  /** Oldest first. */
  readonly days: readonly Day[];
}

export type DmarcBook = ReportBook<DmarcDay>;
export type TlsBook = ReportBook<TlsDay>;

export function newBook<Day>(): ReportBook<Day> {
  return { version: 1, known: [], last: [], days: [] };
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

function hashOf({ organization, id }: ReportHead): string {
  return createHash('sha256').update(`${organization}\n${id}`).digest('hex').slice(0, 24);
}

/** Whether the report's counts are in the book. The same organization and id are the same report (RFC 9990 §3.5.1, §3.5.4). */
export function isKnownReport(book: ReportBook<unknown>, report: ReportHead): boolean {
  const hash = hashOf(report);
  return book.known.some(([known]) => known === hash);
}

export function withDmarcReport(book: DmarcBook, report: DmarcReport, nowMs: number, firstDay: number): DmarcBook {
  const empty = (day: number): DmarcDay => ({ day, sources: [], selectors: {} });
  return enter(book, report, nowMs, firstDay, empty, (day) => {
    const sources = new Map(day.sources.map((each) => [each.address, each]));
    const selectors = new Map(Object.entries(day.selectors));
    for (const { source, messages, isDkimAligned, isSpfAligned, isForwarded, signatures } of report.rows) {
      const before = sources.get(source) ?? { address: source, messages: 0, aligned: 0, dkim: 0, spf: 0, forwarded: 0 };
      const isAligned = isDkimAligned || isSpfAligned;
      sources.set(source, {
        address: source,
        messages: before.messages + messages,
        aligned: before.aligned + (isAligned ? messages : 0),
        dkim: before.dkim + (isDkimAligned ? messages : 0),
        spf: before.spf + (isSpfAligned ? messages : 0),
        forwarded: before.forwarded + (!isAligned && isForwarded ? messages : 0),
      });
      const own = new Set(signatures.filter(({ domain }) => domain === report.domain).map(({ selector }) => selector));
      for (const selector of own) selectors.set(selector, (selectors.get(selector) ?? 0) + messages);
    }
    const kept = [...sources.values()].toSorted((a, b) => Number(b.aligned > 0) - Number(a.aligned > 0) || b.messages - a.messages);
    return { ...day, sources: kept.slice(0, REPORT_SOURCES_PER_DAY_MAX), selectors: largest(selectors, REPORT_SELECTORS_PER_DAY_MAX) };
  });
}

export function withTlsReport(book: TlsBook, report: TlsReport, nowMs: number, firstDay: number): TlsBook {
  const empty = (day: number): TlsDay => ({ day, succeeded: 0, failed: 0, types: {} });
  return enter(book, report, nowMs, firstDay, empty, (day) => {
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

function largest(counts: ReadonlyMap<string, number>, max: number): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a).slice(0, max));
}

/** The book with one more report; what is before `firstDay` goes. */
function enter<Day extends { readonly day: number }>(
  book: ReportBook<Day>,
  report: ReportHead,
  nowMs: number,
  firstDay: number,
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
    version: 1,
    known: known.slice(-REPORTS_KNOWN_MAX),
    last: [note, ...book.last].slice(0, REPORTS_SHOWN_MAX),
    days: [...others, today].toSorted((a, b) => a.day - b.day),
  };
}
