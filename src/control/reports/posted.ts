/**
 * TLS reports that strangers posted to the policy host: they come from that process, already unpacked and summed up,
 * and are taken in as evidence that nothing authenticates. The other end may have been taken over, so everything it
 * sends is checked, and few are worked on at once.
 * Implements: RFC 8460 §5.4.
 * Not here: receiving them (policy-host/tls-reports.ts), what they count for (mail/reports/evidence.ts).
 */
import { POSTED_REPORTS_AT_ONCE, POSTED_REQUEST_BYTES_MAX } from '#base/limits/reports.ts';
import { type Result } from '#base/problem.ts';
import { parseName } from '#dns/name.ts';
import { readCompactTlsReport } from '#mail/reports/compact-tls-report.ts';
import { namesReportHost } from '#mail/tls-rpt/hosted.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { type StoreReader } from '#store/reader.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';

export interface PostedReportsOptions {
  readonly reader: StoreReader;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
}

const INTAKE: Actor = { kind: 'system', id: 'tls-rpt', from: '' };

/** The handler of these requests: the reply is an HTTP status, as text. */
export function postedReports({ reader, run }: PostedReportsOptions): (body: Uint8Array) => Promise<Uint8Array> {
  let underWay = 0;
  return async (body) => {
    if (underWay >= POSTED_REPORTS_AT_ONCE) return Buffer.from('503');
    underWay += 1;
    try {
      return Buffer.from(String(await statusOf(body, reader, run)));
    } finally {
      underWay -= 1;
    }
  };
}

async function statusOf(body: Uint8Array, reader: StoreReader, run: PostedReportsOptions['run']): Promise<number> {
  if (body.length > POSTED_REQUEST_BYTES_MAX) return 413;
  const { host, domain, report: given } = fieldsOf(body);
  const report = readCompactTlsReport(given);
  const zone = typeof domain === 'string' ? parseName(`${domain}.`) : undefined;
  if (report === undefined || zone?.ok !== true || typeof host !== 'string') return 400;
  const record = reader.zoneByName(zone.value);
  const policy = record === undefined ? undefined : readMailPolicy(reader, record);
  if (policy === undefined || !namesReportHost(policy.tlsRptUris, host)) return 404;
  const command = { kind: 'mta-sts.report', zone: zone.value, report, isPosted: true } as const;
  const taken = await run(command, { actor: INTAKE, dryRun: false });
  if (taken.ok) return 204;
  return taken.problems.some(({ code }) => code.startsWith('REPORT_')) ? 422 : 503;
}

function fieldsOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
