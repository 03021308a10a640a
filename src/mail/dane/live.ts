/**
 * What mail hosts present beside the TLSA records that are published for them: which record matches which certificate
 * at which address, and what follows for the host, and for a record that is to be withdrawn. Pure.
 * Implements: RFC 7672 §2.2 (one record that matches is enough), RFC 7671 §8.4 (a record goes when no host needs it).
 * Not here: one record and one handshake (match.ts), looking (control/outside/starttls-look.ts).
 */
import { type NotServedExpectation } from '#lifecycle/expectation.ts';
import { type CertificateFacts, type MatchContext, describeCertificate, judgeTlsa } from './match.ts';
import { type TlsaRecord, parseTlsa } from './record.ts';

/** Why nothing was seen. `step` is `connect` where senders continue with the next address. */
export interface Unseen {
  readonly step: string;
  /** Names the step and why. */
  readonly message: string;
}

/** What one address presents. */
export type AddressSeen =
  | { readonly ip: string; readonly chain: readonly Uint8Array[]; readonly tlsVersion: string }
  | { readonly ip: string; readonly failure: Unseen };

/** What a host presents; `failure`: it has no address that can be looked at. */
export type HostSeen = { readonly addresses: readonly AddressSeen[] } | { readonly failure: Unseen };

/** A record that is published for the host. */
export interface PublishedRecord {
  readonly object: string;
  readonly stage: string;
  /** Presentation form. */
  readonly record: string;
}

/** A published record and one handshake. */
export interface LiveRecord extends PublishedRecord {
  readonly matches: boolean;
  /** Place of the certificate that it is of; 0 is the host's own. */
  readonly depth?: number;
  /** Why it does not match. */
  readonly why: string;
}

/** `match`: senders deliver. `no-match`: senders that go by DANE do not. `unseen`: nothing is known. */
export type LiveVerdict = 'match' | 'no-match' | 'unseen';

export interface LiveAddress {
  readonly ip: string;
  readonly verdict: LiveVerdict;
  /** One sentence. */
  readonly text: string;
  readonly tlsVersion?: string;
  /** As presented, the host's own first; empty when nothing was seen. */
  readonly certificates: readonly CertificateFacts[];
  readonly records: readonly LiveRecord[];
}

export interface LiveHost {
  readonly verdict: LiveVerdict;
  /** One sentence. */
  readonly text: string;
  readonly addresses: readonly LiveAddress[];
}

/** The host as senders that go by DANE meet it. */
export function judgeHost(records: readonly PublishedRecord[], seen: HostSeen, context: MatchContext): LiveHost {
  if ('failure' in seen) return { verdict: 'unseen', text: seen.failure.message, addresses: [] };
  const addresses = seen.addresses.map((each) => judgeAddress(records, each, context));
  const wrong = addresses.filter(({ verdict }) => verdict === 'no-match');
  const right = addresses.filter(({ verdict }) => verdict === 'match');
  if (wrong.length > 0) return { verdict: 'no-match', text: listed(wrong), addresses };
  if (right.length > 0) return { verdict: 'match', text: listed(right), addresses };
  return { verdict: 'unseen', text: listed(addresses), addresses };
}

function listed(addresses: readonly LiveAddress[]): string {
  return addresses.map(({ ip, text }) => `${ip} ${text}`).join('; ');
}

function judgeAddress(records: readonly PublishedRecord[], seen: AddressSeen, context: MatchContext): LiveAddress {
  const { ip } = seen;
  if ('failure' in seen) return { ip, verdict: 'unseen', text: seen.failure.message, certificates: [], records: [] };
  const judged = records.map((each) => judgeRecord(each, seen.chain, context));
  const certificates = seen.chain.flatMap((der) => describeCertificate(der) ?? []);
  const good = judged.find(({ matches }) => matches);
  const key = certificates[0]?.spkiSha256 ?? 'unknown';
  const text =
    good === undefined
      ? `presents the key ${key}, which no published TLSA record matches`
      : `presents a certificate that ${good.object} matches`;
  const verdict = good === undefined ? 'no-match' : 'match';
  return { ip, verdict, text, tlsVersion: seen.tlsVersion, certificates, records: judged };
}

function judgeRecord(published: PublishedRecord, chain: readonly Uint8Array[], context: MatchContext): LiveRecord {
  const record = readRecord(published.record);
  return record === undefined
    ? { ...published, matches: false, why: 'senders cannot use it' }
    : { ...published, ...judgeTlsa(record, chain, context) };
}

/** Whether a record can go, as far as `seen` tells. */
export interface NotServedLook {
  readonly isGood: boolean;
  /** Nothing was seen that tells. */
  readonly isUnseen?: true;
  readonly text: string;
}

/**
 * RFC 7671 §8.4: the record goes when no address presents what it alone is of. An address that takes no connection does
 * not count beside others, because senders continue with those; one that fails later may hide the old key.
 */
export function judgeNotServed(expect: NotServedExpectation, seen: HostSeen, nowMs: number): NotServedLook {
  if ('failure' in seen) return { isGood: false, isUnseen: true, text: seen.failure.message };
  const [record, ...others] = [expect.record, ...expect.others].map(readRecord);
  const context = { names: expect.names, nowMs };
  const shown = seen.addresses.flatMap((each) => ('chain' in each ? [each] : []));
  const isOf = (each: TlsaRecord | undefined, chain: readonly Uint8Array[]) =>
    each !== undefined && judgeTlsa(each, chain, context).matches;
  const old = shown.find(({ chain }) => isOf(record, chain) && !others.some((other) => isOf(other, chain)));
  if (old !== undefined) return { isGood: false, text: `${old.ip} still presents its key` };
  const failures = seen.addresses.flatMap((each) => ('failure' in each ? [{ ip: each.ip, ...each.failure }] : []));
  const hiding = shown.length === 0 ? failures : failures.filter(({ step }) => step !== 'connect');
  if (hiding.length > 0 || shown.length === 0)
    return { isGood: false, isUnseen: true, text: hiding.map(({ ip, message }) => `${ip} ${message}`).join('; ') };
  return { isGood: true, text: `${shown.map(({ ip }) => ip).join(', ')} without its key` };
}

/** Undefined for a record that no sender can use. */
function readRecord(text: string): TlsaRecord | undefined {
  const record = parseTlsa(text);
  return record.ok ? record.value : undefined;
}
