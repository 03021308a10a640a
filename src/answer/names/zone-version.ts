/**
 * Which version of which zone an answer is from: for clients that ask, so it is looked up beside the answer, and
 * answers from the cache need to know nothing of it.
 * Implements: RFC 9660 §3.2 (the zone that encloses QNAME and answers for it; for DS the one above the cut), RFC 7314
 * §3.2–3.3 (a SOA with the seconds until the zone expires).
 * Not here: the option (answer/write/answer-options.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { HEADER_BYTES, type QueryHead } from '#dns/message.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { bodyOffset, findEntry } from '#store/node-codec.ts';
import { soaExpireSeconds, soaSerial } from '#zone/changeset.ts';
import { type ZoneVersion } from '#dns/edns.ts';
import { KeyBuffer } from './owner-key.ts';
import { type AnswerSource } from './source.ts';
import { type ZoneIndex } from './zone-index.ts';

export interface ZoneTimes {
  /** Seconds until a zone from primaries expires; undefined for others. */
  readonly secondsLeft?: ((zoneId: number) => number | undefined) | undefined;
}

export class ZoneVersions {
  readonly #source: AnswerSource;
  readonly #times: ZoneTimes;
  readonly #key = new KeyBuffer();

  constructor(source: AnswerSource, times: ZoneTimes = {}) {
    [this.#source, this.#times] = [source, times];
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
    const soa = apex.subarray(body + 2, body + 2 + readU16(apex, body));
    const version = { labels: zones.depths[zone]!, serial: soaSerial(soa) };
    if (head.type !== TYPE.SOA || !isAtApex) return version;
    // RFC 7314 §3.2–3.3: what its SOA says; of a zone from primaries, what is left of it.
    return { ...version, expireSeconds: this.#times.secondsLeft?.(zones.ids[zone]!) ?? soaExpireSeconds(soa) };
  }
}
