/**
 * A certificate chain before it is used: is it for this host and this key, in order, and valid now? A CA may err or
 * lie, and a file may be
 * another host's: what does not pass is never installed.
 * Implements: RFC 8555 §7.4.2 (order of the chain), RFC 9525 §6.3 (names), RFC 5280 §4.1.2.5 (validity), §4.2.1.12
 * (extended key usage).
 * Not here: trust in the root, which is the clients' matter; the policy host that serves it (policy-host/).
 */
import { type KeyObject, X509Certificate, createHash, createPublicKey } from 'node:crypto';
import { equalBytes } from '#base/bytes.ts';
import { ACME_CHAIN_CERTIFICATES_MAX, CERTIFICATE_CLOCK_MS } from '#base/limits/acme.ts';
import { type Place } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { ariId } from './ari.ts';
import { type Validity } from './renewal.ts';

export interface CheckedChain extends Validity {
  /** PEM, the host's own certificate first, nothing between the certificates. */
  readonly pem: string;
  /** DNS names of the host's own certificate, lower case. */
  readonly names: readonly string[];
  /** Hexadecimal. */
  readonly serial: string;
  readonly issuer: string;
  /** For renewal information (RFC 9773 §4.1); absent when the certificate does not allow one. */
  readonly ariId?: string;
}

export interface ChainExpectation {
  /** Lower case, no last dot; absent: whatever names it has. */
  readonly host?: string;
  /** The key that it must be for. */
  readonly privateKey: KeyObject;
  /** Wall time. */
  readonly nowMs: number;
  readonly at: Place;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** RFC 5280 §4.2.1.12. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';

/** The chain in `text`, or all that is wrong with it. */
export function checkChain(text: string, expected: ChainExpectation): Result<CheckedChain> {
  const { at, host, nowMs, privateKey } = expected;
  const bad = (why: string) => problem('CERTIFICATE_WRONG', at, why);
  const certificates = readCertificates(text);
  if (certificates === undefined) return fail(bad('it contains something that is not a certificate'));
  const [own] = certificates;
  if (own === undefined) return fail(bad('it contains no certificate in PEM'));
  if (certificates.length > ACME_CHAIN_CERTIFICATES_MAX)
    return fail(bad(`a chain of ${certificates.length} certificates is longer than any client takes`));
  const problems: Problem[] = [];
  const names = namesOf(own);
  // RFC 9525 §6.3: subjectAltName only; a common name counts for nothing.
  if (host !== undefined && own.checkHost(host, { subject: 'never' }) === undefined)
    problems.push(bad(`it is for ${names.length === 0 ? 'no name' : names.slice(0, 4).join(', ')}, not for ${host}`));
  if (!isSameKey(own.publicKey, privateKey)) problems.push(bad('it is for another key than the one made for it'));
  if (own.ca) problems.push(bad('it is the certificate of a CA, not of a host'));
  if (!isForServers(own)) problems.push(bad('it is not for servers'));
  const validity = { notBeforeMs: own.validFromDate.getTime(), notAfterMs: own.validToDate.getTime() };
  if (validity.notBeforeMs > nowMs + CERTIFICATE_CLOCK_MS)
    problems.push(bad(`it is not valid before ${formatTime(validity.notBeforeMs)}; now is ${formatTime(nowMs)}`));
  const [end, now] = [validity.notAfterMs, nowMs].map(formatTime);
  if (validity.notAfterMs <= nowMs) problems.push(bad(`it has expired at ${end}; now is ${now}`));
  problems.push(...checkOrder(certificates, nowMs).map(bad));
  if (problems.length > 0) return fail(...problems);
  const id = ariId(own.raw);
  const pem = certificates.map((each) => each.toString()).join('');
  const issuer = own.issuer.replaceAll('\n', ', ');
  const serial = own.serialNumber.toLowerCase();
  return ok({ pem, names, serial, issuer, ...validity, ...(id === undefined ? {} : { ariId: id }) });
}

/** SHA-256 of each certificate in PEM, hexadecimal. Throws for what is no certificate. */
export function chainFingerprints(pem: string): string[] {
  return (pem.match(BLOCK) ?? []).map((block) => {
    const { raw } = new X509Certificate(block);
    return createHash('sha256').update(raw).digest('hex');
  });
}

/** Undefined when a block is no certificate. */
function readCertificates(text: string): X509Certificate[] | undefined {
  try {
    const blocks = text.match(BLOCK) ?? [];
    return blocks.slice(0, ACME_CHAIN_CERTIFICATES_MAX + 1).map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/** RFC 5280 §4.2.1.12: without the extension a certificate is for everything. */
function isForServers({ keyUsage }: X509Certificate): boolean {
  const usages = keyUsage as readonly string[] | undefined;
  return usages === undefined || usages.includes(SERVER_AUTH) || usages.includes(ANY_USAGE);
}

/** RFC 8555 §7.4.2: each certificate certifies the one before it. */
function checkOrder(certificates: readonly X509Certificate[], nowMs: number): string[] {
  return certificates.slice(1).flatMap((issuer, index) => {
    const certified = certificates[index]!;
    if (!certified.checkIssued(issuer) || !certified.verify(issuer.publicKey))
      return [`certificate ${index + 2} of the chain did not sign the one before it`];
    return issuer.validToDate.getTime() <= nowMs ? [`certificate ${index + 2} of the chain has expired`] : [];
  });
}

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ').flatMap((each) => (each.startsWith('DNS:') ? [each.slice(4).toLowerCase()] : []));
}

function isSameKey(publicKey: KeyObject, privateKey: KeyObject): boolean {
  const own = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return equalBytes(publicKey.export({ type: 'spki', format: 'der' }), own);
}
