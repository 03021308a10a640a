/**
 * Which TLSA record matches which certificate that a mail host presents, as a sender that goes by DANE decides it.
 * Implements: RFC 6698 §2.1; RFC 7671 §5.1 (usage 3: names and dates do not count), §5.2.2 (usage 2: the issuer must
 * be in the handshake); RFC 7672 §3.1.2, §3.1.3, §3.2.2 (names of usage 2).
 * Not here: records themselves (record.ts), getting at the certificates (control/outside/starttls.ts).
 */
import { X509Certificate, createHash } from 'node:crypto';
import { toHex } from '#base/bytes.ts';
import { PRESENTED_TEXT_CHARACTERS_MAX } from '#base/limits/outside.ts';
import { showHidden } from '#base/visible.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { spkiOf } from './certificate.ts';
import { type TlsaRecord, isDataOf } from './record.ts';

/** What a sender has beside record and certificates. */
export interface MatchContext {
  /** RFC 7672 §3.2.2: the host's name, and the domains that it takes mail for; no last dot. */
  readonly names: readonly string[];
  /** Wall time. */
  readonly nowMs: number;
}

/** How a record stands to the certificates of one handshake. */
export interface TlsaVerdict {
  readonly matches: boolean;
  /** Place of the certificate that the record is of, 0 for the host's own; also when something else is wrong. */
  readonly depth?: number;
  /** Why it does not match; empty when it does. */
  readonly why: string;
}

function no(why: string, depth?: number): TlsaVerdict {
  return { matches: false, why, ...(depth === undefined ? {} : { depth }) };
}

/** `chain`: DER certificates as they were presented, the host's own first, each issued by the next. */
export function judgeTlsa(record: TlsaRecord, chain: readonly Uint8Array[], context: MatchContext): TlsaVerdict {
  // RFC 7672 §3.1.3: usages 0 and 1 are unusable for mail.
  if (record.usage !== 2 && record.usage !== 3) return no(`senders of mail do not use usage ${record.usage}`);
  const depth = chain.findIndex((certificate) => isDataOf(record, certificate));
  if (record.usage === 3) {
    // RFC 7671 §5.1: the record alone says whose key it is, and until when.
    if (depth === 0) return { matches: true, depth, why: '' };
    if (depth < 0) return no('it is of no certificate here');
    return no("it is of an issuer, and usage 3 wants the host's own", depth);
  }
  if (depth < 0) return no('the issuer that it is of is not in the handshake');
  if (depth === 0) return no("it is of the host's own certificate, and usage 2 wants an issuer", depth);
  const why = pathProblem(chain.slice(0, depth + 1), context);
  return why === undefined ? { matches: true, depth, why: '' } : no(why, depth);
}

/** What stands against a path from the host's certificate to the trust anchor. */
function pathProblem(path: readonly Uint8Array[], { names, nowMs }: MatchContext): string | undefined {
  const certificates = path.map((each) => new X509Certificate(each));
  const [own] = certificates;
  for (const [at, certificate] of certificates.entries()) {
    const issuer = certificates[at + 1];
    if (issuer !== undefined && !(issuer.ca && certificate.checkIssued(issuer) && isSignedBy(certificate, issuer)))
      return `certificate ${at} is not signed by certificate ${at + 1}`;
    const [fromMs, untilMs] = [timeOf(certificate.validFromDate), timeOf(certificate.validToDate)];
    if (nowMs > untilMs) return `certificate ${at} has expired ${formatTime(untilMs)}, which counts for usage 2`;
    if (nowMs < fromMs) return `certificate ${at} is not valid before ${formatTime(fromMs)}, which counts for usage 2`;
  }
  // RFC 7672 §3.2.2, §3.2.3: DNS names, or the common name of a certificate without them.
  const isNamed = own === undefined || names.some((name) => own.checkHost(name, { subject: 'default' }) !== undefined);
  if (isNamed) return undefined;
  return `the host's certificate is for none of ${names.join(', ')}, which counts for usage 2`;
}

/** A time that cannot be read is the beginning of all times. */
function timeOf(date: Date): number {
  const atMs = date.getTime();
  return Number.isFinite(atMs) ? atMs : 0;
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** A certificate for people. Strangers write its texts: they are cut, and nothing in them is hidden. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal SHA-256 of SubjectPublicKeyInfo: the data of a `3 1 1` record. */
  readonly spkiSha256: string;
  /** Wall time. */
  readonly notAfterMs: number;
}

/** Undefined when the octets are no certificate. */
export function describeCertificate(der: Uint8Array): CertificateFacts | undefined {
  const spki = spkiOf(der);
  if (spki === undefined) return undefined;
  const certificate = new X509Certificate(der);
  return {
    subject: shown(certificate.subject),
    issuer: shown(certificate.issuer),
    spkiSha256: toHex(createHash('sha256').update(spki).digest()),
    notAfterMs: timeOf(certificate.validToDate),
  };
}

/** `CN=mx1.example.com, O=Example`; a certificate without a subject has an empty one. */
function shown(text: string | undefined): string {
  const line = showHidden((text ?? '').replaceAll('\n', ', '));
  return line.length > PRESENTED_TEXT_CHARACTERS_MAX ? `${line.slice(0, PRESENTED_TEXT_CHARACTERS_MAX)}…` : line;
}
