/**
 * What a place should show that a gate looks at, as data: an edge looks for it, and tests answer it without a network.
 * Not here: looking and judging (control/outside/evidence.ts).
 */
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { type RrType } from '#dns/types.ts';

/** At the owner a record that says this stands, or none does. */
export interface RecordExpectation {
  readonly kind: 'record' | 'no-record';
  readonly owner: Name;
  readonly type: RrType;
  /** The joined text of a TXT, the host of an MX, else presentation form. */
  readonly text: string;
  /**
   * The server's SOA must not be older: a secondary that lags may show the zone as it was before, when all was as it
   * should be again.
   */
  readonly serial?: Serial;
}

/** At the URL is the MTA-STS body whose `policyId` is `id`; the id that is announced for it may be another one. */
export interface BodyExpectation {
  readonly kind: 'body';
  readonly url: string;
  readonly id: string;
}

/** The mail host presents, wherever it is connected to, no certificate that this TLSA record alone is of. */
export interface NotServedExpectation {
  readonly kind: 'not-served';
  /** Without the last dot. */
  readonly host: string;
  /** Presentation form. */
  readonly record: string;
  /** Records that stay, presentation form. */
  readonly others: readonly string[];
  /** What certificates that usage 2 judges must be for. */
  readonly names: readonly string[];
}

/** A handshake with this server's own policy host for `host` shows exactly these certificates. */
export interface CertificateExpectation {
  readonly kind: 'certificate';
  /** Without the last dot. */
  readonly host: string;
  /** SHA-256 of each DER certificate, hexadecimal, the host's own first. */
  readonly chain: readonly string[];
}

/** At each URL is the hosted file whose octets have that name (mail/bimi/hosted-file.ts), with its media type. */
export interface FilesExpectation {
  readonly kind: 'files';
  readonly files: readonly { readonly name: string; readonly url: string }[];
}

type HttpsExpectation = BodyExpectation | FilesExpectation | CertificateExpectation;

export type Expectation = RecordExpectation | HttpsExpectation | NotServedExpectation;

/** A record's expectation; undefined when there is no such owner or nothing to say. */
export function expectRecord(
  kind: RecordExpectation['kind'],
  owner: Result<Name>,
  type: RrType,
  text: string | undefined,
): RecordExpectation | undefined {
  return owner.ok && text !== undefined ? { kind, owner: owner.value, type, text } : undefined;
}
