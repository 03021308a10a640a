/**
 * What came back from a CA, taken into the state: pure, so that a result which is not committed never happened.
 * Not here: asking (control/certificate/), the stages that follow (lives.ts).
 */
import {
  ACME_FAILURES_BEFORE_NEXT,
  ACME_POLL_MS,
  ACME_REJECTED_MS_MAX,
  ACME_REJECTED_MS_MIN,
  ACME_RETRY_AFTER_MS_MAX,
  ACME_RETRY_MS_MAX,
  ACME_RETRIES_ALIKE,
  ACME_RETRY_MS_MIN,
} from '#base/limits/acme.ts';
import { changeObject } from '#lifecycle/state.ts';
import { type RenewalWindow, ariRetryMs } from './ari.ts';
import { type CertificateFacts, renewalKey } from './lives.ts';
import { renewalTime, shareOf } from './renewal.ts';
import {
  type CertificateData,
  type CertificateFailure,
  type CertificateObject,
  type CertificateOrder,
  type CertificatesState,
  type IssuedCertificate,
  type OrderChallenge,
} from './state.ts';

interface Of {
  /** Id of the object. */
  readonly object: string;
}

export type CertificateResult =
  /** The CA took the order. */
  | (Of & { readonly kind: 'ordered'; readonly order: CertificateOrder })
  /** What the CA wants to see; without a challenge nothing. */
  | (Of & { readonly kind: 'challenged'; readonly order: string; readonly challenge?: OrderChallenge })
  /** The CA works on it. */
  | (Of & { readonly kind: 'waiting'; readonly order: string; readonly retryAfterMs?: number })
  | (Of & { readonly kind: 'issued'; readonly order: string; readonly issued: IssuedCertificate })
  | FailedResult
  /** What the CA suggests for the renewal; without a window it could not be asked. */
  | (Of & { readonly kind: 'window'; readonly window?: RenewalWindow; readonly retryAfterMs?: number });

export interface FailedResult extends Of {
  readonly kind: 'failed';
  readonly failure: Omit<CertificateFailure, 'sinceMs'>;
  /** Of the CA; absent: no CA was asked. */
  readonly directory?: string;
  /** `again`: the same step is tried again. `rejected`: the order, if there is one, has ended. */
  readonly what: 'again' | 'rejected';
  readonly retryAfterMs?: number;
  /** The certificate that it was to replace is not one that the CA lets be replaced. */
  readonly isReplacesRejected?: true;
}

type Results = readonly CertificateResult[];

/** The state with the results taken in. A result about an object that is gone changes nothing. */
export function takeResults(before: CertificatesState, results: Results, facts: CertificateFacts): CertificatesState {
  return results.reduce((state, result) => {
    const change = (each: CertificateObject) => ({ ...each, data: takeResult(each.data, result, facts) });
    return { ...state, lifecycle: changeObject(state.lifecycle, result.object, change) };
  }, before);
}

function takeResult(data: CertificateData, result: CertificateResult, facts: CertificateFacts): CertificateData {
  // An answer about an order that was given up since is no answer.
  if ('order' in result && typeof result.order === 'string' && result.order !== data.order?.url) return data;
  switch (result.kind) {
    case 'ordered':
      return { ...withoutTries(data), order: result.order };
    case 'challenged': {
      const { challenge } = result;
      const seen = challenge === undefined ? { isAuthorized: true as const } : { challenge };
      return { ...withoutTries(data), order: { ...data.order!, ...seen } };
    }
    case 'waiting': {
      const waitMs = Math.min(result.retryAfterMs ?? ACME_POLL_MS, ACME_RETRY_AFTER_MS_MAX);
      return { ...withoutTries(data), retryAtMs: facts.nowMs + Math.max(waitMs, ACME_POLL_MS / 4) };
    }
    case 'issued': {
      const { order: _order, directories: _directories, ...rest } = withoutTries(data);
      return { ...rest, issued: result.issued };
    }
    case 'failed':
      return takeFailure(data, result, facts);
    case 'window':
      return takeWindow(data, result, facts);
  }
}

function withoutTries(data: CertificateData): CertificateData {
  const { tries: _tries, retryAtMs: _retryAtMs, failure: _failure, ...rest } = data;
  return rest;
}

function takeFailure(data: CertificateData, result: FailedResult, facts: CertificateFacts): CertificateData {
  const { nowMs, directories } = facts;
  const { failure: given, directory, what, retryAfterMs = 0, isReplacesRejected } = result;
  const sinceMs = data.failure?.code === given.code ? data.failure.sinceMs : nowMs;
  const failure = { ...given, sinceMs };
  const tries = (data.tries ?? 0) + 1;
  const later = Math.min(retryAfterMs, ACME_RETRY_AFTER_MS_MAX);
  const spread = 1 + shareOf(`${data.host} ${tries} ${nowMs}`) / 4;
  if (what === 'again') {
    const againMs = ACME_RETRY_MS_MIN * 2 ** Math.max(0, tries - ACME_RETRIES_ALIKE);
    const waitMs = Math.max(later, Math.min(ACME_RETRY_MS_MAX, againMs) * spread);
    const isGivenUp = data.order === undefined && tries >= ACME_FAILURES_BEFORE_NEXT && directories.length > 1;
    if (!isGivenUp) return { ...data, failure, tries, retryAtMs: Math.round(nowMs + waitMs) };
  }
  const { order: _order, replaces, ...rest } = data;
  const kept = replaces === undefined || isReplacesRejected === true ? {} : { replaces };
  const before = directory === undefined ? undefined : data.directories?.[directory];
  const failures = (before?.failures ?? (directory === undefined ? tries - 1 : 0)) + 1;
  const backOffMs = Math.min(ACME_REJECTED_MS_MAX, ACME_REJECTED_MS_MIN * 2 ** (failures - 1)) * spread;
  const retryAtMs = Math.round(nowMs + (isReplacesRejected === true ? 0 : Math.max(later, backOffMs)));
  if (directory === undefined) return { ...rest, ...kept, failure, tries, retryAtMs };
  const tried = { ...data.directories, [directory]: { failures, retryAtMs } };
  // The next directory is tried at once, if there is one whose turn it is.
  const firstMs = Math.min(...directories.map((url) => tried[url]?.retryAtMs ?? nowMs));
  return { ...rest, ...kept, failure, tries: 0, directories: tried, retryAtMs: Math.max(nowMs, firstMs) };
}

function takeWindow(
  data: CertificateData,
  { window, retryAfterMs }: Extract<CertificateResult, { readonly kind: 'window' }>,
  { nowMs }: CertificateFacts,
): CertificateData {
  const { issued, renewal } = data;
  if (issued === undefined || renewal === undefined) return data;
  const nextLookMs = nowMs + ariRetryMs(retryAfterMs);
  // RFC 9773 §4.3.3: what was suggested last counts until the CA can be asked again.
  const known = window ?? renewal.window;
  const atMs = renewalTime(issued, renewalKey(data), known);
  return { ...data, renewal: { atMs, nextLookMs, ...(known === undefined ? {} : { window: known }) } };
}

/** The directory whose turn it is: the first one that is not left alone for a time. */
export function directoryOf(data: CertificateData, { directories, nowMs }: CertificateFacts): string | undefined {
  return directories.find((url) => (data.directories?.[url]?.retryAtMs ?? nowMs) <= nowMs);
}
