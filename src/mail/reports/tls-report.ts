/**
 * One TLS report, read: who reports, about which time, and for each policy how many sessions went well or failed, and
 * why. Lenient where senders differ. A policy that cannot be read is left out and named; the others count.
 * Implements: RFC 8460 §4.3 (failure types), §4.4 (JSON form).
 * Not here: which policies are about a zone (book.ts), unpacking (control/reports/report-file.ts), what follows
 * (evidence.ts).
 */
import { REPORT_COUNT_MAX, REPORT_TEXT_CHARACTERS_MAX, TLS_REPORT_DETAILS_MAX, TLS_REPORT_POLICIES_MAX } from '#base/limits/reports.ts';
import { WHOLE, inBody } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type LeftOut, LeftOutList, leftOutWarnings } from './left-out.ts';
import { domainText, shown } from './report-xml.ts';

export interface TlsReport {
  /** Who reports; where it does not say, the domain of its contact. */
  readonly organization: string;
  readonly id: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly policies: readonly TlsReportPolicy[];
  readonly leftOut: readonly LeftOut[];
}

export interface TlsReportPolicy {
  /**
   * Lower case, without final dot; absent where the sender leaves it out: then it is about the zone that the report is
   * given to.
   */
  readonly domain?: string;
  /** What the sender went by: `sts`, `tlsa`, `no-policy-found`. */
  readonly kind: string;
  readonly succeeded: number;
  readonly failed: number;
  /** Failed sessions by type: `certificate-expired`, `sts-policy-fetch-error`. */
  readonly failures: readonly { readonly type: string; readonly sessions: number }[];
}

const RFC = 'RFC 8460 §4.4';

/** The report, or every problem found. Never throws. */
export function parseTlsReport(octets: Uint8Array): Result<TlsReport> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(octets));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(problem('REPORT_FORM', WHOLE, `it is not JSON: ${why.slice(0, REPORT_TEXT_CHARACTERS_MAX)}`, { rfc: RFC }));
  }
  const root = fieldsOf(value);
  if (root === undefined) return fail(problem('REPORT_FORM', WHOLE, 'it is not a TLS report: no JSON object', { rfc: RFC }));
  return readReport(root);
}

function readReport(root: Fields): Result<TlsReport> {
  const problems = new ProblemList();
  const leftOut = new LeftOutList();
  const bad = (pointer: string, message: string) => problems.push(problem('REPORT_FORM', inBody(pointer), message, { rfc: RFC }));
  const time = (pointer: string, given: unknown): number => {
    const read = typeof given === 'string' && /^\d{4}-\d\d-\d\dT/i.test(given) ? Date.parse(given) : Number.NaN;
    if (Number.isNaN(read)) bad(pointer, 'is not a time of RFC 3339');
    return read;
  };
  const contact = /@([^@\s>]+)>?$/.exec(textOf(root.get('contact-info')))?.[1] ?? '';
  const organization = textOf(root.get('organization-name')) || domainText(contact);
  if (organization === '') bad('/organization-name', 'is missing, or no text, and there is no contact-info to tell who sent it');
  const id = textOf(root.get('report-id'));
  if (id === '') bad('/report-id', 'is missing, or no text');
  const range = fieldsOf(root.get('date-range'));
  const listed = root.get('policies');
  if (!Array.isArray(listed) || listed.length === 0) bad('/policies', 'is missing, empty, or no list');
  else if (listed.length > TLS_REPORT_POLICIES_MAX) bad('/policies', `has more than ${TLS_REPORT_POLICIES_MAX} entries`);
  const policies = (Array.isArray(listed) ? listed : []).slice(0, TLS_REPORT_POLICIES_MAX).flatMap((each) => readPolicy(each, leftOut));
  const report: TlsReport = {
    organization,
    id,
    beginMs: time('/date-range/start-datetime', range?.get('start-datetime')),
    endMs: time('/date-range/end-datetime', range?.get('end-datetime')),
    policies,
    leftOut: leftOut.list(),
  };
  if (policies.length === 0)
    for (const { message } of leftOutWarnings(report.leftOut, 'sessions')) bad('/policies', `has no policy that counts: ${message}`);
  return problems.errorCount === 0 ? ok(report) : fail(...problems.list());
}

function readPolicy(value: unknown, leftOut: LeftOutList): TlsReportPolicy[] {
  const fields = fieldsOf(value);
  const policy = fieldsOf(fields?.get('policy'));
  const summary = fieldsOf(fields?.get('summary'));
  const domain = domainText(textOf(policy?.get('policy-domain')));
  const name = domain === '' ? 'policy' : `policy of ${shown(domain)}`;
  const counts = ['total-successful-session-count', 'total-failure-session-count'].map((each) => countOf(summary?.get(each)));
  const [succeeded, failed] = counts;
  if (succeeded === undefined || failed === undefined) {
    leftOut.add(`${name}: its summary does not have both counts, from 0 to ${REPORT_COUNT_MAX}`, (succeeded ?? 0) + (failed ?? 0));
    return [];
  }
  const kind = textOf(policy?.get('policy-type')).toLowerCase();
  if (kind === '') {
    leftOut.add(`${name}: it has no policy-type`, succeeded + failed);
    return [];
  }
  return [
    {
      ...(domain === '' ? {} : { domain }),
      kind,
      succeeded,
      failed,
      failures: readFailures(name, fields?.get('failure-details'), leftOut),
    },
  ];
}

function readFailures(policy: string, details: unknown, leftOut: LeftOutList): TlsReportPolicy['failures'] {
  // RFC 8460 §4.4: there may be none; some senders write null, or one without a list.
  const listed: readonly unknown[] = Array.isArray(details) ? details : details == null ? [] : [details];
  if (listed.length > TLS_REPORT_DETAILS_MAX) leftOut.add(`${policy}: failure-details behind the first ${TLS_REPORT_DETAILS_MAX}`);
  return listed.slice(0, TLS_REPORT_DETAILS_MAX).flatMap((each) => {
    const fields = fieldsOf(each);
    const type = textOf(fields?.get('result-type')).toLowerCase().slice(0, REPORT_TEXT_CHARACTERS_MAX);
    const sessions = countOf(fields?.get('failed-session-count'));
    if (type !== '' && sessions !== undefined) return [{ type, sessions }];
    leftOut.add(`${policy}: a failure without result-type and failed-session-count`, sessions);
    return [];
  });
}

type Fields = ReadonlyMap<string, unknown>;

/** The fields of a JSON object; undefined for anything else. */
function fieldsOf(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map<string, unknown>(Object.entries(value));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

/** A count, also as text. */
function countOf(value: unknown): number | undefined {
  const count = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= REPORT_COUNT_MAX ? count : undefined;
}
