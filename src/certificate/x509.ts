/**
 * Keys of host certificates, requests for certificates, and certificates that a key signs for itself.
 * Implements: RFC 2986 §4 (certification requests), RFC 5280 §4.1–4.2 (certificates and their extensions),
 * RFC 5758 §3.2 and RFC 4055 §5 (signature algorithms), RFC 8555 §7.4 (names of a request are its subjectAltName).
 * Not here: reading certificates (node:crypto), the CA (control/certificate/), where keys are kept (store/tls/).
 */
import { type KeyObject, createHash, createPublicKey, generateKeyPair, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { assert } from '#base/assert.ts';
import { X509_COMMON_NAME_CHARACTERS_MAX, X509_DNS_NAME_CHARACTERS_MAX } from '#base/limits/https.ts';
import {
  type Der,
  bitString,
  explicit,
  implicit,
  implicitParts,
  integer,
  isTrue,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.ts';

export type CertificateKeyKind = 'ecdsa-p256' | 'rsa-2048';

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  commonName: '2.5.4.3',
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** RFC 5280 §4.1.2.2: at most 20 octets and positive; these hold 127 random bits. */
const SERIAL_BYTES = 16;
/** A dNSName is an IA5String; these are the ones that a host name has, and `*` as the whole first label. */
const DNS_NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const VERSION_1 = new Uint8Array([0]);
const VERSION_3 = new Uint8Array([2]);

const generate = promisify(generateKeyPair);

/** A new private key, made in libuv's threads. */
export async function makeCertificateKey(kind: CertificateKeyKind): Promise<KeyObject> {
  if (kind === 'ecdsa-p256') return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
  return (await generate('rsa', { modulusLength: 2048 })).privateKey;
}

export interface RequestOptions {
  /** In lower case, A-labels, no final dot; at least one. */
  readonly hosts: readonly string[];
  /** Of makeCertificateKey. */
  readonly privateKey: KeyObject;
}

/** A PKCS #10 request for the hosts, DER. Its subject is empty: CAs take the names from subjectAltName. */
export function certificateRequest({ hosts, privateKey }: RequestOptions): Der {
  const extensions = sequence(alternativeNames(hosts, true));
  const attributes = implicitParts(0, sequence(objectIdentifier(OID.extensionRequest), setOf(extensions)));
  return signed(sequence(integer(VERSION_1), sequence(), publicKeyOf(privateKey), attributes), privateKey);
}

export interface SelfSignedOptions extends RequestOptions {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly random: (bytes: number) => Uint8Array;
}

/** A certificate for the hosts that its own key signs, DER. No client trusts it unless its operator says so. */
export function selfSignedCertificate({ hosts, privateKey, notBeforeMs, notAfterMs, random }: SelfSignedOptions): Der {
  const publicKey = publicKeyOf(privateKey);
  const host = hosts[0]!;
  // RFC 5280 §4.1.2.4: the issuer is not empty, and a self-signed certificate's subject is its issuer.
  const name = commonName(host.length <= X509_COMMON_NAME_CHARACTERS_MAX ? host : 'self-signed');
  const keyId = keyIdentifier(privateKey);
  const extensions = sequence(
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, keyUsage(privateKey), true),
    extension(OID.extKeyUsage, sequence(objectIdentifier(OID.serverAuth))),
    alternativeNames(hosts, false),
    extension(OID.subjectKeyIdentifier, octetString(keyId)),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyId))),
  );
  const toBeSigned = sequence(
    explicit(0, integer(VERSION_3)),
    integer(serialNumber(random)),
    signatureAlgorithm(privateKey),
    name,
    sequence(time(notBeforeMs), time(notAfterMs)),
    name,
    publicKey,
    explicit(3, extensions),
  );
  return signed(toBeSigned, privateKey);
}

/** True for a host that may stand in a certificate: in lower case, A-labels, no final dot. */
export function isCertificateHost(host: string): boolean {
  return host.length <= X509_DNS_NAME_CHARACTERS_MAX && DNS_NAME.test(host);
}

/** `CERTIFICATE` or `CERTIFICATE REQUEST` in PEM (RFC 7468 §5, §7), with a final line end. */
export function toPem(label: 'CERTIFICATE' | 'CERTIFICATE REQUEST', der: Der): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function signed(content: Der, privateKey: KeyObject): Der {
  // ECDSA in DER, RSA with PKCS #1 v1.5 padding: what node:crypto makes unless told otherwise.
  return sequence(content, signatureAlgorithm(privateKey), bitString(sign('sha256', content, privateKey)));
}

/** RFC 5758 §3.2: ECDSA has no parameters; RFC 4055 §5: RSA has NULL. */
function signatureAlgorithm(privateKey: KeyObject): Der {
  if (isRsa(privateKey)) return sequence(objectIdentifier(OID.sha256WithRsa), nothing());
  return sequence(objectIdentifier(OID.ecdsaWithSha256));
}

function isRsa({ asymmetricKeyType: type }: KeyObject): boolean {
  assert(type === 'rsa' || type === 'ec', `a certificate key of type ${type}`);
  return type === 'rsa';
}

function publicKeyOf(privateKey: KeyObject): Der {
  return new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
}

/** RFC 7093 §2, method 4: a hash of the whole subjectPublicKeyInfo; RFC 5280 §4.2.1.2 lets any unique value be. */
function keyIdentifier(privateKey: KeyObject): Uint8Array {
  return new Uint8Array(createHash('sha256').update(publicKeyOf(privateKey)).digest().subarray(0, 20));
}

function serialNumber(random: SelfSignedOptions['random']): Uint8Array {
  const octets = new Uint8Array(random(SERIAL_BYTES));
  octets[0] = (octets[0]! & 0x7f) | 0x40;
  return octets;
}

function commonName(text: string): Der {
  return sequence(setOf(sequence(objectIdentifier(OID.commonName), utf8String(text))));
}

/** RFC 5280 §4.2.1.3: bits from the left; digitalSignature is 0, keyEncipherment (which only RSA can do) is 2. */
function keyUsage(privateKey: KeyObject): Der {
  return isRsa(privateKey) ? bitString(new Uint8Array([0b1010_0000]), 5) : bitString(new Uint8Array([0b1000_0000]), 7);
}

/** RFC 5280 §4.2.1.6: critical where the subject is empty. */
function alternativeNames(hosts: readonly string[], isSubjectEmpty: boolean): Der {
  assert(hosts.length > 0, 'a certificate has a host');
  const names = hosts.map((host) => {
    assert(isCertificateHost(host), `${JSON.stringify(host)} is no host name of a certificate`);
    return implicit(2, new TextEncoder().encode(host));
  });
  return extension(OID.subjectAltName, sequence(...names), isSubjectEmpty);
}

function extension(oid: string, value: Der, isCritical = false): Der {
  return sequence(objectIdentifier(oid), ...(isCritical ? [isTrue()] : []), octetString(value));
}
