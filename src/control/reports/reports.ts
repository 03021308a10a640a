/**
 * Reports about a zone's mail, and the operator's word on the sources in them, taken into what the store keeps.
 * Not here: unpacking (report-file.ts), which zone a report is for (report-domain.ts), counts and what follows from
 * them (mail/reports/), how all of them stand (status.ts).
 */
import { REPORT_DECLARED_MAX, REPORT_SUBDOMAINS_MAX } from '#base/limits/reports.ts';
import { WHOLE, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type Moment } from '#lifecycle/waits.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type ReportTimes, checkTime, isKnownReport, reportDay, withTlsReport } from '#mail/reports/book.ts';
import { type DmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import { type DmarcBook, type DmarcGround, newDmarcBook, withDeclaration, withDmarcReport } from '#mail/reports/dmarc-book.ts';
import { type MailReports, type ReportGround, dayText, firstDayOf, reportWindows } from '#mail/reports/evidence.ts';
import { leftOutWarnings } from '#mail/reports/left-out.ts';
import { ownSources } from '#mail/reports/own-sources.ts';
import { domainText } from '#mail/reports/report-xml.ts';
import { sourceNames } from '#mail/reports/source.ts';
import { type TlsReport } from '#mail/reports/tls-report.ts';
import { type MailState } from '#mail/state.ts';
import { dmarcReportsWrite, postedReportsWrite, subdomainReportsWrite, tlsReportsWrite } from '#store/mail/reports.ts';
import { type DocumentWrite } from '#store/writer.ts';
import { formatName } from '#dns/name.ts';
import { type ZoneView } from '#zone/view.ts';
import { type MailCommand } from '#control/api/mail.ts';
import { type ApexOf, dmarcReportPlace, tlsReportOf } from './report-domain.ts';

export type ReportCommand = Extract<MailCommand, { readonly kind: 'dmarc.report' | 'mta-sts.report' }>;
export type SourceCommand = Extract<MailCommand, { readonly kind: 'dmarc.source' }>;

/** What evidence from reports is made of, for a zone as it is. */
export function reportGround(reports: MailReports, view: ZoneView, policy: MailPolicy, state: MailState): ReportGround {
  return { reports, policy, state, isOurs: ownSources(view, policy.spf, state.spf) };
}

export interface TakenReport {
  readonly reports: MailReports;
  readonly documents: readonly DocumentWrite[];
  /** One line, for the audit log and for the sender of the report. */
  readonly detail: string;
  readonly warnings: readonly Problem[];
  /** False when it changes nothing: known, or too old. */
  readonly isNew: boolean;
}

/** The zone that reports are given to. */
export interface ReportZone {
  readonly id: number;
  readonly view: ZoneView;
  readonly apexOf: ApexOf;
}

/** Takes a report in, or says what speaks against it. */
export function takeReport(
  zone: ReportZone,
  command: ReportCommand,
  ground: ReportGround,
  { nowMs, wallOffsetMs }: Moment,
): Result<TakenReport> {
  const wallMs = nowMs + wallOffsetMs;
  const problems = checkTime(command.report, wallMs);
  const { dmarcKept, tlsKept } = reportWindows(ground);
  if (command.kind === 'dmarc.report') {
    const place = dmarcReportPlace(command.report.domain, zone.view, zone.apexOf);
    if (!place.ok || problems.length > 0) return fail(...(place.ok ? [] : place.problems), ...problems);
    const times = { nowMs: wallMs, firstDay: firstDayOf(wallMs, dmarcKept) };
    return place.value === 'zone'
      ? takeDmarc(zone, command.report, ground, times)
      : takeSubdomain(zone, place.value.subdomain, command.report, ground, times);
  }
  const report = tlsReportOf(command.report, zone.view.apex, zone.apexOf);
  if (!report.ok || problems.length > 0) return fail(...(report.ok ? [] : report.problems), ...problems);
  const take = command.isPosted === true ? takePosted : takeTls;
  return take(zone, report.value, ground, { nowMs: wallMs, firstDay: firstDayOf(wallMs, tlsKept) });
}

function takeDmarc({ id, view }: ReportZone, report: DmarcReport, ground: ReportGround, times: ReportTimes): Result<TakenReport> {
  const { reports } = ground;
  const name = nameOfReport('DMARC report', report);
  const unchanged = notCounted(name, isKnownReport(reports.dmarc, report), report, reports, times);
  if (unchanged !== undefined) return ok(unchanged);
  const dmarc = withDmarcReport(reports.dmarc, report, dmarcGround(domainOf(view), ground), times);
  return ok({
    reports: { ...reports, dmarc },
    documents: [dmarcReportsWrite(id, dmarc)],
    detail: `${name}: ${dmarcSummary(report)}`,
    warnings: leftOutWarnings(report.leftOut, 'messages'),
    isNew: true,
  });
}

/** Counted apart: its policy is not the zone's, and the zone's ramp does not wait for it. */
function takeSubdomain(
  { id }: ReportZone,
  subdomain: string,
  report: DmarcReport,
  ground: ReportGround,
  times: ReportTimes,
): Result<TakenReport> {
  const { reports } = ground;
  const name = nameOfReport(`DMARC report for ${subdomain}`, report);
  const before = reports.subdomains[subdomain] ?? newDmarcBook();
  const unchanged = notCounted(name, isKnownReport(before, report), report, reports, times);
  if (unchanged !== undefined) return ok(unchanged);
  const book = withDmarcReport(before, report, dmarcGround(subdomain, ground), times);
  const subdomains = newestSubdomains({ ...reports.subdomains, [subdomain]: book });
  return ok({
    reports: { ...reports, subdomains },
    documents: [subdomainReportsWrite(id, subdomains)],
    detail: `${name}: ${dmarcSummary(report)}; ${subdomain} has a record of its own, which this mail policy does not keep`,
    warnings: leftOutWarnings(report.leftOut, 'messages'),
    isNew: true,
  });
}

function newestSubdomains(books: Readonly<Record<string, DmarcBook>>): Readonly<Record<string, DmarcBook>> {
  const takenAtMs = (book: DmarcBook) => book.last[0]?.takenAtMs ?? 0;
  return Object.fromEntries(
    Object.entries(books)
      .toSorted(([, a], [, b]) => takenAtMs(b) - takenAtMs(a))
      .slice(0, REPORT_SUBDOMAINS_MAX),
  );
}

function takeTls({ id }: ReportZone, report: TlsReport, { reports }: ReportGround, times: ReportTimes): Result<TakenReport> {
  const name = nameOfReport('TLS report', report);
  const unchanged = notCounted(name, isKnownReport(reports.tls, report), report, reports, times);
  if (unchanged !== undefined) return ok(unchanged);
  const tls = withTlsReport(reports.tls, report, times);
  const total = (of: 'succeeded' | 'failed') => report.policies.reduce((sum, each) => sum + each[of], 0);
  return ok({
    reports: { ...reports, tls },
    documents: [tlsReportsWrite(id, tls)],
    detail: `${name}: ${total('succeeded')} sessions succeeded, ${total('failed')} failed${partsLeftOut(report)}`,
    warnings: leftOutWarnings(report.leftOut, 'sessions'),
    isNew: true,
  });
}

/** Counted apart: nothing says who wrote it. One that the operator gave as well counts there alone. */
const takePosted: typeof takeTls = ({ id }, report, { reports }, times) => {
  const name = nameOfReport('TLS report by HTTPS', report);
  const isKnown = isKnownReport(reports.posted, report) || isKnownReport(reports.tls, report);
  const unchanged = notCounted(name, isKnown, report, reports, times);
  if (unchanged !== undefined) return ok(unchanged);
  const posted = withTlsReport(reports.posted, report, times);
  return ok({
    reports: { ...reports, posted },
    documents: [postedReportsWrite(id, posted)],
    detail: `${name}: taken in, not authenticated`,
    warnings: [],
    isNew: true,
  });
};

/** What a report that is known or too old results in; undefined for any other. */
function notCounted(
  detail: string,
  isKnown: boolean,
  report: DmarcReport | TlsReport,
  reports: MailReports,
  { firstDay }: ReportTimes,
): TakenReport | undefined {
  const same = (each: Problem): TakenReport => ({ reports, documents: [], detail, warnings: [each], isNew: false });
  if (isKnown) return same(warning('REPORT_KNOWN', WHOLE, `${detail} was taken in before; it counts once`));
  if (reportDay(report) >= firstDay) return undefined;
  return same(warning('REPORT_OLD', WHOLE, `${detail} is older than what counts, which begins ${dayText(firstDay)}`));
}

function dmarcGround(domain: string, { isOurs, state }: ReportGround): DmarcGround {
  const algorithms = new Map(state.dkim.lifecycle.objects.map(({ id, data }) => [id, data.algorithm]));
  return { domain, isOurs, isEd25519: (selector) => algorithms.get(selector) === 'ed25519' };
}

function domainOf({ apex }: ZoneView): string {
  return domainText(formatName(apex));
}

/** What strangers call themselves is cut: it goes to the audit log. */
function nameOfReport(what: string, report: DmarcReport | TlsReport): string {
  const text = (of: string) => JSON.stringify(of.slice(0, 100));
  return `${what} ${text(report.id)} of ${text(report.organization)} about ${dayText(reportDay(report))}`;
}

function dmarcSummary(report: DmarcReport): string {
  const sum = (rows: DmarcReport['rows']) => rows.reduce((total, { messages }) => total + messages, 0);
  const aligned = report.rows.filter(({ isDkimAligned, isSpfAligned }) => isDkimAligned || isSpfAligned);
  return `${sum(report.rows)} messages, ${sum(aligned)} aligned${partsLeftOut(report)}`;
}

function partsLeftOut({ leftOut }: DmarcReport | TlsReport): string {
  const parts = leftOut.reduce((total, { times }) => total + times, 0);
  return parts === 0 ? '' : `; ${parts} part${parts === 1 ? '' : 's'} not counted`;
}

// --- the operator's word ---

/** Notes whether a source is ours. `by`: who says so. */
export function declareSource(
  zoneId: number,
  { source, verdict, reason }: SourceCommand,
  { reports }: ReportGround,
  by: string,
  { nowMs, wallOffsetMs }: Moment,
): Result<TakenReport> {
  const at = inBody('/source');
  const names = sourceNames(source);
  const [last] = names.slice(-1);
  if (last === undefined)
    return fail(
      problem('REPORT_SOURCE', at, `${JSON.stringify(source.slice(0, 100))} does not name a source`, {
        fix: 'name a domain, an address or a network as waxseal dmarc show has them',
      }),
    );
  const known = new Set(reports.dmarc.days.flatMap(({ sources }) => sources.map(({ name }) => name)));
  const name = names.find((each) => known.has(each)) ?? last;
  const isOurs = verdict === 'ours';
  const dmarc = withDeclaration(reports.dmarc, { name, isOurs, reason, by, atMs: nowMs + wallOffsetMs });
  if (dmarc === undefined)
    return fail(problem('REPORT_SOURCE', at, `${REPORT_DECLARED_MAX} sources are declared already, and there can be no more`));
  const unseen = known.has(name) ? [] : [warning('REPORT_SOURCE', at, `no report that is kept has mail of ${name}`)];
  return ok({
    reports: { ...reports, dmarc },
    documents: [dmarcReportsWrite(zoneId, dmarc)],
    detail: `source ${name} is ${isOurs ? 'ours' : 'not ours'}: ${reason}`,
    warnings: unseen,
    isNew: true,
  });
}
