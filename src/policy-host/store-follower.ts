/**
 * The policy host's view of the store: waits for it on a first start, then follows its generations, as told and every
 * second besides, because control may die between a commit and its message.
 * Not here: what is read (tls/contexts.ts, mta-sts.ts).
 */
import { GENERATION_LOOK_MS, STORE_WAIT_MS_MAX, STORE_WAIT_MS_MIN } from '#base/limits/server.ts';
import { StoreFailure } from '#store/failure.ts';
import { type StoreReader, openReader } from '#store/reader.ts';

export interface StoreFollowerOptions {
  readonly storeDir: string;
  /** The store is open; called once. */
  readonly opened: (reader: StoreReader) => void;
  /** Another generation is served from now on. */
  readonly moved: (generation: number) => void;
  /** It cannot be read: the process has to end. Not called for a store that is not there yet. */
  readonly failed: (error: Error) => void;
}

export class StoreFollower {
  readonly #options: StoreFollowerOptions;
  #reader: StoreReader | undefined;
  #generation = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StoreFollowerOptions) {
    this.#options = options;
  }

  /** The generation that is served; 0 before the first. */
  get generation(): number {
    return this.#generation;
  }

  start(): void {
    this.#open(STORE_WAIT_MS_MIN);
  }

  /** Moves to the newest generation. */
  follow(): void {
    if (this.#reader === undefined) return;
    try {
      const { generation } = this.#reader.refresh();
      if (generation === this.#generation) return;
      this.#generation = generation;
      this.#options.moved(generation);
    } catch (error) {
      this.#options.failed(asError(error));
    }
  }

  /** Reads nothing more; the process ends next. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#reader = undefined;
  }

  #open(waitMs: number): void {
    try {
      this.#reader = openReader(this.#options.storeDir);
    } catch (error) {
      const isMissing = error instanceof StoreFailure && error.code === 'STORE_MISSING';
      if (!isMissing) return this.#options.failed(asError(error));
      this.#timer = setTimeout(() => this.#open(Math.min(2 * waitMs, STORE_WAIT_MS_MAX)), waitMs);
      return;
    }
    this.#options.opened(this.#reader);
    this.follow();
    this.#timer = setInterval(() => this.follow(), GENERATION_LOOK_MS);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
