/**
 * What the control process offers to those who drive it (admin API, command line through it, scheduler): commands that change,
 * and reads. Every change is one `Command`, decided purely, committed in one transaction and durable before `run` resolves.
 */
import { type AuditActor } from '#store/audit/entries.ts';
import { type SignedAuditHead } from '#store/audit/signed-head.ts';
import { type HostedState } from '#base/ipc/messages.ts';
import { type Problem, type Result } from '#base/problem.ts';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';
import { type ZoneFileOptions } from '#dns/zone-file.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type UpdateRecord } from '#zone/update/message.ts';
import { type UpdateRights } from '#transfer/update-rights.ts';
import { type ZoneLabels } from '#store/powerdns/labels.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Changeset } from '#zone/changeset.ts';
import { type DenialKind } from '#dnssec/denial.ts';
import { type Alias } from '#zone/alias/alias.ts';
import { type Response } from '#zone/lookup.ts';
import { type HeldView, type ZoneView } from '#zone/view.ts';
import { type AliasCommand } from './alias.ts';
import { type BackupsApi } from './backups.ts';
import { type AlertsApi } from './alerts.ts';
import { type CertificateCommand, type CertificateSummary, type CertificateView } from './certificates.ts';
import { type KeptAnswersApi } from './kept-answers.ts';
import { type ZonemdHash } from '#zone/zonemd.ts';
import { type DelegationApi, type DelegationCommand } from './delegation.ts';
import { type DnssecApi, type DnssecCommand, type DsForm } from './dnssec.ts';
import { type OutsideChecksApi } from './zone-check.ts';
import { type DnssecKeysApi, type DnssecKeysCommand } from './dnssec-keys.ts';
import { type EventsApi } from './events.ts';
import { type BimiView, type LiveTlsaHost, type LiveTlsaQuestion, type MailCommand } from './mail.ts';
import { type AuditView, type ChangesetText, type ShownRecords, type VersionAsked } from './history.ts';
import { type ReadChanges, type ReadDifference, type ZoneChange, type ZoneDifference } from './history.ts';
import { type MailNote, type MailProposal, type MailView } from './mail.ts';
import { type ContentIndexApi } from './search.ts';
import { type SignersApi } from './signers.ts';
import { type NewToken, type RejectedToken, type TokenInfo } from './tokens.ts';
import { type TransferApi, type TransferCommand } from './transfer.ts';

/**
 * Who asks for a change, from where and why; written into the audit log. `id`: the token's, `admin` for the Unix
 * socket, the part's name for `system`, the key's for `tsig`.
 */
export interface Actor extends AuditActor {
  /** In the words of who asks; checked where it comes in. */
  readonly reason?: string;
}

/** One operation on an RRset, as the API's PATCH has it. Names as dns/request-name.ts reads them, records as dns/record-data.ts does. */
export interface RrsetOperation {
  /** `set` replaces the RRset, `delete` removes it, `add` and `remove` change single records of it. */
  readonly op: 'set' | 'delete' | 'add' | 'remove';
  readonly name: string;
  readonly type: string;
  /** Needed by `set`, and by `add` when the RRset is new. */
  readonly ttl?: number;
  readonly records?: readonly string[];
}

/**
 * What is done about a zone above a new one on this server. `check`: what would make one of them bogus or hide records stops the new
 * zone. `delegate`: its NS and DS are put there with it. `ignore`: what is wrong is a warning.
 */
export type ParentCare = 'check' | 'delegate' | 'ignore';

/**
 * What is done when a change would make a zone below, served here too, bogus or hide it. `check`, unless given: the
 * change is rejected. `ignore`: what is wrong is a warning.
 */
export type BelowCare = 'check' | 'ignore';

export type Command = ZoneCommand | MailCommand | CertificateCommand | KeyCommand | TransferCommand | DelegatedCommand;

/** Of names whose records come from elsewhere. */
type DelegatedCommand = AliasCommand | DelegationCommand;

/** About the keys of a zone. */
type KeyCommand = DnssecCommand | DnssecKeysCommand;

export type ZoneCommand =
  /** A new zone with a default SOA and NS set (RFC 1912 §2.2 times); rejected when it exists. */
  | {
      readonly kind: 'zone.create';
      readonly zone: Name;
      readonly dnssec: boolean;
      readonly nameservers?: readonly string[];
      readonly contact?: string;
      /** NSEC unless given, or what a removed zone of that name had. */
      readonly denial?: DenialKind;
      /** Its RRsets, SOA and NS among them, in place of the default ones, of name servers and contact. */
      readonly operations?: readonly RrsetOperation[];
      /** `check` unless given. */
      readonly parent?: ParentCare;
    }
  /**
   * Creates the zone or replaces all its manual records, atomically. `dnssec` counts on creation only. `include` reads
   * $INCLUDE files; absent: they are rejected.
   */
  | {
      readonly kind: 'zone.import';
      readonly zone: Name;
      readonly text: string;
      readonly file: string;
      readonly dnssec: boolean;
      readonly include?: ZoneFileOptions['include'];
      /** How much who gave the command may bring; what one import may when absent. */
      readonly bounds?: Pick<ZoneFileOptions, 'recordsMax' | 'generatedMax'>;
      /** It is signed already, and is served with the signatures of the file. */
      readonly presigned?: boolean;
      /** Of a zone that the import creates, as in `zone.create`; of one that is there it must be what that has. */
      readonly denial?: DenialKind;
      /** Of a zone that the import creates; `check` unless given. */
      readonly parent?: ParentCare;
      /** Of a zone that is there. */
      readonly below?: BelowCare;
    }
  | { readonly kind: 'zone.remove'; readonly zone: Name }
  /** Makes a removed zone again from what is kept of it: records, key, a newer serial. */
  | { readonly kind: 'zone.restore'; readonly zone: Name; readonly parent?: ParentCare }
  | {
      readonly kind: 'rrsets.change';
      readonly zone: Name;
      readonly operations: readonly RrsetOperation[];
      readonly below?: BelowCare;
    }
  /** What an UPDATE message asks for (RFC 2136), with the key that signed it and what that may change. */
  | {
      readonly kind: 'zone.update';
      readonly zone: Name;
      readonly prerequisites: readonly UpdateRecord[];
      readonly updates: readonly UpdateRecord[];
      readonly rights: UpdateRights;
      readonly key: string;
    }
  /** Undoes one changeset of the journal by a new change that inverts it. */
  | { readonly kind: 'zone.revert'; readonly zone: Name; readonly serial: number; readonly below?: BelowCare }
  /** Undoes all since a version of the zone by a new change; what others keep stays as it is. */
  | { readonly kind: 'zone.rollback'; readonly zone: Name; readonly to: VersionAsked; readonly below?: BelowCare }
  /** Turns signing on or off. Off is rejected without `force`: while the parent has a DS the zone would go bogus. */
  | {
      readonly kind: 'zone.dnssec';
      readonly zone: Name;
      readonly dnssec: boolean;
      readonly force?: boolean;
      readonly below?: BelowCare;
    }
  /** Another way to prove what is not there, of a signed zone. */
  | { readonly kind: 'zone.denial'; readonly zone: Name; readonly denial: DenialKind }
  /** Words that clients of the PowerDNS-compatible API read back; they change nothing that is served. */
  | { readonly kind: 'zone.labels'; readonly zone: Name; readonly labels: ZoneLabels }
  /** A digest of a signed zone in the zone itself, or none. */
  | { readonly kind: 'zone.zonemd'; readonly zone: Name; readonly zonemd: ZonemdHash | 'off' };

export interface RunOptions {
  readonly actor: Actor;
  /** Decide only: the same outcome, nothing written. */
  readonly dryRun: boolean;
  /** The zone's revision must be this one (HTTP If-Match), else PRECONDITION. */
  readonly ifRevision?: number;
  /**
   * Whether the actor may change the zone with this apex, for what a command does beside its own zone. Unless given: the Unix socket
   * may, tokens and the server's own upkeep may not.
   */
  readonly mayChange?: (apex: Name) => boolean;
  /** Whether the actor may change this RRset of the command's own zone, for undos; unless given it may. */
  readonly mayTouch?: (owner: Name, type: RrType) => boolean;
  /** Ends a large import that is not committed yet: who gave it has gone. */
  readonly signal?: AbortSignal;
  /** A check made inside the serial writer, just before deciding; its problem rejects the command (for RRset ETags). */
  readonly precondition?: (record: ZoneRecord | undefined, view: ZoneView | undefined) => Problem | undefined;
}

export interface Outcome {
  /** Absolute, lower-case. */
  readonly zone: string;
  readonly serial: number;
  /** Store generation of the zone's records. */
  readonly revision: number;
  /** That of the change, from which on workers serve it, where it is beside the records: the list of secondaries. */
  readonly servedFrom?: number;
  readonly changed: boolean;
  readonly created: boolean;
  readonly dryRun: boolean;
  readonly changeset: ChangesetText;
  /** What changed with it, in the same transaction, in other zones served here. */
  readonly elsewhere?: readonly { readonly zone: string; readonly changeset: ChangesetText }[];
  readonly warnings: readonly Problem[];
  /** Of mail commands. */
  readonly mail?: MailNote;
  /** Of commands about keys: what follows by itself, and when at the earliest, a line each. */
  readonly plan?: readonly string[];
  /** Of emergency rolls: what it leads to, a line each; the operator says yes to it. */
  readonly consequences?: readonly string[];
}

export interface WorkerStatus {
  readonly id: number;
  readonly alive: boolean;
  /** The generation it serves. */
  readonly generation: number;
}

export interface ControlStatus {
  readonly version: string;
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly generation: number;
  readonly zoneCount: number;
  readonly workers: readonly WorkerStatus[];
  readonly listeners: { readonly dns: readonly string[]; readonly admin: string; readonly socket: string };
  readonly store: {
    readonly path: string;
    readonly sizeBytes: number;
    readonly freeBytes: number;
    /** File of the key-encryption key that its secrets are sealed under. */
    readonly kekFile: string;
  };
  /** The policy host that this server runs; absent: none is configured. `running` is absent while it is down. */
  readonly policyHost?: { readonly running?: HostedState };
  /** Why `readyz` is false; empty when ready. */
  readonly notReady: readonly string[];
  /** Why no change is possible although DNS is answered; empty when changes are. */
  readonly noChanges: readonly string[];
}

/** One Prometheus sample family of facts/operations.md §8.7, numbers already summed over workers. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

export interface ControlApi {
  /** Mail signers, and the private keys that they are given. */
  readonly signers: SignersApi;
  /** What happens, for those who follow it. */
  readonly events: EventsApi;
  /** What needs a person. */
  readonly alerts: AlertsApi;
  readonly tokens: TokensApi;
  readonly zones: ZonesApi;
  readonly mail: MailApi;
  readonly certificates: CertificatesApi;
  readonly dnssec: DnssecApi;
  readonly dnssecKeys: DnssecKeysApi;
  readonly delegation: DelegationApi;
  readonly checks: OutsideChecksApi;
  readonly transfer: TransferApi;
  readonly audit: AuditApi;
  readonly keys: KeysApi;
  readonly backups: BackupsApi;
  readonly workers: WorkersApi;
  /** Answers to requests that may be repeated. */
  readonly keptAnswers: KeptAnswersApi;
  run(command: Command, options: RunOptions): Promise<Result<Outcome>>;
  status(): ControlStatus;
  metrics(): readonly MetricFamily[];
}

/** The zones that are served. */
/** A zone with its apex in the form of the canonical order. */
export interface ListedZone {
  readonly record: ZoneRecord;
  readonly apexKey: OwnerKey;
}

export interface ZonesApi {
  list(): readonly ZoneRecord[];
  /** The first `limit` behind this apex, in canonical order; of all when it is undefined. No other is looked at. */
  after(apexKey: OwnerKey | undefined, limit: number): readonly ListedZone[];
  /** Those at and below this name, in the same order. */
  atOrBelow(key: OwnerKey): readonly ListedZone[];
  byKey(apexKey: OwnerKey): ZoneRecord | undefined;
  find(name: Name): ZoneRecord | undefined;
  view(record: ZoneRecord): ZoneView;
  /** The zone's ALIAS records. */
  aliases(record: ZoneRecord): readonly Alias[];
  /** The zone with its ALIAS records as RRsets, beside the addresses that stand for them. */
  shown(record: ZoneRecord): ZoneView;
  /** The same, as it is now, for what is read over several turns of the event loop. */
  holdShown(record: ZoneRecord): HeldView;
  /** Journal of a zone, newest first. */
  readonly changes: ReadChanges;
  /** What lies between two versions of a zone; `to` is the zone of now unless given. */
  readonly difference: ReadDifference;
  ds(record: ZoneRecord): readonly DsForm[];
  /** Words that clients of the PowerDNS-compatible API have written on the zone. */
  labels(record: ZoneRecord): ZoneLabels;
  /** The oracle's answer from the store, with its steps. */
  query(name: Name, type: RrType, dnssecOk: boolean): Response;
  /** Tells where contents may be. */
  readonly contents: ContentIndexApi;
  /** Look-ups: names in our zones from the store, others from the configured recursive servers. */
  readonly resolver: Resolver;
}

/** The mail of zones. */
export interface MailApi {
  /** How the zone's mail stands; undefined when it has no mail policy. */
  view(record: ZoneRecord): MailView | undefined;
  /** Logos that were uploaded for the zone, with or without a mail policy. */
  bimi(record: ZoneRecord): BimiView;
  /** The octets of a hosted file; undefined: there is none of that name. */
  bimiFile(record: ZoneRecord, name: string): Uint8Array | undefined;
  /** The policy that the zone's mail records come from. */
  proposal(record: ZoneRecord): Promise<MailProposal>;
  /** Looks at the zone's mail hosts now, and compares what they present with their TLSA records. */
  liveTlsa(record: ZoneRecord, question: LiveTlsaQuestion): Promise<Result<readonly LiveTlsaHost[]>>;
}

/** The certificates of zones' hosts. */
export interface CertificatesApi {
  /** Of one zone, by host. */
  list(record: ZoneRecord): readonly CertificateView[];
  /** Of all zones in short. */
  summary(): CertificateSummary;
}

/** What a change of the key-encryption key did. */
export interface ResealOutcome {
  readonly file: string;
  readonly fileBefore: string;
  /** The file was not there. */
  readonly isMade: boolean;
  /** How many secrets were, or would be, sealed again. */
  readonly secrets: number;
  /** How many are under the policy host's own key, and stay as they are. */
  readonly ofPolicyHost: number;
}

export interface ResealOptions {
  readonly actor: Actor;
  /** Decide only. */
  readonly dryRun: boolean;
}

export interface KeysApi {
  /** Seals every secret under the key in `file`: a name beside the present file, or an absolute path. */
  reseal(file: string, options: ResealOptions): Promise<Result<ResealOutcome>>;
}

export interface AuditApi {
  /** Newest first. */
  entries(limit: number, beforeSequence?: number): readonly AuditView[];
  /** Sequences of the first and last entry that are kept; `from` is one more than `last` when there is none. */
  range(): { readonly from: number; readonly last: number };
  /** Entries after `afterSequence`, oldest first, as the JSON that their hashes are of. */
  texts(afterSequence: number, limit: number): readonly { readonly sequence: number; readonly json: string }[];
  verify(): { readonly entries: number; readonly from: number; readonly brokenAt?: number; readonly why?: string };
  /** The head of now, signed with the server's key for heads. */
  head(): Promise<Result<SignedAuditHead>>;
  /** Signs heads of exports. */
  signer(): Promise<Result<AuditSigner>>;
  /** Takes note of an attempt that was refused: an entry, or one more in a count (control/audit/attempts.ts). */
  refused(attempt: RefusedAttempt): void;
}

/** The server's key for heads of the audit log. */
export interface AuditSigner {
  readonly keyId: string;
  /** PEM. */
  readonly publicKey: string;
  /** Vouches for the entries `from` to `sequence`, whose SHA-256 is `hash`. */
  readonly sign: (from: number, sequence: number, hash: string) => SignedAuditHead;
}

/** What a sender was not let do. */
export interface RefusedAttempt {
  readonly actor: Actor;
  /** `PUT /v1/zones/{zone}/zonefile`, `UPDATE`. */
  readonly what: string;
  /** The zone that it was about, as far as it is known. */
  readonly zone?: string;
  readonly codes: readonly string[];
  /** The first problem, for people. */
  readonly text: string;
}

export interface WorkersApi {
  /** True once every live worker serves `revision` or later; false at the time limit. */
  waitServed(revision: number, timeoutMs: number): Promise<boolean>;
}

/** Who may ask the API for what. */
export interface TokensApi {
  list(): readonly TokenInfo[];
  /** The token's text is returned once and kept only as a hash. */
  create(wanted: NewToken, actor: Actor): Promise<Result<{ readonly info: TokenInfo; readonly secret: string }>>;
  revoke(id: string, actor: Actor, dryRun?: boolean): Promise<Result<undefined>>;
  /**
   * The token that `secret` is, unless it is unknown, expired, revoked, unused for too long, or not for the address
   * `from`. Constant time in the secret part.
   */
  authenticate(secret: string, from: string): TokenInfo | RejectedToken;
}

export type { AuditView, Changeset, ChangesetText, ShownRecords, ZoneChange, ZoneDifference };
