/**
 * What a job wants to write, as data: records of zones, documents, secrets, tokens, events, one line for the audit log. It is
 * written as a whole or not at all.
 * Not here: how it is written (control/funnel/carry-out.ts), who decides (control/zone/decide.ts, control/mail/decide.ts).
 */
import { type Problem } from '#base/problem.ts';
import { type OwnerKey } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { type DenialKind } from '#dnssec/denial.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { type ZonePlan } from '#dnssec/plan.ts';
import { type AuditEvent } from '#store/audit/entries.ts';
import { type ForeignKeyRef, type Presigned, type SecondaryRole } from '#store/schema.ts';
import { type ZoneKeyRef, type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite, type EventWrite, type SecretWrite, type StoreWrite } from '#store/writer.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ChangesetLines } from '#zone/changeset-text.ts';
import { type ZoneView } from '#zone/view.ts';
import { type ZonemdHash } from '#zone/zonemd.ts';
import { type Actor } from '#control/api/control.ts';
import { type MailNote } from '#control/api/mail.ts';

/** A zone of a decision as it will be. */
export interface PreparedZone {
  readonly record: ZoneRecord;
}

/** A change that is planned, signed and found good, and not written yet. */
export interface Prepared extends PreparedZone {
  readonly plan: ZonePlan;
  /** False when the zone stays as it is. */
  readonly isChanged: boolean;
  /** Sealed secrets of new keys, by key id. */
  readonly fresh: ReadonlyMap<string, Uint8Array>;
  /** Ids of keys whose secrets go. */
  readonly forgotten: readonly string[];
  /** Where the next slice of a renewal begins; undefined at the end of the zone. */
  readonly next?: string;
  /** Of a renewal: when the first of the signatures ends that stay, seconds since 1970. */
  readonly endsAt?: number;
  /** What is shown of the changeset, where the plan is without it. */
  readonly shown?: ChangesetLines;
  /** Its names are written already, and its plan is without them. */
  readonly written?: WrittenZone;
}

/** A new zone whose names were handed over while they were signed. */
export interface WrittenZone {
  readonly nodeCount: number;
  /** Where the plan has no changeset either: what is said of it. */
  readonly large?: {
    /** Octets as the journal encodes it, and their digest in hexadecimal. */
    readonly sizeBytes: number;
    readonly sha256: string;
    /** Those octets, unless they are more than the journal keeps. */
    readonly octets?: Uint8Array;
    /** Records that are not made by signing. */
    readonly records: number;
  };
}

/** Parts that another process has planned, signed and checked: their plans have neither nodes nor records any more. */
export interface MadeApart {
  readonly parts: readonly Prepared[];
  readonly changed: boolean;
  /** Undefined when nothing is to be written. */
  readonly write: StoreWrite | undefined;
}

/** Keys of a zone as they will be, when something about them changes. */
export interface KeySet {
  readonly keys: readonly ZoneKeyRef[];
  /** CDS and CDNSKEY ask the parent to remove the DS. */
  readonly isDeletingDs: boolean;
  /** Sealed secrets of those that are new, by key id. */
  readonly sealed: ReadonlyMap<string, Uint8Array>;
  /**
   * DS RDATA that the parent has: what is published must be good from each of them, with every DNSKEY RRset and every
   * RRset of before and after. Absent: it need not be, because the chain of trust is to break.
   */
  readonly chain?: readonly Uint8Array[];
  /** As it is unless given. */
  readonly policy?: KeyPolicy;
  /** Of `policy`, when it has one. */
  readonly policyName?: string | undefined;
  /** Keys of others that stand beside them; as they are unless given. */
  readonly foreign?: readonly ForeignKeyRef[];
}

/** All records of a new zone, as its file has them. */
export interface WholeZone {
  readonly changes: Iterable<RrsetChange>;
  /** The zone that they make. */
  readonly view: ZoneView & { readonly size: number };
  /** Instead of that of its SOA. */
  readonly serial?: Serial;
}

/** What a primary sent: a plan, or all of a zone that was not there. */
export type ReceivedPart = { readonly dnssec: 'on' | 'off' } & (
  | { readonly plan: ZonePlan; readonly whole?: undefined }
  | { readonly whole: ReceivedWhole; readonly plan?: undefined }
);

export type ReceivedWhole = ZoneView & {
  readonly size: number;
  /** RRsets, and one more for each that has signatures; those of hashed owners too. */
  readonly changedRrsets: number;
};

/** Changes of one zone's records. */
export interface ZonePart {
  /** The zone as it is; undefined: the part makes it. */
  readonly record: ZoneRecord | undefined;
  /** The zone's records as they are; none for a new zone. */
  readonly view: ZoneView;
  /** A function gets the parts before this one as they were prepared: a new zone's key is made on the way. */
  readonly changes: readonly RrsetChange[] | ((before: readonly PreparedZone[]) => readonly RrsetChange[]);
  /** Instead of changes: all of a new zone. */
  readonly whole?: WholeZone;
  /** Whether the zone is signed afterwards; as it is unless given. */
  readonly isSigned?: boolean;
  /** Keys that a new zone gets back instead of a fresh one; their secrets stand under zone id 0. */
  readonly keys?: readonly ZoneKeyRef[];
  /** Keys of others that a new zone gets back. */
  readonly foreignKeys?: readonly ForeignKeyRef[];
  /** How it proves what is not there when it is signed; as it is unless given. */
  readonly denial?: DenialKind;
  /** Its digest of itself when it is signed; as it is unless given. */
  readonly zonemd?: ZonemdHash | 'off';
  /** Its keys afterwards; as they are unless given. Every signature that no longer fits them is made anew. */
  readonly keySet?: KeySet;
  /** The whole zone as another signer made it; nothing is signed here. */
  readonly presigned?: { readonly plan: ZonePlan; readonly presigned: Presigned };
  /** What a primary sent, as it is to be served; nothing is signed here. */
  readonly received?: ReceivedPart;
  /** The changes are what a primary sent, of a zone that is signed here. */
  readonly isFromPrimary?: true;
  /** The changes are those of a catalog and its members; a zone that the part makes is a catalog. */
  readonly isOfCatalog?: true;
  /** Its role as a secondary afterwards, null: it is kept here; as it is unless given. */
  readonly secondary?: SecondaryRole | null;
  /** Signatures near their end are renewed in this slice of the zone. */
  readonly renewal?: { readonly from: OwnerKey; readonly nodeLimit: number };
  /** The rest is done even if this zone takes no change now. */
  readonly isOptional?: boolean;
}

/**
 * What looks at the records of zones and may have something against a change of them: the mail policy now. Each function gets the
 * zone as it is before the change.
 */
export interface RecordWatcher {
  /** What stands against the change; empty when nothing does. */
  check(record: ZoneRecord, changes: readonly RrsetChange[]): readonly Problem[];
  /** What is written with the change because its names are watched. */
  wake(record: ZoneRecord, changes: readonly RrsetChange[]): readonly DocumentWrite[];
  /** Called after a commit with something from `wake`. */
  woken(): void;
  /** Records in other zones that go with this zone. */
  leave(record: ZoneRecord): readonly ZonePart[];
}

export interface Decision {
  /** The zone that the audit entry names; undefined: the server as a whole. */
  readonly zone?: string;
  readonly parts?: readonly ZonePart[];
  /** Instead of parts, documents, secrets and events. */
  readonly made?: MadeApart;
  /** An id that no zone has yet, and no other zone gets from now on. */
  readonly reservedZoneId?: number;
  /** Zones that are removed with all that belongs to them. */
  readonly removed?: readonly ZoneRecord[];
  readonly documents?: readonly DocumentWrite[];
  readonly secrets?: readonly SecretWrite[];
  readonly tokens?: StoreWrite['tokens'];
  readonly kek?: StoreWrite['kek'];
  /** Written after the events of changed zones. */
  readonly events?: readonly EventWrite[];
  readonly warnings?: readonly Problem[];
  /** One line for the audit log, if need be with the number of signatures made; undefined: no entry. */
  readonly detail?: string | ((signatureCount: number) => string);
  /** The audit entry, whole, where it is not of a change. */
  readonly audit?: AuditEvent;
  /** No audit entry, unless records of a zone change. */
  readonly isQuiet?: boolean;
  /** Audit entries up to this sequence go, as many as one commit takes; what went is put before the detail. */
  readonly auditThrough?: number;
  /** Something beside records changes. A decision that changes nothing is not written. */
  readonly isChanged: boolean;
  /** Written even if nothing changes: the documents hold a new time. */
  readonly isAlwaysWritten?: boolean;
  /** For who gave the command. */
  readonly note?: MailNote;
  /** What follows by itself, and when at the earliest, a line each. */
  readonly plan?: readonly string[];
  /** What it leads to that the operator must know. */
  readonly consequences?: readonly string[];
  /** Called once after the commit, before the next job begins. */
  readonly afterCommit?: () => void;
}

/** On whose behalf a job runs, and how. */
export interface Turn {
  readonly actor: Actor;
  /** As the audit log names it: `rrsets.change`, `token.create`. */
  readonly action: string;
  /** Decide, prepare and check only; nothing is written. */
  readonly dryRun?: boolean;
  /** Written even into the last reserve of the disk. */
  readonly upkeep?: boolean;
}
