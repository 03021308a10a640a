/**
 * How a zone proves what is not there; NSEC RDATA: the next owner name and what types are here.
 * Implements: RFC 4034 §4.1 (wire form), §4.1.2 (type bit maps).
 * Not here: which names are in the chain (plan.ts), proofs in answers (zone/lookup.ts).
 */
import { assert } from '#base/assert.ts';
import { concatBytes } from '#base/bytes.ts';
import { type Name, lowerName, nameLengthAt } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';

export const DENIAL_KINDS = ['nsec', 'nsec3'] as const;
/** How a signed zone proves what is not there. */
export type DenialKind = (typeof DENIAL_KINDS)[number];

/** A window block's bitmap holds 256 types. */
const WINDOW_BYTES_MAX = 32;

/** The type bit maps field for `types`, in any order (RFC 4034 §4.1.2: windows ascending, no empty window, no trailing zero octets). */
export function encodeTypeBitmap(types: readonly RrType[]): Uint8Array {
  const blocks: number[] = [];
  const sorted = types.toSorted((a, b) => a - b);
  for (let at = 0; at < sorted.length;) {
    const window = sorted[at]! >>> 8;
    const bitmap: number[] = [];
    for (; at < sorted.length && sorted[at]! >>> 8 === window; at++) {
      const low = sorted[at]! & 0xff;
      while (bitmap.length <= low >>> 3) bitmap.push(0);
      bitmap[low >>> 3]! |= 0x80 >>> (low & 7);
    }
    blocks.push(window, bitmap.length, ...bitmap);
  }
  return Uint8Array.from(blocks);
}

/** The types of a type bit maps field, ascending; undefined when it is malformed. */
export function decodeTypeBitmap(octets: Uint8Array): RrType[] | undefined {
  const types: RrType[] = [];
  let previous = -1;
  for (let at = 0; at < octets.length;) {
    const window = octets[at]!;
    const length = octets[at + 1] ?? 0;
    if (window <= previous || length === 0 || length > WINDOW_BYTES_MAX || at + 2 + length > octets.length) return undefined;
    for (let bit = 0; bit < length * 8; bit++) {
      if ((octets[at + 2 + (bit >>> 3)]! & (0x80 >>> (bit & 7))) !== 0) types.push((window << 8) | bit);
    }
    previous = window;
    at += 2 + length;
  }
  return types;
}

/**
 * NSEC RDATA. The next name is written in lower case: RFC 4034 §6.2 lower-cased it for signing, RFC 6840 §5.1 does not, and
 * with lower case on the wire both kinds of validators hash the same octets.
 */
export function nsecRdata(next: Name, types: readonly RrType[]): Uint8Array {
  return concatBytes(lowerName(next), encodeTypeBitmap(types));
}

/** The parts of well-formed NSEC RDATA. Asserts that it is: only our own is read here. */
export function nsecFields(rdata: Uint8Array): { readonly next: Name; readonly types: readonly RrType[] } {
  const length = nameLengthAt(rdata, 0);
  const types = decodeTypeBitmap(rdata.subarray(length));
  assert(length > 0 && types !== undefined, 'malformed NSEC RDATA');
  return { next: rdata.subarray(0, length), types };
}
