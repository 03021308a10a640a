/** Certificates that a pretended CA gives: signed by its own key, with whatever it is asked to get wrong. */
import { type KeyObject, createHash, createPublicKey, sign } from 'node:crypto';
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from '#certificate/der.ts';
import { toPem } from '#certificate/x509.ts';

export interface MockCertificate {
  readonly host: string;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly caKey: KeyObject;
  readonly serial: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const extension = (oid: string, value: Uint8Array) => sequence(objectIdentifier(oid), octetString(value));
const nameOf = (text: string) => sequence(setOf(sequence(objectIdentifier('2.5.4.3'), utf8String(text))));

export function mockCertificate({ host, publicKey, caKey, serial, notBeforeMs, notAfterMs }: MockCertificate): string {
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
  const caPublic = createPublicKey(caKey).export({ type: 'spki', format: 'der' });
  const keyId = createHash('sha256').update(caPublic).digest().subarray(0, 20);
  const extensions = sequence(
    extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.17', sequence(implicit(2, Buffer.from(host)))),
    extension('2.5.29.35', sequence(implicit(0, keyId))),
  );
  const content = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(serial),
    algorithm,
    nameOf('Mock CA'),
    sequence(time(notBeforeMs), time(notAfterMs)),
    nameOf(host),
    publicKey,
    explicit(3, extensions),
  );
  return toPem('CERTIFICATE', sequence(content, algorithm, bitString(sign('sha256', content, caKey))));
}

/** The SubjectPublicKeyInfo of a PKCS #10 request in DER: after version and subject (RFC 2986 §4.1). */
export function publicKeyOfRequest(csr: Uint8Array): Uint8Array {
  const skip = (at: number): { readonly from: number; readonly end: number } => {
    const first = csr[at + 1]!;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length = lengthBytes === 0 ? first : Number.parseInt(Buffer.from(csr.subarray(at + 2, at + 2 + lengthBytes)).toString('hex'), 16);
    return { from: at + 2 + lengthBytes, end: at + 2 + lengthBytes + length };
  };
  const subject = skip(skip(skip(0).from).from).end;
  const key = skip(subject).end;
  return csr.subarray(key, skip(key).end);
}
