/**
 * Which zone a name belongs to: a hash table of apexes, asked once for each label of the name at most.
 * Implements: RFC 1034 §4.3.2 step 2; RFC 4035 §3.1.4.1 (the zone above, for DS).
 */
import { fromLatin1 } from '#base/bytes.ts';
import { type KeyBuffer, hashKey } from './owner-key.ts';
import { type AnswerZone } from './source.ts';

export class ZoneIndex {
  readonly apexKeys: readonly Uint8Array[];
  /** Hash of each apex's key (owner-key.ts). */
  readonly hashes: Uint32Array;
  /** Number of a zone + 1; 0 is empty. At most half full. */
  readonly #slots: Int32Array;
  readonly #depthMax: number;
  /** Labels of each zone's apex. */
  readonly depths: Uint8Array;
  readonly ids: readonly number[];
  readonly signed: readonly boolean[];
  /** 1 for each zone that has expired. */
  readonly expired: Uint8Array;
  /** What the last `find` found: numbers of the deepest zone and of the next one above it; -1 for none. */
  deepest = -1;
  above = -1;

  constructor(zones: readonly AnswerZone[]) {
    this.apexKeys = zones.map((zone) => fromLatin1(zone.apexKey));
    this.hashes = Uint32Array.from(this.apexKeys, hashKey);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * zones.length + 2)));
    this.depths = Uint8Array.from(this.apexKeys, (key) => key.filter((octet) => octet === 0).length);
    this.ids = zones.map((zone) => zone.record.id);
    this.signed = zones.map((zone) => zone.record.dnssec === 'on');
    this.expired = Uint8Array.from(zones, ({ record }) => (record.secondary?.isExpired === true ? 1 : 0));
    this.#depthMax = this.depths.reduce((max, depth) => Math.max(max, depth), -1);
    for (const [number, hash] of this.hashes.entries()) {
      let slot = this.#slotOf(hash);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = number + 1;
    }
  }

  /** Sets `deepest` and `above` for the name of `key`. */
  find(key: KeyBuffer): void {
    this.deepest = -1;
    this.above = -1;
    const depthMax = Math.min(key.labels, this.#depthMax);
    for (let depth = 0; depth <= depthMax; depth++) {
      const number = this.#zoneAt(key, depth);
      if (number < 0) continue;
      this.above = this.deepest;
      this.deepest = number;
    }
  }

  #zoneAt(key: KeyBuffer, depth: number): number {
    const hash = key.hashOf(depth);
    const mask = this.#slots.length - 1;
    for (let slot = this.#slotOf(hash); ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]! - 1;
      if (number < 0 || (this.hashes[number] === hash && isPrefix(this.apexKeys[number]!, key.octets, key.ends[depth]!))) return number;
    }
  }

  #slotOf(hash: number): number {
    return (hash ^ (hash >>> 15)) & (this.#slots.length - 1);
  }
}

function isPrefix(apexKey: Uint8Array, octets: Uint8Array, length: number): boolean {
  if (apexKey.length !== length) return false;
  for (let at = 0; at < length; at++) if (apexKey[at] !== octets[at]) return false;
  return true;
}
