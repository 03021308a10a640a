/** What is known around a domain's mail at one moment: who can be asked. Not here: what follows from it (lives.ts). */
import { type Facts } from '#lifecycle/world.ts';
import { type BimiUploads } from '#mail/bimi/files.ts';
import { type SignerFacts } from '#mail/dkim/signers.ts';
import { type PolicyHostFacts } from '#mail/hosting/host-life.ts';

/** Kinds of places. */
export type MailPlace =
  /** Name servers of the zone, secondaries too: each must show a record before it counts as published. */
  | 'servers'
  /** From where the MTA-STS body is fetched as a sender would; without one, no new body is announced. */
  | 'probes'
  /** Where DMARC reports are collected. */
  | 'reportSources'
  /** Name servers whose query counts per selector are known. */
  | 'queryCounters'
  /** Where TLS reports are collected. */
  | 'tlsReports'
  /** Where TLS reports are collected that nothing authenticates. */
  | 'postedReports'
  /** From where the certificates of mail hosts are looked at. */
  | 'liveChecks';

export interface MailFacts extends Facts {
  readonly places: Readonly<Record<MailPlace, readonly string[]>>;
  readonly signers?: SignerFacts;
  /** Of this server's policy host, where the configuration says how senders find it. */
  readonly policyHost?: PolicyHostFacts;
  /** Logos that were uploaded for the domain; absent: none. */
  readonly bimiUploads?: BimiUploads;
}

/** Facts of a server that stands alone and knows nothing yet; what is known is put over it. */
export function mailFacts(nowMs: number, known: Partial<MailFacts['places']> = {}, wallOffsetMs = 0): MailFacts {
  const witnesses = { servers: ['this server'], probes: [], liveChecks: [], queryCounters: [] };
  const reports = { reportSources: [], tlsReports: [], postedReports: [] };
  return { nowMs, wallOffsetMs, places: { ...witnesses, ...reports, ...known } };
}
