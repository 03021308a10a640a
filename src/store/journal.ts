/**
 * The journal: each zone's last changesets, the oldest pruned in the transaction that adds one. Keyed by store generation, because
 * serials wrap and generations do not.
 *
 *   0  u8   kind: 1 changeset, 2 snapshot (too large to keep: only that it happened)
 *   1  u32  serial before · u32 serial after
 *   9  f64  when, milliseconds
 *  17  u32  octets of the changeset as given, kept or not
 *  21  the changeset, as zone/changeset-codec.ts encodes it
 *
 * Not here: what a changeset is (zone/changeset.ts) and its octets.
 */
import { atObject } from '#base/place.ts';
import { JOURNAL_BYTES_MAX, JOURNAL_CHANGESET_BYTES_MAX, JOURNAL_ENTRIES_MAX } from '#base/limits/store.ts';

import { type ManagedRrset } from '#store/history/managed.ts';
import { StoreFailure } from './failure.ts';
import { decodeJson, encodeJson, hasFields } from './json.ts';
import { journalKey, numberOfKey } from './schema.ts';
import { type Octets, type ReadOptions } from './store.ts';

/** One changeset to keep; at most one for a zone in one commit. */
export interface JournalWrite {
  readonly zoneId: number;
  readonly fromSerial: number;
  readonly toSerial: number;
  readonly changeset: Uint8Array;
  /** Octets of a changeset that is larger than is kept, and left out. */
  readonly omittedBytes?: number;
  /** RRsets of it that a part of the server keeps, and not a person; absent: none. */
  readonly managed?: readonly ManagedRrset[];
}

export interface JournalEntry {
  /** Store generation of the commit. */
  readonly revision: number;
  readonly fromSerial: number;
  readonly toSerial: number;
  readonly atMs: number;
  /** Octets the changeset has, or had when it was too large to keep. */
  readonly sizeBytes: number;
  /** Undefined for a snapshot: the change was too large; a reader that needs it takes the whole zone. */
  readonly changeset: Uint8Array | undefined;
}

/** How much journal is kept; a test makes it small. */
export interface JournalLimits {
  readonly entries: number;
  readonly bytes: number;
  readonly changesetBytes: number;
}

export const JOURNAL_LIMITS: JournalLimits = {
  entries: JOURNAL_ENTRIES_MAX,
  bytes: JOURNAL_BYTES_MAX,
  changesetBytes: JOURNAL_CHANGESET_BYTES_MAX,
};

/** Totals of one zone's journal, under generation 0. */
interface Totals {
  readonly entries: number;
  readonly bytes: number;
}

function isTotals(value: unknown): value is Totals {
  return hasFields(value, { entries: 'number', bytes: 'number' });
}

const HEAD_BYTES = 21;
const KIND = { CHANGESET: 1, SNAPSHOT: 2 } as const;

/** Adds one entry and prunes. Inside the writer's transaction. Returns the revisions of what was pruned. */
export function appendJournal(
  journal: Octets,
  write: JournalWrite,
  generation: number,
  atMs: number,
  limits: JournalLimits,
): readonly number[] {
  const pruned: number[] = [];
  const sizeBytes = write.omittedBytes ?? write.changeset.length;
  const isKept = write.omittedBytes === undefined && sizeBytes <= limits.changesetBytes;
  const kept = isKept ? write.changeset : new Uint8Array(0);
  const value = Buffer.alloc(HEAD_BYTES + kept.length);
  value[0] = isKept ? KIND.CHANGESET : KIND.SNAPSHOT;
  value.writeUInt32BE(write.fromSerial, 1);
  value.writeUInt32BE(write.toSerial, 5);
  value.writeDoubleBE(atMs, 9);
  value.writeUInt32BE(sizeBytes, 17);
  value.set(kept, HEAD_BYTES);
  journal.putSync(journalKey(write.zoneId, generation), value);
  let { entries, bytes } = journalTotals(journal, write.zoneId);
  entries += 1;
  bytes += value.length;
  while (entries > 1 && (entries > limits.entries || bytes > limits.bytes)) {
    const [oldest] = journal.getRange({ start: journalKey(write.zoneId, 1), end: journalKey(write.zoneId + 1, 0), limit: 1 });
    if (oldest === undefined) break;
    journal.removeSync(oldest.key);
    pruned.push(numberOfKey(oldest.key, 4));
    entries -= 1;
    bytes -= oldest.value.length;
  }
  journal.putSync(journalKey(write.zoneId, 0), encodeJson({ entries, bytes } satisfies Totals));
  return pruned;
}

export function journalTotals(journal: Octets, zoneId: number, read?: ReadOptions): Totals {
  const bytes = journal.get(journalKey(zoneId, 0), read);
  return bytes === undefined ? { entries: 0, bytes: 0 } : decodeJson(bytes, 'totals of a journal', isTotals);
}

/** Up to `limit` entries of a zone, newest first, older than `beforeRevision` when that is given. */
export function readJournal(
  journal: Octets,
  zoneId: number,
  limit: number,
  beforeRevision?: number,
  read: ReadOptions = {},
): readonly JournalEntry[] {
  const range = journal.getRange({
    start: beforeRevision === undefined ? journalKey(zoneId + 1, 0) : journalKey(zoneId, beforeRevision),
    exclusiveStart: true,
    end: journalKey(zoneId, 0),
    reverse: true,
    limit,
    ...read,
  });
  return [...range].map(({ key, value }) => decodeEntry(key, value));
}

function decodeEntry(key: Uint8Array, value: Uint8Array): JournalEntry {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const kind = bytes[0];
  if (bytes.length < HEAD_BYTES || (kind !== KIND.CHANGESET && kind !== KIND.SNAPSHOT))
    throw new StoreFailure('STORE_DAMAGED', atObject('journal'), 'a journal entry is not well formed', 'restore the last backup');
  const sizeBytes = bytes.readUInt32BE(17);
  const changeset = kind === KIND.CHANGESET ? value.slice(HEAD_BYTES) : undefined;
  if (changeset !== undefined && changeset.length !== sizeBytes)
    throw new StoreFailure('STORE_DAMAGED', atObject('journal'), 'a journal entry is cut short', 'restore the last backup');
  return {
    revision: numberOfKey(key, 4),
    fromSerial: bytes.readUInt32BE(1),
    toSerial: bytes.readUInt32BE(5),
    atMs: bytes.readDoubleBE(9),
    sizeBytes,
    changeset,
  };
}
