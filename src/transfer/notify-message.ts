/**
 * NOTIFY messages: one of ours, and what a reply to it says.
 * Implements: RFC 9859 §4.2 (NOTIFY(CDS)), RFC 1996 §3.6–3.7 (opcode, AA, question and SOA), §4.7 (the reply has
 * the id and question of what it replies to).
 * Not here: when they are sent (control/transfer/notifier.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { HEADER, HEADER_BYTES } from '#dns/message.ts';
import { type Name, equalNames, nameLengthAt } from '#dns/name.ts';
import { CLASS, OPCODE, TYPE } from '#dns/types.ts';

export interface StatedSoa {
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/** A pointer to the name of the question. */
const POINTER = [0xc0, HEADER_BYTES] as const;

/** The message that says: the zone `apex` has this SOA now. */
export function writeNotify(id: number, apex: Name, soa: StatedSoa): Uint8Array {
  const octets = new Uint8Array(HEADER_BYTES + apex.length + 4 + 12 + soa.rdata.length);
  const view = new DataView(octets.buffer);
  view.setUint16(0, id);
  octets[2] = (OPCODE.NOTIFY << 3) | HEADER.AA;
  view.setUint16(4, 1);
  view.setUint16(6, 1);
  octets.set(apex, HEADER_BYTES);
  const question = HEADER_BYTES + apex.length;
  view.setUint16(question, TYPE.SOA);
  view.setUint16(question + 2, CLASS.IN);
  octets.set(POINTER, question + 4);
  view.setUint16(question + 6, TYPE.SOA);
  view.setUint16(question + 8, CLASS.IN);
  view.setUint32(question + 10, soa.ttl);
  view.setUint16(question + 14, soa.rdata.length);
  octets.set(soa.rdata, question + 16);
  return octets;
}

/** The message that says: CDS or CDNSKEY of `child` are others now (RFC 9859 §4.2). It has no record. */
export function writeCdsNotify(id: number, child: Name): Uint8Array {
  const octets = new Uint8Array(HEADER_BYTES + child.length + 4);
  const view = new DataView(octets.buffer);
  view.setUint16(0, id);
  octets[2] = (OPCODE.NOTIFY << 3) | HEADER.AA;
  view.setUint16(4, 1);
  octets.set(child, HEADER_BYTES);
  view.setUint16(HEADER_BYTES + child.length, TYPE.CDS);
  view.setUint16(HEADER_BYTES + child.length + 2, CLASS.IN);
  return octets;
}

/** The rcode of a reply to one of these; undefined when the octets are none. */
export function readNotifyReply(octets: Uint8Array, id: number, apex: Name): number | undefined {
  if (octets.length < HEADER_BYTES || readU16(octets, 0) !== id) return undefined;
  const flags = octets[2]!;
  if ((flags & HEADER.QR) === 0 || (flags & HEADER.OPCODE) >> 3 !== OPCODE.NOTIFY) return undefined;
  const rcode = octets[3]! & 0x0f;
  // §4.7 has the question in it; some servers leave it out where they refuse.
  if (readU16(octets, 4) === 0) return rcode;
  const length = nameLengthAt(octets, HEADER_BYTES);
  if (length === 0 || !equalNames(octets.subarray(HEADER_BYTES, HEADER_BYTES + length), apex)) return undefined;
  return rcode;
}
