/** What may be asked of how the world sees a zone. */
import { type Result } from '#base/problem.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DelegationCheckApi } from './delegation-check.ts';

/**
 * The words of Internet.nl, worst first. `not_tested`: it could not be found out now. `good_not_tested`: there is
 * nothing to test, as with DKIM of a domain without mail.
 */
export const VERDICTS = ['failed', 'warning', 'not_tested', 'info', 'good_not_tested', 'passed'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface CheckResult {
  /** Which check: a row of control/doctor/checks.ts. */
  readonly check: string;
  /** What it belongs to: `delegation`, `dnssec`, `spf`, … */
  readonly area: string;
  /** The server, host, name or zone that it is about. */
  readonly subject: string;
  readonly verdict: Verdict;
  /** What was seen. */
  readonly evidence: string;
  readonly rfc: string;
  /** What to do next; absent: nothing. */
  readonly fix?: string;
}

export interface ZoneCheckReport {
  readonly zone: string;
  /** Wall time. */
  readonly atMs: number;
  /** Of the zone as it is served here. */
  readonly serial: number;
  /** The worst of all. */
  readonly verdict: Verdict;
  /** Worst first; in each, as areas come in control/doctor/checks.ts. */
  readonly results: readonly CheckResult[];
  /** Of those that passed, how many are left out, because there are too many. */
  readonly omitted: number;
}

export interface ZoneCheckApi {
  /** Looks now, as a stranger does. Takes seconds, CHECK_MS_MAX at most. The problem ZONE_CHECK_BUSY. */
  check(record: ZoneRecord): Promise<Result<ZoneCheckReport>>;
}

/** Everything that is looked at from outside on request. */
export interface OutsideChecksApi {
  readonly delegation: DelegationCheckApi;
  readonly zone: ZoneCheckApi;
}
