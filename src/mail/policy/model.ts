/**
 * What a mail policy says, complete: every field has a value, durations and TTLs are numbers, names are names.
 * Not here: how it comes about (mail/settle.ts), what it compiles to (mail/compile.ts).
 */
import { type Name } from '#dns/name.ts';
import { type BimiRecord } from '#mail/bimi/record.ts';
import { type TlsaRecord } from '#mail/dane/record.ts';
import { type DmarcAlignment, type DmarcFailureOption, type DmarcPolicy } from '#mail/dmarc/record.ts';
import { type DkimAlgorithm, type ProfileName, type TtlKind } from './schema.ts';

export interface ExternalSelector {
  readonly selector: string;
  /** The record's text, as given. */
  readonly record: string;
  readonly ttlSeconds?: number;
}

export interface DelegatedSelector {
  readonly selector: string;
  readonly target: Name;
  readonly ttlSeconds?: number;
}

export interface DkimPolicy {
  readonly algorithms: readonly DkimAlgorithm[];
  readonly rotationIntervalMs: number;
  readonly queueLifeMs: number;
  readonly signerLagMs: number;
  readonly revokedForMs: number;
  readonly afterRetirement: 'revoke' | 'keep';
  readonly spareKeys: number;
  readonly signers: readonly string[];
  readonly external: readonly ExternalSelector[];
  readonly delegations: readonly DelegatedSelector[];
}

export interface DmarcSettings {
  readonly isEnabled: boolean;
  readonly policy: DmarcPolicy;
  readonly ramp: { readonly isOn: boolean; readonly noneForMs: number; readonly quarantineForMs: number };
  readonly subdomainPolicy?: DmarcPolicy;
  readonly nonexistentPolicy?: DmarcPolicy;
  readonly dkimAlignment: DmarcAlignment;
  readonly spfAlignment: DmarcAlignment;
  readonly isPublicSuffix?: boolean;
  readonly aggregateUris: readonly string[];
  readonly failureUris: readonly string[];
  readonly failureOptions: readonly DmarcFailureOption[];
  readonly acceptReportsOf: readonly Name[];
}

export interface StsSettings {
  readonly mode: 'off' | 'testing' | 'enforce' | 'external';
  readonly isMxFromZone: boolean;
  /** Lower case, without final dot. */
  readonly mxPatterns: readonly string[];
  readonly maxAgeSeconds: number;
  readonly shortMaxAgeSeconds: number;
  readonly testingForMs: number;
  readonly shortForMs: number;
  /** Of an external policy: its id, or where the record leads. */
  readonly id?: string;
  readonly target?: Name;
}

export interface SpfPolicy {
  readonly isEnabled: boolean;
  /** Directives without `all`, in order, canonical. */
  readonly mechanisms: readonly string[];
  readonly all: '-all' | '~all' | '?all' | 'none';
  readonly redirect?: string;
  /** Domains of includes, lower case. */
  readonly flatten: readonly string[];
  /** What others publish is looked up again after this at the latest. */
  readonly refreshMs: number;
}

export interface DaneHost {
  readonly host: Name;
  readonly port: number;
  /** Records of the keys in use, each once. */
  readonly records: readonly TlsaRecord[];
}

export interface MailPolicy {
  /** As named, the first decides. */
  readonly profiles: readonly ProfileName[];
  readonly isLockdown: boolean;
  readonly ttlSeconds: Readonly<Record<TtlKind, number>>;
  readonly spf: SpfPolicy;
  readonly dkim: DkimPolicy;
  readonly dmarc: DmarcSettings;
  readonly mtaSts: StsSettings;
  /** Empty: no record. */
  readonly tlsRptUris: readonly string[];
  readonly dane: { readonly hosts: readonly DaneHost[] };
  readonly bimi?: { readonly selector: string; readonly record: BimiRecord };
}
