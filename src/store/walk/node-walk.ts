/**
 * Nodes of a zone in order, shown as they lie in the binding's own buffers: nothing is made for any of them. What an
 * ordinary range makes for each node (two arrays, with their memory) takes four times as long as reading it.
 * Not here: what a node is (store/node-codec.ts), which snapshot is read (store/snapshots.ts).
 */
import { type Database } from 'lmdb';
import { assert } from '#base/assert.ts';
import { NODE_KEY_BYTES_MAX } from '#base/limits/store.ts';
import { zoneKey } from '#store/schema.ts';
import { type Environment, type ReadOptions } from '#store/store.ts';

/** Octets of a node's key before its owner. */
export const NODE_KEY_ZONE_BYTES = 4;

/** The databases that are walked. */
export type WalkedName = 'nodes' | 'hashed';
export type NodeWalks = Readonly<Record<WalkedName, NodeWalk>>;

/** Both databases must exist. */
export function openWalks(root: Environment['root']): NodeWalks {
  return { nodes: new NodeWalk(root, 'nodes'), hashed: new NodeWalk(root, 'hashed') };
}

/**
 * Shows a node: `length` is right, `byteLength` is not, NODE_CHECK_BYTES of it follow the node, and it is good until
 * the next read in this thread. False: no more are wanted.
 */
export type ShowStored = (node: Uint8Array) => boolean;

/** Shows a node and its owner key; both are good during the call only. */
export type ShowNode = (key: Uint8Array, node: Uint8Array) => void;

export class NodeWalk {
  readonly #tree: Database<Uint8Array, Uint8Array>;
  /** Where the binding has the key of the node shown last; undefined before the first. */
  #keys: Uint8Array | undefined;
  #keyAt = 0;
  #keyEnd = 0;

  /** Opens the database once more, beside the handle that makes copies. It must exist. */
  constructor(root: Environment['root'], name: WalkedName) {
    const options = {
      create: false,
      cache: false,
      encoding: 'binary',
      encoder: { encode: rejectWrite, decode: (stored: Uint8Array) => stored },
      keyEncoder: {
        writeKey(key: Uint8Array, target: Uint8Array, at: number) {
          target.set(key, at);
          return at + key.length;
        },
        // No key is made: what a range gives as such is undefined.
        readKey: (source: Uint8Array, at: number, end: number) => {
          [this.#keys, this.#keyAt, this.#keyEnd] = [source, at, end];
        },
      },
    } as const;
    // As `existingDatabase`: the types know nothing of `create`, nor of the encoders.
    const tree: Database<Uint8Array, Uint8Array> | undefined = root.openDB<Uint8Array, Uint8Array>(name, options);
    assert(tree !== undefined, `the database ${name} is there`);
    this.#tree = tree;
  }

  /**
   * Shows nodes of the zone in canonical order, from the stored key `from` on, with it, until one is the last that is
   * wanted; undefined: from the first.
   */
  walk(read: ReadOptions, zoneId: number, from: Uint8Array | undefined, show: ShowStored): void {
    const range = { start: from ?? zoneKey(zoneId), end: zoneKey(zoneId + 1), ...read };
    for (const { value } of this.#tree.getRange(range)) if (!show(value)) return;
  }

  /** The key of the node shown last, in `into`: returns its length. To be called before anything else is read. */
  copyKey(into: Uint8Array): number {
    assert(this.#keys !== undefined, 'no node was shown');
    const length = this.#keyEnd - this.#keyAt;
    assert(length <= NODE_KEY_BYTES_MAX && length <= into.length, 'a key longer than any');
    for (let at = 0; at < length; at++) into[at] = this.#keys[this.#keyAt + at]!;
    return length;
  }
}

function rejectWrite(): never {
  assert(false, 'this handle only reads');
}
