/**
 * A whole zone in memory: sorted keys and their nodes, found by bisection.
 * Implements: RFC 4592 §2.2.2 (empty non-terminals exist), RFC 4034 §6.1 (order).
 * Not here: edits on top of a zone (overlay.ts), where a huge zone is kept (store/).
 */
import { assert } from '#base/assert.ts';
import { type Name, type OwnerKey, compareKeys, isAtOrBelow, nameOfKey, ownerKey, parentKey } from '#dns/name.ts';
import { type Rrset, type SignedRrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { type NodeEdits } from './overlay.ts';
import { type Manager, type NodeRrset, type NodeTree, type ZoneNode, type ZoneView } from './view.ts';

/** An RRset as a zone is built from it; without signatures it is unsigned, without a manager it is `manual`. */
export type ZoneRrset = Rrset & Partial<Pick<SignedRrset, 'signatures'>> & { readonly manager?: Manager };

/** A zone in memory. It never changes; `edited` gives another one. */
export class MemoryZone implements ZoneView {
  readonly apex: Name;
  readonly apexKey: OwnerKey;
  readonly hashed: NodeTree;
  readonly #nodes: MemoryTree;
  readonly #hashedNodes: MemoryTree;

  /** From complete nodes in any order, empty non-terminals included. For records use `memoryZone`. */
  constructor(
    apex: Name,
    nodes: ReadonlyMap<OwnerKey, ZoneNode>,
    hashedNodes: ReadonlyMap<OwnerKey, ZoneNode> = new Map(),
  ) {
    this.apex = apex;
    this.apexKey = ownerKey(apex);
    this.#nodes = new MemoryTree(nodes, this.apexKey);
    this.#hashedNodes = new MemoryTree(hashedNodes, this.apexKey);
    this.hashed = this.#hashedNodes;
  }

  /** Nodes, empty non-terminals included. */
  get size(): number {
    return this.#nodes.size;
  }

  node(key: OwnerKey): ZoneNode | undefined {
    return this.#nodes.node(key);
  }

  ascend(from: OwnerKey): Generator<ZoneNode> {
    return this.#nodes.ascend(from);
  }

  descend(from: OwnerKey): Generator<ZoneNode> {
    return this.#nodes.descend(from);
  }

  /** A zone with these nodes put in (or, for null, left out). Empty non-terminals are the caller's business, as in a plan. */
  edited(edits: NodeEdits, hashedEdits: NodeEdits = new Map()): MemoryZone {
    return new MemoryZone(this.apex, this.#nodes.edited(edits), this.#hashedNodes.edited(hashedEdits));
  }
}

class MemoryTree implements NodeTree {
  readonly #keys: readonly OwnerKey[];
  readonly #nodes: ReadonlyMap<OwnerKey, ZoneNode>;

  constructor(nodes: ReadonlyMap<OwnerKey, ZoneNode>, apexKey: OwnerKey) {
    this.#nodes = nodes;
    this.#keys = [...nodes.keys()].toSorted(compareKeys);
    assert(this.#keys.length === 0 || isAtOrBelow(this.#keys[0]!, apexKey), 'a node outside its zone');
    assert(this.#keys.length === 0 || isAtOrBelow(this.#keys.at(-1)!, apexKey), 'a node outside its zone');
  }

  get size(): number {
    return this.#keys.length;
  }

  node(key: OwnerKey): ZoneNode | undefined {
    return this.#nodes.get(key);
  }

  *ascend(from: OwnerKey): Generator<ZoneNode> {
    for (let at = lowerBound(this.#keys, from); at < this.#keys.length; at++) yield this.#nodes.get(this.#keys[at]!)!;
  }

  *descend(from: OwnerKey): Generator<ZoneNode> {
    const found = lowerBound(this.#keys, from);
    for (let at = this.#keys[found] === from ? found : found - 1; at >= 0; at--)
      yield this.#nodes.get(this.#keys[at]!)!;
  }

  edited(edits: NodeEdits): Map<OwnerKey, ZoneNode> {
    const nodes = new Map(this.#nodes);
    for (const [key, node] of edits) {
      if (node === null) nodes.delete(key);
      else nodes.set(key, node);
    }
    return nodes;
  }
}

/**
 * The zone that holds `rrsets`, in any order, with its empty non-terminals. Asserts that every owner is in the zone and that no
 * owner has two RRsets of one type: loaders have joined and checked them before.
 */
export function memoryZone(apex: Name, rrsets: Iterable<ZoneRrset>): MemoryZone {
  const apexKey = ownerKey(apex);
  const nodes = new Map<OwnerKey, { key: OwnerKey; owner: Name; rrsets: NodeRrset[] }>();
  const hashed: typeof nodes = new Map();
  for (const { owner, type, ttl, rdatas, signatures = [], manager = 'manual' } of rrsets) {
    const key = ownerKey(owner);
    assert(isAtOrBelow(key, apexKey), 'a record outside its zone');
    const tree = type === TYPE.NSEC3 ? hashed : nodes;
    let node = tree.get(key);
    if (node === undefined) tree.set(key, (node = { key, owner, rrsets: [] }));
    assert(!node.rrsets.some((each) => each.type === type), `two RRsets of type ${type} at one owner`);
    node.rrsets.push({ type, ttl, rdatas, signatures, manager });
  }
  for (const node of nodes.values()) node.rrsets.sort((a, b) => a.type - b.type);
  for (const key of [...nodes.keys()]) {
    for (let above = key; above !== apexKey;) {
      above = parentKey(above);
      if (nodes.has(above)) break;
      nodes.set(above, emptyNonTerminal(above));
    }
  }
  return new MemoryZone(apex, nodes, hashed);
}

/** A node without records: its name exists only because one below it does. No record spells it, so it is lower-case. */
export function emptyNonTerminal(key: OwnerKey): { key: OwnerKey; owner: Name; rrsets: NodeRrset[] } {
  return { key, owner: nameOfKey(key), rrsets: [] };
}

/**
 * Every RRset of the zone with its signatures and manager, by owner in canonical order, then by type; NSEC3 RRsets
 * behind all others.
 */
export function* zoneRrsets(view: ZoneView): Generator<SignedRrset & { readonly manager: Manager }> {
  for (const node of allNodes(view)) for (const rrset of node.rrsets) yield { owner: node.owner, ...rrset };
}

/** Every node of the zone in canonical order, then those of hashed owner names. */
export function* allNodes(view: ZoneView): Generator<ZoneNode> {
  yield* view.ascend(view.apexKey);
  yield* view.hashed.ascend(view.apexKey);
}

/** Index of the first key ≥ `from`; the length when there is none. */
function lowerBound(keys: readonly OwnerKey[], from: OwnerKey): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
