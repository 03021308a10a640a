/**
 * ACME renewal information: when the CA suggests that a certificate be renewed.
 * Implements: RFC 9773 §4.1 (certificate identifier), §4.2 (suggested window), §4.3.2 and §4.3.3 (schedule).
 * Not here: what happens without it (renewal.ts), asking (control/certificate/acme-client.ts).
 */
import { ACME_URL_CHARACTERS_MAX, ARI_RETRY_MS_DEFAULT } from '#base/limits/acme.ts';
import { ARI_RETRY_MS_MAX, ARI_RETRY_MS_MIN } from '#base/limits/acme.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { base64url } from './jws.ts';
import { placeOf } from './messages.ts';
import { readCertificateParts } from './read-der.ts';

/** Wall times. */
export interface RenewalWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** A page of the CA about why. */
  readonly explanationUrl?: string;
}

/**
 * RFC 9773 §4.1: authority key identifier and serial number of a certificate in DER; undefined when it lacks the first.
 */
export function ariId(der: Uint8Array): string | undefined {
  const parts = readCertificateParts(der);
  if (parts?.authorityKeyId === undefined) return undefined;
  return `${base64url(parts.authorityKeyId)}.${base64url(parts.serial)}`;
}

/** RFC 9773 §4.1: the URL that is asked with GET. */
export function ariUrl(renewalInfo: string, id: string): string {
  return `${renewalInfo.replace(/\/$/, '')}/${id}`;
}

/** The window in the answer at `url`. */
export function readRenewalWindow(value: unknown, url: string): Result<RenewalWindow> {
  const window = memberOf(value, 'suggestedWindow');
  const [startMs, endMs] = ['start', 'end'].map((name) => timeOf(memberOf(window, name)));
  // RFC 9773 §4.2: a window whose end is not after its start is no window.
  if (startMs === undefined || endMs === undefined || endMs <= startMs)
    return fail(problem('ACME_ANSWER', placeOf(url), 'the CA suggests no window of time', { rfc: 'RFC 9773 §4.2' }));
  const explanation = memberOf(value, 'explanationURL');
  return ok({ startMs, endMs, ...(isPage(explanation) ? { explanationUrl: explanation } : {}) });
}

/** RFC 9773 §4.3.2: a time in the window, the same one each time for the same `share` of 0 to 1. */
export function timeInWindow({ startMs, endMs }: RenewalWindow, share: number): number {
  return Math.round(startMs + (endMs - startMs) * share);
}

/** RFC 9773 §4.3.3: how long until the window is asked for again. */
export function ariRetryMs(retryAfterMs: number | undefined): number {
  if (retryAfterMs === undefined) return ARI_RETRY_MS_DEFAULT;
  return Math.min(ARI_RETRY_MS_MAX, Math.max(ARI_RETRY_MS_MIN, retryAfterMs));
}

function isPage(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > ACME_URL_CHARACTERS_MAX) return false;
  return /^https?:\/\/[\x21-\x7e]+$/.test(value);
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(name);
}

function timeOf(value: unknown): number | undefined {
  const atMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(atMs) ? atMs : undefined;
}
