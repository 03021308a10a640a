/**
 * TLS reports to this server's own policy host: the address is published when senders can post there, and no sooner.
 * Implements: RFC 8460 §3.
 * Not here: the address (mail/tls-rpt/hosted.ts), the life of the host (mail/mta-sts/policy-host.ts).
 */
import { inBody } from '#base/place.ts';
import { type Problem, warning } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { isPolicyHostReady } from '#mail/mta-sts/policy-host.ts';
import { tlsReportUri } from '#mail/tls-rpt/hosted.ts';
import { type MailPolicy } from './mail-policy.ts';
import { type MailState } from './state.ts';

function isHeldBack({ isTlsRptHosted }: MailPolicy, { mtaSts }: MailState): boolean {
  return isTlsRptHosted && !isPolicyHostReady(mtaSts);
}

/** The addresses that the record names now; none: there is no record. */
export function publishedReportUris(policy: MailPolicy, state: MailState, domain: Name): readonly string[] {
  const own = tlsReportUri(domain);
  return isHeldBack(policy, state) ? policy.tlsRptUris.filter((uri) => uri !== own) : policy.tlsRptUris;
}

/** What the operator should know of an address that is held back. */
export function reportHoldProblems(policy: MailPolicy, state: MailState, domain: Name): Problem[] {
  if (!isHeldBack(policy, state)) return [];
  const why = `${tlsReportUri(domain)} is not published yet: senders cannot post there before the policy host is ready`;
  const fix = 'waxseal mail status says what it waits for; it needs MTA-STS, and https.addresses or https.host';
  return [warning('MAIL_STS_HOST', inBody('/tlsRpt/hosted'), why, { rfc: 'RFC 8460 §3', fix })];
}
