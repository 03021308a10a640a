/**
 * The chain of the audit log: walked to check it, and shortened at its beginning. What removes old entries leaves an
 * anchor in `meta`: the last removed entry's sequence and hash, and which entry tells of the removal, under a MAC of
 * the key-encryption key. The chain continues from there, so that it can be checked over the cut, and an export of what
 * was removed joins the rest by its hash (docs/adr/0011-audit-retention.md).
 * Not here: entries and their end (entries.ts), when what is removed (control/audit/retention.ts).
 */
import { assert } from '#base/assert.ts';
import { equalBytes } from '#base/bytes.ts';
import { atPath } from '#base/place.ts';

import { FIRST_PREVIOUS, HASH_BYTES, type StoredEntry } from './entries.ts';
import { entryHash, headMac, isStoredEntry, readHead } from './entries.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { decodeJson, encodeJson, hasFields } from '#store/json.ts';
import { META, numberKey, numberOfKey, textKey } from '#store/schema.ts';
import type { Sealer } from '#store/seal.ts';
import { type Octets, type ReadOptions } from '#store/store.ts';

/** The action of the entry that tells of a removal. */
export const AUDIT_REMOVAL = 'audit.remove';

/** Where the log begins since entries were removed, in `meta`. */
export interface AuditAnchor {
  /** Sequence and hash of the last removed entry. */
  readonly sequence: number;
  readonly hash: string;
  /** Sequence of the entry that tells of the removal. */
  readonly toldIn: number;
  /** MAC of the others under the key-encryption key, hexadecimal. */
  readonly mac: string;
}

export interface AuditVerdict {
  /** Entries that are there and in order. */
  readonly entries: number;
  /** Sequence of the first entry that is kept: 1 until some were removed. */
  readonly from: number;
  /** Sequence of the first entry that is not what was written; absent when all are. */
  readonly brokenAt?: number;
  readonly why?: string;
}

interface AuditStore {
  readonly audit: Octets;
  readonly meta: Octets;
}

/** The entry is not what was written, or its place is wrong. */
class Broken extends Error {}

/**
 * Walks the whole chain that is kept. With a `sealer` the MACs of head and anchor are checked as well: without it a
 * log that was rewritten from end to end, or cut at its beginning, would pass.
 */
export function verifyAudit({ audit, meta }: AuditStore, sealer?: Sealer, read: ReadOptions = {}): AuditVerdict {
  const head = readHead(meta, read);
  const anchor = readAnchor(meta, read);
  const from = (anchor?.sequence ?? 0) + 1;
  if (anchor !== undefined && sealer !== undefined && anchor.mac !== anchorMac(sealer, anchor))
    return { entries: 0, from, brokenAt: from, why: 'the mark of what was removed was not written by this store' };
  const walk = new ChainWalk(anchor);
  const broken = (why: string, brokenAt = walk.last + 1): AuditVerdict => {
    return { entries: walk.last + 1 - from, from, brokenAt, why };
  };
  try {
    for (const { key, value } of audit.getRange({ start: numberKey(0), ...read })) walk.step(key, value);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return broken(error.message);
  }
  const last = head?.sequence ?? 0;
  if (walk.last !== last) return broken(`the log ends at ${walk.last}, its head says ${last}`);
  if (anchor !== undefined && !walk.hasTold)
    return broken(`entry ${anchor.toldIn} does not tell of the removal up to ${anchor.sequence}`, anchor.toldIn);
  const entries = last + 1 - from;
  if (head === undefined) return { entries, from };
  if (head.hash !== walk.hash) return broken('the last entry is not the one that the head names', last);
  if (sealer !== undefined && head.mac !== headMac(sealer, head.sequence, head.hash))
    return broken('the head was not written by this store', last);
  return { entries, from };
}

/**
 * Removes the entries up to `through`, at most `limit` of them, and moves the anchor there; returns what was removed.
 * Inside the writer's transaction, before the entry that tells of it is appended. What is removed is checked first:
 * throws AUDIT_BROKEN when an entry is not what was written, because its traces must not go with it.
 */
export function removeAudit({ audit, meta }: AuditStore, through: number, limit: number, sealer: Sealer): AuditCut {
  const head = readHead(meta);
  assert(head !== undefined && through <= head.sequence, `audit entries up to ${through}, of ${head?.sequence ?? 0}`);
  const anchor = readAnchor(meta);
  if (anchor !== undefined && anchor.mac !== anchorMac(sealer, anchor))
    throw brokenLog(anchor.sequence + 1, 'the mark of what was removed was not written by this store');
  const walk = new ChainWalk(anchor);
  const from = walk.last + 1;
  const last = Math.min(through, walk.last + limit);
  assert(last >= from, `audit entries from ${from} to ${last}`);
  try {
    const range = { start: numberKey(0), end: numberKey(last + 1) };
    for (const { key, value } of audit.getRange(range)) walk.step(key, value);
    if (walk.last !== last) throw new Broken(`entry ${walk.last + 1} is missing`);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    throw brokenLog(walk.last + 1, messageOf(error));
  }
  for (let sequence = from; sequence <= last; sequence++) audit.removeSync(numberKey(sequence));
  const moved = { sequence: last, hash: walk.hash, toldIn: head.sequence + 1 };
  const sealed: AuditAnchor = { ...moved, mac: anchorMac(sealer, moved) };
  meta.putSync(textKey(META.AUDIT_ANCHOR), encodeJson(sealed));
  return { from, through: last };
}

/** Sequences of the entries that a removal took. */
export interface AuditCut {
  readonly from: number;
  readonly through: number;
}

/** The mark of removed entries, good under `before`, is good under `after`. One that was not good stays as it is. */
export function sealAnchorAgain(meta: Octets, before: Sealer, after: Sealer): void {
  const anchor = readAnchor(meta);
  if (anchor === undefined || anchor.mac !== anchorMac(before, anchor)) return;
  const sealed: AuditAnchor = { ...anchor, mac: anchorMac(after, anchor) };
  meta.putSync(textKey(META.AUDIT_ANCHOR), encodeJson(sealed));
}

/** Undefined while nothing was removed. */
export function readAnchor(meta: Octets, read?: ReadOptions): AuditAnchor | undefined {
  const bytes = meta.get(textKey(META.AUDIT_ANCHOR), read);
  return bytes === undefined ? undefined : decodeJson(bytes, 'the mark of removed audit entries', isAuditAnchor);
}

/** Follows the chain entry by entry. */
class ChainWalk {
  readonly #toldIn: number | undefined;
  /** Sequence and hash of the last entry that was in order. */
  last: number;
  hash: string;
  /** The entry that tells of the last removal has been seen. */
  hasTold = false;

  constructor(anchor: AuditAnchor | undefined) {
    this.#toldIn = anchor?.toldIn;
    this.last = anchor?.sequence ?? 0;
    this.hash = anchor?.hash ?? FIRST_PREVIOUS;
  }

  /** Throws Broken when the stored entry is not the next one of the chain. */
  step(key: Uint8Array, value: Uint8Array): void {
    const next = this.last + 1;
    const stored = numberOfKey(key);
    if (stored < next) throw new Broken(`entry ${stored} is there, and was removed`);
    if (stored > next) throw new Broken(`entry ${next} is missing`);
    const json = value.subarray(HASH_BYTES);
    const digest = entryHash(json);
    if (!equalBytes(digest, value.subarray(0, HASH_BYTES))) throw new Broken('its content does not have its hash');
    const entry: StoredEntry = decodeJson(json, 'an audit entry', isStoredEntry);
    if (entry.sequence !== next) throw new Broken(`it was written as entry ${entry.sequence}`);
    if (entry.previous !== this.hash) throw new Broken('it does not follow the entry before it');
    this.last = next;
    this.hash = digest.toString('hex');
    if (next === this.#toldIn && entry.action === AUDIT_REMOVAL) this.hasTold = true;
  }
}

function isAuditAnchor(value: unknown): value is AuditAnchor {
  return hasFields(value, { sequence: 'number', hash: 'string', toldIn: 'number', mac: 'string' });
}

/** Under another purpose than that of the head: an old head must not pass for an anchor. */
function anchorMac(sealer: Sealer, { sequence, hash, toldIn }: Omit<AuditAnchor, 'mac'>): string {
  return Buffer.from(sealer.mac('audit anchor', encodeJson([sequence, hash, toldIn]))).toString('hex');
}

function brokenLog(sequence: number, why: string): StoreFailure {
  const message = `old entries of the audit log stay, because entry ${sequence} is not what was written: ${why}`;
  const fix = 'keep the store as it is, and compare with a backup: waxseal audit verify';
  return new StoreFailure('AUDIT_BROKEN', atPath('audit', 'the audit log'), message, fix);
}
