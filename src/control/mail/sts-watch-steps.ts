/**
 * Which zones have a watch over a policy host of another server.
 * Not here: the looks (sts-upkeep.ts), what they find (mail/mta-sts/watch.ts).
 */
import { type MailPolicy } from '#mail/mail-policy.ts';
import { watchedSts } from '#mail/mta-sts/watch.ts';
import { type MailState } from '#mail/state.ts';
import { readStsWatch, stsWatchWrite } from '#store/mail/sts-watch.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';

export interface WatchedPolicy {
  readonly zoneId: number;
  readonly policy: MailPolicy;
  readonly state: MailState;
  /** Counted time. */
  readonly nowMs: number;
}

/** What a step of a zone's mail changes in the watch: it begins, or it ends. */
export function stsWatchSteps(writer: StoreWriter, { zoneId, policy, state, nowMs }: WatchedPolicy): DocumentWrite[] {
  const before = readStsWatch(writer, zoneId);
  const isWatched = watchedSts(state.mtaSts, policy.mtaSts) !== undefined;
  if (!isWatched) return before === undefined ? [] : [stsWatchWrite(zoneId, null)];
  return before === undefined ? [stsWatchWrite(zoneId, { version: 1, nextMs: nowMs })] : [];
}
