/**
 * The life of a domain's policy host on this server: its record is published, known to every cache, its certificate is
 * there, and only then may an id announce what it serves; on removal it is the last to go.
 * Implements: RFC 8461 §3.3, §8.1 to §8.3 (the order).
 * Not here: what every such host has in common (mail/hosting/host-life.ts), stages and waits (policy-host-machine.ts),
 * serving the body.
 */
import { type Problem } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type Expectation } from '#lifecycle/expectation.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { type ConditionVerdict } from '#lifecycle/waits.ts';
import { type Vocabulary } from '#lifecycle/world.ts';
import {
  awaitsHostCertificate,
  type HostKind,
  type HostLifecycle,
  type HostNeed,
  hostExpectation,
  hostProblems,
  hostRecords,
  hostVerdict,
  hostVocabulary,
  isHostHere,
  isHostReady,
  NO_HOST,
  type PolicyHostFacts,
  prepareHost,
} from '#mail/hosting/host-life.ts';
import { type HostSight, type HostStanding } from '#mail/hosting/host-record.ts';
import { servedBody, stsMode, type StsState } from './lifecycle.ts';
import { POLICY_HOST_MACHINE } from './policy-host-machine.ts';
import { type StsSettings } from './settle.ts';

/** Its id among objects. */
export const POLICY_HOST_OBJECT = 'mta-sts-policy-host';

const KIND: HostKind = {
  object: POLICY_HOST_OBJECT,
  label: 'mta-sts',
  first: POLICY_HOST_MACHINE.first,
  code: 'MAIL_STS_HOST',
  rfc: 'RFC 8461 §3.3',
  endedBy: 'mtaSts.mode = "off"',
};

export function policyHostOf(state: StsState): HostLifecycle {
  return state.policyHost ?? NO_HOST;
}

/** The record that the policy publishes at the policy host, each `TYPE data`; empty when it publishes none. */
export function policyHostRecords(state: StsState): readonly string[] {
  return hostRecords(policyHostOf(state), KIND);
}

/** True while `mta-sts.<domain>` leads to this server for senders, who then need a certificate there. */
export function isPolicyHostHere(state: StsState): boolean {
  return isHostHere(policyHostOf(state), KIND);
}

/** True when senders reach this server by `mta-sts.<domain>`, as far as is known. */
export function isPolicyHostReady(state: StsState): boolean {
  return isHostReady(policyHostOf(state), KIND);
}

/** True when only a certificate is waited for, which no observation reports. */
export function awaitsCertificate(state: StsState): boolean {
  return awaitsHostCertificate(policyHostOf(state), KIND);
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
export function preparePolicyHost(before: StsState, { settings, ...context }: PolicyHostContext): StsState {
  const lives = policyHostOf(before);
  const policyHost = prepareHost(lives, KIND, { ...context, isNeeded: isNeeded(before, settings) });
  return policyHost === lives ? before : { ...before, policyHost };
}

/** What the waits of a policy host depend on. */
export function policyHostVocabulary(
  state: StsState,
  settings: StsSettings,
  ttls: TtlMemory,
  facts: PolicyHostFacts | undefined,
): Vocabulary<HostStanding> {
  const mode = stsMode(state);
  const needed = isNeeded(state, settings);
  const isLeaving = !needed || mode === 'none' || mode === 'removed';
  const need: HostNeed = { isNeeded: needed, isLeaving, text: `MTA-STS is in mode ${mode}` };
  return hostVocabulary(need, ttls, facts?.certificate);
}

/** What every name server should show of the policy host. */
export function policyHostExpectation(state: StsState, domain: Name): Expectation | undefined {
  return hostExpectation(policyHostOf(state), KIND, domain);
}

/** Whether an id may announce what the policy host serves. */
export function policyHostVerdict(state: StsState): ConditionVerdict {
  return hostVerdict(policyHostOf(state), KIND, 'the policy host is kept by others');
}

/** What the operator should know of the policy host's record. */
export function policyHostProblems(state: StsState, domain: Name, facts: PolicyHostFacts | undefined): Problem[] {
  return hostProblems(policyHostOf(state), KIND, domain, facts);
}
