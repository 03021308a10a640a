/**
 * What reports prove, and how it is shown: whether the mail of every known source is aligned, which selectors still
 * sign, whether TLS works. Reports can hold a step up and never take one: the times of the life cycles stay, and
 * without reports they continue alone.
 *
 * Implements: RFC 9989 §7.4 (reports before a stricter policy), RFC 8460 §4.3.
 * Not here: what is kept of reports (book.ts), how sources stand (judgement.ts), the life cycles (mail/dmarc/ramp.ts,
 * mail/dkim/machine.ts, mail/mta-sts/machine.ts).
 */
import { REPORT_DAYS_MAX, REPORT_SOURCES_TOLD_MAX, REPORT_WINDOW_MS_MIN, TLS_FAILED_SHARE_MAX } from '#base/limits/reports.ts';
import { DAY_MS } from '#base/units.ts';
import { type LifecycleObservation, type Observation, findObject } from '#lifecycle/state.ts';
import { DMARC_OBJECT, dmarcStage } from '#mail/dmarc/ramp.ts';
import { type MailState } from '#mail/state.ts';
import { type MailFacts } from '#mail/facts.ts';
import { STS_OBJECT, stsMode } from '#mail/mta-sts/lifecycle.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type ReportBook, type TlsBook } from './book.ts';
import { type DmarcBook } from './dmarc-book.ts';
import { type Verdict, alignedVerdict, judgeSources } from './judgement.ts';

/** Names of the places in evidence. */
export const DMARC_REPORTS = 'DMARC reports';
export const TLS_REPORTS = 'TLS reports';
export const POSTED_REPORTS = 'TLS reports by HTTPS';

/** What is kept of the reports about a zone. */
export interface MailReports {
  readonly dmarc: DmarcBook;
  readonly tls: TlsBook;
  /** TLS reports that strangers posted: nothing says who wrote them. */
  readonly posted: TlsBook;
  /** Of names below the zone that have a DMARC record of their own, by name. No evidence: they are shown. */
  readonly subdomains: Readonly<Record<string, DmarcBook>>;
}

export interface ReportGround {
  readonly reports: MailReports;
  readonly policy: MailPolicy;
  readonly state: MailState;
  /** Whether SPF of the domain names the address. */
  readonly isOurs: (address: string) => boolean;
}

/** How long back the reports of each kind count: as long as the stage that they are evidence for lasts. */
export function reportWindows({ policy: { dmarc, dkim, mtaSts }, state }: Pick<ReportGround, 'policy' | 'state'>) {
  const { noneForMs, quarantineForMs } = dmarc.ramp;
  const window = (ms: number) => Math.min(REPORT_DAYS_MAX * DAY_MS, Math.max(REPORT_WINDOW_MS_MIN, ms));
  return {
    aligned: window(dmarcStage(state.dmarc) === 'none' ? noneForMs : quarantineForMs),
    selectors: window(dkim.queueLifeMs),
    tls: window(stsMode(state.mtaSts) === 'testing' ? mtaSts.testingForMs : mtaSts.shortForMs),
    /** What is kept for steps to come. */
    dmarcKept: window(Math.max(noneForMs, quarantineForMs, dkim.queueLifeMs)),
    tlsKept: window(Math.max(mtaSts.testingForMs, mtaSts.shortForMs)),
  };
}

/** First day that counts for a window that ends at `nowMs`, wall time. */
export function firstDayOf(nowMs: number, windowMs: number): number {
  return Math.floor((nowMs - windowMs) / DAY_MS);
}

/** `facts` with the places where there are reports, and what is seen there that the state does not know yet. */
export function withReports(
  facts: MailFacts,
  ground: ReportGround,
): { readonly facts: MailFacts; readonly observations: readonly LifecycleObservation[] } {
  const { reports, state } = ground;
  const wallMs = facts.nowMs + facts.wallOffsetMs;
  const windows = reportWindows(ground);
  const has = (book: ReportBook<{ readonly day: number }>, windowMs: number) =>
    book.days.some(({ day }) => day >= firstDayOf(wallMs, windowMs));
  const reportSources = has(reports.dmarc, Math.max(windows.aligned, windows.selectors)) ? [DMARC_REPORTS] : [];
  const tlsReports = has(reports.tls, windows.tls) ? [TLS_REPORTS] : [];
  const postedReports = has(reports.posted, windows.tls) ? [POSTED_REPORTS] : [];
  const observations: LifecycleObservation[] = [];
  const see = (object: string, what: string, place: string, seen: readonly Observation[], verdict: Verdict) => {
    const known = seen.find((each) => each.what === what && each.place === place);
    if (known === undefined || known.isGood !== verdict.isGood || known.text !== verdict.text)
      observations.push({ object, what, place, ...verdict, atMs: facts.nowMs });
  };
  if (reportSources.length > 0) {
    const ramp = findObject(state.dmarc, DMARC_OBJECT);
    const judged = judgeSources(reports.dmarc, firstDayOf(wallMs, windows.aligned), ground.isOurs);
    if (ramp !== undefined && ramp.stage !== 'reject') see(ramp.id, 'aligned', DMARC_REPORTS, ramp.seen, alignedVerdict(judged));
    for (const key of state.dkim.lifecycle.objects.filter(({ stage }) => stage === 'retiring'))
      see(key.id, 'report-rows', DMARC_REPORTS, key.seen, selectorVerdict(reports.dmarc, key.id, firstDayOf(wallMs, windows.selectors)));
  }
  const mode = findObject(state.mtaSts.mode, STS_OBJECT);
  if (mode?.stage === 'testing' || mode?.stage === 'enforceShort') {
    const firstDay = firstDayOf(wallMs, windows.tls);
    if (tlsReports.length > 0) see(mode.id, 'tls-clean', TLS_REPORTS, mode.seen, tlsVerdict(reports.tls, firstDay));
    const posted = tlsVerdict(reports.posted, firstDay);
    if (postedReports.length > 0) see(mode.id, 'posted-clean', POSTED_REPORTS, mode.seen, posted);
  }
  return { facts: { ...facts, places: { ...facts.places, reportSources, tlsReports, postedReports } }, observations };
}

/** Whether mail is still signed with the selector. */
export function selectorVerdict({ days }: DmarcBook, selector: string, firstDay: number): Verdict {
  const signing = days.filter(({ day, selectors }) => day >= firstDay && (selectors[selector] ?? 0) > 0);
  const last = signing.at(-1);
  if (last === undefined) return { isGood: true, text: `no report since ${dayText(firstDay)} has mail signed with it` };
  const messages = signing.reduce((sum, { selectors }) => sum + (selectors[selector] ?? 0), 0);
  return { isGood: false, text: `${messages} messages signed with it since ${dayText(firstDay)}, last on ${dayText(last.day)}` };
}

/** Whether TLS works for those who report. */
export function tlsVerdict({ days }: TlsBook, firstDay: number): Verdict {
  const counted = days.filter(({ day }) => day >= firstDay);
  const succeeded = counted.reduce((sum, each) => sum + each.succeeded, 0);
  const failed = counted.reduce((sum, each) => sum + each.failed, 0);
  const types = [...new Set(counted.flatMap((each) => Object.keys(each.types)))].slice(0, REPORT_SOURCES_TOLD_MAX);
  const isGood = failed <= TLS_FAILED_SHARE_MAX * (succeeded + failed);
  const why = failed === 0 || types.length === 0 ? '' : `: ${types.join(', ')}`;
  return { isGood, text: `${failed} of ${succeeded + failed} sessions failed since ${dayText(firstDay)}${why}` };
}

/** `2026-11-21`. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
