/**
 * How the reports about a zone's mail stand, for people. Not here: their form in the API
 * (admin/v1/mail/report-status.ts).
 */
import { REPORT_SOURCES_SHOWN_MAX } from '#base/limits/reports.ts';
import { DAY_MS } from '#base/units.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type Moment } from '#lifecycle/waits.ts';
import { type ReportBook, type TlsBook } from '#mail/reports/book.ts';
import { type DmarcBook } from '#mail/reports/dmarc-book.ts';
import { type ReportGround, dayText, firstDayOf, reportWindows, tlsVerdict } from '#mail/reports/evidence.ts';
import { type Judgement, type SourceShare, alignedVerdict, judgeSources, nameOf } from '#mail/reports/judgement.ts';
import { type ReportStatus, type ReportsStatus } from '#control/api/mail.ts';

/** How all reports stand at this moment. */
export function reportsStatus(ground: ReportGround, { nowMs, wallOffsetMs }: Moment): ReportsStatus {
  const wallMs = nowMs + wallOffsetMs;
  const windows = reportWindows(ground);
  const { dmarc, tls, posted, subdomains } = ground.reports;
  const firstDay = firstDayOf(wallMs, windows.aligned);
  const tlsDay = firstDayOf(wallMs, windows.tls);
  const judged = judgeSources(dmarc, firstDay, ground.isOurs);
  const base = statusOf('DMARC', 'dmarc', dmarc, firstDay, () => dmarcLines(judged));
  const given = statusOf('TLS', 'mta-sts', tls, tlsDay, () => [tlsVerdict(tls, tlsDay).text]);
  const others = Object.entries(subdomains).map(([domain, book]) => subdomainLine(domain, book, firstDay, ground.isOurs));
  return {
    dmarc: { ...base, sources: judged.sources.slice(0, REPORT_SOURCES_SHOWN_MAX), lines: [...base.lines, ...others] },
    tls: { ...given, lines: [...given.lines, ...postedLines(posted, tlsDay)] },
  };
}

function dmarcLines(judged: Judgement): string[] {
  const { sources, rest, unknownRest } = judged;
  const shown = sources.slice(0, REPORT_SOURCES_SHOWN_MAX);
  return [
    alignedVerdict(judged).text,
    ...shown.map(sourceLine),
    ...(sources.length > shown.length ? [`and ${sources.length - shown.length} more sources`] : []),
    ...(rest.messages === 0 ? [] : [`smaller known sources, not kept one by one: ${shareText(rest)}`]),
    ...(unknownRest === 0 ? [] : [`smaller unknown sources, not kept one by one: ${unknownRest} messages`]),
  ];
}

/** Nothing says who wrote them, and no step waits for them for long. */
function postedLines(posted: TlsBook, firstDay: number): string[] {
  const [newest] = posted.last;
  if (newest === undefined) return [];
  const from = `last from ${JSON.stringify(newest.organization)}, taken in ${formatTime(newest.takenAtMs)}`;
  const { text } = tlsVerdict(posted, firstDay);
  return [`TLS reports by HTTPS, which nothing authenticates: ${text}; ${from}`];
}

function subdomainLine(domain: string, book: DmarcBook, firstDay: number, isOurs: ReportGround['isOurs']): string {
  const { known, sources, unknownRest } = judgeSources(book, firstDay, isOurs);
  const all = sources.reduce((total, { messages }) => total + messages, unknownRest);
  const last = book.last[0] === undefined ? '' : `, last taken in ${formatTime(book.last[0].takenAtMs)}`;
  return `DMARC reports about ${domain}, which has a record of its own: ${shareText({ ...known, messages: Math.max(all, known.messages) })}${last}; this ramp does not wait for them`;
}

function statusOf(
  what: string,
  noun: string,
  { days, last }: ReportBook<{ readonly day: number }>,
  firstDay: number,
  lines: () => readonly string[],
): ReportStatus {
  const counted = days.filter(({ day }) => day >= firstDay).length;
  const [newest] = last;
  const since = `since ${dayText(firstDay)}`;
  const head =
    newest === undefined
      ? `${what} reports: none taken in; steps follow time alone (waxseal ${noun} report ZONE FILE)`
      : `${what} reports: about ${counted} day${counted === 1 ? '' : 's'} ${since}, last from ${JSON.stringify(newest.organization)}, ` +
        `taken in ${formatTime(newest.takenAtMs)}`;
  const base = { last, sinceMs: firstDay * DAY_MS, days: counted, sources: [] };
  if (newest !== undefined && counted === 0) return { ...base, lines: [head, '  none that counts now; steps follow time alone'] };
  return { ...base, lines: counted === 0 ? [head] : [head, ...lines().map((line) => `  ${line}`)] };
}

const STANDING: Readonly<Record<SourceShare['standing'], string>> = {
  known: '',
  undecided: '; undecided: waxseal dmarc source ZONE NAME ours|not-ours --reason TEXT',
  unknown: '; unknown, not waited for: if it is yours, have it sign with DKIM or name it in SPF',
  'not-ours': '; not ours, not waited for',
};

function sourceLine(source: SourceShare): string {
  const { days, standing, isHolding } = source;
  const state = standing === 'known' && isHolding ? '; in the way' : STANDING[standing];
  return `${nameOf(source)}: ${shareText(source)}, on ${days} day${days === 1 ? '' : 's'}${state}`;
}

function shareText({ messages, aligned }: Pick<SourceShare, 'messages' | 'aligned'>): string {
  const share = messages === 0 ? '' : ` (${(Math.floor((1000 * aligned) / messages) / 10).toString()} %)`;
  return `${aligned} of ${messages} messages aligned${share}`;
}
