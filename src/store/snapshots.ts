/**
 * Snapshots of the store: one that is held for longer than a read, and who holds which. Pages that were freed after the
 * oldest snapshot cannot be used again, so a snapshot that is held for long makes the file grow: who holds one has a
 * limit of time.
 * Not here: the snapshot of a reader's own (reader.ts).
 */
import { assert } from '#base/assert.ts';
import { decodeJson } from './json.ts';
import { type JournalEntry, readJournal } from './journal.ts';
import { type ZoneRecord, isZoneRecord, zoneKey } from './schema.ts';
import { type NodeWalks, type ShowStored, type WalkedName } from '#store/walk/node-walk.ts';
import { type Environment, type Octets, type ReadOptions } from './store.ts';

type Transaction = NonNullable<ReadOptions['transaction']>;

/**
 * Shows a node as it is stored, so that nothing is made for each of a million: `key` begins with NODE_KEY_ZONE_BYTES of
 * the zone, and NODE_CHECK_BYTES follow the node. Both arrays are good during the call only. False: no more are wanted.
 */
export type WantNode = (key: Uint8Array, node: Uint8Array) => boolean;

/** One state of the store that stays readable while its reader moves on: for what takes longer than one answer. */
export class HeldSnapshot {
  readonly #environment: Environment;
  readonly #transaction: Transaction;
  readonly #walks: NodeWalks;
  #holders = 1;
  /** By the id of a zone, that of its nodes. */
  readonly #contents = new Map<number, number>();
  readonly read: ReadOptions;

  constructor(environment: Environment, walks: NodeWalks, transaction: Transaction) {
    this.#environment = environment;
    this.#walks = walks;
    this.#transaction = transaction;
    this.read = { transaction };
  }

  /** One more holder. */
  share(): this {
    assert(this.#holders > 0, 'a snapshot was released by all who held it');
    this.#holders += 1;
    return this;
  }

  /** To be called once by each holder. */
  release(): void {
    assert(this.#holders > 0, 'a snapshot was released more often than held');
    this.#holders -= 1;
    if (this.#holders === 0) this.#transaction.done();
  }

  zone(zoneId: number): ZoneRecord | undefined {
    const bytes = this.#environment.db.zones.get(zoneKey(zoneId), this.read);
    return bytes === undefined ? undefined : decodeJson(bytes, 'a zone record', isZoneRecord);
  }

  /**
   * Shows nodes of the zone behind the owner key `after` (from the first, without), in canonical order, at most
   * `limit`. Returns how many there were.
   */
  readNodes(zoneId: number, after: Uint8Array | undefined, limit: number, show: WantNode): number {
    return readNodes(this.#environment.db.nodes, this.read, this.#contentOf(zoneId), after, limit, show);
  }

  /**
   * Shows nodes of the zone from the stored key `from` on, with it, as long as they are wanted: for a whole zone,
   * because nothing is made for any of them. `hashed`: the NSEC3 nodes.
   */
  walk(name: WalkedName, zoneId: number, from: Uint8Array | undefined, show: ShowStored): void {
    this.#walks[name].walk(this.read, this.#contentOf(zoneId), from, show);
  }

  /** The stored key of the node that `walk` has shown last, in `into`: returns its length. Before any other read. */
  copyWalkedKey(name: WalkedName, into: Uint8Array): number {
    return this.#walks[name].copyKey(into);
  }

  #contentOf(zoneId: number): number {
    const known = this.#contents.get(zoneId) ?? this.zone(zoneId)?.contentId ?? zoneId;
    this.#contents.set(zoneId, known);
    return known;
  }

  /** Changesets of a zone, newest first, at most `limit`. */
  journal(zoneId: number, limit: number, beforeRevision?: number): readonly JournalEntry[] {
    return readJournal(this.#environment.db.journal, zoneId, limit, beforeRevision, this.read);
  }
}

/** Nodes as they are stored; see `readNodes` of reader.ts. */
export function readNodes(
  tree: Octets,
  read: ReadOptions,
  zoneId: number,
  after: Uint8Array | undefined,
  limit: number,
  show: WantNode,
): number {
  const start = after === undefined ? zoneKey(zoneId) : Buffer.concat([zoneKey(zoneId), after]);
  const range = { start, exclusiveStart: after !== undefined, end: zoneKey(zoneId + 1), limit, ...read };
  let shown = 0;
  for (const { key, value } of tree.getRange(range)) {
    shown += 1;
    if (!show(key, value)) break;
  }
  return shown;
}

/** One reader that holds a snapshot now. */
export interface Snapshot {
  readonly pid: number;
  /** LMDB's name of the thread, only to tell readers of one process from each other. */
  readonly thread: string;
  /** LMDB's number of the transaction that it shows. */
  readonly transaction: number;
}

/** Reads LMDB's text: a heading, then `pid thread transaction` for each slot, `-` in one that holds nothing. */
export function parseSnapshots(text: string): readonly Snapshot[] {
  return [...text.matchAll(/^\s*(\d+) (\S+) (\d+)$/gm)].map(([, pid, thread, transaction]) => ({
    pid: Number(pid),
    thread: thread!,
    transaction: Number(transaction),
  }));
}
