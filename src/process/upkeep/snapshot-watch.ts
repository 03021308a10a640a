/**
 * Keeps readers from making the store's file grow: frees the slots of those that died, when a process has gone and every minute, and
 * logs growth that a snapshot which is held for long is the cause of.
 */
import { SNAPSHOT_GROWTH_BYTES, SNAPSHOT_LOOK_MS } from '#base/limits/process.ts';
import { type Log } from '#base/log.ts';
import { type Snapshot } from '#store/snapshots.ts';

/** What it needs of the store's writer. */
export interface WatchedStore {
  dropDeadReaders(): number;
  snapshots(): readonly Snapshot[];
  sizeBytes(): number;
}

export class SnapshotWatch {
  readonly #store: WatchedStore;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  /** Snapshots at the last look, and the size of the file then. */
  #held: ReadonlySet<string> = new Set();
  #sizeBytes = Infinity;
  /** Snapshots that have been logged. */
  #logged: ReadonlySet<string> = new Set();

  constructor(store: WatchedStore, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), SNAPSHOT_LOOK_MS);
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  /** A process with readers has gone. */
  dropDead(): void {
    const count = this.#store.dropDeadReaders();
    if (count > 0) this.#log.debug('store.readers-dropped', `${count} readers of processes that have gone`, { count });
  }

  look(): void {
    this.dropDead();
    const snapshots = this.#store.snapshots();
    const held = new Set(snapshots.map(nameOf));
    const sizeBytes = this.#store.sizeBytes();
    const grownBytes = sizeBytes - this.#sizeBytes;
    const lasting = snapshots.filter((each) => this.#held.has(nameOf(each)));
    if (grownBytes >= SNAPSHOT_GROWTH_BYTES) for (const each of lasting) this.#report(each, grownBytes);
    this.#logged = new Set([...this.#logged].filter((name) => held.has(name)));
    this.#held = held;
    this.#sizeBytes = sizeBytes;
  }

  /** Once for each. */
  #report(snapshot: Snapshot, grownBytes: number): void {
    const name = nameOf(snapshot);
    if (this.#logged.has(name)) return;
    this.#logged = new Set([...this.#logged, name]);
    const mebibytes = Math.round(grownBytes / 2 ** 20);
    this.#log.warn(
      'store.snapshot-held',
      `process ${snapshot.pid} holds a snapshot of the store for a minute or more; the file grew by ${mebibytes} MiB although it has free pages`,
      { reader: snapshot.pid, transaction: snapshot.transaction, grownBytes },
    );
  }
}

function nameOf({ pid, thread, transaction }: Snapshot): string {
  return `${pid} ${thread} ${transaction}`;
}
