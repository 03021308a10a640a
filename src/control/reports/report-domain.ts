/**
 * Where a report belongs: to the zone's own policy, or to a name below it that has a DMARC record of its own; and what
 * to do with one that belongs elsewhere.
 * Implements: RFC 9989 §4.10 (which record is a name's policy), RFC 9990 §3.1.2 (policy_published); RFC 8460 §4.4
 * (policy-domain).
 */
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { REPORT_TEXT_CHARACTERS_MAX } from '#base/limits/reports.ts';
import { type Name, equalNames, formatName, isAtOrBelow, ownerKey, parseName, ROOT } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { dmarcOwner, isDmarcText } from '#mail/dmarc/record.ts';
import { domainText } from '#mail/reports/report-xml.ts';
import { type TlsReport } from '#mail/reports/tls-report.ts';
import { txtText } from '#mail/text/txt.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';

/** The apex of the served zone that a name is in, the deepest one. */
export type ApexOf = (name: Name) => Name | undefined;

/** `zone`: the mail that the zone's own policy is about. Else the name below it that the report is about. */
export type ReportPlace = 'zone' | { readonly subdomain: string };

/** Where a DMARC report about `domain` belongs that was given to the zone of `view`. */
export function dmarcReportPlace(domain: string, view: ZoneView, apexOf: ApexOf): Result<ReportPlace> {
  const name = parseName(domain, ROOT);
  const apex = name.ok ? apexOf(name.value) : undefined;
  if (!name.ok || apex === undefined || !equalNames(apex, view.apex)) return fail(elsewhere([domain], view.apex, apex));
  if (equalNames(name.value, view.apex) || !isAtOrBelow(ownerKey(name.value), view.apexKey)) return ok('zone');
  // Older receivers name the author's domain, whichever record its policy came from.
  return ok(hasDmarcRecord(view, name.value) ? { subdomain: domain } : 'zone');
}

function hasDmarcRecord(view: ZoneView, name: Name): boolean {
  const owner = dmarcOwner(name);
  const rrset = owner.ok ? rrsetOf(view.node(ownerKey(owner.value)), TYPE.TXT) : undefined;
  return (rrset?.rdatas ?? []).some((rdata) => isDmarcText(txtText(rdata)));
}

/** The TLS report with the policies that are about the zone; those about others are named. */
export function tlsReportOf(report: TlsReport, apex: Name, apexOf: ApexOf): Result<TlsReport> {
  const domain = domainText(formatName(apex));
  const own = report.policies.filter((each) => each.domain === undefined || each.domain === domain);
  const others = report.policies.filter((each) => !own.includes(each));
  if (own.length === 0) {
    const about = [...new Set(others.flatMap((each) => each.domain ?? []))];
    const name = parseName(about[0] ?? '', ROOT);
    return fail(elsewhere(about, apex, name.ok ? apexOf(name.value) : undefined));
  }
  const named = others.map(({ domain: other = '', succeeded, failed }) => ({
    what: `the policy of ${quoted(other)}: it is ${other.endsWith(`.${domain}`) ? 'a host of' : 'not about'} ${domain}`,
    times: 1,
    amount: succeeded + failed,
  }));
  return ok({ ...report, policies: own, leftOut: [...report.leftOut, ...named] });
}

/** `apex`: of the served zone that it is about, if there is one. */
function elsewhere(about: readonly string[], zone: Name, apex: Name | undefined): Problem {
  const isOther = apex !== undefined && !equalNames(apex, zone);
  const message = `it is about ${about.map(quoted).join(', ')}, not about ${domainText(formatName(zone))}`;
  const fix = isOther
    ? `give it to the zone ${domainText(formatName(apex))}`
    : 'no zone of this server has that name: is it meant for another server?';
  return problem('REPORT_DOMAIN', WHOLE, message, { fix });
}

function quoted(domain: string): string {
  return JSON.stringify(domain.slice(0, REPORT_TEXT_CHARACTERS_MAX));
}
