/**
 * Which zones have a watch over their mail hosts: those with TLSA records at the port of SMTP.
 * Not here: the looks (dane-upkeep.ts).
 */
import { SMTP_PORT } from '#mail/dane/record.ts';
import { type MailState } from '#mail/state.ts';
import { daneWake, daneWatchWrite, readDaneWatch } from '#store/mail/dane-watch.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';
import { tlsaHosts } from './live-tlsa.ts';

export interface WatchedZone {
  readonly zoneId: number;
  readonly state: MailState;
  /** A key has a new stage. */
  readonly isMoved: boolean;
  /** Counted time. */
  readonly nowMs: number;
}

/** What a step of a zone's mail changes in the watch: it begins, it ends, or it looks again because a key changed. */
export function daneWatchSteps(writer: StoreWriter, { zoneId, state, isMoved, nowMs }: WatchedZone): DocumentWrite[] {
  const isWatched = readDaneWatch(writer, zoneId) !== undefined;
  if (!hasWatchedHost(state)) return isWatched ? [daneWatchWrite(zoneId, null)] : [];
  if (!isWatched) return [daneWatchWrite(zoneId, { version: 1, nextMs: nowMs, hosts: {} })];
  return isMoved ? [daneWake(zoneId, nowMs)] : [];
}

function hasWatchedHost(state: MailState): boolean {
  return tlsaHosts(state).some(({ port }) => port === SMTP_PORT);
}
