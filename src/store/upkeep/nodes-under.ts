/**
 * Nodes as they stand under an id in the store, which need not be that of a zone: what a large change copies to another
 * id, and what one has left.
 * Not here: the nodes of a zone (store/zone-view.ts, store/walk/).
 */
import { atObject } from '#base/place.ts';
import { WALK_BATCH_NODES_MAX } from '#base/limits/store.ts';
import { type OwnerKey } from '#dns/name.ts';
import { StoreFailure } from '#store/failure.ts';
import { nodeLongestTtl } from '#store/node-codec.ts';
import { type StoreReader } from '#store/reader.ts';
import { NODE_CHECK_BYTES, nodeCheck, nodeKey, ownerOfKey, zoneKey } from '#store/schema.ts';

export interface StoredNode {
  readonly key: OwnerKey;
  /** As `encodeNode` made it. */
  readonly node: Uint8Array;
}

/** Whether something stands under the id. */
export function hasNodes(reader: StoreReader, contentId: number): boolean {
  const { environment, read } = reader.inspect();
  const range = { start: zoneKey(contentId), end: zoneKey(contentId + 1), limit: 1, ...read };
  return [environment.db.nodes, environment.db.hashed].some((tree) => [...tree.getKeys(range)].length > 0);
}

/** Whether the nodes under the id are those of a zone. */
export function isContent(reader: StoreReader, contentId: number): boolean {
  return reader.inspect().table.isContent(contentId);
}

/** The longest TTL of the RRsets of all names of the zone, seconds. Nothing is made of a node. */
export function longestTtlOf(reader: StoreReader, zoneId: number): number {
  const { environment, read, table } = reader.inspect();
  const contentId = table.contentOf(zoneId);
  let longest = 0;
  for (const { value } of environment.db.nodes.getRange({
    start: zoneKey(contentId),
    end: zoneKey(contentId + 1),
    ...read,
  }))
    longest = Math.max(longest, nodeLongestTtl(value));
  return longest;
}

/**
 * Keys of the names of the zone whose node passes `test`, in canonical order, those of one batch at a time: between two
 * batches other work may be done, which may change the zone. Nothing is made of a node.
 */
export function* namesWhere(
  reader: StoreReader,
  zoneId: number,
  test: (node: Uint8Array) => boolean,
): Generator<readonly OwnerKey[], void, undefined> {
  for (let last: OwnerKey | undefined; ;) {
    const { environment, read, table } = reader.inspect();
    const contentId = table.contentOf(zoneId);
    const start = last === undefined ? zoneKey(contentId) : nodeKey(contentId, last);
    const range = {
      start,
      exclusiveStart: last !== undefined,
      end: zoneKey(contentId + 1),
      limit: NAMES_BATCH,
      ...read,
    };
    let count = 0;
    const found: OwnerKey[] = [];
    for (const { key, value } of environment.db.nodes.getRange(range)) {
      count++;
      last = ownerOfKey(key);
      if (test(value)) found.push(last);
    }
    yield found;
    if (count < NAMES_BATCH) return;
  }
}

/** Nodes that are looked at without a turn of other work: some milliseconds. */
const NAMES_BATCH = 8 * WALK_BATCH_NODES_MAX;

/**
 * All nodes under the id, in canonical order. Holds nothing between two batches, so it may be left for other work.
 * Throws STORE_DAMAGED for a node that is not as it was written: a copy of it would be taken for good.
 */
export function* readContent(
  reader: StoreReader,
  name: 'nodes' | 'hashed',
  contentId: number,
): Generator<StoredNode, void> {
  const end = zoneKey(contentId + 1);
  let start = zoneKey(contentId);
  for (let isFirst = true; ; isFirst = false) {
    const { environment, read } = reader.inspect();
    const range = { start, exclusiveStart: !isFirst, end, limit: WALK_BATCH_NODES_MAX, ...read };
    const batch = [...environment.db[name].getRange(range)];
    for (const { key, value } of batch) yield { key: ownerOfKey(key), node: checked(key, value) };
    const last = batch.at(-1);
    if (last === undefined || batch.length < WALK_BATCH_NODES_MAX) return;
    start = Buffer.from(last.key);
  }
}

function checked(key: Uint8Array, value: Uint8Array): Uint8Array {
  const length = value.length - NODE_CHECK_BYTES;
  const node = value.subarray(0, Math.max(0, length));
  const isGood =
    length > 0 &&
    new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(length) === nodeCheck(key, node);
  if (isGood) return node;
  throw new StoreFailure(
    'STORE_DAMAGED',
    atObject('a node'),
    'a node does not have its checksum',
    'restore the last backup',
  );
}
