/**
 * One TLS report, read: who reports, about which domain and time, and for each policy how many sessions went well or failed, and why.
 * Lenient where senders differ, strict about what counts.
 * Implements: RFC 8460 §4.3 (failure types), §4.4 (JSON form).
 * Not here: unpacking (control/reports/report-file.ts), what is kept of it (book.ts), what follows (evidence.ts).
 */
import { REPORT_COUNT_MAX, REPORT_TEXT_CHARACTERS_MAX, TLS_REPORT_DETAILS_MAX, TLS_REPORT_POLICIES_MAX } from '#base/limits/reports.ts';
import { WHOLE, inBody } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

export interface TlsReport {
  readonly organization: string;
  readonly id: string;
  /** Lower case, without final dot. */
  readonly domain: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly policies: readonly TlsReportPolicy[];
}

export interface TlsReportPolicy {
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
  if (fieldsOf(value) === undefined) return fail(problem('REPORT_FORM', WHOLE, 'it is not a TLS report: no JSON object', { rfc: RFC }));
  return readReport(value);
}

function readReport(value: unknown): Result<TlsReport> {
  const problems = new ProblemList();
  const bad = (at: string, message: string) => problems.push(problem('REPORT_FORM', inBody(at), message, { rfc: RFC }));
  const text = (at: string, given: unknown): string => {
    const read = typeof given === 'string' ? given.trim() : '';
    if (read === '') bad(at, 'is missing, or no text');
    return read;
  };
  const time = (at: string, given: unknown): number => {
    const read = typeof given === 'string' && /^\d{4}-\d\d-\d\dT/i.test(given) ? Date.parse(given) : Number.NaN;
    if (Number.isNaN(read)) bad(at, 'is not a time of RFC 3339');
    return read;
  };
  const count = (at: string, given: unknown): number => {
    const isGood = typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= REPORT_COUNT_MAX;
    if (!isGood) bad(at, `is not a number from 0 to ${REPORT_COUNT_MAX}`);
    return isGood ? given : 0;
  };
  const list = (at: string, given: unknown, max: number): readonly unknown[] => {
    if (!Array.isArray(given)) bad(at, 'is missing, or no list');
    else if (given.length > max) bad(at, `has more than ${max} entries`);
    else return given;
    return [];
  };
  const root = fieldsOf(value)!;
  const range = fieldsOf(root.get('date-range'));
  const domains = new Set<string>();
  const policies = list('/policies', root.get('policies'), TLS_REPORT_POLICIES_MAX).map((each, index): TlsReportPolicy => {
    const at = `/policies/${index}`;
    const fields = fieldsOf(each);
    const policy = fieldsOf(fields?.get('policy'));
    const summary = fieldsOf(fields?.get('summary'));
    const domain = text(`${at}/policy/policy-domain`, policy?.get('policy-domain'));
    domains.add(domain.toLowerCase().replace(/(?<=.)\.$/, ''));
    const details = fields?.get('failure-details');
    return {
      kind: text(`${at}/policy/policy-type`, policy?.get('policy-type')).toLowerCase(),
      succeeded: count(`${at}/summary/total-successful-session-count`, summary?.get('total-successful-session-count')),
      failed: count(`${at}/summary/total-failure-session-count`, summary?.get('total-failure-session-count')),
      // RFC 8460 §4.4: there may be none; some senders write null.
      failures: (details == null ? [] : list(`${at}/failure-details`, details, TLS_REPORT_DETAILS_MAX)).map((detail, number) => {
        const place = `${at}/failure-details/${number}`;
        const found = fieldsOf(detail);
        return {
          type: text(`${place}/result-type`, found?.get('result-type')).toLowerCase().slice(0, REPORT_TEXT_CHARACTERS_MAX),
          sessions: count(`${place}/failed-session-count`, found?.get('failed-session-count')),
        };
      }),
    };
  });
  if (policies.length === 0 && problems.errorCount === 0) bad('/policies', 'is empty');
  if (domains.size > 1) bad('/policies', `is about more than one domain: ${[...domains].slice(0, 3).join(', ')}`);
  const report: TlsReport = {
    organization: text('/organization-name', root.get('organization-name')),
    id: text('/report-id', root.get('report-id')),
    domain: [...domains][0] ?? '',
    beginMs: time('/date-range/start-datetime', range?.get('start-datetime')),
    endMs: time('/date-range/end-datetime', range?.get('end-datetime')),
    policies,
  };
  return problems.errorCount === 0 ? ok(report) : fail(...problems.list());
}

/** The fields of a JSON object; undefined for anything else. */
function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map<string, unknown>(Object.entries(value));
}
