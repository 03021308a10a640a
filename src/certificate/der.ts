/**
 * The Distinguished Encoding Rules, as far as certificates and certificate requests need them: values become octets.
 * Implements: ITU-T X.690 §8, §10, §11 (definite lengths, minimal integers, sorted sets).
 * Not here: what is encoded (x509.ts), reading DER (node:crypto does).
 */
import { assert } from '#base/assert.ts';
import { compareBytes, concatBytes } from '#base/bytes.ts';
import { DER_LENGTH_MAX } from '#base/limits/https.ts';

export type Der = Uint8Array;

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
/** RFC 5280 §4.1.2.5: UTCTime through the year 2049, GeneralizedTime from 2050 on. */
const UTC_TIME_ENDS_MS = Date.UTC(2050, 0, 1);

function value(tag: number, content: Uint8Array): Der {
  return concatBytes(new Uint8Array([tag]), lengthOctets(content.length), content);
}

function lengthOctets(length: number): Uint8Array {
  assert(length <= DER_LENGTH_MAX, `a DER value of ${length} octets`);
  if (length < 0x80) return new Uint8Array([length]);
  const octets: number[] = [];
  for (let left = length; left > 0; left >>= 8) octets.unshift(left & 0xff);
  return new Uint8Array([0x80 | octets.length, ...octets]);
}

export function sequence(...parts: readonly Der[]): Der {
  return value(TAG.sequence, concatBytes(...parts));
}

/** X.690 §11.6: the elements stand in the order of their encodings. */
export function setOf(...parts: readonly Der[]): Der {
  return value(TAG.set, concatBytes(...parts.toSorted(compareBytes)));
}

/** `[number]` around a whole value, as EXPLICIT tags are. */
export function explicit(number: number, content: Der): Der {
  return value(CONTEXT | CONSTRUCTED | number, content);
}

/** `[number]` in the place of a primitive value's own tag, as IMPLICIT tags are. */
export function implicit(number: number, content: Uint8Array): Der {
  return value(CONTEXT | number, content);
}

/** `[number]` in the place of the tag of a SET or SEQUENCE whose elements are `parts`. */
export function implicitParts(number: number, ...parts: readonly Der[]): Der {
  return value(CONTEXT | CONSTRUCTED | number, concatBytes(...parts));
}

/** A number that is not negative, most significant octet first. X.690 §8.3.2: in as few octets as it needs. */
export function integer(octets: Uint8Array): Der {
  let from = 0;
  while (from < octets.length - 1 && octets[from] === 0) from++;
  const significant = octets.subarray(from);
  assert(significant.length > 0, 'an integer has an octet');
  return value(TAG.integer, significant[0]! >= 0x80 ? concatBytes(new Uint8Array(1), significant) : significant);
}

/** DER writes only what differs from the default, so only `true` is ever written. */
export function isTrue(): Der {
  return value(TAG.boolean, new Uint8Array([0xff]));
}

export function nothing(): Der {
  return value(TAG.null, new Uint8Array(0));
}

/** `unused`: bits of the last octet that do not count. */
export function bitString(octets: Uint8Array, unused = 0): Der {
  return value(TAG.bitString, concatBytes(new Uint8Array([unused]), octets));
}

export function octetString(octets: Uint8Array): Der {
  return value(TAG.octetString, octets);
}

export function utf8String(text: string): Der {
  return value(TAG.utf8String, new TextEncoder().encode(text));
}

/** `dotted`: 1.2.840.10045.4.3.2 */
export function objectIdentifier(dotted: string): Der {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const octets = [first! * 40 + second!, ...rest].flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    return digits;
  });
  return value(TAG.objectIdentifier, new Uint8Array(octets));
}

/** A Time of RFC 5280 §4.1.2.5, whole seconds. */
export function time(atMs: number): Der {
  const digits = new Date(atMs).toISOString().replaceAll(/\.\d+|[-:T]/g, '');
  const isUtcTime = atMs < UTC_TIME_ENDS_MS;
  const text = new TextEncoder().encode(isUtcTime ? digits.slice(2) : digits);
  return value(isUtcTime ? TAG.utcTime : TAG.generalizedTime, text);
}
