/**
 * The audit log: one entry for each commit, in the same transaction, never changed afterwards. Entries are chained: each names the
 * SHA-256 of the one before, so that a changed, removed or moved entry shows; the head in `meta` (last sequence, its hash, and a MAC
 * under the key-encryption key) shows a cut tail too.
 *
 *   key: sequence, from 1        value: SHA-256 of the JSON ‖ JSON of StoredEntry
 *
 * Not here: checking the chain, and removing old entries from its beginning (chain.ts).
 */
import { createHash } from 'node:crypto';

import { AUDIT_DETAIL_CHARACTERS_MAX } from '#base/limits/store.ts';

import { decodeJson, encodeJson, hasFields } from '#store/json.ts';
import { META, numberKey, numberOfKey, textKey } from '#store/schema.ts';
// `import type`, which leaves nothing behind: processes that read the store load nothing that opens secrets.
import type { Sealer } from '#store/seal.ts';
import { type Environment, type Octets, type ReadOptions } from '#store/store.ts';

/** Who asks: the administrator at the Unix socket, a token of the API, the server itself, a TSIG key, a stranger. */
export type ActorKind = 'socket' | 'token' | 'system' | 'tsig' | 'unknown';

export interface AuditActor {
  readonly kind: ActorKind;
  readonly id: string;
  /** An address, `unix`, or empty. */
  readonly from: string;
  /** Of a token: whose it is, and what it is for as a whole. */
  readonly owner?: string;
  readonly role?: string;
  /** At the Unix socket: whose process opened the connection, `root (0), pid 4321`, as the kernel says. */
  readonly user?: string;
  /** How it came: `unix`, `http`, `https`, `dns`. */
  readonly transport?: string;
}

/** What a change did to the records of one zone. */
export interface AuditZoneChange {
  readonly zone: string;
  readonly fromSerial: number;
  readonly toSerial: number;
  /** Records before and after, `owner TTL IN TYPE rdata`, without what signing makes. Absent with `omitted`. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  /** They are too long for an entry: how many, and octets and SHA-256 of the changeset as the journal has it. */
  readonly omitted?: { readonly before: number; readonly after: number } & AuditDigest;
}

/** What a change did to something beside records: a setting, a token. */
export interface AuditObjectChange {
  readonly kind: string;
  readonly id: string;
  /** JSON, or its digest where it is too long; absent: there was none, there is none any more. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Stands for what is too long. */
export interface AuditDigest {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What happened; the store adds sequence, generation and chain. Entries of version 1 have nothing optional but `zone`. */
export interface AuditEvent {
  readonly atMs: number;
  /** Counted time (lifecycle/timeline.ts). */
  readonly countedMs?: number;
  readonly actor: AuditActor;
  /** What was done, `zone.import`. */
  readonly action: string;
  /** The zone it was done to, absolute, lower-case. */
  readonly zone?: string;
  readonly detail: string;
  /** Why, in the words of who asked. */
  readonly reason?: string;
  /** Absent: done. */
  readonly outcome?: 'refused';
  /** How many attempts the entry stands for; absent: one. */
  readonly count?: number;
  /** Codes of what the checks found: warnings of what was done, errors of what was refused. */
  readonly codes?: readonly string[];
  readonly changes?: readonly AuditZoneChange[];
  readonly objects?: readonly AuditObjectChange[];
}

export interface AuditRecord extends AuditEvent {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly generation: number;
  /** Absent: 1, an entry of a server that wrote no fields beyond `detail`. */
  readonly version?: number;
  /** SHA-256 of this entry, hexadecimal. */
  readonly hash: string;
}

export interface StoredEntry extends AuditEvent {
  readonly version?: number;
  readonly sequence: number;
  readonly generation: number;
  /** Hash of the entry before, hexadecimal; zeros for the first. */
  readonly previous: string;
}

/** An entry as it is exported. */
export interface AuditText {
  readonly sequence: number;
  readonly json: string;
}

/** The end of the chain, in `meta`. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
  /** MAC of sequence and hash under the key-encryption key, hexadecimal. */
  readonly mac: string;
}

export function isStoredEntry(value: unknown): value is StoredEntry {
  return hasFields(value, {
    sequence: 'number',
    generation: 'number',
    previous: 'string',
    atMs: 'number',
    actor: (actor) => hasFields(actor, { kind: 'string', id: 'string', from: 'string' }),
    action: 'string',
    zone: 'string?',
    detail: 'string',
    version: 'number?',
    countedMs: 'number?',
    reason: 'string?',
    outcome: 'string?',
    count: 'number?',
    codes: isOptionalArray,
    changes: isOptionalArray,
    objects: isOptionalArray,
  });
}

function isOptionalArray(value: unknown): boolean {
  return value === undefined || Array.isArray(value);
}

function isAuditHead(value: unknown): value is AuditHead {
  return hasFields(value, { sequence: 'number', hash: 'string', mac: 'string' });
}

/** Of the entries that this version writes. */
export const AUDIT_VERSION = 2;
/** Octets before the JSON of a stored entry: its SHA-256. */
export const HASH_BYTES = 32;
/** What the very first entry has as the hash of the one before. */
export const FIRST_PREVIOUS = '0'.repeat(HASH_BYTES * 2);

/** Appends one entry. Inside the writer's transaction. */
export function appendAudit(
  audit: Octets,
  meta: Octets,
  event: AuditEvent,
  generation: number,
  sealer: Sealer,
): AuditRecord {
  const head = readHead(meta);
  const sequence = (head?.sequence ?? 0) + 1;
  const detail =
    event.detail.length > AUDIT_DETAIL_CHARACTERS_MAX
      ? `${event.detail.slice(0, AUDIT_DETAIL_CHARACTERS_MAX)}…`
      : event.detail;
  const previous = head?.hash ?? FIRST_PREVIOUS;
  const entry: StoredEntry = { version: AUDIT_VERSION, ...event, detail, sequence, generation, previous };
  const json = encodeJson(entry);
  const digest = entryHash(json);
  const hash = digest.toString('hex');
  audit.putSync(numberKey(sequence), Buffer.concat([digest, json]));
  meta.putSync(
    textKey(META.AUDIT_HEAD),
    encodeJson({ sequence, hash, mac: headMac(sealer, sequence, hash) } satisfies AuditHead),
  );
  return recordOf(entry, hash);
}

/** Up to `limit` entries, newest first, before `beforeSequence` when that is given. */
export function readAudit(
  audit: Octets,
  limit: number,
  beforeSequence?: number,
  read: ReadOptions = {},
): readonly AuditRecord[] {
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

/** A reader of the store, as `StoreReader` is one. */
interface Reader {
  auditRange(): { readonly from: number; readonly last: number };
  inspect(): { readonly environment: Pick<Environment, 'db'>; readonly read: ReadOptions };
}

/**
 * The entry of the commit that made `generation`; undefined: it has none, or it was removed. Generations rise with
 * sequences, so this is a bisection.
 */
export function findAudit(reader: Reader, generation: number): AuditRecord | undefined {
  const { environment, read } = reader.inspect();
  const { from, last } = reader.auditRange();
  for (let [low, high] = [from, last]; low <= high;) {
    const middle = Math.floor((low + high) / 2);
    const value = environment.db.audit.get(numberKey(middle), read);
    if (value === undefined) return undefined;
    const entry = decodeJson(value.subarray(HASH_BYTES), 'an audit entry', isStoredEntry);
    if (entry.generation === generation)
      return recordOf(entry, Buffer.from(value.subarray(0, HASH_BYTES)).toString('hex'));
    if (entry.generation < generation) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** The end of the chain of a reader's store; undefined while there is no entry. */
export function auditHeadOf(reader: Pick<Reader, 'inspect'>): AuditHead | undefined {
  const { environment, read } = reader.inspect();
  return readHead(environment.db.meta, read);
}

/** Up to `limit` entries after the sequence `after`, oldest first, as the JSON that their hashes are of. */
export function readAuditText(audit: Octets, after: number, limit: number, read?: ReadOptions): readonly AuditText[] {
  const range = audit.getRange({ start: numberKey(after + 1), limit, ...read });
  return [...range].map(({ key, value }) => ({
    sequence: numberOfKey(key),
    json: Buffer.from(value.subarray(HASH_BYTES)).toString(),
  }));
}

/** The end of the chain; undefined while there is no entry. */
export function readHead(meta: Octets, read?: ReadOptions): AuditHead | undefined {
  const bytes = meta.get(textKey(META.AUDIT_HEAD), read);
  return bytes === undefined ? undefined : decodeJson(bytes, 'the audit head', isAuditHead);
}

function recordOf({ previous: _previous, ...entry }: StoredEntry, hash: string): AuditRecord {
  return { ...entry, hash };
}

/** SHA-256 of an entry's JSON: what the next entry names. */
export function entryHash(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** MAC of the head. */
export function headMac(sealer: Sealer, sequence: number, hash: string): string {
  return Buffer.from(sealer.mac('audit head', encodeJson([sequence, hash]))).toString('hex');
}
