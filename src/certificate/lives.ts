/**
 * The life of certificates, as the loops over lives take it: what its waits depend on, which objects begin, and what a
 * look should show.
 * Not here: the stages (machine.ts), what is asked of a CA (actions.ts), what its answers change (results.ts).
 */
import { type Life } from '#lifecycle/lives.ts';
import { type CertificateExpectation, expectRecord } from '#lifecycle/expectation.ts';
import { addObject, changeObject, findObject } from '#lifecycle/state.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type ConditionVerdict } from '#lifecycle/waits.ts';
import { type Facts, verdict, type Vocabulary, worldOf } from '#lifecycle/world.ts';
import { TYPE } from '#dns/types.ts';
import { dns01Owner } from './challenge.ts';
import { CERTIFICATE_MACHINE, INSTALLED } from './machine.ts';
import { renewalTime } from './renewal.ts';
import { type CertificateData, type CertificateObject, type CertificatesState } from './state.ts';
import { comingCertificate, currentCertificate } from './state.ts';

/** A host that is to have a certificate. */
export interface WantedHost {
  /** Lower case, no last dot. */
  readonly host: string;
  /** For people: `MTA-STS`, `ordered`. */
  readonly reason: string;
  readonly isForced?: true;
}

export interface CertificateFacts extends Facts {
  readonly places: { readonly servers: readonly string[]; readonly ownHosts: readonly string[] };
  /** URLs of the CAs' directories, the first one first; none: there is no CA. */
  readonly directories: readonly string[];
}

/** What the lives of a zone's certificates depend on, beside their state. */
export interface CertificateContext {
  /** Absolute name without the last dot, for commands. */
  readonly zone: string;
  readonly wanted: readonly WantedHost[];
  readonly facts: CertificateFacts;
  /** Whether records about the key of the host's next certificate are known; absent: no record names one. */
  readonly deployment?: (host: string, pem: string) => ConditionVerdict;
  /** True while records that were published for a certificate stand, though it is not served. */
  readonly hasRecords?: (host: string, pem: string) => boolean;
  /** How long such records take until they are known. */
  readonly leadMs?: (host: string) => number;
}

export type CertificateLife = Life<CertificatesState, CertificateContext, CertificateData>;

export const CERTIFICATE_LIFE: CertificateLife = {
  machine: CERTIFICATE_MACHINE,
  get: ({ lifecycle }) => lifecycle,
  set: (state, lifecycle) => ({ ...state, lifecycle }),
  prepare: beginWanted,
  world(_state, context) {
    const { zone, facts } = context;
    return worldOf(facts, vocabulary(context), (object) => `waxseal cert renew ${zone} ${hostOf(object)} --force`);
  },
  expect: ({ what, object }, { lifecycle }) => {
    const data = findObject(lifecycle, object)?.data;
    if (data === undefined) return undefined;
    if (what === 'served') return servedExpectation(data);
    if (what !== 'record') return undefined;
    return expectRecord('record', dns01Owner(data.host), TYPE.TXT, data.order?.challenge?.value);
  },
};

function servedExpectation({ host, issued }: CertificateData): CertificateExpectation | undefined {
  return issued?.chain === undefined ? undefined : { kind: 'certificate', host, chain: issued.chain };
}

export const CERTIFICATE_LIVES: readonly CertificateLife[] = [CERTIFICATE_LIFE];

/** The host in an object's id. */
export function hostOf(id: string): string {
  return id.replace(/-\d+$/, '');
}

function vocabulary({ wanted, facts, deployment }: CertificateContext): Vocabulary<CertificateData> {
  const { servers } = facts.places;
  return {
    durations: {},
    // What the CA does not want to see need not be there.
    places: { challengeServers: ({ data }) => (data.order?.challenge === undefined ? [] : servers) },
    conditions: {
      unwanted: ({ data }) => verdict(!wanted.some(({ host }) => host === data.host), 'the host has a reason'),
      'order-lost': ({ data }) => verdict((data.order ?? data.issued) === undefined, 'the order stands'),
      ordered: ({ data }) => standing(data.order !== undefined, data, facts),
      challenged({ data }) {
        const { order } = data;
        return standing(order?.challenge !== undefined || order?.isAuthorized === true, data, facts);
      },
      issued: ({ data }) => standing(data.issued !== undefined, data, facts),
      deployable({ data: { host, issued } }) {
        const known = issued?.pem === undefined ? undefined : deployment?.(host, issued.pem);
        return known ?? verdict(true, 'no record names the key');
      },
      outdone: ({ id, group }, { objects }) => {
        const own = objects.findIndex((each) => each.id === id);
        const isNewer = objects.some((each, at) => at > own && each.group === group && INSTALLED.includes(each.stage));
        return verdict(isNewer, 'it is the newest');
      },
    },
  };
}

/** How a step with the CA stands: done, or what was in its way and when it is tried again. */
function standing(isMet: boolean, { failure, retryAtMs }: CertificateData, facts: CertificateFacts): ConditionVerdict {
  if (isMet) return verdict(true, 'done');
  if (facts.directories.length === 0) return verdict(false, 'no CA is configured (acme.directories)');
  const { nowMs, wallOffsetMs } = facts;
  const isLater = retryAtMs !== undefined && retryAtMs > nowMs;
  const next = isLater ? `tried again ${formatTime(retryAtMs + wallOffsetMs)}` : 'tried now';
  return verdict(false, failure === undefined ? next : `${failure.message}; ${next}`);
}

/** Hosts that are wanted get an object; one in use whose time has come gets a next one. */
function beginWanted(before: CertificatesState, context: CertificateContext): CertificatesState {
  const { wanted, facts } = context;
  let state = before;
  for (const { host, isForced } of wanted) {
    if (comingCertificate(state, host) !== undefined) continue;
    const current = currentCertificate(state, host);
    if (current !== undefined && !isRenewalDue(current, context)) continue;
    const replaces = current?.data.issued?.ariId;
    const data = { host, ...(replaces === undefined ? {} : { replaces }), ...(isForced === true ? { isForced } : {}) };
    state = beginCertificate(state, data, facts.nowMs);
  }
  return state;
}

export function beginCertificate(state: CertificatesState, data: CertificateData, nowMs: number): CertificatesState {
  const count = state.count + 1;
  const { first: stage } = CERTIFICATE_MACHINE;
  const object = { id: `${data.host}-${count}`, group: data.host, stage, data };
  return { ...state, count, lifecycle: addObject(state.lifecycle, object, nowMs) };
}

function isRenewalDue({ data }: CertificateObject, { facts, leadMs }: CertificateContext): boolean {
  const dueMs = renewalDueMs(data, leadMs?.(data.host) ?? 0);
  return dueMs !== undefined && dueMs <= facts.nowMs + facts.wallOffsetMs;
}

/** Wall time at which the renewal begins, when what is issued may be used `leadMs` later; undefined: it has no time. */
export function renewalDueMs({ issued, renewal }: CertificateData, leadMs: number): number | undefined {
  if (issued === undefined || renewal === undefined) return undefined;
  const { notBeforeMs, notAfterMs } = issued;
  // Twice, so that one try may fail. A certificate that is hardly longer than that is renewed again and again.
  const latestMs = Math.max(notBeforeMs + (notAfterMs - notBeforeMs) / 10, notAfterMs - 2 * leadMs);
  return leadMs === 0 ? renewal.atMs : Math.min(renewal.atMs, latestMs);
}

/** Installed certificates without a time for their renewal get one. */
export function planRenewals(state: CertificatesState): CertificatesState {
  let { lifecycle } = state;
  for (const { id, data } of lifecycle.objects) {
    const { issued, renewal } = data;
    if (issued === undefined || renewal !== undefined || issued.pem !== undefined) continue;
    const atMs = renewalTime(issued, renewalKey(data));
    lifecycle = changeObject(lifecycle, id, (each) => ({ ...each, data: { ...each.data, renewal: { atMs } } }));
  }
  return lifecycle === state.lifecycle ? state : { ...state, lifecycle };
}

/** Each host has its own place in a window, and another one for each of its certificates. */
export function renewalKey({ host, issued }: CertificateData): string {
  return `${host} ${issued?.serial ?? ''}`;
}
