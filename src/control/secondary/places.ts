/**
 * Places for transfers: so many at once, so many of them from one address, and so many records in memory. Who finds none
 * waits, first come, first served, but for those whose address has its share.
 */

/** Takes memory for so many more records, until the transfer has left its place; false: there is none. */
export type Reserve = (records: number) => boolean;

interface Waiting {
  readonly address: string;
  readonly go: () => void;
}

export class TransferPlaces {
  readonly #max: number;
  readonly #perAddressMax: number;
  readonly #taken = new Map<string, number>();
  readonly #recordsMax: number;
  #count = 0;
  #records = 0;
  readonly #waiting: Waiting[] = [];

  constructor(max: number, perAddressMax: number, recordsMax: number) {
    this.#recordsMax = recordsMax;
    this.#max = max;
    this.#perAddressMax = perAddressMax;
  }

  /** Under way. */
  get count(): number {
    return this.#count;
  }

  /** What `work` returns, once it has had a place. */
  async use<T>(address: string, work: (reserve: Reserve) => Promise<T>): Promise<T> {
    if (this.#isFree(address)) this.#take(address);
    else {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#waiting.push({ address, go: () => resolve(undefined) });
      await promise;
    }
    let reserved = 0;
    const reserve: Reserve = (records) => {
      if (this.#records + records > this.#recordsMax) return false;
      reserved += records;
      this.#records += records;
      return true;
    };
    try {
      return await work(reserve);
    } finally {
      this.#records -= reserved;
      this.#leave(address);
    }
  }

  #isFree(address: string): boolean {
    return this.#count < this.#max && (this.#taken.get(address) ?? 0) < this.#perAddressMax;
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
