/**
 * The zone that a table of records makes: its nodes are made when they are looked at, and only the last ones are kept.
 * Not here: the table (zone-table.ts), a zone of nodes (zone/zone.ts).
 */
import { TABLE_NODES_KEPT } from '#base/limits/dns.ts';
import { type Name, type OwnerKey, nameOfKey } from '#dns/name.ts';
import { type NodeTree, type ZoneNode, type ZoneView } from '#zone/view.ts';
import { type ZoneTable } from './zone-table.ts';

const NO_NODES: NodeTree = { node: () => undefined, ascend: () => [], descend: () => [] };

export class TableView implements ZoneView {
  readonly apex: Name;
  readonly apexKey: OwnerKey;
  readonly hashed: NodeTree;
  readonly #hashedView: TableView | undefined;
  readonly #table: ZoneTable;
  /** Names of the table in canonical order. */
  readonly #order: Uint32Array;
  readonly #kept = new Map<number, ZoneNode>();

  /** Takes the table as it is now, and closes it. `hashed`: NSEC3 by hashed owner; a file brings none. */
  constructor(table: ZoneTable, hashed?: TableView) {
    [this.hashed, this.#hashedView] = [hashed ?? NO_NODES, hashed];
    this.apex = table.apex;
    this.apexKey = table.apexKey;
    this.#table = table;
    this.#order = table.finish();
  }

  /** Nodes, empty non-terminals included. */
  get size(): number {
    return this.#order.length;
  }

  /** RRsets, and one more for each that has signatures, as in a changeset; those of hashed owners too. */
  get changedRrsets(): number {
    return this.#table.changedRrsets + (this.#hashedView?.changedRrsets ?? 0);
  }

  node(key: OwnerKey): ZoneNode | undefined {
    const name = this.#table.find(key);
    return name < 0 ? undefined : this.#node(name, key);
  }

  *ascend(from: OwnerKey): Generator<ZoneNode, void, undefined> {
    for (let at = this.#firstFrom(from); at < this.#order.length; at++) yield this.#nodeAt(at);
  }

  *descend(from: OwnerKey): Generator<ZoneNode, void, undefined> {
    const found = this.#firstFrom(from);
    const isThere = found < this.#order.length && this.#table.keyOf(this.#order[found]!) === from;
    for (let at = isThere ? found : found - 1; at >= 0; at--) yield this.#nodeAt(at);
  }

  /** Index in the order of the first key ≥ `from`. */
  #firstFrom(from: OwnerKey): number {
    let [low, high] = [0, this.#order.length];
    if (from === this.apexKey) return 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#table.keyOf(this.#order[middle]!) < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #nodeAt(index: number): ZoneNode {
    const name = this.#order[index]!;
    return this.#node(name, this.#table.keyOf(name));
  }

  #node(name: number, key: OwnerKey): ZoneNode {
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    const owner = this.#table.ownerOf(name) ?? nameOfKey(key);
    const node = { key, owner, rrsets: this.#table.nodeRrsets(name) };
    if (this.#kept.size >= TABLE_NODES_KEPT) this.#kept.clear();
    this.#kept.set(name, node);
    return node;
  }
}
