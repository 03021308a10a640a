/**
 * The table of what is due as the writer has it in memory: each kind by itself. The table is in the order of time over all
 * kinds, so the first of a kind is behind all that is due before of others; with ten thousand zones that search would
 * be made many times for each change.
 * Not here: the table (documents.ts), which alone is durable: this is read from it.
 */
import { type DocumentTables, type DueDocument, documentKey, documentOfKey, readDue, tableMs } from './documents.ts';
import { DueTimes } from './due-times.ts';
import { type ReadOptions } from '#store/store.ts';

export class DueIndex {
  /** By kind; the keys are those of the documents, as latin1. */
  readonly #kinds = new Map<string, DueTimes>();

  /** Reads the whole table. */
  constructor(tables: DocumentTables, read: ReadOptions) {
    const all = readDue(tables, Number.MAX_SAFE_INTEGER - 1, Infinity, undefined, read);
    for (const { dueAtMs, zoneId, kind, id } of all) this.set(documentKey(zoneId, kind, id), dueAtMs);
  }

  /** The document under `key` (as `documentKey` makes it) is due at `dueAtMs`; undefined: never. */
  set(key: Uint8Array, dueAtMs: number | undefined): void {
    const { kind } = documentOfKey(key);
    const text = Buffer.from(key).toString('latin1');
    if (dueAtMs === undefined) this.#kinds.get(kind)?.delete(text);
    else this.#timesOf(kind).set(text, tableMs(dueAtMs));
  }

  /** As `readDue` gives it for one kind. */
  due(kind: string, untilMs: number, limit: number): readonly DueDocument[] {
    const times = this.#kinds.get(kind);
    return (times?.until(untilMs, limit) ?? []).map((text) => {
      return { dueAtMs: times!.get(text)!, ...documentOfKey(Buffer.from(text, 'latin1')) };
    });
  }

  #timesOf(kind: string): DueTimes {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    const made = new DueTimes();
    this.#kinds.set(kind, made);
    return made;
  }
}
