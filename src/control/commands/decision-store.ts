/**
 * What a change is decided on: the store as it is, what seals the secrets of new keys, and the id of the next zone. The
 * writer is one; the process of a large import has another, that cannot write.
 * Not here: writing (store/writer.ts).
 */
import { type StoreReader } from '#store/reader.ts';
import { type Sealer } from '#store/seal.ts';

export type DecisionStore = StoreReader & {
  readonly sealer: Sealer;
  /** The id for the next new zone. */
  nextZoneId(): number;
};
