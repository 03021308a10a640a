/** A journal of events in memory, for what stands in front of one. */
import type { EventsApi, StoredEvent } from '#control/api/events.ts';
import { Sleepers } from '#control/events/sleepers.ts';

export class MemoryEvents implements EventsApi {
  readonly events: StoredEvent[] = [];
  readonly #sleepers = new Sleepers();
  isClosed = false;

  add(event: Pick<StoredEvent, 'kind' | 'event' | 'text'> & Partial<StoredEvent>): void {
    this.events.push({ id: this.range().newest + 1, generation: 1, atMs: 0, ...event });
    this.#sleepers.wakeAll();
  }

  /** As the store does with what is too old. */
  forget(count: number): void {
    this.events.splice(0, count);
  }

  close(): void {
    this.isClosed = true;
    this.#sleepers.wakeAll();
  }

  range(): ReturnType<EventsApi['range']> {
    return { oldest: this.events[0]?.id ?? 0, newest: this.events.at(-1)?.id ?? 0 };
  }

  after(afterId: number, limit: number): readonly StoredEvent[] {
    return this.events.filter(({ id }) => id > afterId).slice(0, limit);
  }

  async next(afterId: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.isClosed || signal.aborted || this.range().newest > afterId) return;
    await this.#sleepers.sleep(waitMs, signal);
  }
}
