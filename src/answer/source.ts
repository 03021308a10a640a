/**
 * What answering needs of a store: zones, nodes in stored form by key, the NSEC before a key. store/reader.ts has this shape; tests
 * have one in memory.
 */
import { type OwnerKey } from '#dns/name.ts';

export interface AnswerZone {
  readonly record: { readonly id: number; readonly dnssec: 'on' | 'off' };
  readonly apexKey: OwnerKey;
}

/** Keys are `ownerKey` as octets; of each array the first `keyLength` octets count. What is returned is good until the next call. */
export interface AnswerSource {
  /** The same array until a refresh changes a zone. */
  storedZones(): readonly AnswerZone[];
  /** The stored node (store/node-codec.ts) with exactly this key, empty non-terminals included. */
  nodeBytes(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined;
  /** The last node at or before this key that has an NSEC. */
  nsecAtOrBefore(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined;
  /** Moves to the newest state. */
  refresh(): unknown;
}
