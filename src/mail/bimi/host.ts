/**
 * The life of `bimi.<domain>` on this server: there before a logo is looked at, and gone when the last one is.
 * Not here: what every such host has in common (mail/hosting/host-life.ts), stages and waits (host-machine.ts).
 */
import { type Problem } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type Expectation } from '#lifecycle/expectation.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { type ConditionVerdict } from '#lifecycle/waits.ts';
import { type Vocabulary } from '#lifecycle/world.ts';
import {
  awaitsHostCertificate,
  type HostContext,
  type HostKind,
  hostExpectation,
  hostProblems,
  hostRecords,
  hostVerdict,
  hostVocabulary,
  isHostHere,
  type PolicyHostFacts,
  prepareHost,
} from '#mail/hosting/host-life.ts';
import { type HostStanding } from '#mail/hosting/host-record.ts';
import { type BimiFilesData, type BimiState } from './files.ts';
import { BIMI_HOST_MACHINE } from './host-machine.ts';
import { BIMI_HOST_LABEL } from './hosted-file.ts';

export const BIMI_HOST: HostKind = {
  object: 'bimi-host',
  label: BIMI_HOST_LABEL,
  first: BIMI_HOST_MACHINE.first,
  code: 'MAIL_BIMI_HOST',
  rfc: 'draft-brand-indicators-for-message-identification-12 §4.3',
  endedBy: 'bimi.hosted = false',
};

function isNeeded({ files }: BimiState, wanted: BimiFilesData | undefined): boolean {
  return wanted !== undefined || files.objects.length > 0;
}

/** `before` with the host that its logos need, and how its record stands now. */
export function prepareBimiHost(
  before: BimiState,
  wanted: BimiFilesData | undefined,
  context: Omit<HostContext, 'isNeeded'>,
): BimiState {
  const host = prepareHost(before.host, BIMI_HOST, { ...context, isNeeded: isNeeded(before, wanted) });
  return host === before.host ? before : { ...before, host };
}

/** What the waits of the host depend on. */
export function bimiHostVocabulary(
  state: BimiState,
  wanted: BimiFilesData | undefined,
  ttls: TtlMemory,
  facts: PolicyHostFacts | undefined,
): Vocabulary<HostStanding> {
  const count = state.files.objects.length;
  const text =
    wanted === undefined
      ? `no logo is wanted, and ${count} of before ${count === 1 ? 'is' : 'are'} kept`
      : 'a logo is wanted';
  const need = { isNeeded: isNeeded(state, wanted), isLeaving: wanted === undefined, text };
  return hostVocabulary(need, ttls, facts?.bimiCertificate);
}

/** What every name server should show of the host. */
export function bimiHostExpectation({ host }: BimiState, domain: Name): Expectation | undefined {
  return hostExpectation(host, BIMI_HOST, domain);
}

/** Whether a record may send receivers to the host. */
export function bimiHostVerdict({ host }: BimiState): ConditionVerdict {
  return hostVerdict(host, BIMI_HOST, 'the host of the logo is kept by others');
}

/** The record that the policy publishes at the host, each `TYPE data`; empty when it publishes none. */
export function bimiHostRecords({ host }: BimiState): readonly string[] {
  return hostRecords(host, BIMI_HOST);
}

/** True while `bimi.<domain>` leads to this server for receivers, who then need a certificate there. */
export function isBimiHostHere({ host }: BimiState): boolean {
  return isHostHere(host, BIMI_HOST);
}

/** True when only a certificate is waited for, which no observation reports. */
export function awaitsBimiCertificate({ host }: BimiState): boolean {
  return awaitsHostCertificate(host, BIMI_HOST);
}

/** What the operator should know of the host's record. */
export function bimiHostProblems({ host }: BimiState, domain: Name, facts: PolicyHostFacts | undefined): Problem[] {
  return hostProblems(host, BIMI_HOST, domain, facts);
}
