/**
 * Certificates and public keys as TLSA records need them: exact octets out of DER and PEM.
 * Implements: RFC 5280 §4.1 (where the key is in a certificate), RFC 2986 §4 (and in a request for one), RFC 7468
 * (PEM), ITU-T X.690 §8.1 (DER lengths).
 * Not here: what is done with them (record.ts). Nothing is verified: DANE-EE takes names and dates from DNS (RFC 7671 §5.1).
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

/** A DER certificate, the DER SubjectPublicKeyInfo of a key, or PEM with certificates, a request or a public key. */
export type TlsaInput = { readonly certificate: Uint8Array } | { readonly spki: Uint8Array } | { readonly pem: string };

export interface KeyMaterial {
  /** DER; absent when only a key was given. */
  readonly certificate?: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

const bad = (why: string, fix?: string) => fail(problem('DANE_INPUT', WHOLE, why, fix === undefined ? {} : { fix }));

/** The octets in `input`; of several certificates in PEM the first (the server's own) or the last. */
export function readKeyMaterial(input: TlsaInput, which: 'first' | 'last'): Result<KeyMaterial> {
  if ('certificate' in input) return readCertificate(input.certificate);
  if ('spki' in input) return readSpki(input.spki);
  if (input.pem.includes('PRIVATE KEY'))
    return bad('a private key is given, and only the public part belongs here', 'give the certificate');
  const certificates = [...pemBlocks(input.pem, 'CERTIFICATE')];
  const certificate = which === 'first' ? certificates[0] : certificates.at(-1);
  if (certificate !== undefined) return readCertificate(certificate);
  const [request] = pemBlocks(input.pem, '(?:NEW )?CERTIFICATE REQUEST');
  if (request !== undefined) return readRequest(request);
  const [key] = pemBlocks(input.pem, 'PUBLIC KEY');
  if (key !== undefined) return readSpki(key);
  return bad('there is no certificate, no request for one and no public key in the PEM text');
}

function* pemBlocks(text: string, label: string): Generator<Uint8Array> {
  for (const [, body] of text.matchAll(new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, 'g')))
    yield new Uint8Array(Buffer.from(body!, 'base64'));
}

function readCertificate(certificate: Uint8Array): Result<KeyMaterial> {
  const spki = spkiOf(certificate);
  return spki === undefined ? bad('the octets are not one DER certificate') : ok({ certificate, spki });
}

/** RFC 2986 §4: SEQUENCE { SEQUENCE { version, subject, subjectPKInfo, … } …. Its signature is not looked at. */
function readRequest(request: Uint8Array): Result<KeyMaterial> {
  const notOne = 'the octets are not one DER request for a certificate';
  if (request[0] !== 0x30 || derEnd(request, 0) !== request.length) return bad(notOne);
  let at = derContent(request, derContent(request, 0));
  for (let field = 0; field < 2; field++) at = derEnd(request, at);
  const key = readSpki(request.slice(at, derEnd(request, at)));
  return key.ok ? key : bad(notOne);
}

function readSpki(spki: Uint8Array): Result<KeyMaterial> {
  try {
    createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return bad('the octets are not a DER SubjectPublicKeyInfo');
  }
  return derEnd(spki, 0) === spki.length ? ok({ spki }) : bad('there are octets after the key');
}

/**
 * SubjectPublicKeyInfo of a DER certificate, octet for octet, or undefined when `certificate` is none. Not `X509Certificate.publicKey`,
 * which encodes the key again: a digest of that need not be what a client computes.
 */
export function spkiOf(certificate: Uint8Array): Uint8Array | undefined {
  try {
    void new X509Certificate(certificate);
  } catch {
    return undefined;
  }
  if (derEnd(certificate, 0) !== certificate.length) return undefined;
  // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject, subjectPublicKeyInfo …
  let at = derContent(certificate, derContent(certificate, 0));
  const fieldsBefore = certificate[at] === 0xa0 ? 6 : 5; // version is absent in X.509 v1
  for (let field = 0; field < fieldsBefore; field++) at = derEnd(certificate, at);
  return certificate.slice(at, derEnd(certificate, at));
}

/** Where the content of the element at `at` begins. */
function derContent(der: Uint8Array, at: number): number {
  const length = der[at + 1]!;
  return at + 2 + (length < 0x80 ? 0 : length & 0x7f);
}

/** Where the element at `at` ends. */
function derEnd(der: Uint8Array, at: number): number {
  const content = derContent(der, at);
  if (der[at + 1]! < 0x80) return content + der[at + 1]!;
  let length = 0;
  for (let each = at + 2; each < content; each++) length = length * 256 + der[each]!;
  return content + length;
}
