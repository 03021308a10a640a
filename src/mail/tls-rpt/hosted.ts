/**
 * The address at which this server's policy host takes TLS reports, and which policies name it.
 * Implements: RFC 8460 §3 ("rua=https:").
 * Not here: taking a report in (policy-host/tls-reports.ts, control/reports/posted.ts).
 */
import { formatName, type Name } from '#dns/name.ts';

/** Of every host that takes reports. */
export const TLS_REPORT_PATH = '/tlsrpt';

/** Name of the request by which the policy host hands a report to control (base/ipc/calls.ts). */
export const POSTED_REPORT = 'tls-report';

/** Where the policy host of `domain` takes reports. */
export function tlsReportUri(domain: Name): string {
  return `https://mta-sts.${formatName(domain).replace(/\.$/, '').toLowerCase()}${TLS_REPORT_PATH}`;
}

/** True when one of the addresses is that of the policy host at `host`, however it is written. */
export function namesReportHost(uris: readonly string[], host: string): boolean {
  return uris.some((uri) => {
    const url = URL.parse(uri);
    if (url === null || url.protocol !== 'https:' || url.port !== '') return false;
    return url.hostname === host && url.pathname === TLS_REPORT_PATH && url.search === '' && url.hash === '';
  });
}
