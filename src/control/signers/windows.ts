/**
 * Which keys a signer is given, and from when to when it signs with each: at any moment exactly one of each algorithm, also when the
 * answer is some time old. Pure.
 * Implements: RFC 6376 §3.1 (old and new key side by side in DNS, one of them in use), RFC 8463 §3 (Ed25519 beside RSA).
 * Not here: the keys' lives (mail/dkim/lifecycle.ts), the forms of answers (forms.ts).
 */
import { SIGNER_CLOCK_SKEW_SECONDS } from '#base/limits/signers.ts';
import { type DkimSigningKey } from '#control/mail/dkim-keys.ts';

/** A key to sign with from `startSeconds` on and before `endSeconds`, wall time; without an end, until the next answer says otherwise. */
export interface SigningWindow {
  readonly key: DkimSigningKey;
  readonly startSeconds: number;
  readonly endSeconds?: number;
}

/** Published, and going to be used at a known time. Keys of our own life cycles are not given before they are active: see `signable` in control/mail/dkim-keys.ts. */
const COMING: readonly string[] = ['published', 'visible'];

/**
 * Of each algorithm the active key, and the one that follows it when that is settled. A key on its way out is given only while nothing
 * else of the domain can sign: its record is still there, and mail that is signed with it is better than mail that is not.
 */
export function signingWindows(keys: readonly DkimSigningKey[]): SigningWindow[] {
  const windows = [...new Set(keys.map(({ algorithm }) => algorithm))].flatMap((algorithm) =>
    windowsOf(keys.filter((each) => each.algorithm === algorithm)),
  );
  if (windows.some(({ key }) => key.state === 'active')) return windows;
  const newest = new Map(keys.filter(({ state }) => state === 'retiring').map((key) => [key.algorithm, key]));
  const kept = [...newest.values()].map((key): SigningWindow => {
    const next = windows.find((each) => each.key.algorithm === key.algorithm);
    const start = { key, startSeconds: key.validFromSeconds };
    return next === undefined ? start : { ...start, endSeconds: next.startSeconds };
  });
  return [...kept, ...windows];
}

function windowsOf(keys: readonly DkimSigningKey[]): SigningWindow[] {
  const active = keys.findLast(({ state }) => state === 'active');
  const from = active?.validFromSeconds ?? 0;
  const next = keys.filter(({ state, validFromSeconds }) => COMING.includes(state) && validFromSeconds > from).toSorted(byStart)[0];
  const coming = next === undefined ? [] : [{ key: next, startSeconds: next.validFromSeconds }];
  if (active === undefined) return coming;
  // Its record was seen everywhere before it became active: signing with it may begin by any clock.
  return [
    { key: active, startSeconds: from - SIGNER_CLOCK_SKEW_SECONDS, ...(next === undefined ? {} : { endSeconds: next.validFromSeconds }) },
    ...coming,
  ];
}

function byStart(a: DkimSigningKey, b: DkimSigningKey): number {
  return a.validFromSeconds - b.validFromSeconds;
}

/** The keys to sign with at this moment. */
export function signingNow(windows: readonly SigningWindow[], nowSeconds: number): DkimSigningKey[] {
  return windows
    .filter(({ startSeconds, endSeconds }) => startSeconds <= nowSeconds && (endSeconds === undefined || nowSeconds < endSeconds))
    .map(({ key }) => key);
}
