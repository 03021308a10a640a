/**
 * Who has how much of the journal of events, and what goes when it is full: the oldest event of the zone that has
 * most of them. So a busy zone pushes out its own past, and not that of others. Kept in memory, and counted anew at
 * each start.
 * Not here: the journal itself (events.ts).
 */
import { assert } from '#base/assert.ts';
import { DueTimes } from '#store/due/due-times.ts';

export interface DroppedEvent {
  readonly id: number;
  /** It was the only one of its zone: no later event says that it is gone. */
  readonly isOnly: boolean;
}

/** What is about no zone has a share like a zone. */
const NO_ZONE = '';

export class EventShares {
  /** Ids that are kept of each zone, oldest first. */
  readonly #ids = new Map<string, number[]>();
  /** Zones by how many events they have, each in the order of their oldest: ten thousand may have equally many. */
  readonly #zones = new Map<number, DueTimes>();
  #size = 0;
  #largest = 0;

  get size(): number {
    return this.#size;
  }

  /** Takes in the newest event; returns the id of the one before it about the same zone, if that is known. */
  add(zone: string = NO_ZONE, id: number): number | undefined {
    const ids = this.#ids.get(zone) ?? [];
    const previous = ids.at(-1);
    this.#ids.set(zone, ids);
    ids.push(id);
    this.#move(zone, ids.length - 1, ids);
    this.#size += 1;
    this.#largest = Math.max(this.#largest, ids.length);
    return previous;
  }

  /** Which event goes. Asserts that there is one. */
  drop(): DroppedEvent {
    const [zone] = this.#zones.get(this.#largest)?.until(Infinity, 1) ?? [];
    const ids = zone === undefined ? undefined : this.#ids.get(zone);
    assert(zone !== undefined && ids !== undefined, 'no event to drop');
    const id = ids.shift()!;
    this.#move(zone, ids.length + 1, ids);
    if (ids.length === 0) this.#ids.delete(zone);
    this.#size -= 1;
    if (!this.#zones.has(this.#largest)) this.#largest -= 1;
    return { id, isOnly: ids.length === 0 };
  }

  /** The zone had `from` events, and has those with `ids` now. */
  #move(zone: string, from: number, ids: readonly number[]): void {
    const before = this.#zones.get(from);
    before?.delete(zone);
    if (before?.size === 0) this.#zones.delete(from);
    const [oldest] = ids;
    if (oldest === undefined) return;
    const after = this.#zones.get(ids.length) ?? new DueTimes();
    this.#zones.set(ids.length, after);
    after.set(zone, oldest);
  }
}
