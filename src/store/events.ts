/**
 * The journal of events: what happened, for clients that follow it live. An event is written in the transaction of its
 * change, so that no event is lost, and none is about something that was not done. Ids go up by one and are never used
 * twice, also not when zones go; the oldest events go when there are too many.
 *
 *   key: id, from 1        value: JSON of StoredEvent
 *
 * Not here: who follows them (control/events/feed.ts), the audit log (audit/entries.ts).
 */
import { EVENT_TEXT_CHARACTERS_MAX } from '#base/limits/events.ts';

import { decodeJson, encodeJson, hasFields } from './json.ts';
import { numberKey, numberOfKey } from './schema.ts';
import { type Octets, type ReadOptions } from './store.ts';

/** What happened; the store adds id, generation and time. */
export interface EventWrite {
  /** `zone`: records changed, or it went. `mail`: a step in a mail object's life. `alert`: the operator should look. */
  readonly kind: 'zone' | 'mail' | 'alert';
  /** What exactly: `changed`, `removed`; `started`, `step`, `waiting`, `confirmed`, `finished`, `report`; a problem code. */
  readonly event: string;
  /** The zone it is about, absolute, lower-case. */
  readonly zone?: string;
  /** For people. */
  readonly text: string;
  /** Of `zone`: who did what, and the serial it led to. */
  readonly actor?: { readonly kind: string; readonly id: string };
  readonly action?: string;
  readonly serial?: number;
  /** Of `mail`: kind of life, which one, and the stage it is in now. */
  readonly machine?: string;
  readonly object?: string;
  readonly stage?: string;
}

export interface StoredEvent extends EventWrite {
  readonly id: number;
  /** Store generation of the commit: the revision of a zone that it changed. */
  readonly generation: number;
  readonly atMs: number;
}

/** Ids of the oldest and newest event kept; both 0 while there is none. */
export interface EventRange {
  readonly oldest: number;
  readonly newest: number;
}

function isStoredEvent(value: unknown): value is StoredEvent {
  return hasFields(value, {
    id: 'number',
    generation: 'number',
    atMs: 'number',
    kind: (kind) => kind === 'zone' || kind === 'mail' || kind === 'alert',
    event: 'string',
    zone: 'string?',
    text: 'string',
    actor: (actor) => actor === undefined || hasFields(actor, { kind: 'string', id: 'string' }),
    action: 'string?',
    serial: 'number?',
    machine: 'string?',
    object: 'string?',
    stage: 'string?',
  });
}

/** Inside the writer's transaction. The last `kept` stay. */
export function appendEvents(events: Octets, writes: readonly EventWrite[], generation: number, atMs: number, kept: number): void {
  if (writes.length === 0) return;
  let { newest: id, oldest } = eventRange(events);
  for (const each of writes) {
    id += 1;
    const text = each.text.length > EVENT_TEXT_CHARACTERS_MAX ? `${each.text.slice(0, EVENT_TEXT_CHARACTERS_MAX)}…` : each.text;
    events.putSync(numberKey(id), encodeJson({ ...each, text, id, generation, atMs } satisfies StoredEvent));
  }
  for (oldest = Math.max(1, oldest); oldest <= id - kept; oldest++) events.removeSync(numberKey(oldest));
}

export function eventRange(events: Octets, read: ReadOptions = {}): EventRange {
  const [oldest] = events.getKeys({ limit: 1, ...read });
  const [newest] = events.getKeys({ reverse: true, limit: 1, ...read });
  return oldest === undefined || newest === undefined
    ? { oldest: 0, newest: 0 }
    : { oldest: numberOfKey(oldest), newest: numberOfKey(newest) };
}

/** Up to `limit` events after the one with this id, oldest first. */
export function readEvents(events: Octets, afterId: number, limit: number, read: ReadOptions = {}): readonly StoredEvent[] {
  const range = events.getRange({ start: numberKey(afterId + 1), limit, ...read });
  return [...range].map(({ value }) => decodeJson(value, 'an event', isStoredEvent));
}
