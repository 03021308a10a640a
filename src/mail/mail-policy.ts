/**
 * What a mail policy says, complete: every field has a value, durations and TTLs are numbers, names are names.
 * Not here: the settings of one subject (its settle.ts), how it is made (settle.ts), what it compiles to (compile.ts).
 */
import { type BimiSettings } from '#mail/bimi/hold.ts';
import { type DaneHost } from '#mail/dane/settle.ts';
import { type DkimPolicy } from '#mail/dkim/settle.ts';
import { type DmarcSettings } from '#mail/dmarc/settle.ts';
import { type StsSettings } from '#mail/mta-sts/settle.ts';
import { type ProfileName, type TtlKind } from '#mail/policy/schema.ts';
import { type SpfPolicy } from '#mail/spf/settle.ts';

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
  /** One of them is this server's policy host, and is published when that is ready. */
  readonly isTlsRptHosted: boolean;
  readonly dane: { readonly hosts: readonly DaneHost[] };
  readonly bimi?: BimiSettings;
}
