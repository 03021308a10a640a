/**
 * A stored zone as a `ZoneView`: nodes are read and decoded when asked for.
 *
 * A walk reads a batch of nodes at a time and holds no cursor or transaction between batches, so a generator may be left half-way or
 * kept over an await. Over an await a writer may commit: a walk that must be of one piece is finished synchronously, or made on a
 * reader, whose snapshot only moves by `refresh`.
 */
import { WALK_BATCH_NODES_MAX } from '#base/limits/store.ts';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { type NodeTree, type ZoneNode, type ZoneView } from '#zone/view.ts';

import { decodeNode } from './node-codec.ts';
import { NODE_CHECK_BYTES, nodeKey, ownerOfKey, zoneKey } from './schema.ts';
import { type Octets, type ReadOptions } from './store.ts';

/** Most walks look at one or two nodes; the batch grows for those that continue. */
const FIRST_BATCH_NODES = 4;

/** A zone of the store. `content` gives the id of its nodes; it and `read` are asked for each access, so that the view follows its reader's snapshot. */
export function storedZoneView(
  { content, apex, apexKey }: { readonly content: () => number; readonly apex: Name; readonly apexKey: OwnerKey },
  { nodes, hashed }: { readonly nodes: Octets; readonly hashed: Octets },
  read: () => ReadOptions,
): ZoneView {
  const tree = new StoredTree(content, nodes, read);
  return {
    apex,
    apexKey,
    node: (key) => tree.node(key),
    ascend: (from) => tree.ascend(from),
    descend: (from) => tree.descend(from),
    hashed: new StoredTree(content, hashed, read),
  };
}

class StoredTree implements NodeTree {
  readonly #content: () => number;
  readonly #nodes: Octets;
  readonly #read: () => ReadOptions;

  constructor(content: () => number, nodes: Octets, read: () => ReadOptions) {
    this.#content = content;
    this.#nodes = nodes;
    this.#read = read;
  }

  node(key: OwnerKey): ZoneNode | undefined {
    const value = this.#nodes.get(nodeKey(this.#content(), key), this.#read());
    return value === undefined ? undefined : storedNode(value, key);
  }

  ascend(from: OwnerKey): Generator<ZoneNode> {
    return this.#walk(from, false);
  }

  descend(from: OwnerKey): Generator<ZoneNode> {
    return this.#walk(from, true);
  }

  *#walk(from: OwnerKey, reverse: boolean): Generator<ZoneNode> {
    // The root's apex key is the zone id alone, which is also the lowest key of any zone.
    const endOf = (id: number) => (reverse ? zoneKey(id) : zoneKey(id + 1));
    let at = this.#content();
    let [start, end]: [Uint8Array, Uint8Array] = [nodeKey(at, from), endOf(at)];
    let exclusiveStart = false;
    for (let limit = FIRST_BATCH_NODES; ; limit = Math.min(limit * 4, WALK_BATCH_NODES_MAX)) {
      const batch = [...this.#nodes.getRange({ start, exclusiveStart, end, inclusiveEnd: reverse, reverse, limit, ...this.#read() })];
      for (const { key, value } of batch) yield storedNode(value, ownerOfKey(key));
      const last = batch.at(-1);
      if (last === undefined || batch.length < limit) return;
      start = last.key;
      if (this.#content() !== at) {
        // Between two batches the names were written anew, under another id.
        at = this.#content();
        [start, end] = [nodeKey(at, ownerOfKey(last.key)), endOf(at)];
      }
      exclusiveStart = true;
    }
  }
}

/** Decodes what is stored under a node's key. */
function storedNode(value: Uint8Array, key: OwnerKey): ZoneNode {
  return decodeNode(value.subarray(0, value.length - NODE_CHECK_BYTES), key);
}
