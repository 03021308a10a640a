/**
 * Wakes those who follow the journal of events. It keeps no events and no clients: everybody reads the journal from where they are, so
 * that a slow client costs nothing here and one that comes back misses nothing that is kept.
 * Not here: the journal (store/events.ts), what is written into it (writes.ts), the stream (admin/v1/events.ts).
 */
import { type Clock } from '#base/clock.ts';
import { type Problem } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { type StoreWriter } from '#store/writer.ts';
import { alertEvent } from './writes.ts';
import { type EventRange, type EventsApi, type StoredEvent } from '#control/api/events.ts';
import { Sleepers } from './sleepers.ts';

export class EventFeed implements EventsApi {
  readonly #writer: StoreWriter;
  readonly #clock: Clock;
  readonly #inQueue: (job: () => Promise<void>) => Promise<void>;
  readonly #sleepers = new Sleepers();
  #isClosed = false;

  /** `inQueue` runs a job between commands. */
  constructor(writer: StoreWriter, clock: Clock, inQueue: (job: () => Promise<void>) => Promise<void>) {
    this.#writer = writer;
    this.#clock = clock;
    this.#inQueue = inQueue;
    writer.onEvents(() => this.#sleepers.wakeAll());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  range(): EventRange {
    return this.#writer.eventRange();
  }

  after(afterId: number, limit: number): readonly StoredEvent[] {
    return this.#writer.events(afterId, limit);
  }

  async next(afterId: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#isClosed || signal.aborted || this.range().newest > afterId) return;
    await this.#sleepers.sleep(waitMs, signal);
  }

  /** Tells that somebody should look, about a zone or the whole server. For what no change tells of; the log says it too. */
  alert(zone: string | undefined, problems: readonly Problem[]): Promise<void> {
    return this.#inQueue(async () => {
      const audit = { atMs: this.#clock.nowMs() };
      try {
        await this.#writer.commit({ audit, events: problems.map((each) => alertEvent(zone, each)), upkeep: true });
      } catch (error) {
        // A store without room, or broken: whoever changes something next hears of it.
        if (!(error instanceof StoreFailure)) throw error;
      }
    });
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    this.#sleepers.wakeAll();
  }
}
