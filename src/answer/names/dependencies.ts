/**
 * What cached answers depend on, and when that changed last. A node, there or not, is a place in one table of stamps, found by hash of
 * zone and owner; a zone as a whole is another. Two that share a place make an answer go early, never stay too long.
 *
 * Time is counted in epochs: one for each refresh that changed anything. An answer made in epoch E holds while no stamp of what it depends
 * on is above E.
 * Not here: which nodes an answer depends on (find.ts, answer/respond.ts), the answers (answer/cache/cache.ts).
 */
import { ANSWER_DEPENDENCIES_MAX, ANSWER_STAMPS } from '#base/limits/answer.ts';
import { finishHash, mixWord } from './hash.ts';

/** Places of zones as a whole, before those of nodes: a node that changes all the time must not share one with a large zone. */
const ZONE_PLACES = 65_536;
/** A power of two; small enough to stay in the processor's first cache. */
const COARSE_STAMPS = 2048;
/** Stands for all names that are in no zone here; zone ids begin with 1. */
const OUTSIDE = 0;

export class Dependencies {
  readonly #stamps = new Uint32Array(ZONE_PLACES + ANSWER_STAMPS);
  /**
   * The newest stamp of all places with the same low bits: while changes come in a stream, most answers are found to hold without a look at
   * the table, which is a megabyte wide (0.2 µs for an answer with it, 0.1 µs with this).
   */
  readonly #coarse = new Uint32Array(COARSE_STAMPS);
  /** The present epoch. The first is 1: what is 0 has never changed. */
  epoch = 1;
  /** Places in the table of what the answer now in the making depends on, each once. */
  readonly places = new Uint32Array(ANSWER_DEPENDENCIES_MAX);
  count = 0;
  /** There were more than can be kept, or one that cannot be named: the answer is not to be cached. */
  isOpen = false;

  /** Begins a new answer. */
  begin(): void {
    this.count = 0;
    this.isOpen = false;
  }

  /** The answer depends on the node of this zone whose key has this hash (owner-key.ts), and on the zone as a whole. */
  add(zoneId: number, keyHash: number): void {
    this.#note(zoneId % ZONE_PLACES);
    this.#note(placeOf(zoneId, keyHash));
  }

  /** The answer depends on some name being in no zone here. */
  addOutside(): void {
    this.#note(OUTSIDE);
  }

  /** True when nothing that the `count` places at `places[at]` stand for has changed after `epoch`. */
  holds(places: Uint32Array, at: number, count: number, epoch: number): boolean {
    const coarse = this.#coarse;
    for (let each = at; each < at + count; each++) {
      const place = places[each]!;
      if (coarse[place & (COARSE_STAMPS - 1)]! > epoch && this.#stamps[place]! > epoch) return false;
    }
    return true;
  }

  /** Begins a new epoch; the calls that follow name what changed in it. */
  nextEpoch(): void {
    this.epoch++;
  }

  nodeChanged(zoneId: number, keyHash: number): void {
    this.#stamp(placeOf(zoneId, keyHash));
  }

  zoneChanged(zoneId: number): void {
    this.#stamp(zoneId % ZONE_PLACES);
  }

  /** A zone came: what was in none may be in that. */
  outsideChanged(): void {
    this.#stamp(OUTSIDE);
  }

  everythingChanged(): void {
    this.#stamps.fill(this.epoch);
    this.#coarse.fill(this.epoch);
  }

  #stamp(place: number): void {
    this.#stamps[place] = this.epoch;
    this.#coarse[place & (COARSE_STAMPS - 1)] = this.epoch;
  }

  #note(place: number): void {
    const { places, count } = this;
    for (let each = 0; each < count; each++) if (places[each] === place) return;
    if (count === places.length) this.isOpen = true;
    else places[this.count++] = place;
  }
}

function placeOf(zoneId: number, keyHash: number): number {
  return ZONE_PLACES + (finishHash(mixWord(zoneId, keyHash | 0)) & (ANSWER_STAMPS - 1));
}
