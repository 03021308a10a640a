/**
 * Domain names: wire form, presentation form, canonical order.
 * Implements: RFC 1035 §2.3.4, §3.1, §5.1; RFC 4343 §2–3 (case); RFC 4034 §6.1 (canonical order).
 * Not here: compression (compression.ts).
 *
 * A `Name` is wire form without compression, root octet included, case kept. An `OwnerKey` is the same name as a string that
 * sorts in canonical order: labels from the root down, lower-cased, each ended by U+0000; inside a label the octets 0 and 1 are
 * escaped as 1 1 and 1 2, so that plain string (and memcmp) order is RFC 4034 §6.1 order and "is below" is "starts with".
 */
import { assert } from '#base/assert.ts';
import { LABEL_BYTES_MAX, NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

/** A domain name: uncompressed wire form, 1…255 octets, last octet 0. */
export type Name = Uint8Array;

/** A name's canonical sort key; see the head of this file. The root is ''. */
export type OwnerKey = string;

export const ROOT: Name = new Uint8Array([0]);

/** Where `parseName` puts octets before it copies them out: a new array for each of a zone's names would be most of its garbage. */
const parseScratch = new Uint8Array(NAME_BYTES_MAX + 1);

const DOT = 0x2e;
const BACKSLASH = 0x5c;

/**
 * Reads presentation form. `origin` completes a name without a final dot; `@` alone is the origin itself.
 * Characters above U+00FF are a problem: IDNs come as A-labels.
 */
export function parseName(text: string, origin?: Name): Result<Name> {
  if (text === '@' && origin !== undefined) return ok(origin);
  if (text === '.') return ok(ROOT);
  const bad = (code: 'NAME_EMPTY_LABEL' | 'NAME_ESCAPE' | 'NAME_LABEL_LONG' | 'NAME_LONG' | 'NAME_RELATIVE', why: string) =>
    fail(problem(code, WHOLE, `${JSON.stringify(text)}: ${why}`, { rfc: 'RFC 1035 §2.3.4' }));
  if (text === '') return bad('NAME_EMPTY_LABEL', 'a name is missing');
  const wire = parseScratch;
  let labelStart = 0;
  let length = 1;
  let absolute = false;
  for (let at = 0; at < text.length; at++) {
    let octet = text.charCodeAt(at);
    if (octet > 0xff) return bad('NAME_ESCAPE', `character ${JSON.stringify(text[at])} is not ASCII: write the name as A-label (xn--…)`);
    if (octet === DOT) {
      const size = length - labelStart - 1;
      if (size === 0) return bad('NAME_EMPTY_LABEL', 'has an empty label');
      wire[labelStart] = size;
      labelStart = length++;
      absolute = at === text.length - 1;
      if (absolute) break;
      if (length > NAME_BYTES_MAX) return bad('NAME_LONG', 'is longer than 255 octets');
      continue;
    }
    if (octet === BACKSLASH) {
      const digits = /^[0-9]{3}/.exec(text.slice(at + 1, at + 4));
      if (digits !== null) {
        octet = Number(digits[0]);
        if (octet > 0xff) return bad('NAME_ESCAPE', `\\${digits[0]} is not an octet`);
        at += 3;
      } else {
        if (at + 1 >= text.length) return bad('NAME_ESCAPE', 'ends in a lone backslash');
        octet = text.charCodeAt(++at);
        if (octet > 0xff || (octet >= 0x30 && octet <= 0x39)) return bad('NAME_ESCAPE', 'a backslash wants three digits or one character');
      }
    }
    if (length - labelStart - 1 === LABEL_BYTES_MAX) return bad('NAME_LABEL_LONG', 'has a label longer than 63 octets');
    if (length >= NAME_BYTES_MAX) return bad('NAME_LONG', 'is longer than 255 octets');
    wire[length++] = octet;
  }
  if (absolute) {
    wire[labelStart] = 0;
    return labelStart + 1 > NAME_BYTES_MAX ? bad('NAME_LONG', 'is longer than 255 octets') : ok(wire.slice(0, labelStart + 1));
  }
  wire[labelStart] = length - labelStart - 1;
  if (origin === undefined) return bad('NAME_RELATIVE', 'is relative and there is no origin to complete it');
  if (length + origin.length > NAME_BYTES_MAX) return bad('NAME_LONG', 'is longer than 255 octets with its origin');
  wire.set(origin, length);
  return ok(wire.slice(0, length + origin.length));
}

/** For names in our own code and tests: `parseName` of an absolute name that must be good; the last dot may be left out. */
export function nameOf(text: string): Name {
  const result = parseName(text, ROOT);
  assert(result.ok, `bad name ${text}`);
  return result.value;
}

/** Presentation form, absolute, with the last dot; special characters escaped (RFC 1035 §5.1), other octets as \DDD (RFC 4343 §2.1). */
export function formatName(name: Name): string {
  if (name.length === 1) return '.';
  let text = '';
  for (let at = 0; name[at] !== 0;) {
    const end = at + 1 + name[at]!;
    for (at++; at < end; at++) text += formatNameOctet(name[at]!);
    text += '.';
  }
  return text;
}

function formatNameOctet(octet: number): string {
  const character = String.fromCharCode(octet);
  if (/[\w*/+-]/.test(character)) return character;
  // Everything else as \DDD but what RFC 1035 §5.1 gives a meaning: Knot rejects bare `[`, NSD 4.6 reads `\[` as a bit
  // label and `\\` before a dot wrongly.
  return '."();@$'.includes(character) ? `\\${character}` : `\\${String(octet).padStart(3, '0')}`;
}

/**
 * Checks that `octets[offset…]` holds an uncompressed name. Returns its length in octets, root included, or 0 when it is
 * malformed, compressed or cut short.
 */
export function nameLengthAt(octets: Uint8Array, offset: number): number {
  let at = offset;
  for (;;) {
    const size = octets[at];
    if (size === undefined || size > LABEL_BYTES_MAX) return 0;
    at += size + 1;
    if (at - offset > NAME_BYTES_MAX || at > octets.length) return 0;
    if (size === 0) return at - offset;
  }
}

/** Where the name at `offset` ends, compressed or not; 0 when it is malformed. Pointers are not followed. */
export function compressedNameEnd(octets: Uint8Array, offset: number): number {
  for (let at = offset; at < octets.length;) {
    const size = octets[at]!;
    if (size === 0) return at + 1;
    if (size >= 0xc0) return at + 2 <= octets.length ? at + 2 : 0;
    if (size > 63) return 0;
    at += size + 1;
  }
  return 0;
}

/** One octet of a label, lower-cased as RFC 4343 §3 says: only A–Z. */
export function lowerOctet(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}

/** The same name with A–Z lower-cased (RFC 4034 §6.2). Length octets are below 0x41 and stay. */
export function lowerName(name: Name): Name {
  return name.map(lowerOctet);
}

/** Same name, whatever the case (RFC 4343 §3). */
export function equalNames(a: Name, b: Name): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (lowerOctet(a[at]!) !== lowerOctet(b[at]!)) return false;
  return true;
}

/** Labels, root not counted; a leading `*` counts. */
export function labelCount(name: Name): number {
  let count = 0;
  for (let at = 0; name[at] !== 0; at += name[at]! + 1) count++;
  return count;
}

/** Offsets of each label's length octet from the left; the root's is not among them. */
export function labelOffsets(name: Name): number[] {
  const offsets: number[] = [];
  for (let at = 0; name[at] !== 0; at += name[at]! + 1) offsets.push(at);
  return offsets;
}

/** The name without its first label. Asserts that it is not the root. */
export function parentName(name: Name): Name {
  assert(name[0] !== 0, 'the root has no parent');
  return name.subarray(name[0]! + 1);
}

/** True when the first label is `*` (RFC 4592 §2.1.1). */
export function isWildcard(name: Name): boolean {
  return name[0] === 1 && name[1] === 0x2a;
}

/** `*.name`, or undefined when that is longer than 255 octets. */
export function wildcardOf(name: Name): Name | undefined {
  if (name.length + 2 > NAME_BYTES_MAX) return undefined;
  const wildcard = new Uint8Array(name.length + 2);
  wildcard.set([1, 0x2a]);
  wildcard.set(name, 2);
  return wildcard;
}

/** The canonical sort key of `name`; see the head of this file. */
export function ownerKey(name: Name): OwnerKey {
  let key = '';
  for (let at = 0; name[at] !== 0;) {
    const end = at + 1 + name[at]!;
    let label = '';
    for (at++; at < end; at++) {
      const octet = lowerOctet(name[at]!);
      label += octet > 1 ? String.fromCharCode(octet) : octet === 0 ? '\u0001\u0001' : '\u0001\u0002';
    }
    key = `${label}\u0000${key}`;
  }
  return key;
}

/** The lower-cased name that `ownerKey` made `key` from. */
export function nameOfKey(key: OwnerKey): Name {
  const name = new Uint8Array(NAME_BYTES_MAX);
  let at = NAME_BYTES_MAX - 1;
  for (let start = 0; start < key.length;) {
    const end = key.indexOf('\u0000', start);
    const label: number[] = [];
    for (let each = start; each < end; each++) {
      const octet = key.charCodeAt(each);
      label.push(octet === 1 ? key.charCodeAt(++each) - 1 : octet);
    }
    at -= label.length + 1;
    assert(at >= 0, 'owner key of a name longer than 255 octets');
    name[at] = label.length;
    name.set(label, at + 1);
    start = end + 1;
  }
  return name.slice(at);
}

/** The key of the name one label up. Asserts that `key` is not the root's. */
export function parentKey(key: OwnerKey): OwnerKey {
  assert(key !== '', 'the root has no parent');
  return key.slice(0, key.lastIndexOf('\u0000', key.length - 2) + 1);
}

/** True when `key` is `ancestor` or a name below it. */
export function isAtOrBelow(key: OwnerKey, ancestor: OwnerKey): boolean {
  return key.startsWith(ancestor);
}

/** -1, 0 or 1: canonical order of names (RFC 4034 §6.1). */
export function compareKeys(a: OwnerKey, b: OwnerKey): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
