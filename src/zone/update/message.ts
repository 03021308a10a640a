/**
 * UPDATE messages: zone, prerequisites and updates as records, their names and data uncompressed.
 * Implements: RFC 2136 §2 (sections), §3.1.1 (one zone, ZTYPE SOA), RFC 3597 §4 (which data may have compressed names).
 * Not here: the form of each prerequisite (prerequisites.ts) and update (prescan.ts).
 */
import { copyOf, readU16, readU32 } from '#base/bytes.ts';
import { HEADER_BYTES, type QueryHead } from '#dns/message.ts';
import { type Name } from '#dns/name.ts';
import { readOwner } from '#dns/compression.ts';
import { isMetaType, readRdata } from '#dns/registry.ts';
import { CLASS, TYPE, type RrType } from '#dns/types.ts';

export interface UpdateRecord {
  readonly owner: Name;
  readonly type: RrType;
  /** IN, ANY or NONE in a good message (RFC 2136 §2.4–2.5); any other number in a bad one. */
  readonly class: number;
  /** Seconds; as it came. */
  readonly ttl: number;
  /** Of no octets where a prerequisite or a deletion has none. */
  readonly rdata: Uint8Array;
}

export interface UpdateMessage {
  readonly zone: Name;
  /** ZCLASS. */
  readonly class: number;
  readonly prerequisites: readonly UpdateRecord[];
  readonly updates: readonly UpdateRecord[];
}

/** The message that `head` was read from and found well-formed; undefined: FORMERR. Never throws. All are copies. */
export function readUpdate(octets: Uint8Array, length: number, head: Readonly<QueryHead>): UpdateMessage | undefined {
  // §3.1.1: one record in the zone section, of type SOA.
  if (head.questionLength === 0 || head.type !== TYPE.SOA) return undefined;
  const message = octets.subarray(0, length);
  const prerequisites: UpdateRecord[] = [];
  const updates: UpdateRecord[] = [];
  const counts = [readU16(message, 6), readU16(message, 8)];
  let at = HEADER_BYTES + head.questionLength;
  for (const [section, into] of [prerequisites, updates].entries())
    for (let left = counts[section]!; left > 0; left--) {
      const read = readRecord(message, at, into === updates);
      if (read === undefined) return undefined;
      into.push(read.record);
      at = read.end;
    }
  const zone = copyOf(message, HEADER_BYTES, HEADER_BYTES + head.nameLength);
  return { zone, class: head.class, prerequisites, updates };
}

const FIXED_BYTES = 10;

function readRecord(
  message: Uint8Array,
  offset: number,
  isUpdate: boolean,
): { readonly record: UpdateRecord; readonly end: number } | undefined {
  const owner = readOwner(message, offset);
  if (owner === undefined) return undefined;
  const at = owner.end;
  const rdataAt = at + FIXED_BYTES;
  if (rdataAt > message.length) return undefined;
  const [type, rrClass, bytes] = [readU16(message, at), readU16(message, at + 2), readU16(message, at + 8)];
  const end = rdataAt + bytes;
  if (end > message.length) return undefined;
  // Records with data of their type: those to be added, compared or deleted one by one.
  const hasData = (rrClass === CLASS.IN || (rrClass === CLASS.NONE && isUpdate)) && !isMetaType(type);
  const rdata = hasData ? readRdata(type, { message, offset: rdataAt, length: bytes }) : copyOf(message, rdataAt, end);
  if (rdata === undefined) return undefined;
  const record = { owner: owner.name, type, class: rrClass, ttl: readU32(message, at + 4), rdata };
  return { record, end };
}
