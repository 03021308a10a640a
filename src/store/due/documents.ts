/**
 * Documents: JSON that belongs to a zone and is no record, like its mail policy and the lives of its keys; and the table of what is due
 * when. Both change in the transaction that changes the records they led to, so that nothing is ever decided on half a state.
 *
 * A document says itself when it is due, so its entry in the table is found and moved without a search.
 * Not here: what documents say, and what time is counted in (their writers know).
 */
import { assert } from '#base/assert.ts';

import { decodeJson, encodeJson, hasFields } from '#store/json.ts';
import { numberKey, numberOfKey, textKey, zoneIdOfKey, zoneKey } from '#store/schema.ts';
import { type Octets, type ReadOptions } from '#store/store.ts';

export interface DocumentPlace {
  /** 0 when it belongs to no zone. */
  readonly zoneId: number;
  readonly kind: string;
  readonly id: string;
}

/** Names ids that no zone has yet, and whose nodes come or go in slices (control/import/filling.ts): under zone 0. */
export const FILLING_KIND = 'filling';

export interface DocumentValue extends DocumentPlace {
  /** JSON, or null: it is no more. */
  readonly value: unknown;
  /** Milliseconds; without it the document is never due. */
  readonly dueAtMs?: number;
}

/** A document that stays as it is and is due at `wakeAtMs` at the latest. Where there is no such document nothing happens. */
export interface DocumentWake extends DocumentPlace {
  readonly wakeAtMs: number;
}

export type DocumentWrite = DocumentValue | DocumentWake;

/** A document that is due. */
export interface DueDocument {
  readonly dueAtMs: number;
  readonly zoneId: number;
  readonly kind: string;
  readonly id: string;
}

/** As stored. */
interface Envelope {
  readonly dueAtMs?: number;
  readonly value: unknown;
}

export interface DocumentTables {
  readonly documents: Octets;
  readonly due: Octets;
}

const DUE_HEAD_BYTES = 8;
const DUE_VALUE = Buffer.from([0]);

function isEnvelope(value: unknown): value is Envelope {
  return hasFields(value, { dueAtMs: 'number?' }) && Object.hasOwn(Object(value), 'value');
}

export function documentKey(zoneId: number, kind: string, id: string): Buffer {
  return Buffer.concat([zoneKey(zoneId), textKey(kind), Buffer.from([0]), textKey(id)]);
}

function dueKey(dueAtMs: number, key: Uint8Array): Buffer {
  return Buffer.concat([numberKey(tableMs(dueAtMs)), key]);
}

/** The time as the table has it: whole milliseconds, never before the document says. */
export function tableMs(dueAtMs: number): number {
  return Math.max(0, Math.ceil(dueAtMs));
}

/** Called with a document's key and its new time, undefined when it has none any more. */
export type NoteDue = (key: Uint8Array, dueAtMs: number | undefined) => void;

/** Inside a transaction: writes the document and moves its entry in the table. */
export function putDocument({ documents, due }: DocumentTables, write: DocumentWrite, note?: NoteDue): void {
  const key = documentKey(write.zoneId, write.kind, write.id);
  const before = readEnvelope(documents, key, {});
  if ('wakeAtMs' in write && before === undefined) return;
  const { value, dueAtMs } =
    'wakeAtMs' in write
      ? { value: before?.value, dueAtMs: Math.min(write.wakeAtMs, before?.dueAtMs ?? write.wakeAtMs) }
      : write;
  if (before?.dueAtMs !== undefined) due.removeSync(dueKey(before.dueAtMs, key));
  if (before?.dueAtMs !== undefined || dueAtMs !== undefined) note?.(key, dueAtMs);
  if (value === null) {
    assert(dueAtMs === undefined, 'a document that is removed is not due');
    documents.removeSync(key);
    return;
  }
  documents.putSync(key, encodeJson({ ...(dueAtMs === undefined ? {} : { dueAtMs }), value } satisfies Envelope));
  if (dueAtMs !== undefined) due.putSync(dueKey(dueAtMs, key), DUE_VALUE);
}

/** Inside a transaction: all documents of a zone, and what was due of them. */
export function removeDocuments({ documents, due }: DocumentTables, zoneId: number, note?: NoteDue): void {
  const entries = [...documents.getRange({ start: zoneKey(zoneId), end: zoneKey(zoneId + 1) })];
  for (const { key, value } of entries) {
    const { dueAtMs } = decodeJson(value, 'a document', isEnvelope);
    if (dueAtMs !== undefined) {
      due.removeSync(dueKey(dueAtMs, key));
      note?.(key, undefined);
    }
    documents.removeSync(key);
  }
}

function readEnvelope(documents: Octets, key: Uint8Array, read: ReadOptions): Envelope | undefined {
  const bytes = documents.get(key, read);
  return bytes === undefined ? undefined : decodeJson(bytes, 'a document', isEnvelope);
}

/** A document as it is stored; undefined when there is none. */
export function readDocumentOctets(
  { documents }: DocumentTables,
  zoneId: number,
  kind: string,
  id: string,
  read: ReadOptions,
): Uint8Array | undefined {
  return documents.get(documentKey(zoneId, kind, id), read);
}

/** The ids of a zone's documents of one kind, in the order of their octets. */
export function readDocumentIds(tables: DocumentTables, zoneId: number, kind: string, read: ReadOptions): string[] {
  const [start, end] = [0, 1].map((octet) => Buffer.concat([zoneKey(zoneId), textKey(kind), Buffer.of(octet)]));
  const keys = [...tables.documents.getKeys({ start: start!, end: end!, ...read })];
  return keys.map((key) => Buffer.from(key).toString('latin1', start!.length));
}

/** The JSON value in the octets of a document. */
export function documentValue(octets: Uint8Array): unknown {
  return decodeJson(octets, 'a document', isEnvelope).value;
}

/** The first `limit` entries of the table, of `kind` where it is given, soonest first, up to `untilMs`. */
export function readDue(
  { due }: DocumentTables,
  untilMs: number,
  limit: number,
  kind: string | undefined,
  read: ReadOptions,
): DueDocument[] {
  const end = numberKey(Math.max(0, Math.floor(untilMs)) + 1);
  const found: DueDocument[] = [];
  for (const at of due.getKeys({ end, ...read })) {
    if (found.length >= limit) break;
    const place = documentOfKey(at.subarray(DUE_HEAD_BYTES));
    if (kind === undefined || place.kind === kind) found.push({ dueAtMs: numberOfKey(at), ...place });
  }
  return found;
}

/** What `documentKey` made the key of. */
export function documentOfKey(key: Uint8Array): DocumentPlace {
  const octets = Buffer.from(key);
  const text = octets.toString('latin1', 4);
  const at = text.indexOf('\0');
  return { zoneId: zoneIdOfKey(octets), kind: text.slice(0, at), id: text.slice(at + 1) };
}

/** Where documents and table disagree. */
export function documentFaults(
  { documents, due }: DocumentTables,
  read: ReadOptions,
  report: (where: string, what: string) => void,
): void {
  const entries = new Set([...due.getKeys({ ...read })].map((key) => Buffer.from(key).toString('latin1')));
  for (const { key, value } of documents.getRange({ ...read })) {
    const where = `document ${Buffer.from(key).toString('latin1', 4).replace('\0', '/')} of zone id ${zoneIdOfKey(key)}`;
    const { dueAtMs } = decodeJson(value, where, isEnvelope);
    if (dueAtMs !== undefined && !entries.delete(dueKey(dueAtMs, key).toString('latin1')))
      report(where, 'is due and not in the table of what is due');
  }
  if (entries.size > 0) report('due', `${entries.size} entries have no document`);
}
