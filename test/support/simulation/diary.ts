/**
 * What happened to a mail domain in simulated time, written down by simulated-domain.ts and judged by judge.ts, which knows nothing else.
 */
import { formatName, nameOf } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';
import { type MailLife } from '#mail/lives.ts';
import { type StsPolicy } from '#mail/mta-sts/record.ts';
import { type CacheModel } from './cache-model.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** Mail waits this long in queues at most. */
export const QUEUE_MS = 5 * DAY_MS;

/** What a mutated run does otherwise. */
export interface Sabotage {
  readonly lives?: readonly MailLife[];
  /** Waits are counted by the wall clock. */
  readonly isWallClock?: boolean;
  /** The operator changes MX records without asking. */
  readonly isMxUnguarded?: boolean;
  /** The state is not written down with the records: half a commit. */
  readonly isCommitTorn?: boolean;
  /** Days that are enough to find it; a year otherwise. */
  readonly days?: number;
  /** How often something happens at a wake-up, when a year has too little of it. */
  readonly rates?: { readonly jump?: number; readonly mode?: number; readonly mx?: number; readonly revoke?: number };
  /** A certificate is taken to be there when it was ordered. */
  readonly isCertificateSupposed?: boolean;
  /** The policy host goes with the id, while caches hold it. */
  readonly isPolicyHostHasty?: boolean;
  /** Signers are offered every key whose record is published, revoked or not. */
  readonly isOfferBlind?: boolean;
  /** What a signer says of one key is taken for all that it signs with. */
  readonly isWordForAll?: boolean;
}

export interface Use {
  readonly what: string;
  readonly fromMs: number;
  endMs: number;
}

export interface BodySpan {
  readonly version: number;
  readonly policy: StsPolicy;
  readonly frontend: string;
  readonly fromMs: number;
  endMs: number;
}

/** The policy host had a certificate. */
export interface CertificateSpan {
  readonly fromMs: number;
  endMs: number;
}

/** A key was taken for compromised, and everybody was told. */
export interface Revocation {
  readonly selector: string;
  readonly algorithm: string;
  readonly atMs: number;
  /** Its record has to say so for this long. */
  readonly toldForMs: number;
}

/** Everything the judge needs, in simulated time. */
export interface Diary {
  readonly name: string;
  readonly cache: CacheModel;
  /** No server takes longer to have what was published. */
  readonly lagMs: number;
  /** The life's end. */
  endMs: number;
  /** Signers signing with selectors. */
  readonly signing: Use[];
  /** Keys (TLSA text) that mail servers showed. */
  readonly shown: Use[];
  readonly bodies: BodySpan[];
  readonly certificates: CertificateSpan[];
  /** Which body's id was announced when. */
  readonly announcements: { readonly id: string; readonly version: number; readonly atMs: number }[];
  /** Times at which not exactly one key of an algorithm was active, after the first, and no revocation had taken it away. */
  readonly inactive: string[];
  /** Which key of an algorithm was the active one from when on; undefined: none, because it was revoked. */
  readonly actives: { readonly algorithm: string; readonly selector: string | undefined; readonly atMs: number }[];
  readonly revocations: Revocation[];
  readonly stages: { readonly stage: string; readonly atMs: number }[];
  readonly modes: { readonly mode: string; readonly atMs: number }[];
  readonly problems: Set<string>;
  counts: {
    steps: number;
    crashes: number;
    jumps: number;
    reboots: number;
    rotations: number;
    activations: number;
    mxChanges: number;
    revocations: number;
    /** Words of signers on keys that are not active. */
    refusals: number;
  };
}

/** For the judge. */
export function keyOf(owner: string, domain: string, type: RrType): string {
  return `${owner}.${formatName(nameOf(domain))} ${type}`;
}
