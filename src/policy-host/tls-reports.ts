/**
 * Takes TLS reports that mail senders post. A report is unpacked and read here, where a fault harms no other process,
 * summed up, and handed to control, which counts it. Nothing says who wrote it, so each network and each domain has a
 * rate, and the answer says no more than a status.
 * Implements: RFC 8460 §3 ("rua=https:"), §5.4 (POST, both media types, 2xx), §6.4 and §6.5 (media types).
 * Not here: what a report counts for (control/reports/posted.ts), HTTP (http1.ts, http2.ts).
 */
import { POSTED_REPORT_BYTES_MAX, REPORT_BYTES_MAX } from '#base/limits/reports.ts';
import { type CallOutcome } from '#base/ipc/calls.ts';
import { compactTlsReport } from '#mail/reports/compact-tls-report.ts';
import { gunzip, isGzip } from '#mail/reports/gzip-file.ts';
import { parseTlsReport } from '#mail/reports/tls-report.ts';
import { namesReportHost, TLS_REPORT_PATH } from '#mail/tls-rpt/hosted.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { type StoreReader } from '#store/reader.ts';
import { type HostedAnswer, type HostedSource, type PostedBody, emptyAnswer } from './hosted.ts';
import { ReportRates } from './report-rates.ts';
import { zoneNamed } from './zone-of-host.ts';

const PREFIX = 'mta-sts.';
/** In lower case, without parameters. */
const TYPES: readonly string[] = ['application/tlsrpt+gzip', 'application/tlsrpt+json'];

export interface TlsReportsOptions {
  readonly reader: StoreReader;
  /** Asks control to count a report; the reply is an HTTP status. */
  readonly send: (body: Uint8Array) => Promise<CallOutcome>;
  /** Counts up, whatever happens to the wall clock. */
  readonly nowMs: () => number;
}

export function tlsReports({ reader, send, nowMs }: TlsReportsOptions): HostedSource {
  const rates = new ReportRates(nowMs);
  return {
    find(host, path) {
      if (path !== TLS_REPORT_PATH || !host.startsWith(PREFIX)) return undefined;
      // Of the zone of the host; reports about other zones, whose policies name this host, come here as well.
      if (zoneNamed(reader, host.slice(PREFIX.length)) === undefined) return undefined;
      const take = (posted: PostedBody) => takeReport(posted, host, { reader, send, rates });
      return { post: { bytesMax: POSTED_REPORT_BYTES_MAX, take } };
    },
  };
}

type Intake = Pick<TlsReportsOptions, 'reader' | 'send'> & { readonly rates: ReportRates };

async function takeReport(posted: PostedBody, host: string, { reader, send, rates }: Intake): Promise<HostedAnswer> {
  const type = posted.contentType.split(';')[0]!.trim().toLowerCase();
  if (!TYPES.includes(type) || !['', 'identity'].includes(posted.contentEncoding)) return emptyAnswer(415);
  if (!rates.allowClient(posted.client)) return later(429);
  const json = unpack(posted.octets);
  if (typeof json === 'number') return emptyAnswer(json);
  const read = parseTlsReport(json);
  if (!read.ok) return emptyAnswer(400);
  const domain = read.value.policies.find((each) => each.domain !== undefined)?.domain ?? host.slice(PREFIX.length);
  const zone = zoneNamed(reader, domain);
  const policy = zone === undefined ? undefined : readMailPolicy(reader, zone);
  if (policy === undefined || !namesReportHost(policy.tlsRptUris, host)) return emptyAnswer(404);
  const report = compactTlsReport(read.value, domain);
  if (report === undefined) return emptyAnswer(400);
  if (!rates.allowDomain(domain)) return later(429);
  const outcome = await send(Buffer.from(JSON.stringify({ host, domain, report })));
  const status = outcome.ok ? Number(Buffer.from(outcome.body).toString('latin1')) : 503;
  if (status === 503) return later(503);
  return emptyAnswer([204, 400, 404, 413, 422].includes(status) ? status : 503);
}

/** The report's own octets, or the status for what cannot be unpacked. */
function unpack(octets: Uint8Array): Uint8Array | number {
  if (!isGzip(octets)) return octets;
  try {
    return gunzip(Buffer.from(octets.buffer, octets.byteOffset, octets.length), REPORT_BYTES_MAX);
  } catch (error) {
    return error instanceof RangeError ? 413 : 400;
  }
}

/** RFC 8460 §5.5: senders try again for a day. */
function later(status: 429 | 503): HostedAnswer {
  return { ...emptyAnswer(status), headers: { 'retry-after': '600' } };
}
