/**
 * All records of a reply's answer and authority sections, where wanted of the additional one too, names decompressed,
 * each checked as data of its type.
 * Implements: RFC 1035 §4.1.3, §4.1.4; RFC 2181 §8.
 * Not here: whether it is a reply to our question (reply.ts `readReply`).
 */
import { readU16 } from '#base/bytes.ts';
import { REPLY_RECORDS_MAX } from '#base/limits/outside.ts';
import { readOwner, readTtl } from './compression.ts';
import { HEADER_BYTES } from './message.ts';
import { type Name, nameLengthAt } from './name.ts';
import { readRdata } from './registry.ts';
import { CLASS, TYPE, type RrType } from './types.ts';

export interface SectionRecord {
  readonly section: 'answer' | 'authority' | 'additional';
  readonly owner: Name;
  readonly type: RrType;
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/**
 * Undefined when the octets are malformed, or hold more than REPLY_RECORDS_MAX records. Records of other classes are
 * left out.
 */
export function readSections(octets: Uint8Array, withAdditional = false): readonly SectionRecord[] | undefined {
  if (octets.length < HEADER_BYTES || readU16(octets, 4) !== 1) return undefined;
  const [answers, authority, additional] = [readU16(octets, 6), readU16(octets, 8), readU16(octets, 10)];
  const total = answers + authority + (withAdditional ? additional : 0);
  const nameBytes = nameLengthAt(octets, HEADER_BYTES);
  if (nameBytes === 0 || total > REPLY_RECORDS_MAX) return undefined;
  const records: SectionRecord[] = [];
  let at = HEADER_BYTES + nameBytes + 4;
  for (let each = 0; each < total; each++) {
    const read = readOwner(octets, at);
    if (read === undefined || read.end + 10 > octets.length) return undefined;
    const head = read.end;
    const type = readU16(octets, head);
    at = head + 10 + readU16(octets, head + 8);
    if (at > octets.length) return undefined;
    // OPT too: its class is a size.
    if (readU16(octets, head + 2) !== CLASS.IN || type === TYPE.OPT) continue;
    const rdata = readRdata(type, { message: octets, offset: head + 10, length: at - head - 10 });
    if (rdata === undefined) return undefined;
    const section = each < answers ? 'answer' : each < answers + authority ? 'authority' : 'additional';
    records.push({ section, owner: read.name, type, ttl: readTtl(octets, head + 4), rdata });
  }
  return records;
}
