/**
 * What was: changes and versions of zones, and entries of the audit log, as they are shown.
 * Not here: finding versions in the journal (control/zone/history.ts).
 */
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';
import { type AuditRecord } from '#store/audit/entries.ts';
import { type ZoneRecord } from '#store/schema.ts';

/** A version of a zone: the newest one with this serial, or the one that the store's revision made. */
export type VersionAsked =
  | { readonly kind: 'serial'; readonly serial: number }
  | { readonly kind: 'revision'; readonly revision: number };

export interface ZoneVersion {
  readonly serial: number;
  /** Absent: it is what was before the oldest change in the journal. */
  readonly revision?: number;
  readonly atMs?: number;
}

/**
 * A changeset as text: one line per record, `owner TTL IN TYPE rdata`, old SOA first among the deleted, new SOA first
 * among the added.
 */
export interface ChangesetText {
  readonly fromSerial: number;
  readonly toSerial: number;
  readonly deleted: readonly string[];
  readonly added: readonly string[];
  /** Lines left out of both lists because there were more than CHANGESET_LINES_MAX. */
  readonly omitted: number;
}

/** An audit entry as it is shown: without its hash. */
export type AuditView = Omit<AuditRecord, 'hash'>;

/** One change of a zone. */
export interface ZoneChange {
  readonly revision: number;
  readonly atMs: number;
  readonly changeset: ChangesetText;
  /** Its audit entry, while there is one. */
  readonly audit?: AuditView;
}

/** What lies between two versions of a zone. */
export interface ZoneDifference {
  readonly from: ZoneVersion;
  readonly to: ZoneVersion;
  /** How many changes lie between. */
  readonly changes: number;
  readonly changeset: ChangesetText;
}

/** Which records of a changeset are shown, and how many lines of each list. */
export interface ShownRecords {
  /** All unless given. */
  readonly isShown?: (owner: Name, type: RrType) => boolean;
  /** Those that signing makes too; they are shown unless this is false. */
  readonly withSigning?: boolean;
  /** CHANGESET_LINES_MAX unless given. */
  readonly linesMax?: number;
}

/** The journal of a zone, newest first, older than `beforeRevision` when that is given. */
export type ReadChanges = (
  record: ZoneRecord,
  limit: number,
  beforeRevision?: number,
  shown?: ShownRecords,
) => Promise<readonly ZoneChange[]>;

/** What lies between two versions of a zone; `to` is the zone of now unless given. */
export type ReadDifference = (
  record: ZoneRecord,
  from: VersionAsked,
  to?: VersionAsked,
  shown?: ShownRecords,
) => Promise<Result<ZoneDifference>>;
