/**
 * Reports about a zone's mail, sent in by its operator: DMARC aggregate reports and TLS reports. Strangers write them, so they are taken
 * from who has a token for the zone, and from nobody else.
 * Implements: RFC 9990 §3.5.2 (XML, gzip), RFC 8460 §6.4–6.5 (media types). Zip archives, of before RFC 7489, are still sent.
 * Not here: what they say (mail/), how they stand (orders.ts).
 */
import { REPORT_BYTES_MAX } from '#base/limits/reports.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import { type ReportPacking, unpackReport } from '#control/reports/report-file.ts';
import { parseDmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import { parseTlsReport } from '#mail/reports/tls-report.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone } from '#admin/http/change.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { ChangeQuery, ZoneParams, changeResponses } from '#admin/http/schemas.ts';

const DMARC_TYPES: Readonly<Record<string, ReportPacking>> = {
  'application/xml': 'none',
  'text/xml': 'none',
  'application/gzip': 'gzip',
  'application/x-gzip': 'gzip',
  'application/zip': 'zip',
  'application/x-zip-compressed': 'zip',
};
const TLS_TYPES: Readonly<Record<string, ReportPacking>> = {
  'application/tlsrpt+json': 'none',
  'application/json': 'none',
  'application/tlsrpt+gzip': 'gzip',
  'application/gzip': 'gzip',
};

export function mailReportsRoutes(app: AdminApp, control: ControlApi): void {
  // Only here: everywhere else these types are 415.
  app.removeAllContentTypeParsers();
  const types = [...new Set([...Object.keys(DMARC_TYPES), ...Object.keys(TLS_TYPES)])];
  app.addContentTypeParser(types, { parseAs: 'buffer', bodyLimit: REPORT_BYTES_MAX }, (_request, body, done) => {
    done(null, body);
  });

  /** Unpacks and reads a body of one of `allowed` types. */
  const read = <T>(
    header: string | undefined,
    body: unknown,
    allowed: Readonly<Record<string, ReportPacking>>,
    parse: (octets: Uint8Array) => Result<T>,
  ): Result<T> => {
    // RFC 9110 §8.3.1: types have no case, and parameters follow.
    const type = (header ?? '').split(';')[0]!.trim().toLowerCase();
    const packing = Object.hasOwn(allowed, type) ? allowed[type] : undefined;
    if (packing === undefined)
      return { ok: false, problems: [problem('BODY_TYPE', WHOLE, `a report comes as ${Object.keys(allowed).join(', ')}`)] };
    if (!Buffer.isBuffer(body)) return { ok: false, problems: [problem('BODY_MISSING', WHOLE, 'the report is missing')] };
    const unpacked = unpackReport(body, packing);
    return unpacked.ok ? parse(unpacked.value) : unpacked;
  };

  app.post(
    '/v1/zones/:zone/dmarc/reports',
    {
      bodyLimit: REPORT_BYTES_MAX,
      config: { access: 'zone-change' },
      schema: {
        summary: 'Take in a DMARC aggregate report',
        description:
          'XML of RFC 9990 or RFC 7489, plain, in gzip, or in a zip archive of one file. It counts as evidence for the DMARC ramp and the ' +
          'retirement of DKIM keys. The same report again changes nothing, and says so in a warning.',
        tags: ['mail'],
        params: ZoneParams,
        querystring: ChangeQuery,
        consumes: Object.keys(DMARC_TYPES),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const report = read(request.headers['content-type'], request.body, DMARC_TYPES, parseDmarcReport);
      if (!report.ok) return sendProblems(reply, report.problems);
      return answerChange(control, request, reply, { kind: 'dmarc.report', zone: nameOf(zone.value.name), report: report.value });
    },
  );

  app.post(
    '/v1/zones/:zone/mta-sts/reports',
    {
      bodyLimit: REPORT_BYTES_MAX,
      config: { access: 'zone-change' },
      schema: {
        summary: 'Take in a TLS report',
        description: 'JSON of RFC 8460, plain or in gzip. It counts as evidence for the steps of MTA-STS to mode enforce.',
        tags: ['mail'],
        params: ZoneParams,
        querystring: ChangeQuery,
        consumes: Object.keys(TLS_TYPES),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const report = read(request.headers['content-type'], request.body, TLS_TYPES, parseTlsReport);
      if (!report.ok) return sendProblems(reply, report.problems);
      return answerChange(control, request, reply, { kind: 'mta-sts.report', zone: nameOf(zone.value.name), report: report.value });
    },
  );
}
