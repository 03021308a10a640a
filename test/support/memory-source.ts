/**
 * What a responder reads, from zones in memory. As with the real store, what it hands out is one buffer: whoever keeps a node over the
 * next call reads rubbish, so that tests notice.
 */
import { type AnswerSource, type AnswerZone, type SourceChanges } from '#answer/names/source.ts';
import { latin1 } from '#base/bytes.ts';
import { type OwnerKey, compareKeys } from '#dns/name.ts';
import { encodeNode } from '#store/node-codec.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type ServedZone } from '#zone/served.ts';
import { TYPE } from '#dns/types.ts';

interface StoredZone {
  readonly nodes: ReadonlyMap<OwnerKey, Uint8Array>;
  /** Keys of nodes with an NSEC, in canonical order. */
  readonly chain: readonly OwnerKey[];
  /** NSEC3 nodes by key, in order. */
  readonly hashed: ReadonlyMap<OwnerKey, Uint8Array>;
}

export class MemorySource implements AnswerSource {
  readonly #zones: readonly AnswerZone[];
  readonly #stored: readonly StoredZone[];
  #buffer = new Uint8Array(1 << 16);
  /** Reads so far. */
  reads = 0;

  constructor(zones: readonly ServedZone[]) {
    this.#stored = zones.map(({ view }) => {
      const isBelow = occlusion(view);
      const all = [...view.ascend(view.apexKey)];
      const nodes = new Map(all.map((node) => [node.key, encodeNode(node, nodeFlags(node, view.apexKey, isBelow(node.key)))]));
      const chain = all.filter((node) => node.rrsets.some((rrset) => rrset.type === TYPE.NSEC)).map((node) => node.key);
      const hashed = new Map([...view.hashed.ascend(view.apexKey)].map((node) => [node.key, encodeNode(node, 0)]));
      return { nodes, chain: chain.toSorted(compareKeys), hashed };
    });
    this.#zones = zones.map(({ view, signed, isExpired }, id) => ({
      record: {
        id,
        dnssec: signed ? 'on' : 'off',
        nodeCount: this.#stored[id]!.nodes.size,
        ...(isExpired === true ? { secondary: { isExpired } } : {}),
      },
      apexKey: view.apexKey,
    }));
  }

  storedZones(): readonly AnswerZone[] {
    return this.#zones;
  }

  nodeBytes(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined {
    return this.#lend(this.#stored[zoneId]!.nodes.get(latin1(key.subarray(0, keyLength))));
  }

  nsecAtOrBefore(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined {
    const { nodes, chain } = this.#stored[zoneId]!;
    const wanted = latin1(key.subarray(0, keyLength));
    const found = chain.findLast((each) => each <= wanted);
    return this.#lend(found === undefined ? undefined : nodes.get(found));
  }

  hashedBytes(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined {
    return this.#lend(this.#stored[zoneId]!.hashed.get(latin1(key.subarray(0, keyLength))));
  }

  hashedAtOrBefore(zoneId: number, key: Uint8Array, keyLength: number): Uint8Array | undefined {
    const { hashed } = this.#stored[zoneId]!;
    const wanted = latin1(key.subarray(0, keyLength));
    const keys = [...hashed.keys()];
    const found = keys.findLast((each) => each <= wanted) ?? keys.at(-1);
    return this.#lend(found === undefined ? undefined : hashed.get(found));
  }

  readNodes(zoneId: number, after: Uint8Array | undefined, limit: number, show: (key: Uint8Array, node: Uint8Array) => void): number {
    return this.#readTree(this.#stored[zoneId]!.nodes, after, limit, show);
  }

  readHashed(zoneId: number, after: Uint8Array | undefined, limit: number, show: (key: Uint8Array, node: Uint8Array) => void): number {
    return this.#readTree(this.#stored[zoneId]!.hashed, after, limit, show);
  }

  #readTree(
    nodes: ReadonlyMap<OwnerKey, Uint8Array>,
    after: Uint8Array | undefined,
    limit: number,
    show: (key: Uint8Array, node: Uint8Array) => void,
  ): number {
    const from = after === undefined ? undefined : latin1(after);
    const keys = [...nodes.keys()].toSorted(compareKeys).filter((key) => from === undefined || key > from);
    for (const key of keys.slice(0, limit)) show(Buffer.from(key, 'latin1'), this.#lend(nodes.get(key))!);
    return Math.min(keys.length, limit);
  }

  /** Zones in memory never change. */
  refresh(): SourceChanges {
    return { zones: [], changes: [] };
  }

  #lend(node: Uint8Array | undefined): Uint8Array | undefined {
    this.reads++;
    this.#buffer.fill(0xee, 0, 2048);
    if (node === undefined) return undefined;
    if (node.length > this.#buffer.length) this.#buffer = new Uint8Array(2 * node.length);
    this.#buffer.set(node);
    return this.#buffer.subarray(0, node.length);
  }
}
