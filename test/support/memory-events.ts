/** A journal of events in memory, for what stands in front of one. */
import type { EventsApi, StoredEvent } from '#control/api/events.ts';
import { Sleepers } from '#base/clock.ts';

export class MemoryEvents implements EventsApi {
  readonly events: StoredEvent[] = [];
  readonly #sleepers = new Sleepers();
  /** What is gone went by zones' shares: the next event of the zone says so. */
  #lostByShare = false;
  isClosed = false;

  add(event: Pick<StoredEvent, 'kind' | 'event' | 'text'> & Partial<StoredEvent>): void {
    this.events.push({ id: this.range().newest + 1, generation: 1, atMs: 0, ...event });
    this.#sleepers.wakeAll();
  }

  /** As the store does with what is too old. */
  forget(count: number): void {
    this.events.splice(0, count);
  }

  /** As the store does when a zone has more than its share. */
  lose(...ids: readonly number[]): void {
    for (const id of ids)
      this.events.splice(
        this.events.findIndex((each) => each.id === id),
        1,
      );
    this.#lostByShare = true;
  }

  close(): void {
    this.isClosed = true;
    this.#sleepers.wakeAll();
  }

  range(): ReturnType<EventsApi['range']> {
    const oldest = this.events[0]?.id ?? 0;
    return { oldest, newest: this.events.at(-1)?.id ?? 0, lost: this.#lostByShare ? 0 : Math.max(0, oldest - 1) };
  }

  after(afterId: number, limit: number): readonly StoredEvent[] {
    return this.events.filter(({ id }) => id > afterId).slice(0, limit);
  }

  async next(afterId: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.isClosed || signal.aborted || this.range().newest > afterId) return;
    await this.#sleepers.sleep(waitMs, signal);
  }
}
