/**
 * The parts of a certificate that node:crypto does not give, a few levels deep.
 * Implements: RFC 5280 §4.1 (certificate), §4.2.1.1 (authority key identifier).
 * Not here: reading DER (base/read-der.ts), writing it (der.ts).
 */

import { readElements } from '#base/read-der.ts';

const TAG = {
  integer: 0x02,
  octetString: 0x04,
  objectIdentifier: 0x06,
  extensions: 0xa3,
  keyIdentifier: 0x80,
} as const;
/** 2.5.29.35. */
const AUTHORITY_KEY_IDENTIFIER = Buffer.from([0x55, 0x1d, 0x23]);

export interface CertificateParts {
  /** The octets of the serial number's INTEGER, with the 0 that stands before a first bit of 1. */
  readonly serial: Uint8Array;
  /** Absent: the certificate has no authority key identifier. */
  readonly authorityKeyId?: Uint8Array;
}

/** Serial number and authority key identifier of a certificate in DER; undefined when it is not one. */
export function readCertificateParts(der: Uint8Array): CertificateParts | undefined {
  const [certificate] = readElements(der);
  const [toBeSigned] = readElements(certificate?.content ?? new Uint8Array());
  const fields = readElements(toBeSigned?.content ?? new Uint8Array());
  // A version stands first where it is not 1.
  const serial = fields.find(({ tag }) => tag === TAG.integer);
  if (serial === undefined || serial.content.length === 0) return undefined;
  const wrapped = fields.find(({ tag }) => tag === TAG.extensions);
  const [list] = readElements(wrapped?.content ?? new Uint8Array());
  for (const { content } of readElements(list?.content ?? new Uint8Array())) {
    const parts = readElements(content);
    const isWanted = parts[0]?.tag === TAG.objectIdentifier && AUTHORITY_KEY_IDENTIFIER.equals(parts[0].content);
    const value = parts.findLast(({ tag }) => tag === TAG.octetString);
    if (!isWanted || value === undefined) continue;
    const [sequence] = readElements(value.content);
    const keyId = readElements(sequence?.content ?? new Uint8Array()).find(({ tag }) => tag === TAG.keyIdentifier);
    if (keyId !== undefined) return { serial: serial.content, authorityKeyId: keyId.content };
  }
  return { serial: serial.content };
}
