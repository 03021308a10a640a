/**
 * The parts of a certificate that node:crypto does not give: reads DER, a few levels deep.
 * Implements: X.690 §8.1 (identifier and length octets), RFC 5280 §4.1 (certificate), §4.2.1.1 (authority key
 * identifier).
 * Not here: writing DER (der.ts).
 */

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next one begins. */
  readonly end: number;
}

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

/** The elements in `octets` one after the other, up to the first that is not well formed. */
function readElements(octets: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < octets.length;) {
    const element = readElement(octets, at);
    if (element === undefined) break;
    elements.push(element);
    at = element.end;
  }
  return elements;
}

function readElement(octets: Uint8Array, at: number): Element | undefined {
  const [tag, first] = [octets[at], octets[at + 1]];
  if (tag === undefined || first === undefined) return undefined;
  // X.690 §8.1.3.5: the long form says how many octets the length has; four are more than any certificate needs.
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4) return undefined;
  let length = lengthBytes === 0 ? first : 0;
  for (let index = 0; index < lengthBytes; index++) length = length * 256 + (octets[at + 2 + index] ?? 0);
  const start = at + 2 + lengthBytes;
  const end = start + length;
  return end > octets.length ? undefined : { tag, content: octets.subarray(start, end), end };
}
