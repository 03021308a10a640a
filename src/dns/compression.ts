/**
 * Compressed names in messages: read, and written the plain way, by a map from suffix to offset.
 * Implements: RFC 1035 §4.1.4 (pointers to prior occurrences, offsets of 14 bits), RFC 4343 §4.1 (names match without case),
 * RFC 3597 §4 (in RDATA only names of the RFC 1035 types are compressed).
 * Not here: reading compressed RDATA (registry.ts `readRdata`), the same rule at speed (answer/write/name-table.ts).
 *
 * The rule, for both writers: the question's name, owners, and names in RDATA of RFC 1035 types end in a pointer to the longest
 * suffix remembered so far. What was written out before the pointer is remembered suffix by suffix, all or nothing: only when its
 * last label starts at or before offset 0x3fff. Names in other RDATA are neither compressed nor remembered.
 */
import { readU32 } from '#base/bytes.ts';
import { NAME_BYTES_MAX, TTL_SECONDS_MAX } from '#base/limits/dns.ts';
import { type Name, labelOffsets, ownerKey } from './name.ts';
import { TYPE, type RrType } from './types.ts';

/** Highest offset a pointer can hold (RFC 1035 §4.1.4: 14 bits). */
export const POINTER_OFFSET_MAX = 0x3fff;

/** Remembers the names of one message while it is written. */
export class CompressionMap {
  readonly #offsets = new Map<string, number>();

  /** `name` as it is to stand at `offset` of the message; what it writes out is remembered. */
  compress(name: Name, offset: number): Uint8Array {
    const labels = labelOffsets(name);
    const known = labels.find((at) => this.#offsets.has(ownerKey(name.subarray(at))));
    const literal = labels.filter((at) => known === undefined || at < known);
    const last = literal.at(-1);
    if (last !== undefined && offset + last <= POINTER_OFFSET_MAX)
      for (const at of literal) this.#offsets.set(ownerKey(name.subarray(at)), offset + at);
    if (known === undefined) return name;
    const target = this.#offsets.get(ownerKey(name.subarray(known)))!;
    return Uint8Array.of(...name.subarray(0, known), 0xc0 | (target >> 8), target & 0xff);
  }

  /** Forgets every name remembered at or after `offset`, because the message is cut back to it. */
  forgetFrom(offset: number): void {
    for (const [suffix, at] of this.#offsets) if (at >= offset) this.#offsets.delete(suffix);
  }
}

/** Octets before the first compressible name of a type's RDATA, and how many such names follow each other. */
export interface CompressibleNames {
  readonly before: number;
  readonly count: number;
}

const ONE_NAME: CompressibleNames = { before: 0, count: 1 };
const TWO_NAMES: CompressibleNames = { before: 0, count: 2 };
const MAIL_EXCHANGE: CompressibleNames = { before: 2, count: 1 };

/** Where RDATA of `type` has names that may be compressed; undefined for types without (RFC 3597 §4: all but those of RFC 1035 §3.3). */
export function compressibleNames(type: RrType): CompressibleNames | undefined {
  switch (type) {
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR:
    case TYPE.MD:
    case TYPE.MF:
    case TYPE.MB:
    case TYPE.MG:
    case TYPE.MR:
      return ONE_NAME;
    case TYPE.SOA:
    case TYPE.MINFO:
      return TWO_NAMES;
    case TYPE.MX:
      return MAIL_EXCHANGE;
    default:
      return undefined;
  }
}

/** Copies a possibly compressed name to `name`; undefined when it is malformed or, before its first pointer, passes `limit`. */
export function readCompressedName(
  message: Uint8Array,
  offset: number,
  limit: number,
  name: Uint8Array,
): { length: number; end: number } | undefined {
  let at = offset;
  let end = -1;
  let length = 0;
  // RFC 1035 §4.1.4: a pointer goes to a prior occurrence. Each must go back further than the one before, so there is no loop.
  let earliest = offset;
  for (;;) {
    const size = message[at];
    const bound = end < 0 ? limit : message.length;
    if (size === undefined || at >= bound) return undefined;
    if (size >= 0xc0) {
      if (at + 2 > bound) return undefined;
      const target = (size & 0x3f) * 256 + message[at + 1]!;
      if (target >= earliest) return undefined;
      if (end < 0) end = at + 2;
      earliest = target;
      at = target;
      continue;
    }
    if (size > 63 || at + 1 + size > bound || length + 1 + size > NAME_BYTES_MAX) return undefined;
    // Labels are short: a copy octet by octet is faster than a view of each.
    for (const next = at + 1 + size; at < next;) name[length++] = message[at++]!;
    if (size === 0) return { length, end: end < 0 ? at : end };
  }
}

export interface ReadOwner {
  readonly name: Name;
  /** Behind the name in the message. */
  readonly end: number;
}

/** The possibly compressed name at `offset`, its pointers followed, a copy; undefined as for `readCompressedName`. */
export function readOwner(message: Uint8Array, offset: number, limit = message.length): ReadOwner | undefined {
  const read = readCompressedName(message, offset, limit, NAME);
  return read === undefined ? undefined : { name: NAME.slice(0, read.length), end: read.end };
}

const NAME = new Uint8Array(NAME_BYTES_MAX);

/** The TTL at `offset` of a message: one with the highest bit set is 0 (RFC 2181 §8). */
export function readTtl(message: Uint8Array, offset: number): number {
  const given = readU32(message, offset);
  return given > TTL_SECONDS_MAX ? 0 : given;
}
