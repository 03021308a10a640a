/**
 * NSEC3 records of the zones served here: the one that matches or covers the hash of a name, found in memory where the
 * zone's hashed owner names are there (negative.ts), else in the store.
 * Implements: RFC 5155 §5 (the hash), §3.1.7 (the chain is a circle).
 * Not here: which names are to be proved (answer/denial-nsec3.ts).
 */
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import {
  HASH_BYTES,
  HASH_LABEL_BYTES,
  type Nsec3Parameters,
  hashNameInto,
  nsec3Parameters,
  putHashDigits,
} from '#dns/nsec3.ts';
import { TYPE } from '#dns/types.ts';
import { OWNER_OFFSET, bodyOffset, findEntry } from '#store/node-codec.ts';
import { type Dependencies } from './dependencies.ts';
import { NegativeIndex, type NegativeLimits } from './negative.ts';
import { KEY_BYTES_MAX, KeyBuffer, LOWER, wireLength } from './owner-key.ts';
import { type SortedKeys } from './sorted-keys.ts';
import { type AnswerSource, type AnswerZone } from './source.ts';

const ASTERISK = 0x2a;
const WILDCARD_BYTES = 2;

export class HashedNames {
  readonly #source: AnswerSource;
  readonly #dependencies: Dependencies;
  readonly index: NegativeIndex;
  #zones: readonly AnswerZone[] = [];
  /** By number of the zone; undefined: it has no NSEC3. */
  #parameters: (Nsec3Parameters | undefined)[] = [];
  readonly #name = new Uint8Array(NAME_BYTES_MAX + WILDCARD_BYTES);
  readonly #hash = new Uint8Array(HASH_BYTES);
  readonly #key = new Uint8Array(KEY_BYTES_MAX + HASH_LABEL_BYTES + 1);
  readonly #owner = new KeyBuffer();
  /** The record that `find` found is that of the name itself. */
  isMatch = false;

  constructor(source: AnswerSource, dependencies: Dependencies, limits?: NegativeLimits) {
    this.#source = source;
    this.#dependencies = dependencies;
    const hashed = {
      nodeBytes: source.hashedBytes.bind(source),
      readNodes: source.readHashed.bind(source),
    };
    this.index = new NegativeIndex(hashed, limits, true);
  }

  /** Takes over other zones; of those with the ids `kept`, what is known holds. `numbers`: what numbers they had. */
  setZones(zones: readonly AnswerZone[], kept: ReadonlySet<number>, numbers: ReadonlyMap<number, number>): void {
    this.#parameters = zones.map(({ record }) =>
      kept.has(record.id) ? this.#parameters[numbers.get(record.id)!] : undefined,
    );
    this.#zones = zones;
    this.index.setZones(zones, kept);
  }

  /** Takes note of how zone number `zone` hashes names; true when that is another way than before. */
  noteApex(zone: number, apex: Uint8Array | undefined): boolean {
    const entry = apex === undefined ? -1 : findEntry(apex, TYPE.NSEC3PARAM);
    const before = this.#parameters[zone];
    const after = entry < 0 ? undefined : nsec3Parameters(apex!, bodyOffset(apex!, entry) + 2);
    this.#parameters[zone] = after;
    return before?.iterations !== after?.iterations || before?.salt.join() !== after?.salt.join();
  }

  /** True when what there is not in zone number `zone` is proved by NSEC3. */
  isHashed(zone: number): boolean {
    return this.#parameters[zone] !== undefined;
  }

  /**
   * The NSEC3 node that matches or covers the name at `wire[at]` of zone number `zone`, or the wildcard below it.
   * Undefined when the zone has none. Good until the source is asked again.
   */
  find(zone: number, wire: Uint8Array, at: number, isWildcard: boolean): Uint8Array | undefined {
    const node = this.#find(zone, this.#setKey(zone, wire, at, isWildcard));
    if (node === undefined) {
      this.#dependencies.isOpen = true;
      return undefined;
    }
    const owner = this.#owner;
    owner.set(node, OWNER_OFFSET);
    this.#dependencies.add(this.#zones[zone]!.record.id, owner.hashOf(owner.labels));
    const digits = this.#zones[zone]!.apexKey.length;
    this.isMatch = true;
    for (let each = 0; each < HASH_LABEL_BYTES; each++)
      if (LOWER[node[OWNER_OFFSET + 1 + each]!] !== this.#key[digits + each]) this.isMatch = false;
    return node;
  }

  /** Number of that node in the list of its zone, where the zone's hashed owner names are in memory; else -1. */
  place(zone: number, wire: Uint8Array, at: number): number {
    const list = this.index.listOf(zone);
    if (list === undefined) return -1;
    const length = this.#setKey(zone, wire, at, false);
    return this.#search(list, zone, length) ? list.number : -1;
  }

  #find(zone: number, length: number): Uint8Array | undefined {
    const { id } = this.#zones[zone]!.record;
    const list = this.index.listOf(zone);
    if (list === undefined) return this.#source.hashedAtOrBefore(id, this.#key, length);
    if (!this.#search(list, zone, length)) return undefined;
    const found = this.#found;
    const apexLength = this.#zones[zone]!.apexKey.length;
    for (let each = 0; each < apexLength; each++) found[each] = this.#key[each]!;
    return this.#source.hashedBytes(id, found, list.copyKey(found, apexLength));
  }

  readonly #found = new Uint8Array(KEY_BYTES_MAX + HASH_LABEL_BYTES + 1);

  /** Moves the list to the key; false when there is nothing in it. */
  #search(list: SortedKeys, zone: number, length: number): boolean {
    list.search(this.#key, this.#zones[zone]!.apexKey.length, length);
    if (list.isLength(0)) list.toLast();
    return !list.isLength(0);
  }

  /** Hashes the name; returns the length of the key. */
  #setKey(zone: number, wire: Uint8Array, at: number, isWildcard: boolean): number {
    const name = this.#name;
    const from = isWildcard ? WILDCARD_BYTES : 0;
    name[0] = 1;
    name[1] = ASTERISK;
    const length = wireLength(wire, at);
    for (let each = 0; each < length; each++) name[from + each] = LOWER[wire[at + each]!]!;
    hashNameInto(this.#parameters[zone]!, name, 0, from + length, this.#hash, 0);
    const { apexKey } = this.#zones[zone]!;
    const key = this.#key;
    let to = apexKey.length;
    for (let each = 0; each < to; each++) key[each] = apexKey.charCodeAt(each);
    putHashDigits(this.#hash, 0, key, to);
    to += HASH_LABEL_BYTES;
    key[to] = 0;
    return to + 1;
  }
}
