/**
 * The certificate that a host of a zone serves with, in the store: the chain in the clear, its private key beside it as
 * a secret, sealed under the policy host's own key (ADR 0007). One document for each host, so that a process with
 * thousands of hosts reads the one that a handshake asks for. Chain and key change in one transaction.
 * Not here: how a certificate is got (control/certificate/), when it is renewed (certificate/), serving (policy-host/).
 */
import { type DocumentWrite, documentValue } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';
import { type SealLabel, type Sealer } from '#store/seal.ts';

const KIND = 'tls-host';
const PURPOSE = 'tls-key';

export interface HostCertificate {
  /** Lower case, no final dot. */
  readonly host: string;
  /** PEM, the host's own certificate first. */
  readonly chain: string;
  /** Raised with each new private key; its secret has this version in its label. */
  readonly keyVersion: number;
  /** Of the host's own certificate. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly origin: 'acme' | 'file' | 'self-signed';
}

interface Stored extends HostCertificate {
  readonly version: 1;
}

/** The host's certificate; undefined when it has none. Throws STORE_DAMAGED. */
export function readHostCertificate(reader: StoreReader, zoneId: number, host: string): HostCertificate | undefined {
  const octets = hostCertificateOctets(reader, zoneId, host);
  return octets === undefined ? undefined : parseHostCertificate(octets, host);
}

/** The document as it is stored: for a caller that keeps what it means, and must know whether it has changed. */
export function hostCertificateOctets(reader: StoreReader, zoneId: number, host: string): Uint8Array | undefined {
  return reader.documentOctets(zoneId, KIND, host);
}

/** What `hostCertificateOctets` mean. Throws STORE_DAMAGED. */
export function parseHostCertificate(octets: Uint8Array, host: string): HostCertificate {
  const value = documentValue(octets);
  if (!isStored(value) || value.host !== host) throw formFailure(`the certificate of ${host}`);
  const { version: _version, ...certificate } = value;
  return certificate;
}

/** Those of a zone's hosts, by host. Throws STORE_DAMAGED. */
export function hostCertificates(reader: StoreReader, zoneId: number): HostCertificate[] {
  return reader.documentIds(zoneId, KIND).flatMap((host) => readHostCertificate(reader, zoneId, host) ?? []);
}

export function hostCertificateWrite(zoneId: number, host: string, value: HostCertificate | null): DocumentWrite {
  return { zoneId, kind: KIND, id: host, value: value === null ? null : ({ version: 1, ...value } satisfies Stored) };
}

/** The host's private key, PKCS #8 DER, for a commit beside `hostCertificateWrite`; null removes it. */
export function hostKeyWrite(
  sealer: Sealer,
  zoneId: number,
  host: string,
  key: { readonly der: Uint8Array; readonly version: number } | null,
) {
  const value = key === null ? null : sealer.seal(hostKeyLabel(host, key.version), key.der);
  return { zoneId, id: secretId(host), value };
}

/** The private key, PKCS #8 DER; undefined: there is none. The problem SECRET_SEALED: it does not open. */
export function openHostKey(reader: StoreReader, sealer: Sealer, zoneId: number, certificate: HostCertificate) {
  const { host, keyVersion } = certificate;
  const sealed = reader.sealedSecret(zoneId, secretId(host));
  return sealed === undefined ? undefined : sealer.open(hostKeyLabel(host, keyVersion), sealed);
}

function hostKeyLabel(host: string, version: number): SealLabel {
  return { purpose: PURPOSE, id: host, version };
}

function secretId(host: string): string {
  return `${PURPOSE}/${host}`;
}

function isStored(value: unknown): value is Stored {
  return hasFields(value, {
    version: (version) => version === 1,
    host: 'string',
    chain: 'string',
    keyVersion: 'number',
    notBeforeMs: 'number',
    notAfterMs: 'number',
    origin: (origin) => origin === 'acme' || origin === 'file' || origin === 'self-signed',
  });
}
