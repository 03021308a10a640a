/**
 * Which version of which zone an answer is from: for clients that ask, so it is looked up beside the answer, and
 * answers from the cache need to know nothing of it.
 * Implements: RFC 9660 §3.2 (the zone that encloses QNAME and answers for it; for DS the one above the cut).
 * Not here: the option (answer/write/answer-options.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { HEADER_BYTES, type QueryHead } from '#dns/message.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { bodyOffset, findEntry } from '#store/node-codec.ts';
import { soaSerial } from '#zone/changeset.ts';
import { type ZoneVersion } from '#dns/edns.ts';
import { KeyBuffer } from './owner-key.ts';
import { type AnswerSource } from './source.ts';
import { type ZoneIndex } from './zone-index.ts';

export class ZoneVersions {
  readonly #source: AnswerSource;
  readonly #key = new KeyBuffer();

  constructor(source: AnswerSource) {
    this.#source = source;
  }

  /** Of an answer with `rcode`; undefined when no zone gave it. */
  find(query: Uint8Array, head: QueryHead, rcode: number, zones: ZoneIndex): ZoneVersion | undefined {
    const isFromZone = rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN || rcode === RCODE.YXDOMAIN;
    if (!isFromZone || head.questionLength === 0) return undefined;
    const key = this.#key;
    key.set(query, HEADER_BYTES);
    zones.find(key);
    const isAtApex = zones.deepest >= 0 && zones.depths[zones.deepest] === key.labels;
    // RFC 4035 §3.1.4.1: DS belongs to the parent side of a cut.
    const zone = head.type === TYPE.DS && isAtApex && zones.above >= 0 ? zones.above : zones.deepest;
    if (zone < 0) return undefined;
    const apexKey = zones.apexKeys[zone]!;
    const apex = this.#source.nodeBytes(zones.ids[zone]!, apexKey, apexKey.length);
    const entry = apex === undefined ? -1 : findEntry(apex, TYPE.SOA);
    if (apex === undefined || entry < 0) return undefined;
    const body = bodyOffset(apex, entry);
    const serial = soaSerial(apex.subarray(body + 2, body + 2 + readU16(apex, body)));
    return { labels: zones.depths[zone]!, serial };
  }
}
