/**
 * The logos of its subject that a certificate holds or names.
 * Implements: RFC 3709 §4.1 (logotype extension, direct addressing), RFC 6170 §4 ("data:" URLs), §5.2 (SVG with
 * gzip, and what its hash is of).
 * Not here: whether the logo is the right one (evidence.ts), community and issuer logos, audio, indirect addressing.
 */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { equalBytes } from '#base/bytes.ts';
import { BIMI_SVG_BYTES_MAX } from '#base/limits/mail.ts';
import { type DerElement, readElements } from '#base/read-der.ts';

export interface Logotype {
  /** Unpacked; absent: it is not in the certificate, or cannot be read. */
  readonly octets?: Uint8Array;
  /** Why there are no octets, one clause. */
  readonly why?: string;
  readonly hashes: readonly LogotypeHash[];
}

interface LogotypeHash {
  /** Of node:crypto; absent: one that is not known here. */
  readonly algorithm?: string;
  readonly value: Uint8Array;
}

const TAG = {
  octetString: 0x04,
  objectIdentifier: 0x06,
  ia5String: 0x16,
  sequence: 0x30,
  subjectLogo: 0xa2,
  direct: 0xa0,
  extensions: 0xa3,
};
/** 1.3.6.1.5.5.7.1.12. */
const LOGOTYPE = Buffer.from('2b0601050507010c', 'hex');
const HASHES = new Map([
  ['2b0e03021a', 'sha1'],
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);
const DATA_URL = /^data:image\/svg\+xml(?:\+gzip)?(?:;charset=[\w-]+)?;base64,([A-Za-z0-9+/=\s]+)$/i;

/** Logos of the subject of a certificate in DER; undefined: it has no logotype extension. */
export function subjectLogotypes(certificate: Uint8Array): Logotype[] | undefined {
  const value = extensionValue(certificate);
  if (value === undefined) return undefined;
  const subject = inside(readElements(value)[0]).find(({ tag }) => tag === TAG.subjectLogo);
  const data = inside(subject).find(({ tag }) => tag === TAG.direct);
  // LogotypeData begins with its images; audio has a tag of its own.
  const images = inside(data).find(({ tag }) => tag === TAG.sequence);
  return inside(images).flatMap((image) => {
    const details = inside(image)[0];
    return details === undefined ? [] : [readDetails(details)];
  });
}

function inside(element: DerElement | undefined): DerElement[] {
  return element === undefined ? [] : readElements(element.content);
}

function extensionValue(certificate: Uint8Array): Uint8Array | undefined {
  const toBeSigned = inside(readElements(certificate)[0])[0];
  const wrapped = inside(toBeSigned).find(({ tag }) => tag === TAG.extensions);
  for (const extension of inside(inside(wrapped)[0])) {
    const parts = inside(extension);
    const isIt = parts[0]?.tag === TAG.objectIdentifier && equalBytes(parts[0].content, LOGOTYPE);
    const value = parts.findLast(({ tag }) => tag === TAG.octetString);
    if (isIt && value !== undefined) return value.content;
  }
  return undefined;
}

/** LogotypeDetails: media type, hashes, and the places where the image is: all of them show the same. */
function readDetails(details: DerElement): Logotype {
  const [, hashes, uris] = inside(details);
  const known = inside(hashes).flatMap((each): LogotypeHash[] => {
    const [algorithm, value] = inside(each);
    const oid = inside(algorithm)[0]?.content ?? new Uint8Array();
    const name = HASHES.get(Buffer.from(oid).toString('hex'));
    return value === undefined ? [] : [{ value: value.content, ...(name === undefined ? {} : { algorithm: name }) }];
  });
  const uri = inside(uris).find(({ tag }) => tag === TAG.ia5String);
  return { hashes: known, ...readImage(uri?.content ?? new Uint8Array()) };
}

function readImage(uri: Uint8Array): Pick<Logotype, 'octets' | 'why'> {
  const text = Buffer.from(uri.buffer, uri.byteOffset, uri.length).toString('latin1');
  const base64 = DATA_URL.exec(text)?.[1];
  if (base64 === undefined)
    return { why: text.startsWith('data:') ? 'it is no SVG in base64' : 'it is not in the certificate' };
  const octets = Buffer.from(base64, 'base64');
  if (octets[0] !== 0x1f || octets[1] !== 0x8b) return { octets };
  try {
    return { octets: gunzipSync(octets, { maxOutputLength: BIMI_SVG_BYTES_MAX }) };
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    return { why: isTooLarge ? `unpacked it has more than ${BIMI_SVG_BYTES_MAX} octets` : 'it cannot be unpacked' };
  }
}

/** RFC 6170 §5.2: line ends become LF before an SVG is hashed. */
export function withPlainLineEnds(svg: Uint8Array): Uint8Array {
  const text = Buffer.from(svg.buffer, svg.byteOffset, svg.length).toString('latin1');
  return Buffer.from(text.replace(/\r\n?/g, '\n'), 'latin1');
}

/** Whether the hashes that the certificate has of its logo are of `svg`; undefined: none that is known here. */
export function hasLogotypeHash({ hashes }: Logotype, svg: Uint8Array): boolean | undefined {
  const known = hashes.filter(({ algorithm }) => algorithm !== undefined);
  if (known.length === 0) return undefined;
  const forms = [svg, withPlainLineEnds(svg)];
  return known.every(({ algorithm, value }) =>
    forms.some((each) => equalBytes(createHash(algorithm!).update(each).digest(), value)),
  );
}
