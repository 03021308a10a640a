/**
 * What answering needs of a store: zones, nodes in stored form by key, the NSEC before a key, and what changed. store/reader.ts has this
 * shape; tests have one in memory.
 */
import { type OwnerKey } from '#dns/name.ts';

export interface AnswerZone {
  /** `nodeCount` as of any time: an estimate. */
  readonly record: {
    readonly id: number;
    readonly dnssec: 'on' | 'off';
    readonly nodeCount: number;
    /** Of a zone from a primary: it is not answered for once it has expired. */
    readonly secondary?: { readonly isExpired?: true };
    /** No ordinary query gets anything of it: for them it is not there. */
    readonly isCatalog?: true;
  };
  readonly apexKey: OwnerKey;
}

/** What became different in a zone that was there before and still is. */
export interface ZoneChange {
  readonly zoneId: number;
  /** Nodes written or removed; `all` when they were too many to tell. */
  readonly keys: readonly OwnerKey[] | 'all';
  /** No node came or went, and none changed its flags. */
  readonly sameNames: boolean;
}

export interface SourceChanges {
  /**
   * Ids of zones changed, made or removed; `all` when too much happened to know. Those that are not in `changes` came or went, or are signed
   * now and were not, or the other way round.
   */
  readonly zones: readonly number[] | 'all';
  readonly changes: readonly ZoneChange[];
}

/** Keys are `ownerKey` as octets; of each array the first `keyLength` octets count. What is returned is good until the next call. */
export interface AnswerSource {
  storedZones(): readonly AnswerZone[];
  /** The stored node (store/node-codec.ts) with exactly this key, empty non-terminals included. */
  nodeBytes(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined;
  /** The last node at or before this key that has an NSEC. */
  nsecAtOrBefore(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined;
  /** The node of an NSEC3 RRset with exactly this key, which is that of a hashed owner name. */
  hashedBytes(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined;
  /** The last of these at or before this key, or the zone's last when none is before: the chain is a circle. */
  hashedAtOrBefore(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined;
  /** As `readNodes`, of NSEC3 nodes. */
  readHashed: AnswerSource['readNodes'];
  /** Shows nodes after `after` (from the zone's first, without) in order, at most `limit`; returns how many. The arrays are good during `show` only. */
  readNodes(zoneId: number, after: Uint8Array | undefined, limit: number, show: (key: Uint8Array, node: Uint8Array) => void): number;
  /** Moves to the newest state. */
  refresh(): SourceChanges;
}
