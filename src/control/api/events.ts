/** The journal of events as those who follow it see it. */
import { type EventRange, type StoredEvent } from '#store/events.ts';

export type { EventRange, StoredEvent };

export interface EventsApi {
  /** Which events are kept. */
  range(): EventRange;
  /** Events after the one with id `afterId`, oldest first, at most `limit`. */
  after(afterId: number, limit: number): readonly StoredEvent[];
  /** Resolves when there may be newer events than `afterId`, after `waitMs`, or when `signal` says so; at once when nothing will ever come any more. */
  next(afterId: number, waitMs: number, signal: AbortSignal): Promise<void>;
  /** The server stops: streams end, and their clients come back with the last id they saw. */
  readonly isClosed: boolean;
}
