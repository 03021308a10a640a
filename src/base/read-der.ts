/**
 * Reads DER, one level at a time: the elements that stand one after the other.
 * Implements: ITU-T X.690 §8.1 (identifier and length octets).
 * Not here: writing DER (certificate/der.ts), what the elements mean.
 */

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next one begins. */
  readonly end: number;
}

/** The elements in `octets` one after the other, up to the first that is not well formed. */
export function readElements(octets: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < octets.length;) {
    const element = readElement(octets, at);
    if (element === undefined) break;
    elements.push(element);
    at = element.end;
  }
  return elements;
}

function readElement(octets: Uint8Array, at: number): DerElement | undefined {
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
