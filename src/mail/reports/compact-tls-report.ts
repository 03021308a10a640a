/**
 * A TLS report cut down to what counts for one domain, so that it fits into a request between two processes: sums by
 * policy type and failure type. And back: what comes from the process that faces strangers is checked field by field.
 * Not here: reading reports (tls-report.ts), counting them (book.ts).
 */
import {
  REPORT_COUNT_MAX,
  REPORT_TEXT_CHARACTERS_MAX,
  TLS_COMPACT_POLICIES_MAX,
  TLS_COMPACT_TEXT_CHARACTERS_MAX,
  TLS_TYPES_PER_DAY_MAX,
} from '#base/limits/reports.ts';
import { largest } from './book.ts';
import { type TlsReport, type TlsReportPolicy } from './tls-report.ts';

/** The report with its policies about `domain` alone, summed up; undefined: none is about it. */
export function compactTlsReport(report: TlsReport, domain: string): TlsReport | undefined {
  const own = report.policies.filter((each) => each.domain === undefined || each.domain === domain);
  if (own.length === 0) return undefined;
  const byKind = Map.groupBy(own, ({ kind }) => kind.slice(0, REPORT_TEXT_CHARACTERS_MAX));
  const cut = (text: string) => text.slice(0, TLS_COMPACT_TEXT_CHARACTERS_MAX);
  return {
    organization: cut(report.organization),
    id: cut(report.id),
    beginMs: report.beginMs,
    endMs: report.endMs,
    policies: [...byKind].slice(0, TLS_COMPACT_POLICIES_MAX).map(([kind, all]) => summed(kind, domain, all)),
    leftOut: [],
  };
}

function summed(kind: string, domain: string, all: readonly TlsReportPolicy[]): TlsReportPolicy {
  const total = (of: 'succeeded' | 'failed') => bounded(all.reduce((sum, each) => sum + each[of], 0));
  const types = new Map<string, number>();
  for (const { type, sessions } of all.flatMap((each) => each.failures)) types.set(type, bounded((types.get(type) ?? 0) + sessions));
  const counts = Object.entries(largest(types, TLS_TYPES_PER_DAY_MAX));
  const failures = counts.map(([type, sessions]) => ({ type, sessions }));
  return { kind, domain, succeeded: total('succeeded'), failed: total('failed'), failures };
}

function bounded(count: number): number {
  return Math.min(REPORT_COUNT_MAX, count);
}

/** The compact report that a value is; undefined: it is none, or too large for one. */
export function readCompactTlsReport(value: unknown): TlsReport | undefined {
  if (!isFields(value)) return undefined;
  const { organization, id, beginMs, endMs, policies } = value;
  const isWhole = isText(organization) && isText(id) && isTime(beginMs) && isTime(endMs) && Array.isArray(policies);
  if (!isWhole || policies.length === 0 || policies.length > TLS_COMPACT_POLICIES_MAX) return undefined;
  if (!policies.every(isPolicy)) return undefined;
  return { organization, id, beginMs, endMs, policies: policies.map(onlyPolicy), leftOut: [] };
}

/** Without what else the object may have. */
function onlyPolicy({ kind, domain, succeeded, failed, failures }: TlsReportPolicy): TlsReportPolicy {
  const own = domain === undefined ? {} : { domain };
  return { kind, ...own, succeeded, failed, failures: failures.map(({ type, sessions }) => ({ type, sessions })) };
}

function isPolicy(value: unknown): value is TlsReportPolicy {
  if (!isFields(value)) return false;
  const { kind, domain, succeeded, failed, failures } = value;
  if (!isText(kind) || !(domain === undefined || isText(domain))) return false;
  if (!isCount(succeeded) || !isCount(failed)) return false;
  const isFailure = (each: unknown) => isFields(each) && isText(each['type']) && isCount(each['sessions']);
  return Array.isArray(failures) && failures.length <= TLS_TYPES_PER_DAY_MAX && failures.every(isFailure);
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TLS_COMPACT_TEXT_CHARACTERS_MAX;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= REPORT_COUNT_MAX;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}
