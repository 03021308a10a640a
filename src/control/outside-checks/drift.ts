/**
 * What is new since the last check of a zone: which findings become alerts, as data, and which alerts are over. Pure.
 * Not here: checking (control/doctor/), when (schedule.ts), keeping alerts (control/alerts/).
 */
import { CHECK_KNOWN_MAX, CHECK_REPORT_MS, CHECK_STANDING_MAX } from '#base/limits/outside.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { atObject } from '#base/place.ts';
import { type StandingFinding, type ZoneDrift } from '#store/alerts/checks.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { CHECKS, type CheckId } from '#control/doctor/checks.ts';

type DriftCode = 'CHECK_CHANGED' | 'CHECK_BOGUS' | 'CHECK_DS' | 'CHECK_EXPIRY' | 'CHECK_BEHIND' | 'CHECK_FAILED';

interface DriftRule {
  readonly code: DriftCode;
  readonly make: typeof problem;
  /** Looks in a row that must show it. */
  readonly looks: number;
  readonly checks: readonly CheckId[];
}

/** Findings that are drift whenever they are there. */
export const DRIFT_RULES: readonly DriftRule[] = [
  {
    code: 'CHECK_CHANGED',
    make: problem,
    looks: 2,
    checks: ['record-not-ours', 'ns-not-ours', 'servers-differ', 'keys-differ', 'glue-differs', 'dkim-key-differs'],
  },
  { code: 'CHECK_BOGUS', make: problem, looks: 2, checks: ['chain-of-trust', 'denial', 'resolves', 'unsigned'] },
  { code: 'CHECK_DS', make: problem, looks: 2, checks: ['ds-no-key', 'ds-stray', 'ds-differs'] },
  {
    code: 'CHECK_EXPIRY',
    make: problem,
    looks: 2,
    checks: ['signature-expired', 'signature-ending', 'certificate-ending'],
  },
  // Half an hour: looks at what is new come every ten minutes.
  { code: 'CHECK_BEHIND', make: warning, looks: 4, checks: ['serial-differs', 'no-answer', 'not-authoritative'] },
];

/** All that failed, and did not when the zone was looked at for the first time. */
const OTHERS: DriftRule = { code: 'CHECK_FAILED', make: warning, looks: 2, checks: [] };

export interface DriftTurn {
  readonly after: ZoneDrift;
  /** To be reported now. */
  readonly alerts: readonly Problem[];
  /** Keys of alerts that are over. */
  readonly ended: readonly string[];
  /** Something is followed that is no alert yet. */
  readonly isUnsure: boolean;
}

export interface DriftContext {
  /** The parent of the zone is watched for DS by itself (control/dnssec/parent-watch.ts): one alert of it is enough. */
  readonly isDsWatched: boolean;
  /** Counted time. */
  readonly nowMs: number;
}

/** `before`: undefined at the first check of the zone. */
export function driftOf(
  before: ZoneDrift | undefined,
  results: readonly CheckResult[],
  { isDsWatched, nowMs }: DriftContext,
): DriftTurn {
  const found = new Map(results.flatMap((each) => findingOf(each, isDsWatched)));
  // What could not be looked at is as it was.
  const unknown = new Set(results.filter(({ verdict }) => verdict === 'not_tested').map(({ area }) => area));
  const isUnknown = (key: string): boolean => !found.has(key) && unknown.has(areaOf(key));
  const others = [...found].filter(([, { rule }]) => rule.code === OTHERS.code).map(([key]) => key);
  const known = before === undefined ? others : before.known.filter((key) => found.has(key) || isUnknown(key));
  const standing: StandingFinding[] = [];
  const alerts: Problem[] = [];
  const was = new Map((before?.standing ?? []).map((each) => [each.key, each]));
  for (const [key, { rule, result }] of found) {
    if (known.includes(key) || standing.length >= CHECK_STANDING_MAX) continue;
    const seen = was.get(key);
    const text = seen?.text ?? `${result.evidence} [${result.rfc}]`;
    const looks = (seen?.looks ?? 0) + 1;
    const isDue = looks >= rule.looks && nowMs - (seen?.reportedMs ?? -Infinity) >= CHECK_REPORT_MS;
    const fix = seen?.fix ?? result.fix;
    const reportedMs = isDue ? nowMs : seen?.reportedMs;
    if (isDue) alerts.push(rule.make(rule.code, atObject(key), text, fix === undefined ? {} : { fix }));
    standing.push({
      ...{ key, code: rule.code, text, looks },
      ...(fix === undefined ? {} : { fix }),
      ...(reportedMs === undefined ? {} : { reportedMs }),
    });
  }
  const kept = (before?.standing ?? []).filter(({ key }) => isUnknown(key));
  const after: ZoneDrift = {
    version: 1,
    known: known.slice(0, CHECK_KNOWN_MAX),
    standing: [...standing, ...kept].slice(0, CHECK_STANDING_MAX),
  };
  const still = new Set(after.standing.map(({ key }) => key));
  const ended = [...was.values()].filter(({ key, reportedMs }) => reportedMs !== undefined && !still.has(key));
  return {
    after,
    alerts,
    ended: ended.map(({ key }) => key),
    isUnsure: standing.some(({ reportedMs }) => reportedMs === undefined),
  };
}

interface Found {
  readonly rule: DriftRule;
  readonly result: CheckResult;
}

/** Its key and what it counts as; nothing for what no alert is about. */
function findingOf(result: CheckResult, isDsWatched: boolean): [string, Found][] {
  const { check, subject, verdict } = result;
  if (verdict !== 'failed' && verdict !== 'warning') return [];
  const own = DRIFT_RULES.find(({ checks }) => (checks as readonly string[]).includes(check));
  if (own?.code === 'CHECK_DS' && isDsWatched) return [];
  if (own === undefined && verdict === 'warning') return [];
  return [[`${check} ${subject}`, { rule: own ?? OTHERS, result }]];
}

/** `''`: of a check that an older version had. */
function areaOf(key: string): string {
  const check = key.split(' ', 1)[0]!;
  return Object.hasOwn(CHECKS, check) ? CHECKS[check as CheckId].area : '';
}
