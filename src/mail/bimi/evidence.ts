/**
 * Evidence for a BIMI logo, before it is served: is it a chain of certificates that begins with a mark certificate
 * (VMC or CMC), for this domain, this logo, and now?
 * Implements: draft-fetch-validation-vmc-wchuang-10 (profile of mark certificates: extended key usage, names, logo),
 * RFC 8555 §9.1 (form of a chain in PEM), RFC 5280 §4.1.2.5 (validity), RFC 3709 and RFC 6170 by logotype.ts.
 * Not here, and said with every result: trust in the root of a mark CA, revocation, certificate transparency, the
 * trademark. Receivers decide by those.
 */
import { X509Certificate } from 'node:crypto';
import { equalBytes } from '#base/bytes.ts';
import { BIMI_EVIDENCE_BYTES_MAX, BIMI_EVIDENCE_CERTIFICATES_MAX, BIMI_EVIDENCE_CLOCK_MS } from '#base/limits/mail.ts';
import { WHOLE } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem, warning } from '#base/problem.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { hasLogotypeHash, type Logotype, subjectLogotypes, withPlainLineEnds } from './logotype.ts';

/** A chain that passed. Times are wall times. */
export interface BimiEvidence {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Hexadecimal, lower case. */
  readonly serial: string;
  readonly sizeBytes: number;
}

export interface EvidenceExpectation {
  /** The logo beside it, as it will be served. */
  readonly logo: Uint8Array;
  /** Lower case, no last dot; absent: whatever names it has. */
  readonly domain?: string;
  readonly selector: string;
  /** Wall time. */
  readonly nowMs: number;
}

const DRAFT = 'draft-fetch-validation-vmc-wchuang-10';
const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
/** id-kp-BrandIndicatorforMessageIdentification. */
const MARK_USAGE = '1.3.6.1.5.5.7.3.31';

const bad = (code: ProblemCode, why: string, details: { readonly rfc?: string; readonly fix?: string } = {}) =>
  problem(code, WHOLE, why, details);

/** The evidence, or all that is wrong with it. Never throws, and never repeats what it read of a key. */
export function checkEvidence(pem: string, expected: EvidenceExpectation): Result<BimiEvidence> {
  const read = readChain(pem);
  if (!read.ok) return read;
  const [own, ...issuers] = read.value;
  const problems = [
    ...checkMark(own!),
    ...checkDates(read.value, expected.nowMs),
    ...checkOrder(read.value),
    ...checkNames(own!, expected),
    ...checkLogo(own!, expected.logo),
  ];
  if (issuers.length === 0)
    problems.push(
      warning(
        'BIMI_EVIDENCE_CHAIN',
        WHOLE,
        'is one certificate without those of its issuers, and receivers may not find these',
        {
          rfc: DRAFT,
          fix: 'put the certificates of the issuers behind it, as the mark CA gave them',
        },
      ),
    );
  problems.push(
    warning(
      'BIMI_EVIDENCE_TRUST',
      WHOLE,
      'it was not checked that receivers trust its root, that it is not revoked, that it is logged, nor the trademark',
      { rfc: DRAFT },
    ),
  );
  if (hasErrors(problems)) return fail(...problems);
  const { notBeforeMs, notAfterMs } = validityOf(own!);
  return ok(
    { notBeforeMs, notAfterMs, serial: own!.serialNumber.toLowerCase(), sizeBytes: Buffer.byteLength(pem) },
    problems,
  );
}

/** True for a text with a private key in it, of whatever kind. */
export function hasPrivateKey(text: string): boolean {
  return /PRIVATE\s+KEY/i.test(text);
}

function readChain(pem: string): Result<X509Certificate[]> {
  // First, so that nothing else is said of such a text.
  if (hasPrivateKey(pem))
    return fail(
      bad('BIMI_EVIDENCE_KEY', 'has a private key in it; it was not kept', {
        fix: 'give the certificates alone; a key that was sent to where it does not belong is best replaced',
      }),
    );
  const sizeBytes = Buffer.byteLength(pem);
  if (sizeBytes > BIMI_EVIDENCE_BYTES_MAX)
    return fail(bad('BIMI_EVIDENCE_SIZE', `has ${sizeBytes} octets; at most ${BIMI_EVIDENCE_BYTES_MAX} are taken`));
  const rfc = 'RFC 8555 §9.1';
  const blocks = [...pem.matchAll(BLOCK)];
  if (blocks.length === 0) return fail(bad('BIMI_EVIDENCE_FORM', 'has no certificate in PEM', { rfc }));
  if (pem.replace(BLOCK, '').trim() !== '')
    return fail(
      bad('BIMI_EVIDENCE_FORM', 'has something beside certificates', {
        rfc,
        fix: 'leave only the BEGIN and END lines and what is between',
      }),
    );
  if (blocks.length > BIMI_EVIDENCE_CERTIFICATES_MAX)
    return fail(
      bad(
        'BIMI_EVIDENCE_CHAIN',
        `is a chain of ${blocks.length} certificates; at most ${BIMI_EVIDENCE_CERTIFICATES_MAX} are taken`,
      ),
    );
  const certificates = blocks.map(([, base64]) => readCertificate(Buffer.from(base64!, 'base64')));
  const at = certificates.indexOf(undefined);
  if (at >= 0) return fail(bad('BIMI_EVIDENCE_FORM', `block ${at + 1} is not one certificate`, { rfc }));
  return ok(certificates.filter((each) => each !== undefined));
}

/** Undefined for octets that are more or less than a certificate. */
function readCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    return equalBytes(certificate.raw, der) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

function checkMark(own: X509Certificate): Problem[] {
  const problems: Problem[] = [];
  const usages = (own.keyUsage as readonly string[] | undefined) ?? [];
  if (!usages.includes(MARK_USAGE))
    problems.push(
      bad(
        'BIMI_EVIDENCE_MARK',
        `the first certificate is no mark certificate: its extended key usage is not ${MARK_USAGE}`,
        {
          rfc: DRAFT,
          fix: 'the mark certificate stands first, those of its issuers after it',
        },
      ),
    );
  if (own.ca) problems.push(bad('BIMI_EVIDENCE_MARK', 'the first certificate is that of a CA', { rfc: DRAFT }));
  return problems;
}

function validityOf(certificate: X509Certificate) {
  return { notBeforeMs: certificate.validFromDate.getTime(), notAfterMs: certificate.validToDate.getTime() };
}

function checkDates(chain: readonly X509Certificate[], nowMs: number): Problem[] {
  return chain.flatMap((certificate, index) => {
    const { notBeforeMs, notAfterMs } = validityOf(certificate);
    const told = (text: string) => [
      bad('BIMI_EVIDENCE_DATES', `certificate ${index + 1} ${text}; now is ${formatTime(nowMs)}`),
    ];
    if (notAfterMs <= nowMs) return told(`has expired at ${formatTime(notAfterMs)}`);
    return notBeforeMs > nowMs + BIMI_EVIDENCE_CLOCK_MS ? told(`is not valid before ${formatTime(notBeforeMs)}`) : [];
  });
}

function checkOrder(chain: readonly X509Certificate[]): Problem[] {
  return chain.slice(1).flatMap((issuer, index) => {
    const certified = chain[index]!;
    if (issuer.ca && certified.checkIssued(issuer) && certified.verify(issuer.publicKey)) return [];
    return [
      bad('BIMI_EVIDENCE_CHAIN', `certificate ${index + 2} is not that of the issuer of the one before it`, {
        rfc: 'RFC 8555 §9.1',
        fix: 'put each issuer right after what it issued',
      }),
    ];
  });
}

/** The domain or `<selector>._bimi.<domain>`; a name above may be the organizational domain: unknown here. */
function checkNames({ subjectAltName = '' }: X509Certificate, { domain, selector }: EvidenceExpectation): Problem[] {
  if (domain === undefined) return [];
  const names = subjectAltName
    .split(', ')
    .flatMap((each) => (each.startsWith('DNS:') ? [each.slice(4).toLowerCase()] : []));
  if (names.includes(domain) || names.includes(`${selector.toLowerCase()}._bimi.${domain}`)) return [];
  const above = names.find((each) => each.includes('.') && domain.endsWith(`.${each}`));
  if (above !== undefined)
    return [
      warning('BIMI_EVIDENCE_NAME', WHOLE, `is for ${above}: good for ${domain} if that is its organizational domain`, {
        rfc: DRAFT,
      }),
    ];
  const shown = names.length === 0 ? 'no name' : names.slice(0, 4).join(', ');
  return [bad('BIMI_EVIDENCE_NAME', `is for ${shown}, not for ${domain}`, { rfc: DRAFT })];
}

/** RFC 6170 §5.2; receivers show the logo of the certificate, or none if that of the record is another. */
function checkLogo(own: X509Certificate, logo: Uint8Array): Problem[] {
  const found = subjectLogotypes(own.raw);
  const rfc = `${DRAFT}; RFC 3709 §4.1`;
  if (found === undefined || found.length === 0)
    return [
      bad('BIMI_EVIDENCE_MARK', 'the first certificate has no logo of its subject (logotype extension)', { rfc }),
    ];
  const said = found.map((each) => judgeLogo(each, logo));
  if (said.includes('same')) return [];
  const fix = 'upload the SVG that the mark CA put into the certificate, octet for octet';
  if (said.includes('line ends'))
    return [
      warning(
        'BIMI_EVIDENCE_LOGO',
        WHOLE,
        'has this logo with other line ends, which some receivers take for another',
        { rfc, fix },
      ),
    ];
  const [first] = said;
  if (said.includes('unknown'))
    return [
      warning('BIMI_EVIDENCE_LOGO', WHOLE, 'names its logo in a way that cannot be compared with the SVG here', {
        rfc,
      }),
    ];
  return [bad('BIMI_EVIDENCE_LOGO', `is for another logo than the SVG beside it: ${first}`, { rfc, fix })];
}

/** `same`, `line ends`, `unknown`, or how it differs. */
function judgeLogo(found: Logotype, logo: Uint8Array): string {
  const { octets, why } = found;
  if (octets !== undefined) {
    if (equalBytes(octets, logo)) return 'same';
    if (equalBytes(withPlainLineEnds(octets), withPlainLineEnds(logo))) return 'line ends';
    return `the logo in the certificate has ${octets.length} octets, and others than the ${logo.length} of the SVG`;
  }
  const isSame = hasLogotypeHash(found, logo);
  if (isSame === undefined) return 'unknown';
  return isSame ? 'same' : `${why ?? 'the logo is not in the certificate'}, and its hash is not that of the SVG`;
}
