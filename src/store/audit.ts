/**
 * The audit log: one entry for each commit, in the same transaction, never changed afterwards. Entries are chained: each names the
 * SHA-256 of the one before, so that a changed, removed or moved entry shows; the head in `meta` (last sequence, its hash, and a MAC
 * under the key-encryption key) shows a cut tail too.
 *
 *   key: sequence, from 1        value: SHA-256 of the JSON ‖ JSON of StoredEntry
 */
import { createHash } from 'node:crypto';

import { equalBytes } from '#base/bytes.ts';
import { AUDIT_DETAIL_CHARACTERS_MAX } from '#base/limits/store.ts';

import { decodeJson, encodeJson, hasFields } from './json.ts';
import { META, numberKey, numberOfKey, textKey } from './schema.ts';
// `import type`, which leaves nothing behind: processes that read the store load nothing that opens secrets.
import type { Sealer } from './seal.ts';
import { type Octets, type ReadOptions } from './store.ts';

/** What happened; the store adds sequence, generation and chain. */
export interface AuditEvent {
  readonly atMs: number;
  readonly actor: { readonly kind: 'socket' | 'token' | 'system'; readonly id: string; readonly from: string };
  /** What was done, `zone.import`. */
  readonly action: string;
  /** The zone it was done to, absolute, lower-case. */
  readonly zone?: string;
  readonly detail: string;
}

export interface AuditRecord extends AuditEvent {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly generation: number;
  /** SHA-256 of this entry, hexadecimal. */
  readonly hash: string;
}

interface StoredEntry extends AuditEvent {
  readonly sequence: number;
  readonly generation: number;
  /** Hash of the entry before, hexadecimal; zeros for the first. */
  readonly previous: string;
}

/** The end of the chain, in `meta`. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
  /** MAC of sequence and hash under the key-encryption key, hexadecimal. */
  readonly mac: string;
}

export interface AuditVerdict {
  readonly entries: number;
  /** Sequence of the first entry that is not what was written; absent when all are. */
  readonly brokenAt?: number;
  readonly why?: string;
}

function isStoredEntry(value: unknown): value is StoredEntry {
  return hasFields(value, {
    sequence: 'number',
    generation: 'number',
    previous: 'string',
    atMs: 'number',
    actor: (actor) => hasFields(actor, { kind: 'string', id: 'string', from: 'string' }),
    action: 'string',
    zone: 'string?',
    detail: 'string',
  });
}

function isAuditHead(value: unknown): value is AuditHead {
  return hasFields(value, { sequence: 'number', hash: 'string', mac: 'string' });
}

const HASH_BYTES = 32;
const FIRST_PREVIOUS = '0'.repeat(HASH_BYTES * 2);

/** Appends one entry. Inside the writer's transaction. */
export function appendAudit(audit: Octets, meta: Octets, event: AuditEvent, generation: number, sealer: Sealer): AuditRecord {
  const head = readHead(meta);
  const sequence = (head?.sequence ?? 0) + 1;
  const detail =
    event.detail.length > AUDIT_DETAIL_CHARACTERS_MAX ? `${event.detail.slice(0, AUDIT_DETAIL_CHARACTERS_MAX)}…` : event.detail;
  const entry: StoredEntry = { ...event, detail, sequence, generation, previous: head?.hash ?? FIRST_PREVIOUS };
  const json = encodeJson(entry);
  const digest = sha256(json);
  const hash = digest.toString('hex');
  audit.putSync(numberKey(sequence), Buffer.concat([digest, json]));
  meta.putSync(textKey(META.AUDIT_HEAD), encodeJson({ sequence, hash, mac: headMac(sealer, sequence, hash) } satisfies AuditHead));
  return recordOf(entry, hash);
}

/** Up to `limit` entries, newest first, before `beforeSequence` when that is given. */
export function readAudit(audit: Octets, limit: number, beforeSequence?: number, read: ReadOptions = {}): readonly AuditRecord[] {
  const range = audit.getRange({
    start: numberKey(beforeSequence ?? Number.MAX_SAFE_INTEGER),
    exclusiveStart: true,
    end: numberKey(0),
    reverse: true,
    limit,
    ...read,
  });
  return [...range].map(({ value }) => {
    const entry = decodeJson(value.subarray(HASH_BYTES), 'an audit entry', isStoredEntry);
    return recordOf(entry, Buffer.from(value.subarray(0, HASH_BYTES)).toString('hex'));
  });
}

/** Walks the whole chain. With a `sealer` the head's MAC is checked as well: without it a log rewritten from end to end would pass. */
export function verifyAudit(audit: Octets, meta: Octets, sealer?: Sealer, read: ReadOptions = {}): AuditVerdict {
  const head = readHead(meta, read);
  let entries = 0;
  let previous = FIRST_PREVIOUS;
  const broken = (why: string): AuditVerdict => ({ entries, brokenAt: entries + 1, why });
  for (const { key, value } of audit.getRange({ start: numberKey(0), ...read })) {
    if (numberOfKey(key) !== entries + 1) return broken(`entry ${entries + 1} is missing`);
    const json = value.subarray(HASH_BYTES);
    const digest = sha256(json);
    if (!equalBytes(digest, value.subarray(0, HASH_BYTES))) return broken('its content does not have its hash');
    const entry = decodeJson(json, 'an audit entry', isStoredEntry);
    if (entry.sequence !== entries + 1) return broken(`it was written as entry ${entry.sequence}`);
    if (entry.previous !== previous) return broken('it does not follow the entry before it');
    previous = digest.toString('hex');
    entries += 1;
  }
  if (entries !== (head?.sequence ?? 0)) return broken(`the log ends at ${entries}, its head says ${head?.sequence ?? 0}`);
  if (head === undefined) return { entries };
  if (head.hash !== previous) return { entries, brokenAt: entries, why: 'the last entry is not the one that the head names' };
  if (sealer !== undefined && head.mac !== headMac(sealer, head.sequence, head.hash))
    return { entries, brokenAt: entries, why: 'the head was not written by this store' };
  return { entries };
}

function readHead(meta: Octets, read?: ReadOptions): AuditHead | undefined {
  const bytes = meta.get(textKey(META.AUDIT_HEAD), read);
  return bytes === undefined ? undefined : decodeJson(bytes, 'the audit head', isAuditHead);
}

function recordOf({ previous: _previous, ...entry }: StoredEntry, hash: string): AuditRecord {
  return { ...entry, hash };
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function headMac(sealer: Sealer, sequence: number, hash: string): string {
  return Buffer.from(sealer.mac('audit head', encodeJson([sequence, hash]))).toString('hex');
}
