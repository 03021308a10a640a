/**
 * One step in the life of a domain's mail: takes in what was seen and made since, does what is due, and compiles the records. The result
 * is committed as a whole or not at all; called again with the same arguments it decides the same.
 * Not here: which lives there are (lives.ts), time (lifecycle/timeline.ts), keys and look-ups (control/mail/).
 */
import { LIFECYCLE_RETRY_MS, LIFECYCLE_SETTLE_MS } from '#base/limits/lifecycle.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type Explanation } from '#lifecycle/explain.ts';
import { explainLives, type LifecycleCheck, observeLives, stepLives } from '#lifecycle/lives.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { formatName } from '#dns/name.ts';
import { serialOf } from '#zone/changeset.ts';
import { bimiUploadProblems, NO_BIMI } from '#mail/bimi/files.ts';
import { explainBimi } from '#mail/bimi/hold.ts';
import { awaitsBimiCertificate, bimiHostProblems } from '#mail/bimi/host.ts';
import { type Compiled, compileMail, type CompileInput } from './compile.ts';
import { forgettableSecrets, type NewDkimKey, takeDkimKeys, wantedDkimKeys } from '#mail/dkim/lifecycle.ts';
import { absentSigners } from '#mail/dkim/signers.ts';
import { usedAgain } from '#mail/dkim/used-again.ts';
import { MAIL_LIVES, type MailContext, type MailLife } from './lives.ts';
import { type MailFacts } from './facts.ts';
import { noteReplaced, noteTtls } from './served-ttls.ts';
import { type MailState } from './state.ts';
import { awaitsCertificate, policyHostProblems } from '#mail/mta-sts/policy-host.ts';
import { type DkimAlgorithm } from '#mail/policy/schema.ts';
import { reportHoldProblems } from './tls-rpt-hold.ts';
import { NO_SPF_STATE, settleSpfParts, type SpfState } from '#mail/spf/parts.ts';

export interface MailStepInput extends CompileInput {
  readonly facts: MailFacts;
  /** Keys made for what the step before wanted. Those that the step does not want are left over. */
  readonly newKeys?: readonly NewDkimKey[];
  readonly observations?: readonly LifecycleObservation[];
  /** All of mail, unless a test breaks or adds one. */
  readonly lives?: readonly MailLife[];
}

export interface MailStep extends Omit<Compiled, 'managed' | 'consents'> {
  readonly state: MailState;
  readonly events: readonly LifecycleEvent[];
  readonly checks: readonly LifecycleCheck[];
  /** When to come back at the latest; undefined when only something from outside can change anything. */
  readonly nextDueMs?: number;
  /** Keys to be made now; the step is to be taken again with them. */
  readonly wantedKeys: readonly DkimAlgorithm[];
  /** Selectors of `newKeys`, in their order; shorter when some were not wanted. */
  readonly selectors: readonly string[];
  /** Ids of private keys to be destroyed in the same transaction. */
  readonly forgettableSecrets: readonly string[];
}

/** Does everything that is due for `domain` at `facts.nowMs`. */
export function stepMail(input: MailStepInput): MailStep {
  const { domain, policy, view, facts, lives = MAIL_LIVES, newKeys = [], observations = [] } = input;
  const ttls = noteTtls(input.state.ttls, input);
  const observed = observeLives(lives, { ...input.state, ttls }, observations);
  const inUse = usedAgain(observed.dkim, policy.dkim, facts.nowMs);
  const { state: dkim, selectors } = takeDkimKeys(inUse, newKeys, policy.dkim, view, facts);
  const step = stepLives(lives, { ...observed, dkim }, input, { nowMs: facts.nowMs, serial: serialOf(view) });
  const spfInput = { domain, policy: policy.spf, view, ttls, nowMs: facts.nowMs };
  const spf = settleSpfParts(step.state.spf ?? NO_SPF_STATE, spfInput);
  const state = withSpf(step.state, spf.state);
  const { managed, consents, ...compiled } = compileMail({ ...input, state });
  const wanted = wantedDkimKeys(state.dkim, policy.dkim, facts);
  // Keys that are wanted and were not brought along are asked for again, also when who made them died.
  const soonMs = wanted.algorithms.length > 0 ? facts.nowMs + LIFECYCLE_SETTLE_MS : undefined;
  // Who installs a certificate wakes the zone; a wake that was missed is made up for.
  const isWaiting = awaitsCertificate(state.mtaSts) || awaitsBimiCertificate(state.bimi ?? NO_BIMI);
  const certificateMs = isWaiting ? facts.nowMs + LIFECYCLE_RETRY_MS : undefined;
  const due = [step.nextDueMs, spf.nextDueMs, wanted.nextMs, soonMs, certificateMs];
  const times = due.filter((each) => each !== undefined);
  const problems = [
    ...spf.problems,
    ...compiled.problems,
    ...absentSigners(policy.dkim.signers, facts.signers, domain),
    ...policyHostProblems(state.mtaSts, domain, facts.policyHost),
    ...bimiHostProblems(state.bimi ?? NO_BIMI, domain, facts.policyHost),
    ...bimiUploadProblems(policy.bimi, facts.bimiUploads ?? {}, domain, facts),
    ...reportHoldProblems(policy, state, domain),
  ];
  return {
    ...compiled,
    problems,
    state: { ...state, managed, consents, ttls: noteReplaced(ttls, compiled.changes, input) },
    events: [...step.events, ...spf.events],
    checks: step.checks,
    ...(times.length === 0 ? {} : { nextDueMs: Math.min(...times) }),
    wantedKeys: wanted.algorithms,
    selectors,
    forgettableSecrets: forgettableSecrets(dkim, state.dkim),
  };
}

/** How everything of the domain stands, for people. */
export function explainMail(state: MailState, context: MailContext, lives = MAIL_LIVES): Explanation[] {
  const zone = formatName(context.domain).replace(/(?<=.)\.$/, '');
  return [...explainLives(lives, state, context), ...explainBimi(context.policy, state, context.facts, zone)];
}

function withSpf({ spf: _before, ...state }: MailState, spf: SpfState): MailState {
  return spf.sources.length === 0 && spf.parts.length === 0 ? state : { ...state, spf };
}
