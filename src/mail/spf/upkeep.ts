/**
 * One look at all that a domain's SPF record depends on: the includes that are to be addresses, the records of others, and what changed
 * since the look before. It says what to publish, what to tell people, and when to look again. Failures take nothing away; what would make
 * receivers end with an error is not taken in.
 * Implements: RFC 7208 §4.6.4 (limits, watched), §3.4 (sizes).
 * Not here: the steps (flatten.ts, parts.ts, budget.ts, drift.ts), timers and commits (control/mail/spf-upkeep.ts).
 */
import { atRrset } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, type Severity, hasErrors, problem, warning } from '#base/problem.ts';
import {
  SPF_ALERTS_MAX,
  SPF_LOOK_SPREAD,
  SPF_NETWORKS_TOLD_MAX,
  SPF_REFRESH_MS_MAX,
  SPF_REFRESH_MS_MIN,
  SPF_TEXT_CHARACTERS_MAX,
  SPF_TREE_BYTES_MAX,
} from '#base/limits/spf.ts';
import { spfRecordOf } from './settle.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type SpfBudget, checkSpfBudget, withTxt } from './budget.ts';
import { assessDrift, keptTree } from './drift.ts';
import { type FlattenFailure, type FlattenResult, type FlattenedChange, flatten } from './flatten.ts';
import { formatNetwork, ipSet, networksOf, parseNetwork } from './ip.ts';
import {
  type SpfGround,
  type SpfSource,
  type SpfState,
  flattenedSource,
  otherTextsAt,
  partOwner,
  plainDomain,
  publishedParts,
  settleSpfParts,
  spfTextOf,
} from './parts.ts';
import { type SpfTree } from './tree.ts';

/** An include that cannot be turned into addresses, since when, and what people should know. */
export interface SpfFailing {
  readonly include: string;
  readonly code: ProblemCode;
  readonly isTransient: boolean;
  readonly isKept: boolean;
  /** Wall time. */
  readonly sinceMs: number;
  readonly message: string;
}

export interface SpfAlert {
  /** Wall time. */
  readonly atMs: number;
  readonly code: ProblemCode;
  readonly severity: Severity;
  readonly message: string;
}

/** What is remembered of the looks at one domain: JSON with a version. */
export interface SpfWatch {
  readonly version: 1;
  /** Wall time of the last look; absent before the first. */
  readonly lookedAtMs?: number;
  /** When to look again, counted time. */
  readonly nextMs: number;
  /** Looks in a row with a name that could not be looked up. */
  readonly failures: number;
  readonly tree?: SpfTree;
  /** What stands against the record now. */
  readonly problems: readonly Problem[];
  readonly failing: readonly SpfFailing[];
  /** Newest first. */
  readonly alerts: readonly SpfAlert[];
}

export const NEW_SPF_WATCH: SpfWatch = { version: 1, nextMs: 0, failures: 0, problems: [], failing: [], alerts: [] };

export interface SpfLookInput extends SpfGround {
  readonly state: SpfState;
  readonly watch: SpfWatch;
  /** Wall time minus counted time. */
  readonly wallOffsetMs: number;
}

export interface SpfLook {
  /** The policy that it was made for: a look for another one is worth nothing. */
  readonly basis: string;
  readonly sources: readonly SpfSource[];
  readonly watch: SpfWatch;
  /** The tree of the record that is to be published, as it is now. */
  readonly tree: SpfTree;
  /** What is new since the look before and the operator should know. */
  readonly alerts: readonly Problem[];
  /** Includes that failed before and can be read again. */
  readonly recovered: readonly string[];
}

/** The policy's part that a look depends on. */
export function spfBasis({ policy }: Pick<SpfGround, 'policy'>): string {
  return JSON.stringify(policy);
}

/** True when the record depends on what others publish, or on records that change by themselves. */
export function isWatched({ isEnabled, mechanisms, redirect }: SpfGround['policy']): boolean {
  return isEnabled && (redirect !== undefined || mechanisms.some((text) => !/^[+~?-]?ip[46]:/i.test(text)));
}

export async function lookAtSpf(input: SpfLookInput, resolver: Resolver): Promise<SpfLook> {
  const { domain, state, watch, nowMs, wallOffsetMs } = input;
  const wallMs = nowMs + wallOffsetMs;
  const flattened = await flattenAll(input, resolver, wallMs);
  const taken = flattened === undefined ? [] : keptSources(flattened);
  let sources = taken;
  let budget = await budgetOf(input, { ...state, sources }, resolver);
  const refused: Problem[] = [];
  if (hasErrors(budget.problems) && state.sources.length > 0 && changedText(taken, state.sources)) {
    // What they publish now would not fit: better that receivers reject mail from some new addresses than all of it.
    const before = await budgetOf(input, state, resolver);
    if (!hasErrors(before.problems)) {
      refused.push(tooLarge(input, budget.problems));
      sources = [...state.sources];
      budget = before;
    }
  }
  const failing = (flattened?.failures ?? []).map((each) => failingSince(each, watch.failing, wallMs));
  const end = `.${plainDomain(domain).toLowerCase()}`;
  const isPart = (each: string) => each.endsWith(end) && /^_spf\d+$/.test(each.slice(0, -end.length));
  const drift = watch.tree === undefined ? undefined : assessDrift(watch.tree, budget.tree, isPart);
  const known = (each: SpfFailing) => watch.failing.some(({ include, code }) => include === each.include && code === each.code);
  const alerts = [
    ...refused.filter(({ code }) => !watch.problems.some((each) => each.code === code)),
    ...(drift?.alerts ?? []),
    ...(flattened === undefined || refused.length > 0 ? [] : addressAlerts(input, flattened)),
    ...failing.filter((each) => !known(each)).map((each) => failingProblem(each, input, each.isTransient ? 'warning' : 'error')),
  ].map(shortened);
  const isFailing =
    failing.some(({ isTransient, isKept }) => isTransient || !isKept) || budget.problems.some(({ code }) => code === 'SPF_UNRESOLVED');
  const failures = isFailing ? watch.failures + 1 : 0;
  const told = alerts.map(({ code, severity, message }): SpfAlert => ({ atMs: wallMs, code, severity, message }));
  return {
    basis: spfBasis(input),
    sources,
    watch: {
      version: 1,
      lookedAtMs: wallMs,
      nextMs: nowMs + waitMs(input, failures, flattened?.ttlSeconds),
      failures,
      tree: keptTree(drift?.tree ?? budget.tree, SPF_TREE_BYTES_MAX),
      problems: [...refused, ...budget.problems].slice(0, SPF_ALERTS_MAX).map(shortened),
      failing,
      alerts: [...told, ...watch.alerts].slice(0, SPF_ALERTS_MAX),
    },
    tree: budget.tree,
    alerts,
    recovered: watch.failing.map(({ include }) => include).filter((include) => !failing.some((each) => each.include === include)),
  };
}

function flattenAll({ domain, policy, state }: SpfLookInput, resolver: Resolver, seenAtMs: number): Promise<FlattenResult> | undefined {
  if (!policy.isEnabled || policy.flatten.length === 0) return undefined;
  const request = { domain: plainDomain(domain), record: spfRecordOf(policy), chosen: policy.flatten, nowMs: seenAtMs };
  return flatten(request, resolver, state.sources.map(flattenedSource));
}

/** What the record costs once `after` is published. */
function budgetOf(ground: SpfLookInput, after: SpfState, resolver: Resolver): Promise<SpfBudget> {
  const { domain, policy, view } = ground;
  const settled = settleSpfParts(after, ground).state;
  const withParts = publishedParts(settled).reduce(
    (under, { number, text }) => withTxt(under, partOwner(number, domain), [text]),
    resolver,
  );
  const candidate = { domain: plainDomain(domain), text: spfTextOf(policy, settled), otherTexts: otherTextsAt(view, domain) };
  return checkSpfBudget(candidate, withParts);
}

/** What stands against a policy now; not includes that cannot be flattened, which stay includes or as they were. */
export function applyProblems({ watch, alerts }: SpfLook, ground: Pick<SpfGround, 'domain'>): Problem[] {
  const told = watch.failing.map((each) => failingProblem(each, ground, 'warning'));
  const others = alerts.filter(({ message }) => ![...told, ...watch.problems].some((each) => each.message === message));
  return [...watch.problems, ...told, ...others.map((each): Problem => ({ ...each, severity: 'warning' }))];
}

export function failingProblem({ code, message }: SpfFailing, { domain }: Pick<SpfGround, 'domain'>, severity: Severity): Problem {
  const fix = code === 'SPF_FLATTEN_KEPT' ? {} : { fix: 'take it off the list of includes to flatten, or ask its owner' };
  return (severity === 'error' ? problem : warning)(code, atRrset(plainDomain(domain), 'TXT'), message, fix);
}

/** A number from 0 up to 1 that only depends on the text: who was started together does not stay together. */
export function spreadOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (const octet of Buffer.from(text)) hash = Math.imul(hash ^ octet, 0x0100_0193) >>> 0;
  // Of FNV the low bits are the better mixed ones.
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d) >>> 0) / 2 ** 32;
}

/** How long until the next look. Failures are tried again soon, and ever later. */
function waitMs({ domain, policy, nowMs }: SpfLookInput, failures: number, ttlSeconds = Infinity): number {
  const usualMs = Math.min(policy.refreshMs, ttlSeconds * 1000);
  const boundedMs = Math.max(SPF_REFRESH_MS_MIN, Math.min(SPF_REFRESH_MS_MAX, usualMs));
  const retryMs = failures === 0 ? boundedMs : Math.min(boundedMs, SPF_REFRESH_MS_MIN * 2 ** Math.min(failures - 1, 10));
  return Math.round(retryMs * (1 - SPF_LOOK_SPREAD * spreadOf(`${plainDomain(domain)} ${nowMs}`)));
}

function keptSources({ sources }: FlattenResult): SpfSource[] {
  return sources.map(({ include, networks, seenAtMs }) => ({
    include,
    networks: networksOf(ipSet(networks.map(({ network }) => parseNetwork(network)))).map(formatNetwork),
    seenAtMs,
  }));
}

function changedText(a: readonly SpfSource[], b: readonly SpfSource[]): boolean {
  const text = (sources: readonly SpfSource[]) => JSON.stringify(sources.map(({ include, networks }) => [include, networks]));
  return text(a) !== text(b);
}

function tooLarge({ domain }: SpfLookInput, problems: readonly Problem[]): Problem {
  const why = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
  const message = `the addresses that the flattened includes have now do not fit, those of before are kept: ${why.join('; ')}`;
  return warning('SPF_FLATTEN_LARGE', atRrset(plainDomain(domain), 'TXT'), message, {
    rfc: 'RFC 7208 §4.6.4',
    fix: 'flatten fewer includes',
  });
}

/** Addresses that came and went, for each include that was known before. */
function addressAlerts({ domain, policy, state }: SpfLookInput, { drift: { added, removed } }: FlattenResult): Problem[] {
  return state.sources.flatMap(({ include }) => {
    const of = (changes: readonly FlattenedChange[]) => changes.filter((each) => each.include === include).map(({ network }) => network);
    if (!policy.flatten.includes(include)) return [];
    const words = [listOf('added', of(added)), listOf('removed', of(removed))].filter((each) => each !== '');
    return words.length === 0
      ? []
      : [
          warning(
            'SPF_DRIFT_ADDRESSES',
            atRrset(plainDomain(domain), 'TXT'),
            `include:${include} stands for other addresses now: ${words.join('; ')}`,
          ),
        ];
  });
}

function listOf(what: string, networks: readonly string[]): string {
  if (networks.length === 0) return '';
  const more = networks.length - SPF_NETWORKS_TOLD_MAX;
  return `${what} ${networks.slice(0, SPF_NETWORKS_TOLD_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function failingSince(
  { include, isTransient, isKept, problem: why }: FlattenFailure,
  before: readonly SpfFailing[],
  wallMs: number,
): SpfFailing {
  const same = before.find((each) => each.include === include && each.code === why.code);
  const message = why.message.slice(0, SPF_TEXT_CHARACTERS_MAX);
  return { include, code: why.code, isTransient, isKept, sinceMs: same?.sinceMs ?? wallMs, message };
}

function shortened(each: Problem): Problem {
  return each.message.length <= SPF_TEXT_CHARACTERS_MAX
    ? each
    : { ...each, message: `${each.message.slice(0, SPF_TEXT_CHARACTERS_MAX - 1)}…` };
}
