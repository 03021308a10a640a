/**
 * The text of a stream of events, block by block.
 * Implements: HTML Living Standard §9.2 (server-sent events): `id`, `event`, `data`, `retry` and comments.
 *
 * A stream keeps a place in the journal and nothing else: it reads on when its client has taken what was sent. So a
 * slow client costs no memory. A client that takes nothing is cut off, and reads the rest when it comes back.
 * Not here: the journal (store/events.ts), waking the streams (control/events/feed.ts), requests (events.ts).
 */
import { EVENT_BATCH_MAX, EVENT_HEARTBEAT_MS, EVENT_RETRY_MS, EVENT_STALL_MS_MAX } from '#base/limits/events.ts';
import type { EventsApi, StoredEvent } from '#control/api/events.ts';
import { isoTime } from '#admin/http/form.ts';

export interface EventTimes {
  readonly heartbeatMs: number;
  readonly stallMs: number;
}
export const EVENT_TIMES: EventTimes = { heartbeatMs: EVENT_HEARTBEAT_MS, stallMs: EVENT_STALL_MS_MAX };

/** Where a stream begins. */
export interface Beginning {
  readonly afterId: number;
  /** The client has seen the events up to `afterId`: those after it that are no longer kept, it has missed. */
  readonly isResumed: boolean;
  /** The id that the client gave, when this server never had such an event. */
  readonly unknown?: number;
}

interface StreamOptions {
  readonly events: EventsApi;
  readonly isSeen: (event: StoredEvent) => boolean;
  /** Whether events of a zone, or of none, may be among those that are seen. */
  readonly isZoneSeen: (zone: string | undefined) => boolean;
  /** Whether the token is still good. */
  readonly isAllowed: () => boolean;
  readonly begin: Beginning;
  readonly follow: boolean;
  readonly heartbeatMs: number;
  readonly signal: AbortSignal;
}

/** The stream. It ends when the client has gone, its token is no longer good, or the server stops. */
export async function* streamText(options: StreamOptions): AsyncGenerator<string> {
  const { events, isSeen, isAllowed, begin, follow, heartbeatMs, signal } = options;
  const missed = new MissedEvents(begin, options.isZoneSeen);
  let at = begin.afterId;
  let { isResumed } = begin;
  yield `retry: ${EVENT_RETRY_MS}\nid: ${at}\n\n`;
  if (begin.unknown !== undefined) yield gap(at, { reason: 'unknown', lastEventId: begin.unknown });
  while (!signal.aborted && isAllowed()) {
    const { lost } = events.range();
    if (isResumed && lost > at) {
      yield gap(lost, { reason: 'forgotten', missedFrom: at + 1, missedTo: lost });
      at = lost;
      missed.caughtUp(at);
    }
    const batch = events.after(at, EVENT_BATCH_MAX);
    if (batch.length > 0) {
      isResumed = true;
      const texts = batch.map((event) => {
        const before = missed.before(event);
        const told = before === undefined ? '' : gap(at, before);
        at = event.id;
        return told + (isSeen(event) ? eventText(event) : '');
      });
      // The id also passes the events that are not shown: a client that comes back must not get a gap there.
      yield texts.join('') + (isSeen(batch.at(-1)!) ? '' : `id: ${at}\n\n`);
      continue;
    }
    missed.caughtUp(at);
    if (!follow || events.isClosed) return;
    await events.next(at, heartbeatMs, signal);
    if (!signal.aborted && !events.isClosed && events.range().newest === at) yield ': all is well\n\n';
  }
}

/**
 * Which events of a zone are gone that a client has not had: each event names the one before it about its zone. While
 * a stream catches up, it remembers the last event of each zone.
 */
class MissedEvents {
  readonly #isZoneSeen: StreamOptions['isZoneSeen'];
  readonly #last = new Map<string, number>();
  /** Up to here the client has had everything, or knows what it has not. */
  #from: number;
  /** Else the client began with the oldest event, and has missed nothing of a zone before the first that it gets. */
  #isResumed: boolean;

  constructor({ afterId, isResumed }: Beginning, isZoneSeen: StreamOptions['isZoneSeen']) {
    this.#from = afterId;
    this.#isResumed = isResumed;
    this.#isZoneSeen = isZoneSeen;
  }

  /** What is missing just before `event`, the next one of the journal. */
  before({ id, zone, previous }: StoredEvent): object | undefined {
    const key = zone ?? '';
    const last = this.#last.get(key);
    this.#last.set(key, id);
    if (previous === undefined || previous <= this.#from || previous === last) return undefined;
    if ((last === undefined && !this.#isResumed) || !this.#isZoneSeen(zone)) return undefined;
    const of = zone === undefined ? {} : { zone };
    return { reason: 'forgotten', ...of, missedFrom: (last ?? this.#from) + 1, missedTo: previous };
  }

  /** The client has had everything up to `id`, or knows what it has not. */
  caughtUp(id: number): void {
    this.#from = id;
    this.#isResumed = true;
    this.#last.clear();
  }
}

function gap(id: number, data: object): string {
  return `id: ${id}\nevent: gap\ndata: ${JSON.stringify(data)}\n\n`;
}

/** JSON has no line breaks, so one line of data is enough. */
function eventText({ id, kind, atMs, generation, previous: _previous, lost: _lost, ...rest }: StoredEvent): string {
  const data = { id, at: isoTime(atMs), kind, ...rest, ...(kind === 'zone' ? { revision: generation } : {}) };
  return `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** `text`, piece by piece; calls `cut` when a piece is not taken within `stallMs`. */
export async function* cutWhenStalled(text: AsyncGenerator<string>, stallMs: number, cut: () => void): AsyncGenerator<string> {
  for await (const each of text) {
    const timer = setTimeout(cut, stallMs);
    try {
      yield each;
    } finally {
      clearTimeout(timer);
    }
  }
}
