/**
 * The journal of events: what happened, for clients that follow it live. An event is written in the transaction of
 * its change, so that no event is lost, and none is about something that was not done. Ids go up by one and are never
 * used twice, also not when zones go. When there are too many, the oldest event of the zone that has most goes
 * (event-shares.ts); the next one of that zone says so, because it names the one before it.
 *
 *   key: id, from 1        value: JSON of StoredEvent
 *
 * Not here: who follows them (control/events/feed.ts), the audit log (audit/entries.ts).
 */
import { EVENT_TEXT_CHARACTERS_MAX } from '#base/limits/events.ts';

import { EventShares } from './event-shares.ts';
import { decodeJson, encodeJson, hasFields } from './json.ts';
import { numberKey, numberOfKey } from './schema.ts';
import { type Octets, type ReadOptions } from './store.ts';

export type EventKind = 'zone' | 'import' | 'mail' | 'certificate' | 'dnssec' | 'alert' | 'audit';

const EVENT_KINDS: readonly EventKind[] = ['zone', 'import', 'mail', 'certificate', 'dnssec', 'alert', 'audit'];
const KINDS: ReadonlySet<unknown> = new Set(EVENT_KINDS);

/** What happened; the store adds id, generation and time. */
export interface EventWrite {
  /**
   * `zone`: records changed, or it went. `mail`, `certificate`, `dnssec`: a step in a life. `alert`: the operator should look.
   * `import`: how far a large import is. `audit`: a signed head of the audit log, whose JSON is the text.
   */
  readonly kind: EventKind;
  /**
   * What exactly: `changed`, `removed`; `progress`, `ended`; `started`, `step`, `waiting`, `confirmed`, `finished`,
   * `report`, `upload`; a problem code.
   */
  readonly event: string;
  /** The zone it is about, absolute, lower-case. */
  readonly zone?: string;
  /** For people. */
  readonly text: string;
  /** Of `zone`: who did what, and the serial it led to. */
  readonly actor?: { readonly kind: string; readonly id: string };
  readonly action?: string;
  readonly serial?: number;
  /** Of `mail` and `certificate`: kind of life, which one, and the stage it is in now. Of `alert`: what it is about. */
  readonly machine?: string;
  readonly object?: string;
  readonly stage?: string;
  /** Of `import`, which has a stage too: how much of it is done. */
  readonly done?: number;
  readonly total?: number;
  /** Of `alert`: how bad it is, and what to do. */
  readonly severity?: 'error' | 'warning';
  readonly fix?: string;
}

export interface StoredEvent extends EventWrite {
  readonly id: number;
  /** Store generation of the commit: the revision of a zone that it changed. */
  readonly generation: number;
  readonly atMs: number;
  /** Id of the event before it about the same zone, or about none. Absent: none, or one that is not after `lost`. */
  readonly previous?: number;
  /** Events up to this id may be gone without a later one of their zone that says so. Absent before version 0.1. */
  readonly lost?: number;
}

export interface EventRange {
  /** Ids of the oldest and newest event kept; both 0 while there is none. */
  readonly oldest: number;
  readonly newest: number;
  /** Of the newest event: see StoredEvent. */
  readonly lost: number;
}

function isStoredEvent(value: unknown): value is StoredEvent {
  return hasFields(value, {
    id: 'number',
    generation: 'number',
    atMs: 'number',
    kind: (kind) => KINDS.has(kind),
    event: 'string',
    zone: 'string?',
    text: 'string',
    actor: (actor) => actor === undefined || hasFields(actor, { kind: 'string', id: 'string' }),
    action: 'string?',
    serial: 'number?',
    machine: 'string?',
    object: 'string?',
    stage: 'string?',
    done: 'number?',
    total: 'number?',
    severity: (severity) => severity === undefined || severity === 'error' || severity === 'warning',
    fix: 'string?',
    previous: 'number?',
    lost: 'number?',
  });
}

/** When it is, and how many are kept of whom. */
export interface EventKeeping {
  readonly shares: EventShares;
  readonly generation: number;
  readonly atMs: number;
  readonly kept: number;
}

/**
 * Inside the writer's transaction. Of all events `kept` stay, by their zones' shares. When the transaction fails,
 * `shares` are no longer right and must be read anew.
 */
export function appendEvents(events: Octets, writes: readonly EventWrite[], keeping: EventKeeping): void {
  if (writes.length === 0) return;
  const { shares, generation, atMs, kept } = keeping;
  let { newest: id, lost } = eventRange(events);
  for (const each of writes) {
    id += 1;
    const previous = shares.add(each.zone, id);
    while (shares.size > kept) {
      const dropped = shares.drop();
      events.removeSync(numberKey(dropped.id));
      if (dropped.isOnly) lost = Math.max(lost, dropped.id);
    }
    const text = cutText(each.text);
    const fix = each.fix === undefined ? {} : { fix: cutText(each.fix) };
    const before = previous === undefined ? {} : { previous };
    const event: StoredEvent = { ...each, text, ...fix, id, generation, atMs, ...before, lost };
    events.putSync(numberKey(id), encodeJson(event));
  }
}

function cutText(text: string): string {
  return text.length > EVENT_TEXT_CHARACTERS_MAX ? `${text.slice(0, EVENT_TEXT_CHARACTERS_MAX)}…` : text;
}

/** The shares that the stored events make. */
export function readEventShares(events: Octets): EventShares {
  const shares = new EventShares();
  for (const { value } of events.getRange({})) {
    const { zone, id } = decodeJson(value, 'an event', isStoredEvent);
    shares.add(zone, id);
  }
  return shares;
}

export function eventRange(events: Octets, read: ReadOptions = {}): EventRange {
  const [first] = events.getKeys({ limit: 1, ...read });
  const [last] = events.getRange({ reverse: true, limit: 1, ...read });
  if (first === undefined || last === undefined) return { oldest: 0, newest: 0, lost: 0 };
  const oldest = numberOfKey(first);
  // Earlier versions dropped the oldest event, whose ever it was.
  const { lost = oldest - 1 } = decodeJson(last.value, 'an event', isStoredEvent);
  return { oldest, newest: numberOfKey(last.key), lost };
}

/** Up to `limit` events after the one with this id, oldest first. */
export function readEvents(events: Octets, afterId: number, limit: number, read: ReadOptions = {}): readonly StoredEvent[] {
  const range = events.getRange({ start: numberKey(afterId + 1), limit, ...read });
  return [...range].map(({ value }) => decodeJson(value, 'an event', isStoredEvent));
}
