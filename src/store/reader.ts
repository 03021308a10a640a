/**
 * Reading the store: from the answer process's workers, from commands beside a running server, and from the writer itself.
 *
 * A reader of its own (`openReader`) holds one snapshot of the store until `refresh`, so that the zone table and the nodes it points
 * to always belong together, in an event loop and in a synchronous one alike. Holding a snapshot keeps LMDB from reusing pages freed
 * since: refresh at every generation received, and every second or so besides. Reads never wait for the writer.
 *
 * What `nodeBytes` returns is one shared buffer: good until the next read in this thread, from any reader.
 */
import { assert } from '#base/assert.ts';
import { NODE_KEY_BYTES_MAX, NSEC_STEPS_MAX, STORE_VIEW_BYTES_MAX } from '#base/limits/store.ts';
import { type Name, type OwnerKey, ownerKey } from '#dns/name.ts';
import { type ZoneView } from '#zone/view.ts';
import { type AuditRecord, type AuditText, readAudit, readAuditText, readHead } from '#store/audit/entries.ts';
import { type AuditVerdict, readAnchor, verifyAudit } from '#store/audit/chain.ts';
import { asDamage, checkDataFile } from './data-file.ts';
import { type DueDocument, documentValue, readDocumentIds, readDocumentOctets, readDue } from '#store/due/documents.ts';
import { type EventRange, type StoredEvent, eventRange, readEvents } from './events.ts';
import { StoreFailure, asFolderFailure, storeMissing } from './failure.ts';
import { type JournalEntry, readJournal } from './journal.ts';
import { decodeJson, isNumber, isString } from './json.ts';
import { NODE } from './node-codec.ts';
import { META, NODE_CHECK_BYTES, type TokenRecord, type ZoneRecord, isTokenRecord, secretKey, textKey, zoneKey } from './schema.ts';
import { NODE_KEY_ZONE_BYTES, openWalks } from '#store/walk/node-walk.ts';
import type { NodeWalks, ShowNode, WalkedName } from '#store/walk/node-walk.ts';
import { HeldSnapshot, type Snapshot, parseSnapshots, readNodes } from './snapshots.ts';
import { type Environment, type ReadOptions, closeEnvironment, databaseBytes } from './store.ts';
import { existingDatabase, openDatabases, openRoot } from './store.ts';
import { readFormat, readKekFile } from './marks.ts';
import { type Refresh, type StoredZone, ZoneTable, readGeneration } from './zone-table.ts';
import { storedZoneView } from './zone-view.ts';

const END_OF_LABEL = 0;

/**
 * Opens the store in `dir` for reading, beside a writer in this or another process. Does not wait: throws STORE_MISSING
 * when there is no complete store yet (try again when the writer has made it), STORE_FORMAT when it is newer than this
 * version, STORE_FOLDER or STORE_DAMAGED when it cannot be opened.
 */
export function openReader(dir: string): StoreReader {
  try {
    return openExisting(dir);
  } catch (error) {
    throw asFolderFailure(dir, asDamage(dir, error));
  }
}

function openExisting(dir: string): StoreReader {
  if (checkDataFile(dir, false) === 'absent') throw storeMissing(dir);
  const root = openRoot(dir, true);
  try {
    const meta = existingDatabase(root, 'meta');
    if (meta === undefined || readFormat(meta, dir) === undefined) throw storeMissing(dir);
    const db = openDatabases((name) => {
      const database = name === 'meta' ? meta : existingDatabase(root, name);
      if (database === undefined) throw storeMissing(dir);
      return database;
    });
    return new StoreReader({ dir, root, db, releases: new Set() }, openWalks(root));
  } catch (error) {
    // Else it stays: closing one environment takes the locks of all others of this process (process/store-hold.ts).
    if (error instanceof StoreFailure && error.code === 'STORE_MISSING') void root.close();
    throw error;
  }
}

export class StoreReader {
  readonly #environment: Environment;
  readonly #table: ZoneTable;
  /** Undefined in the writer: there reads show its own last commit, and no snapshot is held. */
  readonly #walks: NodeWalks | undefined;
  #read: ReadOptions = {};
  #held: HeldSnapshot | undefined;
  readonly #key = Buffer.alloc(NODE_KEY_BYTES_MAX);
  /** `#key` cut to each length: the binding takes a key's length from the array. */
  readonly #keyViews: Buffer[] = [];
  /** `#valueBuffer` cut to each length: the binding's own buffer lies about its byteLength. */
  #valueViews: Uint8Array[] = [];
  #valueBuffer: ArrayBufferLike | undefined;

  constructor(environment: Environment, walks?: NodeWalks) {
    this.#environment = environment;
    this.#table = new ZoneTable(environment);
    this.#walks = walks;
    this.refresh();
  }

  get dir(): string {
    return this.#environment.dir;
  }

  /** The store's generation in the snapshot held. */
  generation(): number {
    return this.#table.generation;
  }

  /** Moves to the store's newest state; cheap when nothing changed. Tells which zones are different. */
  refresh(): Refresh {
    const { root } = this.#environment;
    this.#held?.release();
    // Without this a synchronous loop keeps the snapshot it began with.
    root.resetReadTxn();
    if (this.#walks !== undefined) {
      this.#held = new HeldSnapshot(this.#environment, this.#walks, root.useReadTransaction());
      this.#read = this.#held.read;
    }
    return this.#table.refresh(this.#read);
  }

  /**
   * The snapshot held now, for a reader that needs it longer than until the next refresh: to be released once. Asserts
   * that this reader holds one.
   */
  hold(): HeldSnapshot {
    assert(this.#held !== undefined, 'this reader holds no snapshot');
    return this.#held.share();
  }

  /** Newest generation on disk, without moving the snapshot held. */
  newestGeneration(): number {
    this.#environment.root.resetReadTxn();
    return readGeneration(this.#environment.db.meta);
  }

  // --- zones ---

  /** All zones, in canonical order of their names. */
  zones(): readonly ZoneRecord[] {
    return this.#table.all().map((zone) => zone.record);
  }

  /** Those at and below this apex, in the same order; the others are not looked at. */
  zonesAtOrBelow(apexKey: OwnerKey): readonly StoredZone[] {
    return this.#table.atOrBelow(apexKey);
  }

  /** The first `limit` behind this apex, in the same order; of all when it is undefined. */
  zonesAfter(apexKey: OwnerKey | undefined, limit: number): readonly StoredZone[] {
    return this.#table.after(apexKey, limit);
  }

  /** The same with their apexes, for look-ups. The same array until a refresh finds a change. */
  storedZones(): readonly StoredZone[] {
    return this.#table.all();
  }

  /** Those of them that are catalogs. */
  catalogs(): readonly ZoneRecord[] {
    return this.#table.catalogs().map((zone) => zone.record);
  }

  zoneByName(name: Name): ZoneRecord | undefined {
    return this.zoneByKey(ownerKey(name));
  }

  zoneByKey(apexKey: OwnerKey): ZoneRecord | undefined {
    return this.#table.byApex(apexKey)?.record;
  }

  zoneById(zoneId: number): ZoneRecord | undefined {
    return this.#table.byId(zoneId)?.record;
  }

  /** The zone's content. Asserts that the zone is in the snapshot; it follows later refreshes, and is empty once the zone is removed. */
  view(record: ZoneRecord): ZoneView {
    const zone = this.#table.byId(record.id);
    assert(zone !== undefined, `zone ${record.name} is not in the store`);
    const content = () => this.#table.contentOf(record.id);
    return storedZoneView({ ...zone, content }, this.#environment.db, () => this.#read);
  }

  // --- nodes, for answers ---

  /**
   * The stored node with this owner key (the first `keyLength` octets of `key`), as node-codec.ts reads it; undefined when the name does not exist.
   * Good until the next read in this thread.
   */
  nodeBytes(zoneId: number, key: Uint8Array, keyLength = key.length): Uint8Array | undefined {
    return this.#nodeAt(this.#keyOf(zoneId, key, keyLength));
  }

  /**
   * The last node at or before this owner key that has an NSEC: the one whose NSEC covers or matches it (RFC 4035 §3.1.3).
   * Undefined when there is none, as in an unsigned zone. Good until the next read.
   */
  nsecAtOrBefore(zoneId: number, key: Uint8Array, keyLength = key.length): Uint8Array | undefined {
    let start: Uint8Array = this.#keyOf(zoneId, key, keyLength);
    const exact = this.#nodeAt(start);
    if (exact !== undefined && (exact[0]! & NODE.HAS_NSEC) !== 0) return exact;
    start = Buffer.from(start);
    let steps = 0;
    const end = zoneKey(this.#table.contentOf(zoneId));
    const range = this.#environment.db.nodes.getRange({ start, end, inclusiveEnd: true, reverse: true, ...this.#read });
    for (const { key: at, value } of range) {
      if ((value[0]! & NODE.HAS_NSEC) !== 0) return value.subarray(0, value.length - NODE_CHECK_BYTES);
      // All between an occluded name and the cut or DNAME above it is occluded too: go there at once.
      if ((value[0]! & NODE.BELOW) !== 0) return this.#nsecAbove(at);
      // Here only empty non-terminals, and at most 127 of them follow each other: before one lies its parent or the last leaf of a sibling.
      if (++steps > NSEC_STEPS_MAX) return undefined;
    }
    return undefined;
  }

  /** The closest ancestor with an NSEC, past those without that are occluded. */
  #nsecAbove(key: Uint8Array): Uint8Array | undefined {
    for (let length = key.length; length > 4;) {
      // Not into the zone id, which may have zeros of its own. At 4 stands the root, where the zone is the root.
      length = Math.max(4, key.lastIndexOf(END_OF_LABEL, length - 2) + 1);
      const node = this.#nodeAt(key.subarray(0, length));
      if (node === undefined) return undefined;
      if ((node[0]! & NODE.HAS_NSEC) !== 0) return node;
      if ((node[0]! & NODE.BELOW) === 0) return undefined;
    }
    return undefined;
  }

  /** The node of an NSEC3 RRset under exactly this key. Good until the next read. */
  hashedBytes(zoneId: number, key: Uint8Array, keyLength = key.length): Uint8Array | undefined {
    return this.#nodeAt(this.#keyOf(zoneId, key, keyLength), this.#environment.db.hashed);
  }

  /**
   * The same of the last key at or before this one, or of the zone's last: the chain is a circle (RFC 5155 §3.1.7).
   * Undefined when the zone has no NSEC3.
   */
  hashedAtOrBefore(zoneId: number, key: Uint8Array, keyLength = key.length): Uint8Array | undefined {
    const { hashed } = this.#environment.db;
    const id = this.#table.contentOf(zoneId);
    const lastBefore = (start: Uint8Array): Uint8Array | undefined => {
      const range = { start, end: zoneKey(id), inclusiveEnd: true, reverse: true, limit: 1, ...this.#read };
      for (const { value } of hashed.getRange(range)) return value.subarray(0, value.length - NODE_CHECK_BYTES);
      return undefined;
    };
    // The next zone's key alone is the key of none of its nodes: a hashed owner name has a label.
    return lastBefore(Buffer.from(this.#keyOf(zoneId, key, keyLength))) ?? lastBefore(zoneKey(id + 1));
  }

  /**
   * Shows the zone's nodes after the owner key `after` (from the first, without), in canonical order, at most `limit`. Both arrays are good
   * during the call only. Returns how many there were.
   */
  readNodes(zoneId: number, after: Uint8Array | undefined, limit: number, show: ShowNode): number {
    return this.#readTree('nodes', zoneId, after, limit, show);
  }

  /** The same of NSEC3 nodes. */
  readHashed(zoneId: number, after: Uint8Array | undefined, limit: number, show: ShowNode): number {
    return this.#readTree('hashed', zoneId, after, limit, show);
  }

  #readTree(name: WalkedName, zoneId: number, after: Uint8Array | undefined, limit: number, show: ShowNode): number {
    const id = this.#table.contentOf(zoneId);
    return readNodes(this.#environment.db[name], this.#read, id, after, limit, (key, value) => {
      show(key.subarray(NODE_KEY_ZONE_BYTES), value.subarray(0, value.length - NODE_CHECK_BYTES));
      return true;
    });
  }

  #keyOf(zoneId: number, key: Uint8Array, keyLength: number): Buffer {
    assert(keyLength <= NODE_KEY_BYTES_MAX - 4, 'owner key longer than any name');
    this.#key.writeUInt32BE(this.#table.contentOf(zoneId));
    for (let at = 0; at < keyLength; at++) this.#key[at + 4] = key[at]!;
    return (this.#keyViews[keyLength] ??= this.#key.subarray(0, keyLength + 4));
  }

  #nodeAt(key: Uint8Array, tree = this.#environment.db.nodes): Uint8Array | undefined {
    const found = tree.getBinaryFast(key, this.#read);
    if (found === undefined) return undefined;
    const length = found.length - NODE_CHECK_BYTES;
    if (found.buffer !== this.#valueBuffer) {
      this.#valueBuffer = found.buffer;
      this.#valueViews = [];
    }
    if (length > STORE_VIEW_BYTES_MAX) return new Uint8Array(found.buffer, found.byteOffset, length);
    return (this.#valueViews[length] ??= new Uint8Array(found.buffer, found.byteOffset, length));
  }

  // --- the rest ---

  /** Changesets of a zone, newest first, at most `limit`, before `beforeRevision` when given. */
  journal(zoneId: number, limit: number, beforeRevision?: number): readonly JournalEntry[] {
    return readJournal(this.#environment.db.journal, zoneId, limit, beforeRevision, this.#read);
  }

  /** Audit entries, newest first, at most `limit`, before `beforeSequence` when given. */
  audit(limit: number, beforeSequence?: number): readonly AuditRecord[] {
    return readAudit(this.#environment.db.audit, limit, beforeSequence, this.#read);
  }

  /** Walks the audit log. A reader has no key-encryption key: the writer's check sees more. */
  verifyAudit(): AuditVerdict {
    return verifyAudit(this.#environment.db, undefined, this.#read);
  }

  /** Audit entries after `afterSequence`, oldest first, at most `limit`, as the JSON that their hashes are of. */
  auditText(afterSequence: number, limit: number): readonly AuditText[] {
    return readAuditText(this.#environment.db.audit, afterSequence, limit, this.#read);
  }

  /** Which audit entries are kept; `from` is one more than `last` when there is none. */
  auditRange(): { readonly from: number; readonly last: number } {
    const { meta } = this.#environment.db;
    const from = (readAnchor(meta, this.#read)?.sequence ?? 0) + 1;
    return { from, last: readHead(meta, this.#read)?.sequence ?? 0 };
  }

  /** Octets of the pages that the audit log has in the file. */
  auditBytes(): number {
    return databaseBytes(this.#environment.db.audit);
  }

  tokens(): readonly TokenRecord[] {
    return [...this.#environment.db.tokens.getRange({ ...this.#read })].map(({ value }) => decodeJson(value, 'a token', isTokenRecord));
  }

  token(id: string): TokenRecord | undefined {
    const bytes = this.#environment.db.tokens.get(textKey(id), this.#read);
    return bytes === undefined ? undefined : decodeJson(bytes, 'a token', isTokenRecord);
  }

  /** A secret as it is stored: sealed. */
  sealedSecret(zoneId: number, id: string): Uint8Array | undefined {
    return this.#environment.db.secrets.get(secretKey(zoneId, id), this.#read);
  }

  /** A document's JSON value; undefined when there is none. The caller checks that it is what it should be. */
  document(zoneId: number, kind: string, id: string): unknown {
    const octets = this.documentOctets(zoneId, kind, id);
    return octets === undefined ? undefined : documentValue(octets);
  }

  /** The same as it is stored: for a caller that keeps what a document means, and must know whether it has changed. */
  documentOctets(zoneId: number, kind: string, id: string): Uint8Array | undefined {
    return readDocumentOctets(this.#environment.db, zoneId, kind, id, this.#read);
  }

  /** Ids of the zone's documents of one kind. */
  documentIds(zoneId: number, kind: string): readonly string[] {
    return readDocumentIds(this.#environment.db, zoneId, kind, this.#read);
  }

  /** Documents that are due at `untilMs` or before, soonest first, at most `limit`; of one kind, or of any. */
  due(untilMs: number, limit: number, kind?: string): readonly DueDocument[] {
    return readDue(this.#environment.db, untilMs, limit, kind, this.#read);
  }

  /** Events after the one with id `afterId`, oldest first, at most `limit`. */
  events(afterId: number, limit: number): readonly StoredEvent[] {
    return readEvents(this.#environment.db.events, afterId, limit, this.#read);
  }

  /** Which events are kept. */
  eventRange(): EventRange {
    return eventRange(this.#environment.db.events, this.#read);
  }

  /** UUID of this installation. */
  installation(): string {
    const bytes = this.#environment.db.meta.get(textKey(META.INSTALLATION), this.#read);
    return bytes === undefined ? '' : decodeJson(bytes, 'the installation id', isString);
  }

  /** Absolute path of the key-encryption key's file, as the store remembers it; undefined in a store that never has. */
  kekFile(): string | undefined {
    return readKekFile(this.#environment.db.meta, this.#read);
  }

  /** Highest wall time that a commit has seen, milliseconds: a clock below it went back. */
  clockHighWaterMs(): number {
    const bytes = this.#environment.db.meta.get(textKey(META.CLOCK), this.#read);
    return bytes === undefined ? 0 : decodeJson(bytes, 'the clock mark', isNumber);
  }

  /** For this folder: the databases, how to read the snapshot held, and its zones. */
  inspect(): { readonly environment: Environment; readonly read: ReadOptions; readonly table: ZoneTable } {
    return { environment: this.#environment, read: this.#read, table: this.#table };
  }

  /** Snapshots held now, by all processes that have this store open. */
  snapshots(): readonly Snapshot[] {
    return parseSnapshots(this.#environment.root.readerList());
  }

  /** Frees the slots of readers that died with their process; the number freed. */
  dropDeadReaders(): number {
    return this.#environment.root.readerCheck();
  }

  /** Gives the snapshot back and closes. Nothing may be read afterwards. */
  async close(): Promise<void> {
    this.#held?.release();
    this.#held = undefined;
    this.#read = {};
    await closeEnvironment(this.#environment);
  }
}
