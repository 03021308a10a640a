/**
 * Which zones have their names in memory (sorted-keys.ts), and how these lists are made and kept true. Each worker has its own.
 *
 * A zone gets its list when it is asked for something that the answer cache does not have. The list is read from the store in slices, one
 * with each batch of queries and in idle moments, so that neither start-up nor any query waits for it; until it is complete, and for zones
 * too large for it, the store answers. A change of few nodes is followed node by node; after a large one that moves names, the list is made anew.
 * Not here: the search itself (sorted-keys.ts), what follows from it (find.ts).
 */
import { NEGATIVE_INDEX_BYTES_MAX, NEGATIVE_INDEX_NODES_MAX, NEGATIVE_SLICE_NODES } from '#base/limits/answer.ts';
import { fromLatin1 } from '#base/bytes.ts';
import { TYPE } from '#dns/types.ts';
import { findEntry, nodeFlags } from '#store/node-codec.ts';
import { SortedKeys } from './sorted-keys.ts';
import { type AnswerSource, type AnswerZone, type ZoneChange } from './source.ts';

export interface NegativeLimits {
  /** Nodes in all lists together; 0 for no lists. */
  readonly nodes?: number;
  readonly bytes?: number;
  /** Nodes read at once. */
  readonly slice?: number;
}

const NO_KEY = new Uint8Array(0);

/** A list in the making: all nodes up to `after` are in it. */
interface Building {
  readonly number: number;
  readonly zone: AnswerZone;
  readonly keys: SortedKeys;
  after: Uint8Array | undefined;
}

/** Where the names come from. */
type NodeSource = Pick<AnswerSource, 'nodeBytes' | 'readNodes'>;

export class NegativeIndex {
  readonly #source: NodeSource;
  readonly #isHashed: boolean;
  readonly #nodesMax: number;
  readonly #bytesMax: number;
  readonly #slice: number;
  #zones: readonly AnswerZone[] = [];
  #numbers = new Map<number, number>();
  /** By number of the zone; undefined where there is no complete list. */
  #lists: (SortedKeys | undefined)[] = [];
  /** Zones that wait for their list, or are not to have one. */
  #noted = new Uint8Array(0);
  #waiting: number[] = [];
  /** What each list takes, and all together. */
  #nodes = new Float64Array(0);
  #bytes = new Float64Array(0);
  #nodesUsed = 0;
  #bytesUsed = 0;
  #building: Building | undefined;

  /** `isHashed`: of each zone not its names, but the hashed owner names of its NSEC3 records, behind the empty name. */
  constructor(source: NodeSource, limits: NegativeLimits = {}, isHashed = false) {
    const { nodes = NEGATIVE_INDEX_NODES_MAX, bytes = NEGATIVE_INDEX_BYTES_MAX, slice = NEGATIVE_SLICE_NODES } = limits;
    this.#source = source;
    this.#isHashed = isHashed;
    this.#slice = slice;
    this.#nodesMax = nodes;
    this.#bytesMax = bytes;
  }

  /** Takes over other zones; the lists of those with the ids `kept` hold. */
  setZones(zones: readonly AnswerZone[], kept: ReadonlySet<number> = new Set()): void {
    const lists = new Map(this.#zones.map((zone, number) => [zone.record.id, this.#lists[number]]));
    this.#zones = zones;
    this.#numbers = new Map(zones.map((zone, number) => [zone.record.id, number]));
    this.#noted = new Uint8Array(zones.length);
    this.#nodes = new Float64Array(zones.length);
    this.#bytes = new Float64Array(zones.length);
    this.#nodesUsed = 0;
    this.#bytesUsed = 0;
    this.#lists = zones.map(() => undefined);
    for (const [number, { record }] of zones.entries()) if (kept.has(record.id)) this.#setList(number, lists.get(record.id));
    this.#waiting = [];
    this.#building = undefined;
  }

  #setList(number: number, list: SortedKeys | undefined): void {
    this.#lists[number] = list;
    this.#nodesUsed += (list?.size ?? 0) - this.#nodes[number]!;
    this.#bytesUsed += (list?.bytes ?? 0) - this.#bytes[number]!;
    this.#nodes[number] = list?.size ?? 0;
    this.#bytes[number] = list?.bytes ?? 0;
  }

  /** The names of zone number `number`; undefined while they are not in memory. */
  listOf(number: number): SortedKeys | undefined {
    const list = this.#lists[number];
    if (list === undefined && this.#noted[number] === 0) {
      this.#noted[number] = 1;
      this.#waiting.push(number);
    }
    return list;
  }

  /** Zone number `number` has its names in memory. */
  hasList(number: number): boolean {
    return this.#lists[number] !== undefined;
  }

  /** There is something to do for `work`. */
  get isBusy(): boolean {
    return this.#building !== undefined || this.#waiting.length > 0;
  }

  /** Reads one slice. */
  work(): void {
    const building = (this.#building ??= this.#next());
    if (building === undefined) return;
    const { number, zone, keys } = building;
    const apexLength = zone.apexKey.length;
    // Nothing is before the empty name: a search always ends somewhere.
    if (this.#isHashed && keys.size === 0) keys.put(NO_KEY, 0, 0, 0);
    let isWhole = true;
    let last: Uint8Array | undefined;
    const shown = this.#source.readNodes(zone.record.id, building.after, this.#slice, (key, node) => {
      if (keys.size === 0 && (key.length !== apexLength || findEntry(node, TYPE.SOA) < 0)) isWhole = false;
      if (isWhole) keys.put(key, apexLength, key.length, nodeFlags(node));
      last = key;
    });
    building.after = last === undefined ? building.after : Uint8Array.from(last);
    if (!isWhole || this.#bytesUsed + keys.bytes > this.#bytesMax || this.#nodesUsed + keys.size > this.#nodesMax) {
      // Without a list, and not tried again until the zone changes.
      this.#building = undefined;
      return;
    }
    if (shown === this.#slice) return;
    this.#building = undefined;
    if (keys.size > 0) this.#setList(number, keys);
  }

  /** Follows what changed; the source shows the new state already. */
  follow({ zoneId, keys, sameNames }: ZoneChange): void {
    const number = this.#numbers.get(zoneId);
    if (number === undefined || sameNames) return;
    const building = this.#building?.number === number ? this.#building : undefined;
    const list = building?.keys ?? this.#lists[number];
    if (list !== undefined && keys !== 'all' && !list.isWorn) {
      // Parents before their children.
      for (const key of keys.toSorted()) this.#followNode(list, building?.after, this.#zones[number]!, fromLatin1(key));
      if (building === undefined) this.#setList(number, list);
      if (list.size > 0 && this.#nodesUsed <= this.#nodesMax && this.#bytesUsed <= this.#bytesMax) return;
    }
    this.drop(zoneId);
  }

  /** Forgets a zone's names; they are read again when they are wanted. */
  drop(zoneId: number): void {
    const number = this.#numbers.get(zoneId);
    if (number === undefined) return;
    this.#setList(number, undefined);
    if (this.#building?.number === number) this.#building = undefined;
    // One that waits still does.
    if (!this.#waiting.includes(number)) this.#noted[number] = 0;
  }

  #followNode(list: SortedKeys, after: Uint8Array | undefined, { record, apexKey }: AnswerZone, key: Uint8Array): void {
    if (this.#isHashed && key.length === apexKey.length) return;
    if (this.#building?.keys === list && (after === undefined || Buffer.compare(key, after) > 0)) return;
    const node = this.#source.nodeBytes(record.id, key, key.length);
    if (node === undefined) list.remove(key, apexKey.length, key.length);
    else list.put(key, apexKey.length, key.length, nodeFlags(node));
  }

  #next(): Building | undefined {
    for (let number = this.#waiting.shift(); number !== undefined; number = this.#waiting.shift()) {
      const zone = this.#zones[number]!;
      if (this.#nodesUsed + zone.record.nodeCount > this.#nodesMax) continue;
      return { number, zone, keys: new SortedKeys(zone.record.nodeCount, !this.#isHashed), after: undefined };
    }
    return undefined;
  }
}
