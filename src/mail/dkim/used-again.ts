/**
 * Keys on their way out that sign again: when the active key is revoked before its successor may be used, signers are
 * given the key before it (control/signers/windows.ts). As long as that lasts, the way out of this one begins anew, so
 * that mail that it signs now has as much time as any other, and signers are waited for again.
 * Implements: RFC 6376 §3.6.1, RFC 5321 §4.5.4.1 (queue life).
 * Not here: the waits (machine.ts), the revocation (lifecycle.ts).
 */
import { type DkimKey, type DkimState, isDkimKeyWanted } from './lifecycle.ts';
import { type DkimPolicy } from './settle.ts';

/** At `nowMs`, before a step: what the step does may end this, and counts from now. */
export function usedAgain(state: DkimState, policy: DkimPolicy, nowMs: number): DkimState {
  const { objects } = state.lifecycle;
  const hasActive = (signer: string | undefined): boolean =>
    objects.some(({ stage, data }) => stage === 'active' && data.signer === signer);
  const isInUse = ({ stage, data }: DkimKey): boolean =>
    stage === 'retiring' && isDkimKeyWanted(data, policy) && !hasActive(data.signer);
  if (!objects.some(isInUse)) return state;
  const begun = objects.map((key) => (isInUse(key) ? begunAnew(key, nowMs) : key));
  return { ...state, lifecycle: { ...state.lifecycle, objects: begun } };
}

/** What signers and reports said of it was of before; so was the word of an operator. */
function begunAnew(key: DkimKey, nowMs: number): DkimKey {
  const seen = key.seen.filter(({ what }) => what === 'record');
  return { ...key, enteredAtMs: nowMs, seen, confirmed: {}, overrides: [] };
}
