/**
 * Places for transfers: so many at once, so many of them from one address, and so many records in memory. Who finds none
 * waits, first come, first served, but for those whose address has its share. Each place has memory of its own; what
 * large zones take beyond it they share. One that has had of that for long gives it up when another needs it, so that a
 * primary that sends slowly does not keep the zones of others away.
 */
import { TRANSFERS_IN_MAX, TRANSFERS_IN_PER_PRIMARY_MAX, TRANSFERS_IN_RECORDS_MAX } from '#base/limits/transfer.ts';
import { TRANSFER_IN_RECORDS_OWN, TRANSFER_IN_SHARED_MS } from '#base/limits/transfer.ts';

/**
 * Takes memory for so many more records, until the transfer has left its place. `busy`: there is none now; `too-many`:
 * there never is.
 */
export type Reserve = (records: number) => 'taken' | 'busy' | 'too-many';

export interface Place {
  readonly reserve: Reserve;
  /** Aborted when the memory is given to another. */
  readonly signal: AbortSignal;
  /** The zone has come: it is not slow, and its memory is not given to another any more. */
  readonly keep: () => void;
}

export interface PlaceLimits {
  readonly max: number;
  readonly perAddressMax: number;
  /** Records that a place always has memory for. */
  readonly own: number;
  /** Those that all places together may have beyond that. */
  readonly shared: number;
  /** So long a transfer keeps what it has of that in any case. */
  readonly keptMs: number;
}

export const PLACE_LIMITS: PlaceLimits = {
  max: TRANSFERS_IN_MAX,
  perAddressMax: TRANSFERS_IN_PER_PRIMARY_MAX,
  own: TRANSFER_IN_RECORDS_OWN,
  shared: TRANSFERS_IN_RECORDS_MAX,
  keptMs: TRANSFER_IN_SHARED_MS,
};

/** A transfer under way. */
interface Holder {
  readonly abort: AbortController;
  records: number;
  /** Of the memory that is shared. */
  shared: number;
  sharedSinceMs: number;
}

interface Waiting {
  readonly address: string;
  readonly go: () => void;
}

export class TransferPlaces {
  readonly #limits: PlaceLimits;
  readonly #nowMs: () => number;
  readonly #taken = new Map<string, number>();
  readonly #holders = new Set<Holder>();
  #count = 0;
  readonly #waiting: Waiting[] = [];

  /** `nowMs`: of any clock that only goes forward. */
  constructor(limits: PlaceLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Under way. */
  get count(): number {
    return this.#count;
  }

  /** What `work` returns, once it has had a place. */
  async use<T>(address: string, work: (place: Place) => Promise<T>): Promise<T> {
    if (this.#isFree(address)) this.#take(address);
    else {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#waiting.push({ address, go: () => resolve(undefined) });
      await promise;
    }
    const holder: Holder = { abort: new AbortController(), records: 0, shared: 0, sharedSinceMs: 0 };
    this.#holders.add(holder);
    try {
      return await work({
        reserve: (records) => this.#reserve(holder, records),
        signal: holder.abort.signal,
        keep: () => void (holder.sharedSinceMs = Infinity),
      });
    } finally {
      this.#holders.delete(holder);
      this.#leave(address);
    }
  }

  #reserve(holder: Holder, more: number): ReturnType<Reserve> {
    const { own, shared } = this.#limits;
    const wanted = Math.max(0, holder.records + more - own);
    // Before others lose theirs for it.
    if (wanted > shared) return 'too-many';
    const others = (): number => [...this.#holders].reduce((sum, each) => sum + (each === holder ? 0 : each.shared), 0);
    const isFree = (): boolean => wanted === 0 || others() + wanted <= shared;
    while (!isFree()) if (!this.#takeFromSlowest(holder)) return 'busy';
    if (holder.shared === 0 && wanted > 0) holder.sharedSinceMs = this.#nowMs();
    holder.records += more;
    holder.shared = wanted;
    return 'taken';
  }

  /** False when no other has had its share for long. */
  #takeFromSlowest(holder: Holder): boolean {
    const sinceMs = this.#nowMs() - this.#limits.keptMs;
    const late = [...this.#holders].filter(
      (each) => each !== holder && each.shared > 0 && each.sharedSinceMs <= sinceMs,
    );
    const [slowest] = late.toSorted((a, b) => a.sharedSinceMs - b.sharedSinceMs);
    if (slowest === undefined) return false;
    slowest.shared = 0;
    slowest.abort.abort();
    return true;
  }

  #isFree(address: string): boolean {
    const { max, perAddressMax } = this.#limits;
    return this.#count < max && (this.#taken.get(address) ?? 0) < perAddressMax;
  }

  #take(address: string): void {
    this.#count += 1;
    this.#taken.set(address, (this.#taken.get(address) ?? 0) + 1);
  }

  #leave(address: string): void {
    this.#count -= 1;
    const left = this.#taken.get(address)! - 1;
    if (left === 0) this.#taken.delete(address);
    else this.#taken.set(address, left);
    const next = this.#waiting.findIndex((each) => this.#isFree(each.address));
    if (next < 0) return;
    const [waiting] = this.#waiting.splice(next, 1);
    this.#take(waiting!.address);
    waiting!.go();
  }
}
