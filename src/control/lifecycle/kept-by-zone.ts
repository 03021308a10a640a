/**
 * What is kept in memory of some documents of each zone, for metrics: each zone is read once, and again after a commit
 * that wrote one of them or removed the zone. Reading is done in slices, so that neither a start with ten thousand
 * zones nor a change of all of them holds other work up.
 * Not here: what is read of them (life-counts.ts, control/certificate/counts.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ZONES_KEPT_AT_ONCE, ZONES_KEPT_PAUSE_MS } from '#base/limits/admin.ts';
import { unlessDamaged } from '#store/failure.ts';
import { type StoreWriter } from '#store/writer.ts';

export interface KeptByZoneOptions<T> {
  /** Kinds of the documents. */
  readonly kinds: readonly string[];
  /** Undefined where nothing is to be kept of the zone, also when it is gone. Damaged documents count as absent. */
  readonly read: (writer: StoreWriter, zoneId: number) => T | undefined;
  /** Called with what was kept before, and what is from now on. */
  readonly onChange?: (before: T | undefined, after: T | undefined) => void;
}

export class KeptByZone<T> {
  readonly #writer: StoreWriter;
  readonly #options: KeptByZoneOptions<T>;
  readonly #zones = new Map<number, T>();
  /** Zone ids that are to be read, again or for the first time. */
  readonly #stale: Set<number>;
  #isWhole = false;
  #isReading = false;

  constructor(writer: StoreWriter, options: KeptByZoneOptions<T>) {
    this.#writer = writer;
    this.#options = options;
    this.#stale = new Set(writer.zones().map(({ id }) => id));
    writer.onCommit((writes) => {
      for (const { documents = [], zones } of writes) {
        for (const each of documents)
          if ('value' in each && options.kinds.includes(each.kind)) this.#stale.add(each.zoneId);
        for (const id of zones?.remove ?? []) this.#stale.add(id);
      }
    });
  }

  /** By zone id, as it is now where few zones have changed, else as it was. Undefined: not all were read yet. */
  now(): ReadonlyMap<number, T> | undefined {
    this.#readSome();
    if (this.#stale.size > 0) void this.#readRest();
    return this.#isWhole ? this.#zones : undefined;
  }

  #readSome(): void {
    let left = ZONES_KEPT_AT_ONCE;
    for (const id of this.#stale) {
      if (left-- === 0) return;
      const before = this.#zones.get(id);
      const after = unlessDamaged(() => this.#options.read(this.#writer, id), undefined);
      if (after === undefined) this.#zones.delete(id);
      else this.#zones.set(id, after);
      this.#options.onChange?.(before, after);
      this.#stale.delete(id);
    }
    this.#isWhole = true;
  }

  async #readRest(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#stale.size > 0) {
        await sleep(ZONES_KEPT_PAUSE_MS, undefined, { ref: false });
        if (this.#writer.isClosed) return;
        this.#readSome();
      }
    } catch {
      // What the store does is seen at the next scrape, which begins with the same zone.
    } finally {
      this.#isReading = false;
    }
  }
}
