/**
 * Wakes those who follow the journal of events. It keeps no events and no clients: everybody reads the journal from where they are, so
 * that a slow client costs nothing here and one that comes back misses nothing that is kept.
 * Not here: the journal (store/events.ts), what is written into it (control/commands/events.ts), the stream (admin/v1/events.ts).
 */
import { Sleepers } from '#base/clock.ts';
import { type Problem, ok } from '#base/problem.ts';
import { type EventWrite, type StoreWriter } from '#store/writer.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { alertEvent } from '#control/commands/events.ts';
import { type EventRange, type EventsApi, type StoredEvent } from '#control/api/events.ts';

const ALERT = { actor: { kind: 'system', id: 'alert', from: '' }, action: 'alert', upkeep: true } as const;
const NOTE = { actor: { kind: 'system', id: 'note', from: '' }, action: 'note' } as const;

export class EventFeed implements EventsApi {
  readonly #writer: StoreWriter;
  readonly #funnel: Funnel;
  readonly #sleepers = new Sleepers();
  #isClosed = false;

  constructor(writer: StoreWriter, funnel: Funnel) {
    this.#writer = writer;
    this.#funnel = funnel;
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

  /**
   * Reports what needs a person, about a zone or the whole server, where no change reports it; the log has it too. A store without
   * space takes no alert: every other change fails then, and says so.
   */
  async alert(zone: string | undefined, problems: readonly Problem[]): Promise<void> {
    const events = problems.map((each) => alertEvent(zone, each));
    await this.#funnel.change(ALERT, () => ok({ events, isChanged: true }));
  }

  /** Tells what has happened where no change does, and nothing needs a person. */
  async note(event: EventWrite): Promise<void> {
    await this.#funnel.change(NOTE, () => ok({ events: [event], isChanged: true }));
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    this.#sleepers.wakeAll();
  }
}
