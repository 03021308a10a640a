/**
 * The way of a DMARC policy from none over quarantine to reject: a month each, and only while reports agree.
 * Implements: RFC 9989 §7.4 (steps), §A.6 (the step is taken in `p` itself: old receivers ignore `t=y`).
 * Not here: the record (settle.ts), reading reports.
 */
import { type OrderCause, order } from '#lifecycle/engine.ts';
import { checkedMachine, condition, type Machine, type Wait } from '#lifecycle/machine.ts';
import { addObject, holdLifecycle, type LifecycleObject, type LifecycleState, newLifecycle } from '#lifecycle/state.ts';
import { type Result, ok } from '#base/problem.ts';
import { DMARC_POLICIES, type DmarcPolicy } from './record.ts';
import { policyStrength } from './advice.ts';
import { verdict, type Vocabulary } from '#lifecycle/world.ts';
import { type DmarcSettings } from './settle.ts';

export type DmarcLifecycle = LifecycleState<Readonly<Record<string, never>>>;

/** The one object's id. */
export const DMARC_OBJECT = 'dmarc';

const STRICTER = condition('target', 'the policy to want a stricter one', 'mail is refused that its owner wants delivered');
const ALIGNED: Wait = {
  kind: 'gate',
  id: 'aligned',
  who: 'DMARC reports in which every known source is aligned',
  why: 'mail of a source that was forgotten is refused',
  rfc: 'RFC 9989 §7.4',
  observation: 'aligned',
  places: 'reportSources',
};
const dwell = (term: string): Wait => ({
  kind: 'time',
  id: 'dwell',
  who: 'a month of reports',
  why: 'sources that send rarely are not seen before they are refused',
  rfc: 'RFC 9989 §7.4',
  terms: [term],
  // A policy that was switched off gathered no reports.
  since: 'target',
});
const WEAKER = condition('weaker', 'the policy to want a weaker one', 'forged mail is let in');

export const DMARC_MACHINE: Machine = checkedMachine({
  kind: 'dmarc',
  first: 'none',
  last: [],
  checkEveryMs: 86_400_000,
  transitions: [
    { from: 'none', to: 'quarantine', waits: [STRICTER, dwell('noneFor'), ALIGNED] },
    { from: 'quarantine', to: 'none', waits: [WEAKER], isQuiet: true },
    { from: 'quarantine', to: 'reject', waits: [STRICTER, dwell('quarantineFor'), ALIGNED] },
    { from: 'reject', to: 'quarantine', waits: [WEAKER], isQuiet: true },
    { from: 'quarantine', to: 'none', waits: [], by: 'order' },
    { from: 'reject', to: 'quarantine', waits: [], by: 'order' },
    { from: 'reject', to: 'none', waits: [], by: 'order' },
  ],
});

/** Begins at `stage`: none, or where the domain is already. */
export function newDmarcRamp(stage: DmarcPolicy, nowMs: number): DmarcLifecycle {
  return addObject(newLifecycle(), { id: DMARC_OBJECT, group: DMARC_OBJECT, stage, data: {} }, nowMs);
}

/** The policy to publish now. */
export function dmarcStage(state: DmarcLifecycle): DmarcPolicy {
  return DMARC_POLICIES.find((policy) => policy === state.objects[0]?.stage) ?? 'none';
}

/** What the waits of the DMARC policy depend on. Without a ramp it goes all the way at once. */
export function dmarcVocabulary({ isEnabled, ramp, policy }: DmarcSettings): Vocabulary<Readonly<Record<string, never>>> {
  const stageStrength = ({ stage }: LifecycleObject<unknown>) => DMARC_POLICIES.findIndex((each) => each === stage);
  return {
    durations: { noneFor: () => (ramp.isOn ? ramp.noneForMs : 0), quarantineFor: () => (ramp.isOn ? ramp.quarantineForMs : 0) },
    places: ramp.isOn ? {} : { reportSources: () => [] },
    conditions: {
      // A record that is not published gathers no reports: its month at a stage has not begun.
      target: (object) =>
        isEnabled
          ? verdict(policyStrength(policy) > stageStrength(object), `the policy wants ${policy}`)
          : verdict(false, 'the policy publishes no DMARC record'),
      weaker: (object) => verdict(policyStrength(policy) < stageStrength(object), `the policy wants ${policy}`),
    },
  };
}

/** Steps back, and stops there until an operator resumes: the reason for stepping back is not gone by waiting. */
export function rollBackDmarc(state: DmarcLifecycle, to: DmarcPolicy, cause: OrderCause): Result<DmarcLifecycle> {
  const done = order(DMARC_MACHINE, state, DMARC_OBJECT, to, cause);
  if (!done.ok) return done;
  const held = holdLifecycle(done.value.state, DMARC_OBJECT, { reason: cause.reason, by: cause.by, atMs: cause.nowMs });
  return held.ok ? ok(held.value) : held;
}
