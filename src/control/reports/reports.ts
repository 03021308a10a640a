/**
 * The reports about a zone's mail: takes one more in, and shows how all of them stand.
 * Not here: their counts and what follows from them (mail/reports/book.ts, mail/reports/evidence.ts), unpacking (report-file.ts).
 */
import { REPORT_SOURCES_SHOWN_MAX, REPORT_TEXT_CHARACTERS_MAX } from '#base/limits/reports.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { formatName } from '#dns/name.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type DmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import { type MailState } from '#mail/state.ts';
import { type Moment } from '#lifecycle/waits.ts';
import { ownSources } from '#mail/reports/own-sources.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type ReportBook, checkTime, isKnownReport, reportDay, withDmarcReport, withTlsReport } from '#mail/reports/book.ts';
import {
  type MailReports,
  type ReportGround,
  type SourceShare,
  alignedVerdict,
  dayText,
  firstDayOf,
  reportWindows,
  sourceShares,
  tlsVerdict,
} from '#mail/reports/evidence.ts';
import { leftOutWarnings } from '#mail/reports/left-out.ts';
import { domainText } from '#mail/reports/report-xml.ts';
import { type TlsReport } from '#mail/reports/tls-report.ts';
import { dmarcReportsWrite, tlsReportsWrite } from '#store/mail/reports.ts';
import { type DocumentWrite } from '#store/writer.ts';
import { type ZoneView } from '#zone/view.ts';
import { type MailCommand, type ReportStatus, type ReportsStatus } from '#control/api/mail.ts';

export type ReportCommand = Extract<MailCommand, { readonly kind: 'dmarc.report' | 'mta-sts.report' }>;

/** What evidence from reports is made of, for a zone as it is. */
export function reportGround(reports: MailReports, view: ZoneView, policy: MailPolicy, state: MailState): ReportGround {
  return { reports, policy, state, isOurs: ownSources(view, policy.spf, state.spf) };
}

export interface TakenReport {
  readonly reports: MailReports;
  readonly documents: readonly DocumentWrite[];
  /** One line, for the audit log and who sent the report. */
  readonly detail: string;
  readonly warnings: readonly Problem[];
  /** False when it changes nothing: known, or too old. */
  readonly isNew: boolean;
}

/** Takes a report in, or says what speaks against it. */
export function takeReport(
  zoneId: number,
  command: ReportCommand,
  { reports, policy, state }: ReportGround,
  { nowMs, wallOffsetMs }: Moment,
): Result<TakenReport> {
  const placed = ofZone(command);
  const wallMs = nowMs + wallOffsetMs;
  const problems = [...(placed.ok ? [] : placed.problems), ...checkTime(command.report, wallMs)];
  if (!placed.ok || problems.length > 0) return fail(...problems);
  return count(zoneId, placed.value, { reports, policy, state }, wallMs);
}

/** The command with what its report says of the zone alone, or why that is nothing. */
function ofZone(command: ReportCommand): Result<ReportCommand> {
  const domain = domainText(formatName(command.zone));
  if (command.kind === 'dmarc.report')
    return command.report.domain === domain ? ok(command) : fail(otherDomain(JSON.stringify(cut(command.report.domain)), domain));
  const { policies, leftOut } = command.report;
  const own = policies.filter((each) => each.domain === undefined || each.domain === domain);
  const others = policies.filter((each) => !own.includes(each));
  if (own.length === 0) return fail(otherDomain(cut([...new Set(others.map((each) => each.domain))].join(', ')), domain));
  const named = others.map(({ domain: other = '', succeeded, failed }) => ({
    what: `the policy of ${JSON.stringify(cut(other))}: it is ${other.endsWith(`.${domain}`) ? 'a host of' : 'not about'} ${domain}`,
    times: 1,
    amount: succeeded + failed,
  }));
  return ok({ ...command, report: { ...command.report, policies: own, leftOut: [...leftOut, ...named] } });
}

function otherDomain(of: string, domain: string): Problem {
  return problem('REPORT_DOMAIN', WHOLE, `it is about ${of}, not about ${domain}`, { fix: 'give it to the zone that it is about' });
}

function cut(text: string): string {
  return text.slice(0, REPORT_TEXT_CHARACTERS_MAX);
}

function count(
  zoneId: number,
  command: ReportCommand,
  { reports, policy, state }: Pick<ReportGround, 'reports' | 'policy' | 'state'>,
  wallMs: number,
): Result<TakenReport> {
  const { report } = command;
  const windows = reportWindows({ policy, state });
  const firstDay = firstDayOf(wallMs, command.kind === 'dmarc.report' ? windows.dmarcKept : windows.tlsKept);
  const kept = (warnings: readonly Problem[]) => ok({ reports, documents: [], detail: nameOfReport(command), warnings, isNew: false });
  if (isKnownReport(command.kind === 'dmarc.report' ? reports.dmarc : reports.tls, report))
    return kept([warning('REPORT_KNOWN', WHOLE, `${nameOfReport(command)} was taken in before; it counts once`)]);
  if (reportDay(report) < firstDay)
    return kept([warning('REPORT_OLD', WHOLE, `${nameOfReport(command)} is older than what counts, which begins ${dayText(firstDay)}`)]);
  const detail = `${nameOfReport(command)}: ${summaryOf(command)}`;
  if (command.kind === 'dmarc.report') {
    const dmarc = withDmarcReport(reports.dmarc, command.report, wallMs, firstDay);
    const documents = [dmarcReportsWrite(zoneId, dmarc)];
    const warnings = leftOutWarnings(report.leftOut, 'messages');
    return ok({ reports: { ...reports, dmarc }, documents, detail, warnings, isNew: true });
  }
  const tls = withTlsReport(reports.tls, command.report, wallMs, firstDay);
  return ok({
    reports: { ...reports, tls },
    documents: [tlsReportsWrite(zoneId, tls)],
    detail,
    warnings: leftOutWarnings(report.leftOut, 'sessions'),
    isNew: true,
  });
}

/** What strangers call themselves is cut: it goes to the audit log. */
function nameOfReport({ kind, report }: ReportCommand): string {
  const text = (of: string) => JSON.stringify(of.slice(0, 100));
  const what = kind === 'dmarc.report' ? 'DMARC report' : 'TLS report';
  return `${what} ${text(report.id)} of ${text(report.organization)} about ${dayText(reportDay(report))}`;
}

function summaryOf(command: ReportCommand): string {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const parts = sum(command.report.leftOut.map(({ times }) => times));
  const rest = parts === 0 ? '' : `; ${parts} part${parts === 1 ? '' : 's'} not counted`;
  if (command.kind === 'mta-sts.report') {
    const { policies }: TlsReport = command.report;
    return `${sum(policies.map(({ succeeded }) => succeeded))} sessions succeeded, ${sum(policies.map(({ failed }) => failed))} failed${rest}`;
  }
  const { rows }: DmarcReport = command.report;
  const aligned = rows.filter(({ isDkimAligned, isSpfAligned }) => isDkimAligned || isSpfAligned);
  return `${sum(rows.map(({ messages }) => messages))} messages, ${sum(aligned.map(({ messages }) => messages))} aligned${rest}`;
}

/** How all reports stand at this moment. */
export function reportsStatus(ground: ReportGround, { nowMs, wallOffsetMs }: Moment): ReportsStatus {
  const wallMs = nowMs + wallOffsetMs;
  const windows = reportWindows(ground);
  const { dmarc, tls } = ground.reports;
  const firstDay = firstDayOf(wallMs, windows.aligned);
  const sources = sourceShares(dmarc, firstDay, ground.isOurs);
  const shown = sources.slice(0, REPORT_SOURCES_SHOWN_MAX);
  const more = sources.length > shown.length ? [`  and ${sources.length - shown.length} more sources`] : [];
  const tlsDay = firstDayOf(wallMs, windows.tls);
  return {
    dmarc: statusOf('DMARC', 'dmarc', dmarc, firstDay, shown, () => [alignedVerdict(sources).text, ...shown.map(sourceLine), ...more]),
    tls: statusOf('TLS', 'mta-sts', tls, tlsDay, [], () => [tlsVerdict(tls, tlsDay).text]),
  };
}

function statusOf(
  what: string,
  noun: string,
  { days, last }: ReportBook<{ readonly day: number }>,
  firstDay: number,
  sources: readonly SourceShare[],
  lines: () => readonly string[],
): ReportStatus {
  const counted = days.filter(({ day }) => day >= firstDay).length;
  const [newest] = last;
  const since = `since ${dayText(firstDay)}`;
  const head =
    newest === undefined
      ? `${what} reports: none taken in; steps go by time alone (waxseal ${noun} report ZONE FILE)`
      : `${what} reports: about ${counted} day${counted === 1 ? '' : 's'} ${since}, last from ${JSON.stringify(newest.organization)}, taken in ${formatTime(newest.takenAtMs)}`;
  const base = { last, sinceMs: firstDay * 86_400_000, days: counted, sources };
  if (newest !== undefined && counted === 0) return { ...base, lines: [head, '  none that counts now; steps go by time alone'] };
  return { ...base, lines: counted === 0 ? [head] : [head, ...lines().map((line) => `  ${line}`)] };
}

function sourceLine({ address, messages, aligned, isKnown, isHolding }: SourceShare): string {
  const share = messages === 0 ? '' : ` (${(Math.floor((1000 * aligned) / messages) / 10).toString()} %)`;
  const state = isHolding
    ? '; in the way'
    : isKnown
      ? ''
      : '; unknown, not waited for: if it is yours, have it sign with DKIM or name it in SPF';
  return `${address}: ${aligned} of ${messages} messages aligned${share}${state}`;
}
