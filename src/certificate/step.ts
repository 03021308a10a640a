/**
 * One step in the lives of a zone's certificates: takes in what came back from CAs and what was seen, does what is due,
 * and says which
 * challenges stand, which certificates are installed, and what to ask next. Committed as a whole or not at all.
 * Not here: the life (lives.ts), asking (control/certificate/), time (lifecycle/timeline.ts).
 */
import { type Problem } from '#base/problem.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type Explanation } from '#lifecycle/explain.ts';
import { explainLives, type LifecycleCheck, observeLives, stepLives } from '#lifecycle/lives.ts';
import { changeObject, type LifecycleObservation } from '#lifecycle/state.ts';
import { serialOf } from '#zone/changeset.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneView } from '#zone/view.ts';
import { nextActionMs } from './actions.ts';
import { alarmTime, raiseAlarms, unservedTime } from './alarms.ts';
import { chainFingerprints } from './chain.ts';
import { CERTIFICATE_LIVES, type CertificateContext, planRenewals, renewalDueMs } from './lives.ts';
import { INSTALLED } from './machine.ts';
import { challengeRecords } from './records.ts';
import { type CertificateResult, takeResults } from './results.ts';
import { type CertificatesState, comingCertificate, type IssuedCertificate } from './state.ts';

export interface CertificateStepInput {
  readonly state: CertificatesState;
  readonly view: ZoneView;
  readonly context: CertificateContext;
  readonly results?: readonly CertificateResult[];
  readonly observations?: readonly LifecycleObservation[];
}

/** A certificate that becomes its host's. */
export interface Installation {
  readonly host: string;
  readonly issued: IssuedCertificate;
  readonly pem: string;
}

export interface CertificateStep {
  readonly state: CertificatesState;
  readonly changes: readonly RrsetChange[];
  readonly events: readonly LifecycleEvent[];
  readonly checks: readonly LifecycleCheck[];
  readonly installations: readonly Installation[];
  /** What the operator should look at. */
  readonly alarms: readonly Problem[];
  /** Hosts that are without a certificate of a CA from now on. */
  readonly withdrawn: readonly string[];
  /** Hosts whose orders have ended and brought nothing that waits: their keys go. */
  readonly endedOrders: readonly string[];
  /** When to come back at the latest; undefined when only something from outside can change anything. */
  readonly nextDueMs?: number;
}

export function stepCertificates(input: CertificateStepInput): CertificateStep {
  const { view, context, results = [], observations = [] } = input;
  const { facts } = context;
  const taken = endLateOrders(takeResults(input.state, results, facts), facts.nowMs);
  const observed = observeLives(CERTIFICATE_LIVES, taken, observations);
  const step = stepLives(CERTIFICATE_LIVES, observed, context, { nowMs: facts.nowMs, serial: serialOf(view) });
  const installations = installationsOf(step.state);
  const { state: settled, alarms } = raiseAlarms(planRenewals(withoutPem(step.state)), facts);
  const { changes, published } = challengeRecords(settled, view);
  const lost = lostCertificates(input.state, settled, context);
  const state = { ...settled, published, ...(lost === undefined ? {} : { lost }) };
  const times = [step.nextDueMs, nextActionMs(state, facts), ...ownTimes(state, context), ...lostTimes(state, facts)];
  const dueMs = Math.min(...times.filter((each) => each !== undefined));
  return {
    state,
    changes,
    events: step.events,
    checks: step.checks,
    installations,
    alarms,
    withdrawn: hostsWith(input.state, isInstalled).filter((host) => !hostsWith(state, isInstalled).includes(host)),
    endedOrders: hostsWith(input.state, needsKey).filter((host) => !hostsWith(state, needsKey).includes(host)),
    ...(Number.isFinite(dueMs) ? { nextDueMs: dueMs } : {}),
  };
}

/** How every certificate stands, for people. */
export function explainCertificates(state: CertificatesState, context: CertificateContext): Explanation[] {
  return explainLives(CERTIFICATE_LIVES, state, context);
}

/** Those that came, were not installed and are gone, while records of their keys stand; undefined: there never were. */
function lostCertificates(before: CertificatesState, now: CertificatesState, { hasRecords }: CertificateContext) {
  const ids = now.lifecycle.objects.map(({ id }) => id);
  const gone = before.lifecycle.objects.flatMap(({ id, data: { host, issued } }) =>
    issued?.pem === undefined || ids.includes(id) ? [] : [{ host, pem: issued.pem }],
  );
  if (gone.length === 0 && before.lost === undefined) return undefined;
  return [...(before.lost ?? []), ...gone].filter(({ host, pem }) => hasRecords?.(host, pem) ?? false);
}

type Objects = CertificatesState['lifecycle']['objects'];

const isInstalled = ({ stage }: Objects[number]): boolean => INSTALLED.includes(stage);
/** The key of an order is kept until its certificate is installed, or is not wanted any more. */
const needsKey = ({ data }: Objects[number]): boolean => data.order !== undefined || data.issued?.pem !== undefined;

function hostsWith({ lifecycle }: CertificatesState, is: (object: Objects[number]) => boolean): string[] {
  return lifecycle.objects.filter(is).map(({ data }) => data.host);
}

/** An order that the CA has forgotten by now begins anew. */
function endLateOrders(state: CertificatesState, nowMs: number): CertificatesState {
  let { lifecycle } = state;
  for (const { id, data } of lifecycle.objects) {
    if (data.order === undefined || data.order.expiresAtMs > nowMs) continue;
    const { order: _order, retryAtMs: _retryAtMs, tries: _tries, ...rest } = data;
    const message = 'the order ended before the CA had seen the challenge';
    const failure = { code: 'ACME_REJECTED' as const, message, sinceMs: nowMs };
    lifecycle = changeObject(lifecycle, id, (each) => ({ ...each, data: { ...rest, failure } }));
  }
  return lifecycle === state.lifecycle ? state : { ...state, lifecycle };
}

function installationsOf({ lifecycle }: CertificatesState): Installation[] {
  return lifecycle.objects.flatMap((object) => {
    const { host, issued } = object.data;
    return isInstalled(object) && issued?.pem !== undefined ? [{ host, issued, pem: issued.pem }] : [];
  });
}

/** From then on the chain is in the host's own document. */
function withoutPem(state: CertificatesState): CertificatesState {
  const objects = state.lifecycle.objects.map((object) => {
    const { issued } = object.data;
    if (!isInstalled(object) || issued?.pem === undefined) return object;
    const { pem, ...kept } = issued;
    return { ...object, data: { ...object.data, issued: { ...kept, chain: chainFingerprints(pem) } } };
  });
  return { ...state, lifecycle: { ...state.lifecycle, objects } };
}

/** The records of lost certificates are taken back at once. */
function lostTimes({ lost = [] }: CertificatesState, { nowMs }: CertificateContext['facts']): number[] {
  return lost.length === 0 ? [] : [nowMs];
}

/** When renewals begin, and orders end; counted time. */
function ownTimes(state: CertificatesState, { facts: { wallOffsetMs }, leadMs }: CertificateContext): number[] {
  const { lifecycle } = state;
  const hasComing = (host: string) => comingCertificate(state, host) !== undefined;
  return lifecycle.objects.flatMap((object) => {
    const { data } = object;
    const { order } = data;
    const isThere = isInstalled(object);
    const alarmMs = isThere ? alarmTime(data) : undefined;
    const unservedMs = unservedTime(object);
    const isRenewing = !isThere || hasComing(data.host);
    const renewalMs = isRenewing ? undefined : renewalDueMs(data, leadMs?.(data.host) ?? 0);
    return [
      ...(order === undefined ? [] : [order.expiresAtMs]),
      ...(renewalMs === undefined ? [] : [renewalMs - wallOffsetMs]),
      ...(unservedMs === undefined ? [] : [unservedMs]),
      ...(alarmMs === undefined ? [] : [alarmMs - wallOffsetMs]),
    ];
  });
}
