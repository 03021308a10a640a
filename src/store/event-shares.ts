/**
 * Who has how much of the journal of events, and what goes when it is full: the oldest event of the zone that has
 * most of them. So a busy zone pushes out its own past, and not that of others. Kept in memory, and counted anew at
 * each start.
 * Not here: the journal itself (events.ts).
 */
import { assert } from '#base/assert.ts';

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
  /** Zones by how many events they have. */
  readonly #zones = new Map<number, Set<string>>();
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
    this.#move(zone, ids.length, ids.length + 1);
    ids.push(id);
    this.#size += 1;
    this.#largest = Math.max(this.#largest, ids.length);
    return previous;
  }

  /** Which event goes. Asserts that there is one. */
  drop(): DroppedEvent {
    let zone = NO_ZONE;
    let oldest = Infinity;
    for (const each of this.#zones.get(this.#largest) ?? []) {
      const id = this.#ids.get(each)![0]!;
      if (id >= oldest) continue;
      oldest = id;
      zone = each;
    }
    const ids = this.#ids.get(zone);
    assert(ids !== undefined, 'no event to drop');
    ids.shift();
    this.#move(zone, ids.length + 1, ids.length);
    if (ids.length === 0) this.#ids.delete(zone);
    this.#size -= 1;
    if (!this.#zones.has(this.#largest)) this.#largest -= 1;
    return { id: oldest, isOnly: ids.length === 0 };
  }

  #move(zone: string, from: number, to: number): void {
    const before = this.#zones.get(from);
    before?.delete(zone);
    if (before?.size === 0) this.#zones.delete(from);
    if (to === 0) return;
    const after = this.#zones.get(to);
    if (after === undefined) this.#zones.set(to, new Set([zone]));
    else after.add(zone);
  }
}
