/**
 * The watch over an MTA-STS policy that another server serves: a body that changes, a certificate that ends, a host
 * that cannot be fetched from, a host of the MX that the policy does not allow. What is remembered of the looks, and
 * the alerts and notices that follow. Pure.
 * Implements: RFC 8461 §3.3 (what senders need of the host), §4.1 (hosts of the MX), §8.1 (a body changes with its
 * id).
 * Not here: looking (control/mail/sts-upkeep.ts), the policy host of this server (policy-host.ts).
 */
import {
  STS_WATCH_ALERT_EVERY_MS,
  STS_WATCH_CERTIFICATE_MS,
  STS_WATCH_EVERY_MS,
  STS_WATCH_FAILURES_MIN,
  STS_WATCH_SOON_MS,
  STS_WATCH_SOON_MS_MAX,
} from '#base/limits/mail.ts';
import { atObject, formatPlace } from '#base/place.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { announcedBody, type StsState } from './lifecycle.ts';
import { POLICY_HOST_OBJECT, policyHostOf } from './policy-host.ts';
import { type StsPolicy, formatStsPolicy, isMxCovered, parseStsPolicy, policyId } from './record.ts';
import { type StsSettings } from './settle.ts';

type TroubleCode = 'MAIL_STS_UNREACHABLE' | 'MAIL_STS_DRIFT' | 'MAIL_STS_UNCOVERED' | 'MAIL_STS_CERTIFICATE';

/** JSON, with a version. Times are counted time unless a field says wall time. */
export interface StsWatch {
  readonly version: 1;
  /** The next look. */
  readonly nextMs: number;
  /** The last good one. */
  readonly seenMs?: number;
  /** Hash of the body that was seen then, and its mode. */
  readonly bodyId?: string;
  readonly mode?: string;
  /** Wall time. */
  readonly certificateEndMs?: number;
  /** Looks in a row that failed. */
  readonly failures?: number;
  /** What is wrong. */
  readonly code?: TroubleCode;
  readonly text?: string;
  readonly alertedMs?: number;
}

/** What one look saw; `certificateEndMs` is wall time. */
export type StsSeen = { readonly body: string; readonly certificateEndMs?: number } | { readonly failure: string };

export interface WatchedSts {
  /** Hash of the body that DNS announces, where that is ours; absent: whatever the other server says. */
  readonly expected?: string;
}

/** What is watched; undefined: nothing is, or this server is the policy host. */
export function watchedSts(state: StsState, settings: StsSettings): WatchedSts | undefined {
  if (settings.mode === 'external') return {};
  const host = policyHostOf(state).objects.find(({ id }) => id === POLICY_HOST_OBJECT);
  const announced = announcedBody(state);
  if (announced === undefined || (host !== undefined && host.stage !== 'elsewhere')) return undefined;
  return { expected: policyId(formatStsPolicy(announced.data.policy)) };
}

export interface StsWatchTurn {
  readonly before: StsWatch;
  readonly seen: StsSeen;
  readonly watched: WatchedSts;
  /** That take the domain's mail now. */
  readonly mailHosts: readonly Name[];
  /** `mta-sts.example.com` */
  readonly host: string;
  readonly nowMs: number;
  readonly wallOffsetMs: number;
}

/** What a look leads to. */
export interface StsWatchStep {
  readonly watch: StsWatch;
  /** For the operator, at once. */
  readonly alerts: readonly Problem[];
  /** For the log. */
  readonly notices: readonly { readonly event: 'mail.sts-recovered' | 'mail.sts-seen'; readonly text: string }[];
}

/** Takes a look in. */
export function takeStsLook(turn: StsWatchTurn): StsWatchStep {
  const { before, seen, host, nowMs } = turn;
  if ('failure' in seen) return failed(turn, seen.failure);
  const { body, certificateEndMs } = seen;
  const policy = parseStsPolicy(body);
  const bodyId = policyId(body);
  const trouble = troubleOf(turn, body, certificateEndMs);
  const notices: StsWatchStep['notices'][number][] = [];
  if (before.code !== undefined && trouble === undefined)
    notices.push({ event: 'mail.sts-recovered', text: `${host} gives its policy again` });
  const isFirst = before.bodyId === undefined;
  if (isFirst) notices.push({ event: 'mail.sts-seen', text: `${host} is another server's, and gives a policy` });
  const known = policy.ok ? { bodyId, mode: policy.value.mode } : {};
  const end = certificateEndMs === undefined ? {} : { certificateEndMs };
  const base: StsWatch = { version: 1, nextMs: nowMs + STS_WATCH_EVERY_MS, seenMs: nowMs, ...known, ...end };
  return { ...told(turn, base, trouble), notices };
}

/** A host that fails once may be busy; it is looked at again soon, then more and more seldom. */
function failed(turn: StsWatchTurn, why: string): StsWatchStep {
  const { before, host, nowMs } = turn;
  const failures = (before.failures ?? 0) + 1;
  const pauseMs = Math.min(STS_WATCH_SOON_MS_MAX, STS_WATCH_SOON_MS * 2 ** (failures - 1));
  const base: StsWatch = { ...before, nextMs: nowMs + pauseMs, failures };
  if (failures < STS_WATCH_FAILURES_MIN) return { watch: base, alerts: [], notices: [] };
  const text = `senders cannot fetch the policy: ${why}`;
  const fix = 'put right what the other server shows; senders keep the policy that they have until its max_age';
  const { code: _code, text: _text, ...rest } = base;
  const found = problem('MAIL_STS_UNREACHABLE', atObject(host), text, { rfc: 'RFC 8461 §3.3', fix });
  return { ...told(turn, rest, found), notices: [] };
}

/** The watch with what is wrong, and the alert where it is new, or a day old. */
function told({ before, nowMs }: StsWatchTurn, watch: StsWatch, trouble: Problem | undefined) {
  if (trouble === undefined) return { watch, alerts: [] };
  const isTold = before.code === trouble.code && nowMs - (before.alertedMs ?? -Infinity) < STS_WATCH_ALERT_EVERY_MS;
  const alertedMs = isTold ? before.alertedMs! : nowMs;
  const wrong = { code: trouble.code as TroubleCode, text: trouble.message, alertedMs };
  return { watch: { ...watch, ...wrong }, alerts: isTold ? [] : [trouble] };
}

function troubleOf(turn: StsWatchTurn, body: string, endMs: number | undefined): Problem | undefined {
  const { before, watched, host, nowMs, wallOffsetMs } = turn;
  const at = atObject(host);
  const policy = parseStsPolicy(body);
  const drift = (text: string, fix: string) => problem('MAIL_STS_DRIFT', at, text, { rfc: 'RFC 8461 §8.1', fix });
  if (!policy.ok) {
    const why = policy.problems.map((each) => `${formatPlace(each.at)} ${each.message}`).join('; ');
    return drift(`what it gives is no policy: ${why}`, 'put the policy back there');
  }
  const bodyId = policyId(body);
  const { mode } = policy.value;
  if (watched.expected !== undefined && bodyId !== watched.expected)
    return drift(
      `it gives another policy than the one whose id DNS announces: mode ${mode}`,
      'serve what waxseal mta-sts show prints, or set mtaSts.mode = "external"',
    );
  const isOther = watched.expected === undefined && before.bodyId !== undefined && before.bodyId !== bodyId;
  const change = isOther ? `its policy has changed, from mode ${before.mode ?? 'unknown'} to mode ${mode}` : undefined;
  const uncovered = uncoveredOf(turn, policy.value, change);
  if (uncovered !== undefined) return uncovered;
  if (change !== undefined)
    return drift(change, 'senders take it when the id changes: mtaSts.id, or the record that mtaSts.target leads to');
  if (endMs !== undefined && endMs - (nowMs + wallOffsetMs) < STS_WATCH_CERTIFICATE_MS)
    return warning('MAIL_STS_CERTIFICATE', at, `its certificate ends on ${formatTime(endMs)}, without a new one`, {
      rfc: 'RFC 8461 §3.3',
      fix: 'renew it on the server that serves the policy',
    });
  return undefined;
}

/** RFC 8461 §4.1: hosts of the domain's MX that the policy does not name. In mode testing senders only report them. */
function uncoveredOf({ host, mailHosts }: StsWatchTurn, policy: StsPolicy, change?: string): Problem | undefined {
  const names = mailHosts.filter((each) => !isMxCovered(policy, each)).map((each) => formatName(each).slice(0, -1));
  if (names.length === 0) return undefined;
  const isEnforced = policy.mode === 'enforce';
  const follows = isEnforced ? 'deliver no mail there' : 'report each delivery there as a failure';
  const before = change === undefined ? '' : `${change}, and `;
  const text = `${before}it does not allow ${names.join(', ')} of the MX: senders that hold it ${follows}`;
  const fix = 'name the host in a line mx: of the policy, with a new id, or take it out of the MX';
  const make = isEnforced ? problem : warning;
  return make('MAIL_STS_UNCOVERED', atObject(host), text, { rfc: 'RFC 8461 §4.1', fix });
}

/** How it stands, for people. */
export function stsWatchLines(watch: StsWatch | undefined, wallOffsetMs: number): string[] {
  if (watch === undefined) return [];
  const wall = (atMs: number) => formatTime(atMs + wallOffsetMs);
  const next = `next look ${wall(watch.nextMs)}`;
  const { seenMs, mode, certificateEndMs, text, failures = 0 } = watch;
  const end = certificateEndMs === undefined ? '' : `, its certificate until ${formatTime(certificateEndMs)}`;
  const seen = seenMs === undefined ? 'not seen yet' : `mode ${mode ?? 'unknown'} seen ${wall(seenMs)}${end}`;
  const failing = text === undefined && failures > 0 ? `; the last look failed` : '';
  const wrong = text === undefined ? '' : `; ${text}`;
  return [`MTA-STS policy of another server: ${seen}${wrong}${failing}; ${next}`];
}
