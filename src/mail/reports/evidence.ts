/**
 * What reports come to as evidence, and how they are told: whether the mail of every known source is aligned, which selectors still sign,
 * whether TLS works. Reports can hold a step up and never take one: the times of the life cycles stay, and without reports go on alone.
 *
 * A source is known when some of its mail is aligned, or when SPF of the domain names its address. All others may be forgers, whom the
 * ramp is there to stop: they are shown, and not waited for.
 * Implements: RFC 9989 §7.4 (reports before a stricter policy), RFC 8460 §4.3.
 * Not here: what is kept of reports (book.ts), the life cycles (mail/dmarc/ramp.ts, mail/dkim/machine.ts, mail/mta-sts/machine.ts).
 */
import {
  DMARC_ALIGNED_SHARE_MIN,
  DMARC_SOURCE_MESSAGES_PER_DAY_MIN,
  DMARC_SOURCE_SHARE_MIN,
  REPORT_DAYS_MAX,
  REPORT_SOURCES_TOLD_MAX,
  REPORT_WINDOW_MS_MIN,
  TLS_FAILED_SHARE_MAX,
} from '#base/limits/reports.ts';
import { DAY_MS } from '#base/units.ts';
import { type LifecycleObservation, type Observation, findObject } from '#lifecycle/state.ts';
import { DMARC_OBJECT, dmarcStage } from '#mail/dmarc/ramp.ts';
import { type MailState } from '#mail/state.ts';
import { type MailFacts } from '#mail/facts.ts';
import { STS_OBJECT, stsMode } from '#mail/mta-sts/lifecycle.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type DmarcBook, type ReportBook, type TlsBook } from './book.ts';

/** Names of the places in evidence. */
export const DMARC_REPORTS = 'DMARC reports';
export const TLS_REPORTS = 'TLS reports';

/** What is kept of the reports about a zone. */
export interface MailReports {
  readonly dmarc: DmarcBook;
  readonly tls: TlsBook;
}

export interface ReportGround {
  readonly reports: MailReports;
  readonly policy: MailPolicy;
  readonly state: MailState;
  /** Whether SPF of the domain names the address. */
  readonly isOurs: (address: string) => boolean;
}

/** The mail of one source. */
export interface SourceShare {
  readonly address: string;
  /** Without those that were forwarded and broke on the way. */
  readonly messages: number;
  readonly aligned: number;
  readonly isKnown: boolean;
  /** Too little of it is aligned to go on. */
  readonly isHolding: boolean;
}

export interface Verdict {
  readonly isGood: boolean;
  readonly text: string;
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
  const observations: LifecycleObservation[] = [];
  const see = (object: string, what: string, place: string, seen: readonly Observation[], verdict: Verdict) => {
    const known = seen.find((each) => each.what === what && each.place === place);
    if (known === undefined || known.isGood !== verdict.isGood || known.text !== verdict.text)
      observations.push({ object, what, place, ...verdict, atMs: facts.nowMs });
  };
  if (reportSources.length > 0) {
    const ramp = findObject(state.dmarc, DMARC_OBJECT);
    const sources = sourceShares(reports.dmarc, firstDayOf(wallMs, windows.aligned), ground.isOurs);
    if (ramp !== undefined && ramp.stage !== 'reject') see(ramp.id, 'aligned', DMARC_REPORTS, ramp.seen, alignedVerdict(sources));
    for (const key of state.dkim.lifecycle.objects.filter(({ stage }) => stage === 'retiring'))
      see(key.id, 'report-rows', DMARC_REPORTS, key.seen, selectorVerdict(reports.dmarc, key.id, firstDayOf(wallMs, windows.selectors)));
  }
  const mode = findObject(state.mtaSts.mode, STS_OBJECT);
  if (tlsReports.length > 0 && (mode?.stage === 'testing' || mode?.stage === 'enforceShort'))
    see(mode.id, 'tls-clean', TLS_REPORTS, mode.seen, tlsVerdict(reports.tls, firstDayOf(wallMs, windows.tls)));
  return { facts: { ...facts, places: { ...facts.places, reportSources, tlsReports } }, observations };
}

/** Every source since `firstDay`: those in the way first, then those that are known, most mail first. */
export function sourceShares({ days }: DmarcBook, firstDay: number, isOurs: ReportGround['isOurs']): SourceShare[] {
  const sums = new Map<string, { messages: number; aligned: number }>();
  const counted = days.filter(({ day }) => day >= firstDay);
  for (const { address, messages, aligned, forwarded } of counted.flatMap(({ sources }) => sources)) {
    const sum = sums.get(address) ?? { messages: 0, aligned: 0 };
    sums.set(address, { messages: sum.messages + messages - forwarded, aligned: sum.aligned + aligned });
  }
  const shares = [...sums]
    .filter(([, { messages }]) => messages > 0)
    .map(([address, sum]) => ({ address, ...sum, isKnown: sum.aligned > 0 || isOurs(address) }));
  // Of known sources alone: a flood of forgeries must not make them look small.
  const total = shares.reduce((sum, { isKnown, messages }) => sum + (isKnown ? messages : 0), 0);
  const many = Math.min(DMARC_SOURCE_SHARE_MIN * total, DMARC_SOURCE_MESSAGES_PER_DAY_MIN * counted.length);
  return shares
    .map((each) => ({
      ...each,
      isHolding: each.isKnown && each.messages >= many && each.aligned < DMARC_ALIGNED_SHARE_MIN * each.messages,
    }))
    .toSorted((a, b) => Number(b.isHolding) - Number(a.isHolding) || Number(b.isKnown) - Number(a.isKnown) || b.messages - a.messages);
}

/** Whether the mail of every known source is aligned, and which source is in the way. */
export function alignedVerdict(sources: readonly SourceShare[]): Verdict {
  const known = sources.filter(({ isKnown }) => isKnown);
  const holding = sources.filter(({ isHolding }) => isHolding);
  const sum = (of: readonly SourceShare[], what: 'messages' | 'aligned') => of.reduce((total, each) => total + each[what], 0);
  const strangers = sources.length - known.length;
  const others =
    strangers === 0 ? '' : `; not waited for: ${sum(sources, 'messages') - sum(known, 'messages')} messages of ${strangers} unknown`;
  if (holding.length === 0)
    return { isGood: true, text: `${sum(known, 'aligned')} of ${sum(known, 'messages')} messages of known sources aligned${others}` };
  const told = holding.slice(0, REPORT_SOURCES_TOLD_MAX).map(({ address, messages, aligned }) => `${address} ${aligned} of ${messages}`);
  const more = holding.length > told.length ? ` and ${holding.length - told.length} more sources` : '';
  return { isGood: false, text: `too few messages aligned: ${told.join(', ')}${more}${others}` };
}

/** Whether anybody signs with the selector still. */
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
