/** What may be asked of a zone's mail: commands, and how it stands. */
import { type Problem } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type Explanation } from '#lifecycle/explain.ts';
import { type ComingDkimKey } from '#mail/dkim/coming.ts';
import { type LiveHost } from '#mail/dane/live.ts';
import { type DeployTime, type TlsaHost } from '#mail/dane/lifecycle.ts';
import { type DmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import { type DmarcPolicy } from '#mail/dmarc/record.ts';
import { type MailState } from '#mail/state.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type SpfAlert, type SpfFailing, type SpfLook } from '#mail/spf/upkeep.ts';
import { type DkimAlgorithm, type MailPolicyDocument } from '#mail/policy/schema.ts';
import { type ReportNote } from '#mail/reports/book.ts';
import { type SourceShare } from '#mail/reports/judgement.ts';
import { type TlsReport } from '#mail/reports/tls-report.ts';
import { type LifecycleOrder, type LifecycleTick } from './lifecycle.ts';

export type MailCommand =
  /** What a look at others' SPF records found is taken in. */
  | { readonly kind: 'spf.take'; readonly zone: Name; readonly look: SpfLook }
  /** A report about the domain's mail is taken in as evidence. */
  | { readonly kind: 'dmarc.report'; readonly zone: Name; readonly report: DmarcReport }
  | {
      readonly kind: 'mta-sts.report';
      readonly zone: Name;
      readonly report: TlsReport;
      /** A stranger posted it: nothing says who wrote it. */
      readonly isPosted?: boolean;
    }
  /** A source that DMARC reports name is the domain's own, or is not. `source`: a domain, an address or a network. */
  | {
      readonly kind: 'dmarc.source';
      readonly zone: Name;
      readonly source: string;
      readonly verdict: 'ours' | 'not-ours';
      readonly reason: string;
    }
  /** The policy becomes the zone's: records, keys, and what has to happen later. `takeOver`: records put by hand give way. */
  | { readonly kind: 'mail.apply'; readonly zone: Name; readonly policy: unknown; readonly takeOver?: boolean }
  /** The policy goes, with its keys. Its records stay as manual ones, so that mail under way is still verified, or go with it. */
  | { readonly kind: 'mail.remove'; readonly zone: Name; readonly records: 'keep' | 'delete' }
  | { readonly kind: 'dkim.rotate'; readonly zone: Name; readonly algorithms: readonly DkimAlgorithm[]; readonly reason: string }
  | {
      readonly kind: 'dkim.revoke';
      readonly zone: Name;
      readonly selector: string;
      readonly reason: string;
      readonly when: 'at-once' | 'after-switch';
    }
  /** A signer says which selectors it signs with now, each for its algorithm; with `isAll`, with these and with no other key. */
  | {
      readonly kind: 'dkim.ack';
      readonly zone: Name;
      readonly signer: string;
      readonly selectors: readonly string[];
      readonly isAll?: boolean;
    }
  /** A signer has made its own key and keeps it: PEM, or base64 as in "p=". */
  | { readonly kind: 'dkim.add'; readonly zone: Name; readonly signer: string; readonly publicKey: string }
  /** Logo and evidence become those of a BIMI selector: what the policy says is hosted. `evidence`: PEM. */
  | {
      readonly kind: 'bimi.upload';
      readonly zone: Name;
      readonly selector: string;
      readonly logo: Uint8Array;
      readonly evidence?: string;
    }
  /** What was uploaded for the selector goes; what is served of it stays until no reader can need it. */
  | { readonly kind: 'bimi.remove'; readonly zone: Name; readonly selector: string }
  | { readonly kind: 'mta-sts.mode'; readonly zone: Name; readonly mode: 'off' | 'testing' | 'enforce' }
  | {
      readonly kind: 'dmarc.ramp';
      readonly zone: Name;
      readonly action: 'pause' | 'resume' | 'roll-back';
      /** Where a roll-back goes; one step back unless given. */
      readonly to?: DmarcPolicy;
      readonly reason: string;
    }
  | {
      readonly kind: 'tlsa.next';
      readonly zone: Name;
      readonly host: string;
      readonly port?: number;
      /** PEM of a certificate or public key, or the record. */
      readonly key: string;
      readonly replaces?: string;
    }
  /** `object` is what `tlsa.next` gave; without it the one key to come at the host. */
  | { readonly kind: 'tlsa.activated'; readonly zone: Name; readonly host: string; readonly object?: string; readonly force: boolean }
  /** The key to come will not: a certificate that was never put to use. `object` as above. */
  | { readonly kind: 'tlsa.abandon'; readonly zone: Name; readonly host: string; readonly object?: string; readonly reason: string }
  | LifecycleOrder
  | LifecycleTick;

/** Further results of a command. */
export interface MailNote {
  /** Id of the object that it made or was about. */
  readonly object?: string;
  /** When a key may be used at the earliest, wall time. */
  readonly notBeforeMs?: number;
  /** True when that time will not move any more. */
  readonly isFinal?: boolean;
  /** The result, for people. */
  readonly text?: string;
}

/** How the mail of a zone stands. */
export interface MailView {
  readonly document: MailPolicyDocument;
  readonly policy: MailPolicy;
  readonly state: MailState;
  /** Of everything that has a life; times are wall times. */
  readonly explanations: readonly Explanation[];
  /** Keys that are to be the first of their algorithm to sign; times are wall times. */
  readonly comingKeys: readonly ComingDkimKey[];
  /** When next keys of mail hosts may be used, by object; times are wall times. */
  readonly deployTimes: ReadonlyMap<string, DeployTime>;
  /** How often a selector was asked for at this server; times are counted time. */
  readonly queries?: (selector: string) => SelectorCount;
  /** Wall time minus counted time: what is added to times in `state`. */
  readonly wallOffsetMs: number;
  /** What others publish that SPF depends on; absent where it depends on no other domain. */
  readonly spf?: SpfStatus;
  /** How the policy of another server stands, for people; empty where this server is the policy host. */
  readonly stsWatch: readonly string[];
  /** What was reported about the domain's mail. */
  readonly reports: ReportsStatus;
  /** What stands against the records as they are, and warnings. */
  readonly problems: readonly Problem[];
}

/** Queries for one selector. Times are counted time. */
export interface SelectorCount {
  readonly queries: number;
  /** Absent: not while it was watched. */
  readonly lastMs?: number;
  /** Watched without a break since then; absent: the answer process reports no counts. */
  readonly watchedSinceMs?: number;
}

/** How the looks at others' SPF records stand. Times are wall times. */
export interface SpfStatus {
  readonly lookedAtMs?: number;
  readonly nextLookMs?: number;
  /** Of the whole record with all that it includes. */
  readonly lookups?: number;
  readonly voids?: number;
  /** Includes that are published as addresses. */
  readonly sources: readonly { readonly include: string; readonly networkCount: number; readonly seenAtMs: number }[];
  /** `_spfN` records; `untilMs` is when one that nothing includes any more may go, or its name be used again. */
  readonly parts: readonly { readonly name: string; readonly isPublished: boolean; readonly untilMs?: number }[];
  /** Includes that should be addresses and cannot be read as such now. */
  readonly failing: readonly Pick<SpfFailing, 'include' | 'code' | 'message' | 'sinceMs'>[];
  /** What others changed, newest first. */
  readonly alerts: readonly SpfAlert[];
  /** What stood against the record at the last look. */
  readonly costProblems: readonly Problem[];
  /** What fails and what changed of late, as warnings. */
  readonly problems: readonly Problem[];
  /** All of it for people. */
  readonly lines: readonly string[];
}

/** How the reports of one kind stand. Times are wall times. */
export interface ReportStatus {
  /** The last ones taken in, newest first. */
  readonly last: readonly ReportNote[];
  /** From when on they count now. */
  readonly sinceMs: number;
  /** Days since then that any report is about. */
  readonly days: number;
  /** Of DMARC: those in the way first. */
  readonly sources: readonly SourceShare[];
  /** All of it for people. */
  readonly lines: readonly string[];
}

export interface ReportsStatus {
  readonly dmarc: ReportStatus;
  readonly tls: ReportStatus;
}

/** A look at mail hosts that is asked for. */
export interface LiveTlsaQuestion {
  /** As the request names it; absent: all hosts of the zone. */
  readonly host?: string;
  /** The answer is no longer wanted. */
  readonly gone?: AbortSignal;
}

/** A mail host with TLSA records, and what it presents. */
export type LiveTlsaHost = TlsaHost & LiveHost;

/** A file that is hosted. */
export interface BimiFileView {
  /** Its name (mail/bimi/hosted-file.ts). */
  readonly name: string;
  readonly url: string;
  readonly sizeBytes: number;
}

/** What was uploaded for a BIMI selector. Times are wall times. */
export interface BimiUploadView {
  readonly selector: string;
  readonly title: string;
  readonly logo: BimiFileView;
  readonly evidence?: BimiFileView & { readonly endsMs: number };
  readonly uploadedAtMs: number;
  /** How it is served: a stage of its life; absent: the policy does not say that it is hosted, and it is not served. */
  readonly stage?: string;
}

/** A pair of files that is served. */
export interface BimiServedView {
  readonly object: string;
  readonly selector: string;
  readonly stage: string;
  readonly sinceMs: number;
  readonly logoUrl: string;
  readonly evidenceUrl?: string;
}

/** Hosted logos of a domain. */
export interface BimiView {
  readonly uploads: readonly BimiUploadView[];
  readonly served: readonly BimiServedView[];
  /** All of it for people. */
  readonly lines: readonly string[];
}

/** A policy that yields what the zone has, as far as one can. */
export interface MailProposal {
  readonly document: MailPolicyDocument;
  readonly problems: readonly Problem[];
}
