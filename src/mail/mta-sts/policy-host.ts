/**
 * The life of a domain's policy host on this server: its record is published, known to every cache, its certificate is
 * there, and only then may an id announce what it serves; on removal it is the last to go.
 * Implements: RFC 8461 §3.3, §8.1 to §8.3 (the order); RFC 2308 §5 (caches that know the host does not exist).
 * Not here: what stands at the name (host-record.ts), stages and waits (policy-host-machine.ts), serving the body.
 */
import { atRrset } from '#base/place.ts';
import { type Problem, ok, warning } from '#base/problem.ts';
import { formatName, type Name } from '#dns/name.ts';
import { typeCode } from '#dns/registry.ts';
import { type Expectation, expectRecord } from '#lifecycle/expectation.ts';
import { addObject, changeObject, findObject, type LifecycleState, newLifecycle } from '#lifecycle/state.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { cacheMs, verdict, type Vocabulary } from '#lifecycle/world.ts';
import { type HostSight, type HostStanding, type HostTarget, judgeHostRecord } from './host-record.ts';
import { servedBody, stsMode, type StsState } from './lifecycle.ts';
import { POLICY_HOST_MACHINE } from './policy-host-machine.ts';
import { stsHost } from './record.ts';
import { type StsSettings } from './settle.ts';

/** What is known of this server's policy host for one domain. */
export interface PolicyHostFacts extends HostTarget {
  /** Of its addresses: those that no sender outside can reach. */
  readonly unreachable: readonly string[];
  /** The certificate of `mta-sts.<domain>`; absent: this server keeps none, and does not know. */
  readonly certificate?: { readonly isThere: boolean; readonly text: string };
}

/** How its record stood at the last look. */
export type PolicyHostData = HostStanding;
export type PolicyHostLifecycle = LifecycleState<PolicyHostData>;

/** Its id among objects. */
export const POLICY_HOST_OBJECT = 'mta-sts-policy-host';

/** Stages in which the domain's record leads here. */
const PUBLISHED: readonly string[] = ['published', 'visible', 'ready', 'withdrawing'];

/** Of a domain that never had one here. */
export const NO_POLICY_HOST: PolicyHostLifecycle = newLifecycle();

export function policyHostOf(state: StsState): PolicyHostLifecycle {
  return state.policyHost ?? NO_POLICY_HOST;
}

function find(state: StsState) {
  return findObject(policyHostOf(state), POLICY_HOST_OBJECT);
}

/** The record that the policy publishes at the policy host, each `TYPE data`; empty when it publishes none. */
export function policyHostRecords(state: StsState): readonly string[] {
  const host = find(state);
  return host !== undefined && host.data.kind === 'ours' && PUBLISHED.includes(host.stage) ? host.data.records : [];
}

function leadsHere({ kind }: PolicyHostData): boolean {
  return kind === 'ours' || kind === 'here';
}

/** True while `mta-sts.<domain>` leads to this server for senders, who then need a certificate there. */
export function isPolicyHostHere(state: StsState): boolean {
  const host = find(state);
  return host !== undefined && leadsHere(host.data) && PUBLISHED.includes(host.stage);
}

/** True when senders reach this server by `mta-sts.<domain>`, as far as is known. */
export function isPolicyHostReady(state: StsState): boolean {
  const stage = find(state)?.stage;
  return isPolicyHostHere(state) && (stage === 'ready' || stage === 'withdrawing');
}

/** True when only a certificate is waited for, which no observation reports. */
export function awaitsCertificate(state: StsState): boolean {
  return find(state)?.stage === 'visible';
}

/** Senders may look for the policy: they hold it, its id, or will get one. */
function isNeeded(state: StsState, { mode }: StsSettings): boolean {
  if (mode === 'external') return false;
  return !['off', 'removed'].includes(stsMode(state)) || servedBody(state) !== undefined;
}

export interface PolicyHostContext {
  readonly domain: Name;
  readonly settings: StsSettings;
  readonly facts: PolicyHostFacts | undefined;
  readonly sight: HostSight;
  readonly nowMs: number;
}

/** `before` with the host that the domain needs, and how its record stands now. Without facts it stays as it was. */
export function preparePolicyHost(before: StsState, context: PolicyHostContext): StsState {
  const { domain, settings, facts, sight, nowMs } = context;
  if (facts === undefined) return before;
  const host = find(before);
  if (host === undefined && !isNeeded(before, settings)) return before;
  const data = judgeHostRecord(domain, facts, sight);
  const lives = policyHostOf(before);
  if (host === undefined) {
    const added = { id: POLICY_HOST_OBJECT, group: POLICY_HOST_OBJECT, stage: POLICY_HOST_MACHINE.first, data };
    return { ...before, policyHost: addObject(lives, added, nowMs) };
  }
  // What senders look for stays where it is while the record of a new configuration cannot be put in its place.
  const isStuck = data.kind === 'blocked' && host.data.kind === 'ours' && PUBLISHED.includes(host.stage);
  const now = isStuck ? { ...data, kind: host.data.kind, records: host.data.records } : data;
  if (JSON.stringify(host.data) === JSON.stringify(now)) return before;
  return { ...before, policyHost: changeObject(lives, host.id, (each) => ({ ...each, data: now })) };
}

/** What the waits of a policy host depend on. */
export function policyHostVocabulary(
  state: StsState,
  settings: StsSettings,
  ttls: TtlMemory,
  facts: PolicyHostFacts | undefined,
): Vocabulary<PolicyHostData> {
  const mode = stsMode(state);
  const isLeaving = !isNeeded(state, settings) || mode === 'none' || mode === 'removed';
  const withFix = ({ text, fix }: PolicyHostData) => (fix === undefined ? text : `${text}; ${fix}`);
  const { isThere, text } = facts?.certificate ?? { isThere: true, text: 'this server keeps no certificates' };
  return {
    durations: { negativeTtl: cacheMs(ttls, 'negative') },
    conditions: {
      'leads-here': ({ data }) => verdict(leadsHere(data), withFix(data)),
      elsewhere: ({ data }) => verdict(data.kind === 'elsewhere', withFix(data)),
      unneeded: () => verdict(!isNeeded(state, settings), `MTA-STS is in mode ${mode}`),
      leaving: () => verdict(isLeaving, `MTA-STS is in mode ${mode}`),
      back: () => verdict(!isLeaving, `MTA-STS is in mode ${mode}`),
      certificate: () => verdict(isThere, text),
    },
  };
}

/** What every name server should show of the policy host. */
export function policyHostExpectation(state: StsState, domain: Name): Expectation | undefined {
  const [mnemonic = '', ...rest] = find(state)?.data.records[0]?.split(' ') ?? [];
  const owner = stsHost(domain);
  const type = typeCode(mnemonic);
  return owner.ok && type !== undefined ? expectRecord('record', ok(owner.value), type, rest.join(' ')) : undefined;
}

/** Whether an id may announce what the policy host serves. */
export function policyHostVerdict(state: StsState) {
  const host = find(state);
  if (host === undefined) return verdict(true, 'the policy host is kept by others');
  if (host.stage === 'elsewhere') return verdict(true, host.data.text);
  const isReady = host.stage === 'ready' || host.stage === 'withdrawing';
  return verdict(isReady, `${POLICY_HOST_OBJECT} is ${host.stage}`);
}

/** What the operator should know of the policy host's record. */
export function policyHostProblems(state: StsState, domain: Name, facts: PolicyHostFacts | undefined): Problem[] {
  const host = find(state);
  const owner = stsHost(domain);
  if (host === undefined || host.stage === 'gone' || !owner.ok) return [];
  const { text, records, fix } = host.data;
  const at = atRrset(`mta-sts.${formatName(domain)}`, records[0]?.split(' ')[0] ?? 'A');
  const tell = (message: string, more?: string) =>
    warning('MAIL_STS_HOST', at, message, { rfc: 'RFC 8461 §3.3', ...(more === undefined ? {} : { fix: more }) });
  if (fix !== undefined) return [tell(text, fix)];
  const problems: Problem[] = [];
  if (text.startsWith('the wildcard '))
    problems.push(tell(text, 'other types that it gave to this name are gone; publish them there if you need them'));
  if (facts === undefined)
    problems.push(
      tell(
        'it leads to this server, though neither https.addresses nor https.host is set any more',
        'it stays until the policy ends; set one of them again, or end it: mtaSts.mode = "off"',
      ),
    );
  else if (facts.unreachable.length > 0)
    problems.push(
      tell(
        `it gets the address ${facts.unreachable.join(', ')}, which no sender outside can reach`,
        'set https.addresses to public addresses',
      ),
    );
  return problems;
}
