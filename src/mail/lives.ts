/**
 * The life cycles of a domain's mail, each once. A new one is an entry here, its part of the state (state.ts), and a file
 * in its subject's folder: machine, vocabulary, what a look should show.
 * Not here: the loops over them (lifecycle/lives.ts), a step of everything (step.ts).
 */
import { type Life } from '#lifecycle/lives.ts';
import { type World } from '#lifecycle/waits.ts';
import { type Vocabulary, worldOf } from '#lifecycle/world.ts';
import { formatName, type Name } from '#dns/name.ts';
import { type ZoneView } from '#zone/view.ts';
import { notServedExpectation, takeTlsaPolicy, tlsaExpectation } from '#mail/dane/lifecycle.ts';
import { type TlsaData, tlsaVocabulary } from '#mail/dane/lifecycle.ts';
import { TLSA_MACHINE } from '#mail/dane/machine.ts';
import { dkimExpectation, type DkimKeyData, dkimVocabulary } from '#mail/dkim/lifecycle.ts';
import { DKIM_MACHINE } from '#mail/dkim/machine.ts';
import { DMARC_MACHINE, dmarcVocabulary } from '#mail/dmarc/ramp.ts';
import {
  addStsHosts,
  serveStsBody,
  stsBodyExpectation,
  type StsBodyData,
  stsBodyVocabulary,
  stsHostExpectation,
  stsHostVocabulary,
  stsModeVocabulary,
} from '#mail/mta-sts/lifecycle.ts';
import {
  bimiFilesExpectation,
  bimiFilesVocabulary,
  type BimiFilesData,
  type BimiState,
  NO_BIMI,
  serveBimiFiles,
  wantedFiles,
} from '#mail/bimi/files.ts';
import { BIMI_FILES_MACHINE } from '#mail/bimi/files-machine.ts';
import { bimiHostExpectation, bimiHostVerdict, bimiHostVocabulary, prepareBimiHost } from '#mail/bimi/host.ts';
import { BIMI_HOST_MACHINE } from '#mail/bimi/host-machine.ts';
import { NO_HOST } from '#mail/hosting/host-life.ts';
import { type HostStanding } from '#mail/hosting/host-record.ts';
import {
  policyHostExpectation,
  policyHostOf,
  policyHostVerdict,
  policyHostVocabulary,
  preparePolicyHost,
} from '#mail/mta-sts/policy-host.ts';
import { POLICY_HOST_MACHINE } from '#mail/mta-sts/policy-host-machine.ts';
import { STS_BODY_MACHINE, STS_HOST_MACHINE, STS_MODE_MACHINE } from '#mail/mta-sts/machine.ts';
import { type MailFacts } from './facts.ts';
import { mailHosts } from './mail-hosts.ts';
import { type MailPolicy } from './mail-policy.ts';
import { type MailState } from './state.ts';

/** What the lives of a domain's mail depend on, beside their state. */
export interface MailContext {
  readonly domain: Name;
  readonly policy: MailPolicy;
  readonly view: ZoneView;
  readonly facts: MailFacts;
  /** Records put by hand give way. */
  readonly isTakeOver?: boolean;
  /** The served zone that a name is in. */
  readonly zoneOf?: (name: Name) => ZoneView | undefined;
}

export type MailLife<Data = unknown> = Life<MailState, MailContext, Data>;
type NoData = Readonly<Record<string, never>>;

function mailWorld<Data>({ domain, facts }: MailContext, vocabulary: Vocabulary<Data>): World<Data> {
  const zone = formatName(domain).replace(/(?<=.)\.$/, '');
  return worldOf(facts, vocabulary, (object, wait) => `waxseal mail override ${zone} ${object} ${wait} --reason "…"`);
}

export const DKIM_LIFE: MailLife<DkimKeyData> = {
  machine: DKIM_MACHINE,
  get: ({ dkim }) => dkim.lifecycle,
  set: (state, lifecycle) => ({ ...state, dkim: { ...state.dkim, lifecycle } }),
  world: ({ dkim, ttls }, context) =>
    mailWorld(context, dkimVocabulary(dkim, context.policy.dkim, ttls, context.facts)),
  expect: (check, { dkim }, { domain }) =>
    check.what === 'record' ? dkimExpectation(dkim, check.object, domain) : undefined,
};

export const DMARC_LIFE: MailLife<NoData> = {
  machine: DMARC_MACHINE,
  get: ({ dmarc }) => dmarc,
  set: (state, dmarc) => ({ ...state, dmarc }),
  world: (_state, context) => mailWorld(context, dmarcVocabulary(context.policy.dmarc)),
};

export const STS_MODE_LIFE: MailLife<NoData> = {
  machine: STS_MODE_MACHINE,
  get: ({ mtaSts }) => mtaSts.mode,
  set: (state, mode) => ({ ...state, mtaSts: { ...state.mtaSts, mode } }),
  // It waits for a host to name.
  prepare: (state, { domain, view, facts }) => ({
    ...state,
    mtaSts: addStsHosts(state.mtaSts, mailHosts(view, domain), facts.nowMs),
  }),
  world: ({ mtaSts, ttls }, context) => mailWorld(context, stsModeVocabulary(mtaSts, context.policy.mtaSts, ttls)),
};

/** After the mode, which says whether senders look for the policy; before the body, which waits for the host. */
export const POLICY_HOST_LIFE: MailLife<HostStanding> = {
  machine: POLICY_HOST_MACHINE,
  get: ({ mtaSts }) => policyHostOf(mtaSts),
  set(state, policyHost) {
    // A domain that never had a policy host here keeps the state that it has.
    if (policyHost === NO_HOST) return state;
    return { ...state, mtaSts: { ...state.mtaSts, policyHost } };
  },
  prepare(state, { domain, policy, view, facts, isTakeOver, zoneOf }) {
    const sight = { view, ...(zoneOf === undefined ? {} : { zoneOf }), isTakeOver: isTakeOver ?? false };
    const context = { domain, settings: policy.mtaSts, facts: facts.policyHost, sight, nowMs: facts.nowMs };
    return { ...state, mtaSts: preparePolicyHost(state.mtaSts, context) };
  },
  world: ({ mtaSts, ttls }, context) =>
    mailWorld(context, policyHostVocabulary(mtaSts, context.policy.mtaSts, ttls, context.facts.policyHost)),
  expect: ({ what }, { mtaSts }, { domain }) => (what === 'host' ? policyHostExpectation(mtaSts, domain) : undefined),
  isSerialNoted: true,
};

/** After the mode, which says what the next body says; a body that is announced may be what the mode waits for. */
export const STS_BODY_LIFE: MailLife<StsBodyData> = {
  machine: STS_BODY_MACHINE,
  get: ({ mtaSts }) => mtaSts.bodies,
  set: (state, bodies) => ({ ...state, mtaSts: { ...state.mtaSts, bodies } }),
  prepare: (state, { policy, facts }) => ({
    ...state,
    mtaSts: serveStsBody(state.mtaSts, policy.mtaSts, facts.nowMs),
  }),
  world({ mtaSts, ttls }, context) {
    return mailWorld(context, stsBodyVocabulary(ttls, context.facts, policyHostVerdict(mtaSts)));
  },
  expect: (check, { mtaSts }, { domain }) => stsBodyExpectation(mtaSts, check, domain),
  isSerialNoted: true,
};

export const STS_HOST_LIFE: MailLife<NoData> = {
  machine: STS_HOST_MACHINE,
  get: ({ mtaSts }) => mtaSts.hosts,
  set: (state, hosts) => ({ ...state, mtaSts: { ...state.mtaSts, hosts } }),
  world: ({ ttls }, context) => mailWorld(context, stsHostVocabulary(mailHosts(context.view, context.domain), ttls)),
  expect: ({ object }, { mtaSts }, { domain }) => stsHostExpectation(mtaSts, object, domain),
  isSerialNoted: true,
};

export const TLSA_LIFE: MailLife<TlsaData> = {
  machine: TLSA_MACHINE,
  get: ({ tlsa }) => tlsa.lifecycle,
  set: (state, lifecycle) => ({ ...state, tlsa: { ...state.tlsa, lifecycle } }),
  prepare: (state, { policy, facts }) => ({
    ...state,
    tlsa: takeTlsaPolicy(state.tlsa, policy.dane.hosts, facts.nowMs),
  }),
  world({ ttls }, context) {
    const { dane, dkim } = context.policy;
    return mailWorld(context, tlsaVocabulary(dane.hosts, dkim.signerLagMs, ttls, context.facts));
  },
  expect: ({ what, object }, { tlsa }, { domain }) =>
    what === 'record' ? tlsaExpectation(tlsa, object) : notServedExpectation(tlsa, object, domain),
  isSerialNoted: true,
};

function wantedLogo({ policy, facts }: MailContext): BimiFilesData | undefined {
  return wantedFiles(policy.bimi, facts.bimiUploads ?? {});
}

/** After DMARC and MTA-STS, with which it has nothing in common; before the logos, which wait for their host. */
export const BIMI_HOST_LIFE: MailLife<HostStanding> = {
  machine: BIMI_HOST_MACHINE,
  get: ({ bimi = NO_BIMI }) => bimi.host,
  set: (state, host) => withBimi(state, (bimi) => (host === bimi.host ? bimi : { ...bimi, host })),
  prepare(state, context) {
    const { domain, view, facts, isTakeOver = false, zoneOf } = context;
    const sight = { view, ...(zoneOf === undefined ? {} : { zoneOf }), isTakeOver };
    const host = { domain, facts: facts.policyHost, sight, nowMs: facts.nowMs };
    return withBimi(state, (bimi) => prepareBimiHost(bimi, wantedLogo(context), host));
  },
  world({ bimi = NO_BIMI, ttls }, context) {
    return mailWorld(context, bimiHostVocabulary(bimi, wantedLogo(context), ttls, context.facts.policyHost));
  },
  expect: ({ what }, { bimi = NO_BIMI }, { domain }) =>
    what === 'host' ? bimiHostExpectation(bimi, domain) : undefined,
  isSerialNoted: true,
};

export const BIMI_FILES_LIFE: MailLife<BimiFilesData> = {
  machine: BIMI_FILES_MACHINE,
  get: ({ bimi = NO_BIMI }) => bimi.files,
  set: (state, files) => withBimi(state, (bimi) => (files === bimi.files ? bimi : { ...bimi, files })),
  prepare: (state, context) =>
    withBimi(state, (bimi) => serveBimiFiles(bimi, wantedLogo(context), context.facts.nowMs)),
  world({ bimi = NO_BIMI, ttls }, context) {
    return mailWorld(context, bimiFilesVocabulary(context.policy.bimi, ttls, context.facts, bimiHostVerdict(bimi)));
  },
  expect: (check, { bimi = NO_BIMI }, { domain, policy }) => bimiFilesExpectation(bimi, policy.bimi, check, domain),
  isSerialNoted: true,
};

/** A domain that never hosted a logo keeps the state that it has. */
function withBimi(state: MailState, change: (bimi: BimiState) => BimiState): MailState {
  const before = state.bimi ?? NO_BIMI;
  const bimi = change(before);
  return bimi === before ? state : { ...state, bimi };
}

const STS_LIVES: readonly MailLife[] = [STS_MODE_LIFE, POLICY_HOST_LIFE, STS_BODY_LIFE, STS_HOST_LIFE];

export const MAIL_LIVES: readonly MailLife[] = [
  DKIM_LIFE,
  DMARC_LIFE,
  ...STS_LIVES,
  TLSA_LIFE,
  BIMI_HOST_LIFE,
  BIMI_FILES_LIFE,
];
