/**
 * Canonical keys made from names in wire form, in place: no strings, no garbage.
 * Implements: the key of dns/name.ts `ownerKey` (RFC 4034 §6.1 order under memcmp), as octets.
 */
import { LABELS_MAX, NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { lowerOctet } from '#dns/name.ts';

/** Every octet of a name may be escaped into two, and every label ends with one. */
export const KEY_BYTES_MAX = 2 * NAME_BYTES_MAX;

/** Lower case of every octet (RFC 4343 §3). */
export const LOWER = Uint8Array.from({ length: 256 }, (_, octet) => lowerOctet(octet));

const HASH_SEED = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/** A name's key, and that of each of its ancestors: they are its beginnings. */
export class KeyBuffer {
  readonly octets = new Uint8Array(KEY_BYTES_MAX);
  /** Labels of the name, the root not counted. */
  labels = 0;
  /** Key length of the ancestor with that many labels; `ends[labels]` is the name's own. */
  readonly ends = new Uint16Array(LABELS_MAX + 1);
  /** Where, in the wire form, the ancestor with that many labels starts. */
  readonly starts = new Uint16Array(LABELS_MAX + 1);
  /** Hashes of the ancestors' keys, up to `#hashed` labels: mostly few are asked for. */
  readonly #hashes = new Uint32Array(LABELS_MAX + 1);
  #hashed = 0;
  readonly #offsets = new Uint16Array(LABELS_MAX + 1);

  constructor() {
    this.#hashes[0] = HASH_SEED;
  }

  /** Takes the well-formed, uncompressed name at `wire[offset]`. */
  set(wire: Uint8Array, offset: number): void {
    const { octets, ends, starts } = this;
    const offsets = this.#offsets;
    let labels = 0;
    let at = offset;
    for (let size = wire[at]!; size !== 0; size = wire[at]!) {
      offsets[labels++] = at - offset;
      at += size + 1;
    }
    this.labels = labels;
    starts[0] = at - offset;
    ends[0] = 0;
    this.#hashed = 0;
    let length = 0;
    for (let depth = 1; depth <= labels; depth++) {
      const start = offsets[labels - depth]!;
      starts[depth] = start;
      const label = offset + start;
      const end = label + wire[label]!;
      for (let each = label + 1; each <= end; each++) {
        let octet = LOWER[wire[each]!]!;
        if (octet < 2) {
          octets[length++] = 1;
          octet++;
        }
        octets[length++] = octet;
      }
      octets[length++] = 0;
      ends[depth] = length;
    }
  }

  /** Hash of the key of the ancestor with that many labels (see `hashKey`). */
  hashOf(depth: number): number {
    const hashes = this.#hashes;
    while (this.#hashed < depth) {
      let hash = hashes[this.#hashed]!;
      for (let at = this.ends[this.#hashed]!, end = this.ends[this.#hashed + 1]!; at < end; at++)
        hash = Math.imul(hash ^ this.octets[at]!, HASH_PRIME);
      hashes[++this.#hashed] = hash;
    }
    return hashes[depth]!;
  }

  /** Takes the key of `*` below the ancestor of `from` with `depth` labels. Hashes and `starts` are not set. */
  setWildcard(from: KeyBuffer, depth: number): void {
    const length = from.ends[depth]!;
    for (let at = 0; at < length; at++) this.octets[at] = from.octets[at]!;
    this.octets[length] = 0x2a;
    this.octets[length + 1] = 0;
    this.labels = depth + 1;
    this.ends[depth + 1] = length + 2;
  }

  /** Octets of the name's own key. */
  get length(): number {
    return this.ends[this.labels]!;
  }
}

/** The hash of `*` below the name whose key has this hash. */
export function wildcardHash(hash: number): number {
  return Math.imul(Math.imul(hash ^ 0x2a, HASH_PRIME), HASH_PRIME) >>> 0;
}

/** The hash that `KeyBuffer.hashOf` gives for this key. */
export function hashKey(key: Uint8Array): number {
  return hashOctets(key, key.length);
}

/** The same for its first `length` octets. */
export function hashOctets(key: Uint8Array, length: number): number {
  let hash = HASH_SEED;
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ key[at]!, HASH_PRIME);
  return hash >>> 0;
}

/** Same name, whatever the case; both in wire form. */
export function isSameName(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let at = 0; ;) {
    const size = a[aAt + at]!;
    if (size !== b[bAt + at]) return false;
    if (size === 0) return true;
    for (const end = at + size; at < end;) {
      at++;
      if (LOWER[a[aAt + at]!] !== LOWER[b[bAt + at]!]) return false;
    }
    at++;
  }
}

/** Octets of the name at `wire[offset]`, root included. */
export function wireLength(wire: Uint8Array, offset: number): number {
  let at = offset;
  while (wire[at] !== 0) at += wire[at]! + 1;
  return at - offset + 1;
}
