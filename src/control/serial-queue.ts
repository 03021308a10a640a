/** Runs jobs one after another, in the order given. The heart of "one serial writer". */
export class SerialQueue {
  readonly #waitingMax: number;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /** Jobs not finished yet. */
  get length(): number {
    return this.#waiting;
  }

  get isFull(): boolean {
    return this.#waiting >= this.#waitingMax;
  }

  /** Resolves or rejects as `job` does, after all jobs before it have ended. */
  run<T>(job: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(job).finally(() => this.#waiting--);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when everything given so far has ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
