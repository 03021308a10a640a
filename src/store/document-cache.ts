/**
 * What documents of one kind mean, kept while their octets stay the same: a policy that is needed for each message is
 * checked and settled once. The octets are compared at each read, so nothing needs to announce a change, and a reader
 * beside a writer is as right as the writer.
 * Not here: what documents mean (mail/).
 */
import { DOCUMENT_CACHE_BYTES_MAX } from '#base/limits/store.ts';

import { documentValue } from '#store/due/documents.ts';
import { type StoreReader } from './reader.ts';

interface Kept<T> {
  readonly octets: Uint8Array;
  readonly meaning: T;
}

/** Of one reader: by zone id, longest unused first. */
interface Shelf<T> {
  readonly kept: Map<number, Kept<T>>;
  bytes: number;
}

export class DocumentCache<T> {
  readonly #kind: string;
  readonly #id: string;
  readonly #bytesMax: number;
  readonly #shelves = new WeakMap<StoreReader, Shelf<T>>();

  constructor(kind: string, id: string, bytesMax = DOCUMENT_CACHE_BYTES_MAX) {
    this.#kind = kind;
    this.#id = id;
    this.#bytesMax = bytesMax;
  }

  /**
   * What the zone's document means by `make`, which is the same for every call; undefined when there is no document.
   * What `make` throws is thrown, and nothing is kept. The result is shared, so no caller may change it.
   */
  read(reader: StoreReader, zoneId: number, make: (value: unknown) => T): T | undefined {
    const octets = reader.documentOctets(zoneId, this.#kind, this.#id);
    const shelf = this.#shelfOf(reader);
    const before = shelf.kept.get(zoneId);
    if (before !== undefined) drop(shelf, zoneId, before);
    if (octets === undefined) return undefined;
    const isSame = before !== undefined && Buffer.compare(before.octets, octets) === 0;
    const kept = isSame ? before : { octets, meaning: make(documentValue(octets)) };
    shelf.kept.set(zoneId, kept);
    shelf.bytes += kept.octets.length;
    for (const [oldest, each] of shelf.kept) {
      if (shelf.bytes <= this.#bytesMax) break;
      drop(shelf, oldest, each);
    }
    return kept.meaning;
  }

  #shelfOf(reader: StoreReader): Shelf<T> {
    const known = this.#shelves.get(reader);
    if (known !== undefined) return known;
    const shelf: Shelf<T> = { kept: new Map(), bytes: 0 };
    this.#shelves.set(reader, shelf);
    return shelf;
  }
}

function drop<T>(shelf: Shelf<T>, zoneId: number, { octets }: Kept<T>): void {
  shelf.kept.delete(zoneId);
  shelf.bytes -= octets.length;
}
