/**
 * When a certificate is renewed: where its CA suggests a time, then; otherwise after two thirds of its life, whatever
 * its length. Each host
 * has its own place in the window, so that a thousand hosts of one day do not come back on one day.
 * Implements: RFC 9773 §4.3.2.
 */
import { createHash } from 'node:crypto';
import { ARI_FIRST_MS } from '#base/limits/acme.ts';
import { type RenewalWindow, timeInWindow } from './ari.ts';

/** Wall times. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const SHARE = 2 / 3;
/** Hosts are spread over this part of the life, before two thirds of it are over. */
const SPREAD = 1 / 20;

/** Wall time at which the renewal begins. `key` names host and certificate: the same key has the same time. */
export function renewalTime({ notBeforeMs, notAfterMs }: Validity, key: string, window?: RenewalWindow): number {
  const lifeMs = notAfterMs - notBeforeMs;
  const usualMs = notBeforeMs + lifeMs * (SHARE - SPREAD * shareOf(key));
  if (window === undefined) return Math.round(usualMs);
  // A CA that suggests a time after the end, or just before it, errs: nothing would be left for another try.
  const soonestMs = notBeforeMs + Math.min(ARI_FIRST_MS, lifeMs / 10);
  return Math.round(Math.max(soonestMs, Math.min(timeInWindow(window, shareOf(key)), notAfterMs - lifeMs / 10)));
}

/** 0 to 1, evenly spread, the same for the same text. */
export function shareOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
}
