/**
 * `/v1/zones/{zone}/dmarc/reports` and `…/mta-sts/reports`: DMARC aggregate reports and TLS reports about a zone's
 * mail, sent in by its operator. Strangers write reports, so only a token for the zone may send them in.
 * Implements: RFC 9990 §3.5.2 (XML, gzip), RFC 8460 §6.4–6.5 (media types). Zip archives, from before RFC 7489, are
 * still in use.
 * Not here: reading reports (mail/reports/), what they have shown so far (dmarc.ts, mta-sts.ts).
 */
import { REPORT_BYTES_MAX } from '#base/limits/reports.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { unpackReport } from '#control/reports/report-file.ts';
import { parseDmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import { parseTlsReport } from '#mail/reports/tls-report.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import type { Asked } from '#admin/http/route.ts';
import { DMARC_REPORT_EXAMPLE, TLS_REPORT_EXAMPLE } from './report-examples.ts';

/**
 * The whole message that brought a report is taken too. The octets tell how they are packed; senders get these names
 * wrong.
 */
const COMMON_TYPES: readonly string[] = [
  'application/gzip',
  'application/x-gzip',
  'application/zip',
  'application/x-zip-compressed',
  'application/octet-stream',
  'message/rfc822',
];
const DMARC_TYPES: readonly string[] = ['application/xml', 'text/xml', ...COMMON_TYPES];
const TLS_TYPES: readonly string[] = ['application/tlsrpt+json', 'application/json', 'application/tlsrpt+gzip', ...COMMON_TYPES];

export const reportsRoutes = [
  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dmarc/reports',
    tag: 'mail',
    summary: 'Take in a DMARC aggregate report',
    description:
      'XML of RFC 9990 or RFC 7489, plain, in gzip, in a zip archive of one file, or in the mail message that brought ' +
      'it. The report is evidence for the DMARC ramp and for the retirement of DKIM keys. Warnings name the parts that ' +
      'cannot be read and do not count. A report that was taken in before changes nothing, and the answer warns of it.',
    octets: {
      types: DMARC_TYPES,
      bytesMax: REPORT_BYTES_MAX,
      description: 'the report',
      example: DMARC_REPORT_EXAMPLE,
    },
    change: (asked) => {
      const report = readReport(asked, DMARC_TYPES, parseDmarcReport);
      return report.ok ? ok({ command: { kind: 'dmarc.report', zone: asked.apex, report: report.value } }) : report;
    },
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/mta-sts/reports',
    tag: 'mail',
    summary: 'Take in a TLS report',
    description:
      'JSON of RFC 8460, plain, in gzip, or in the mail message that brought it. The report is evidence for the steps of MTA-STS to mode ' +
      'enforce. Warnings name what of it cannot be read and is not counted.',
    octets: {
      types: TLS_TYPES,
      bytesMax: REPORT_BYTES_MAX,
      description: 'the report',
      example: TLS_REPORT_EXAMPLE,
    },
    change: (asked) => {
      const report = readReport(asked, TLS_TYPES, parseTlsReport);
      return report.ok ? ok({ command: { kind: 'mta-sts.report', zone: asked.apex, report: report.value } }) : report;
    },
  }),
];

/** Unpacks and reads a body of one of the `types`. */
function readReport<T>({ request, body }: Asked, types: readonly string[], parse: (octets: Uint8Array) => Result<T>): Result<T> {
  // RFC 9110 §8.3.1: types have no case, and parameters follow.
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (!types.includes(type)) return fail(problem('BODY_TYPE', WHOLE, `a report is sent as one of ${types.join(', ')}`));
  if (!Buffer.isBuffer(body)) return fail(problem('BODY_MISSING', WHOLE, 'the report is missing'));
  const unpacked = unpackReport(body);
  return unpacked.ok ? parse(unpacked.value) : unpacked;
}
