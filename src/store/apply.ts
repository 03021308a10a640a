/**
 * What one commit does inside its transaction: nodes with their checks, zone records with the true counts, journal, secrets, tokens,
 * audit entry, generation. Everything here is undone together when anything throws.
 * Not here: the transaction, its flush and its failures (writer.ts).
 */
import { atRrset } from '#base/place.ts';
import { assert } from '#base/assert.ts';
import {
  AUDIT_REMOVE_ENTRIES_MAX,
  NODE_BYTES_MAX,
  NODE_KEY_BYTES_MAX,
  REMOVE_BATCH_KEYS_MAX,
  STORE_SPACE_CHECK_BYTES,
  STORE_VALUE_BUFFER_BYTES,
} from '#base/limits/store.ts';
import { type OwnerKey, formatName, nameOfKey } from '#dns/name.ts';

import { type AuditEvent, appendAudit } from '#store/audit/entries.ts';
import { AUDIT_REMOVAL, removeAudit } from '#store/audit/chain.ts';
import { type DocumentWrite, FILLING_KIND, type NoteDue, documentKey } from '#store/due/documents.ts';
import { putDocument, removeDocuments } from '#store/due/documents.ts';
import { type EventShares } from './event-shares.ts';
import { type EventWrite, appendEvents } from './events.ts';
import { dropManaged, noteManagedSince, putManaged } from '#store/history/managed.ts';
import { StoreFailure } from './failure.ts';
import { type Written } from './free-space.ts';
import { decodeJson, encodeJson, isNumber } from './json.ts';
import { type JournalLimits, type JournalWrite, appendJournal } from './journal.ts';
import { raiseFormat } from './marks.ts';
import { ChangeLog, rememberChanges } from './recent.ts';
import {
  META,
  NODE_CHECK_BYTES,
  type TokenRecord,
  type ZoneRecord,
  isZoneRecord,
  nodeCheck,
  secretKey,
  textKey,
  zoneKey,
} from './schema.ts';
import { type KekWrite, beginKekChange, endKekChange } from '#store/kek/change.ts';
import { type ChangingSealer, type Sealer } from './seal.ts';
import { type Environment, type Octets } from './store.ts';
import { readGeneration } from './zone-table.ts';

export interface NodeWrite {
  readonly zoneId: number;
  readonly key: OwnerKey;
  /** `encodeNode` of the node, or null: the name is no more. */
  readonly value: Uint8Array | null;
  /** The key is of a hashed owner name, the node an NSEC3 RRset. */
  readonly isHashed?: boolean;
}

export interface SecretWrite {
  /** 0 when it belongs to no zone. */
  readonly zoneId: number;
  readonly id: string;
  /** Sealed octets, or null to forget it. */
  readonly value: Uint8Array | null;
}

/** Names under an id that is not that of a zone's nodes, and that a document names: nothing reads them. */
export type BesideWrite =
  /** They come. */
  | { readonly kind: 'fill'; readonly zoneId: number; readonly nodes: Iterable<NodeWrite> }
  /** They go, so many of each kind at most. */
  | { readonly kind: 'sweep'; readonly zoneId: number; readonly limit: number };

/** A zone whose names came before its record. Of one that is there, those that it had are left for a sweep. */
export interface FilledZone {
  readonly zoneId: number;
  /** The id that they stand under; of a new zone its own. */
  readonly contentId: number;
  readonly nodeCount: number;
  /** Of a zone that was there: no name came or went, and none changed its flags. */
  readonly sameNames: boolean;
}

/** Everything that changes at once. */
export interface StoreWrite {
  /** This alone, and nothing else of the write: the store is in the same generation afterwards. */
  readonly beside?: BesideWrite;
  /** A zone whose names are there already, all of them, under an id of theirs. */
  readonly filled?: FilledZone;
  /** What is upkeep and happens by itself many times a day may have its time alone, and no entry. */
  readonly audit: AuditEvent | { readonly atMs: number; readonly action?: undefined };
  /** Zones made or changed: every zone with nodes or journal here must be among them. `remove` takes all that belongs to a zone. */
  readonly zones?: {
    readonly put?: readonly ZoneRecord[];
    readonly remove?: readonly number[];
    /** Of those removed, the ones whose names stay for a sweep; a document must name the id that they stand under. */
    readonly leave?: readonly number[];
  };
  /** Read once, in order; may be made on the way, so that a large zone is never encoded as a whole. What it throws rolls all back. */
  readonly nodes?: Iterable<NodeWrite>;
  readonly journal?: readonly JournalWrite[];
  /** Of zones that exist, or are made here. A zone whose records stay as they are keeps its revision. */
  readonly secrets?: readonly SecretWrite[];
  readonly documents?: readonly DocumentWrite[];
  /**
   * Audit entries up to this sequence go, AUDIT_REMOVE_ENTRIES_MAX of them at most; `audit` tells of it, with what went
   * before its detail.
   */
  readonly auditThrough?: number;
  /** No zone has it yet, and no other zone gets it. */
  readonly reservedZoneId?: number;
  /** What clients that follow receive; in this order. */
  readonly events?: readonly EventWrite[];
  readonly tokens?: { readonly put?: readonly TokenRecord[]; readonly remove?: readonly string[] };
  /** Where the key-encryption key is, from now on. */
  readonly kekFile?: string;
  /** It becomes another one, or has become it. */
  readonly kek?: KekWrite;
  /** Signature refresh and removals: written even into the last reserve of disk space. */
  readonly upkeep?: boolean;
}

export interface CommitOutcome {
  readonly generation: number;
  /** The zone records as they were stored: with this generation and the counted nodes. */
  readonly zones: readonly ZoneRecord[];
}

export interface ApplyTools {
  readonly sealer: ChangingSealer;
  readonly installation: string;
  readonly limits: JournalLimits;
  readonly eventsKept: number;
  readonly eventShares: () => EventShares;
  readonly noteDue: NoteDue;
  /** Called before LMDB writes to the file: at the end, and during a very large write. Throws when space is missing. */
  readonly makeRoom: (written: Written) => void;
}

/** Applies `write` inside the running transaction. */
export function applyWrite({ db }: Environment, write: StoreWrite, tools: ApplyTools): CommitOutcome {
  const { sealer, limits, eventsKept, makeRoom } = tools;
  if (write.beside !== undefined) return applyBeside(db, write.beside, makeRoom);
  const generation = readGeneration(db.meta) + 1;
  const put = write.zones?.put ?? [];
  const remove = write.zones?.remove ?? [];
  const written = writtenZones(db.zones, write);

  const leave = new Set(write.zones?.leave);
  const left = remove.map((id) => removeZone(db, id, tools.noteDue, leave.has(id)));
  const changes = new ChangeLog(put.map((record) => record.id));
  const { bytes, entries } = applyNodes(db, write.nodes ?? [], { written, changes }, makeRoom);
  if (write.filled !== undefined) changes.addAll(write.filled.zoneId, write.filled.sameNames);
  const zones = put.map(({ contentId: _given, ...record }) => {
    const { contentId, count: nodeCount } = written.get(record.id)!;
    const isMoved = contentId !== record.id;
    return { ...record, ...(isMoved && { contentId }), revision: generation, nodeCount };
  });
  if (zones.some(({ contentId }) => contentId !== undefined)) raiseFormat(db.meta);
  for (const record of zones) db.zones.putSync(zoneKey(record.id), encodeJson(record));
  reserveZoneIds(db.meta, put, write.reservedZoneId);

  noteManagedSince(db, generation);
  const journalled = new Set<number>();
  for (const each of write.journal ?? []) {
    assert(written.has(each.zoneId) && !journalled.has(each.zoneId), 'one changeset for each changed zone');
    journalled.add(each.zoneId);
    const pruned = appendJournal(db.journal, each, generation, write.audit.atMs, limits);
    for (const revision of pruned) dropManaged(db, each.zoneId, revision);
    putManaged(db, each.zoneId, generation, each.managed ?? []);
  }
  for (const { zoneId, id, value } of write.secrets ?? []) {
    assert(hasZone(db.zones, zoneId), `secret of zone ${zoneId}, which does not exist`);
    if (value === null) db.secrets.removeSync(secretKey(zoneId, id));
    else db.secrets.putSync(secretKey(zoneId, id), value);
  }
  for (const each of write.documents ?? []) {
    assert(hasZone(db.zones, each.zoneId), `document of zone ${each.zoneId}, which does not exist`);
    putDocument(db, each, tools.noteDue);
  }
  for (const id of left) assert(id === undefined || isFilling(db, id), `no document names id ${id}, which is left`);
  for (const token of write.tokens?.put ?? []) db.tokens.putSync(textKey(token.id), encodeJson(token));
  for (const id of write.tokens?.remove ?? []) db.tokens.removeSync(textKey(id));

  const { kek } = write;
  const { installation } = tools;
  if (kek?.kind === 'begin') beginKekChange({ db }, kek, { sealer, installation, nowMs: write.audit.atMs });
  if (kek?.kind === 'end' && sealer.next !== undefined) endKekChange({ db }, sealer.next);
  // The head of the audit log is of the key that seals from now on.
  const auditSealer = kek?.kind === 'begin' ? kek.next : sealer;
  if (write.kekFile !== undefined) db.meta.putSync(textKey(META.KEK_FILE), encodeJson(write.kekFile));
  const { atMs } = write.audit;
  const { events = [] } = write;
  const shares = tools.eventShares;
  if (events.length > 0) appendEvents(db.events, events, { shares: shares(), generation, atMs, kept: eventsKept });
  const event = write.auditThrough === undefined ? write.audit : removal(db, write.audit, write.auditThrough, sealer);
  if (event.action !== undefined) appendAudit(db.audit, db.meta, event, generation, auditSealer);
  rememberChanges(db.recent, generation, changes, remove);
  raiseClock(db.meta, write.audit.atMs);
  db.meta.putSync(textKey(META.GENERATION), encodeJson(generation));
  makeRoom({ bytes: bytes + journalBytes(write), entries: entries + put.length });
  return { generation, zones };
}

function applyBeside(db: Environment['db'], beside: BesideWrite, makeRoom: ApplyTools['makeRoom']): CommitOutcome {
  const { zoneId } = beside;
  const isBeside = zoneId > 0 && isFilling(db, zoneId) && !isOwnContent(db.zones, zoneId);
  assert(isBeside, `id ${zoneId} is that of a zone's nodes`);
  if (beside.kind === 'fill') {
    const written = new Map([[zoneId, { contentId: zoneId, count: 0 }]]);
    makeRoom(applyNodes(db, beside.nodes, { written, changes: new ChangeLog([zoneId]) }, makeRoom));
  } else {
    const range = { start: zoneKey(zoneId), end: zoneKey(zoneId + 1), limit: beside.limit };
    for (const database of [db.nodes, db.hashed]) {
      const keys = [...database.getKeys(range)];
      for (const key of keys) database.removeSync(key);
    }
    makeRoom({ bytes: 0, entries: 2 * beside.limit });
  }
  return { generation: readGeneration(db.meta), zones: [] };
}

/** Removes audit entries; the event that tells of it. */
function removal(db: Environment['db'], event: StoreWrite['audit'], through: number, sealer: Sealer): AuditEvent {
  assert(event.action === AUDIT_REMOVAL, 'a removal of audit entries has an entry of its own');
  const cut = removeAudit(db, through, AUDIT_REMOVE_ENTRIES_MAX, sealer);
  const count = cut.through + 1 - cut.from;
  return { ...event, detail: `${count} entries, ${cut.from} to ${cut.through}: ${event.detail}` };
}

/** The zones of a write: the id that their nodes stand under, and the count of names, which follows the write. */
type WrittenZones = Map<number, { readonly contentId: number; count: number }>;

/** As they are before the nodes of the write. Asserts that ids and names are used once. */
function writtenZones(zones: Octets, write: StoreWrite): WrittenZones {
  const { put = [], remove = [] } = write.zones ?? {};
  const { filled } = write;
  const written: WrittenZones = new Map();
  for (const { id, name } of put) {
    assert(id > 0 && !written.has(id), `zone id ${id} is put twice or is 0`);
    const stored = storedZone(zones, id);
    assert(stored === undefined || stored.name === name, `zone id ${id} belongs to another zone`);
    const { contentId = id, nodeCount = 0 } = stored ?? {};
    if (filled?.zoneId !== id) written.set(id, { contentId, count: nodeCount });
    else {
      assert(stored === undefined || filled.contentId !== contentId, `zone id ${id} was filled, and is there`);
      written.set(id, { contentId: filled.contentId, count: filled.nodeCount });
    }
  }
  for (const id of remove) assert(!written.has(id), `zone id ${id} is both put and removed`);
  return written;
}

function storedZone(zones: Octets, zoneId: number): ZoneRecord | undefined {
  const bytes = zones.get(zoneKey(zoneId));
  return bytes === undefined ? undefined : decodeJson(bytes, 'a zone record', isZoneRecord);
}

/** Whether the zone with this id has its nodes under it. */
function isOwnContent(zones: Octets, id: number): boolean {
  const stored = storedZone(zones, id);
  return stored !== undefined && (stored.contentId ?? id) === id;
}

function hasZone(zones: Octets, zoneId: number): boolean {
  return zoneId === 0 || zones.get(zoneKey(zoneId)) !== undefined;
}

function journalBytes({ journal = [] }: StoreWrite): number {
  return journal.reduce((sum, { changeset }) => sum + changeset.length, 0);
}

function applyNodes(
  db: Environment['db'],
  writes: Iterable<NodeWrite>,
  { written, changes }: { readonly written: WrittenZones; readonly changes: ChangeLog },
  makeRoom: ApplyTools['makeRoom'],
): Written {
  let bytes = 0;
  let entries = 0;
  let checkedBytes = 0;
  // Inside a transaction a put copies at once, so one key and one value buffer serve for all.
  const keyBuffer = Buffer.alloc(NODE_KEY_BYTES_MAX);
  let valueBuffer = Buffer.alloc(STORE_VALUE_BUFFER_BYTES);
  for (const { zoneId, key: owner, value, isHashed = false } of writes) {
    const nodes = isHashed ? db.hashed : db.nodes;
    const zone = written.get(zoneId);
    assert(zone !== undefined, `node of zone ${zoneId}, which this commit does not write`);
    keyBuffer.writeUInt32BE(zone.contentId);
    const key = keyBuffer.subarray(0, 4 + keyBuffer.write(owner, 4, 'latin1'));
    assert(key.length === 4 + owner.length, 'owner key longer than any name');
    entries += 1;
    bytes += key.length + (value?.length ?? 0);
    if (bytes - checkedBytes > STORE_SPACE_CHECK_BYTES) {
      makeRoom({ bytes, entries });
      checkedBytes = bytes;
    }
    const flagsBefore = nodes.getBinaryFast(key)?.[0];
    changes.add(zoneId, owner, flagsBefore === value?.[0]);
    if (value === null) {
      if (nodes.removeSync(key) && !isHashed) zone.count -= 1;
      continue;
    }
    const size = value.length + NODE_CHECK_BYTES;
    if (size > NODE_BYTES_MAX)
      throw new StoreFailure(
        'STORE_LIMIT',
        atRrset(formatName(nameOfKey(owner))),
        `all records at this name take ${value.length} octets, the store takes ${NODE_BYTES_MAX - NODE_CHECK_BYTES} at one name`,
        'spread the records over more names',
      );
    if (size > valueBuffer.length) valueBuffer = Buffer.alloc(size * 2);
    valueBuffer.set(value);
    valueBuffer.writeUInt32BE(nodeCheck(key, value), value.length);
    if (flagsBefore === undefined && !isHashed) zone.count += 1;
    nodes.putSync(key, valueBuffer.subarray(0, size));
  }
  return { bytes, entries };
}

function isFilling(db: Environment['db'], contentId: number): boolean {
  return db.documents.get(documentKey(0, FILLING_KIND, String(contentId))) !== undefined;
}

/**
 * All that a zone has. A batch of keys at a time; LMDB reuses the pages it empties, so its memory stays small too.
 * Returns the id that names are left under, undefined when none are.
 */
function removeZone(db: Environment['db'], zoneId: number, noteDue: NoteDue, isLeaving: boolean): number | undefined {
  assert(zoneId > 0, 'zone id 0 is no zone');
  const contentId = storedZone(db.zones, zoneId)?.contentId ?? zoneId;
  db.zones.removeSync(zoneKey(zoneId));
  removeDocuments(db, zoneId, noteDue);
  for (const database of [db.journal, db.secrets]) removeRange(database, zoneId);
  if (isLeaving) return contentId;
  // Those that it had before stay with the document that names them.
  for (const database of [db.nodes, db.hashed]) removeRange(database, contentId);
  return undefined;
}

function removeRange(database: Octets, id: number): void {
  for (;;) {
    const range = database.getKeys({ start: zoneKey(id), end: zoneKey(id + 1), limit: REMOVE_BATCH_KEYS_MAX });
    const keys = [...range];
    for (const key of keys) database.removeSync(key);
    if (keys.length < REMOVE_BATCH_KEYS_MAX) break;
  }
}

function reserveZoneIds(meta: Octets, put: readonly ZoneRecord[], reserved = 0): void {
  const next = nextZoneId(meta);
  const highest = put.reduce((most, { id }) => Math.max(most, id), reserved);
  if (highest >= next) meta.putSync(textKey(META.NEXT_ZONE), encodeJson(highest + 1));
}

export function nextZoneId(meta: Octets): number {
  const bytes = meta.get(textKey(META.NEXT_ZONE));
  return bytes === undefined ? 1 : decodeJson(bytes, 'the next zone id', isNumber);
}

function raiseClock(meta: Octets, nowMs: number): void {
  const bytes = meta.get(textKey(META.CLOCK));
  const highest = bytes === undefined ? 0 : decodeJson(bytes, 'the clock mark', isNumber);
  if (nowMs > highest) meta.putSync(textKey(META.CLOCK), encodeJson(nowMs));
}
