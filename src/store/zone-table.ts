/**
 * The zones of a store as a reader holds them in memory, brought up to date from one generation to the next by reading only what
 * changed between them.
 */
import { assert } from '#base/assert.ts';
import { type Name, type OwnerKey, compareKeys, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';

import { decodeJson, isNumber } from './json.ts';
import { type ChangedZone, changesBetween } from './recent.ts';
import { META, type ZoneRecord, isZoneRecord, textKey, zoneKey } from './schema.ts';
import { type Environment, type Octets, type ReadOptions } from './store.ts';

/** A zone with its apex in the forms that look-ups need. */
export interface StoredZone {
  readonly record: ZoneRecord;
  readonly apex: Name;
  readonly apexKey: OwnerKey;
}

/** What a refresh found. */
export interface Refresh {
  readonly generation: number;
  /** False when the store is as it was. */
  readonly moved: boolean;
  /** Ids of zones changed, made or removed; `all` when the reader was too far behind to know. */
  readonly zones: readonly number[] | 'all';
  /** Those of them that were there before and still are alike, and what changed inside; none when `zones` is `all`. */
  readonly changes: readonly ChangedZone[];
}

/** The generation of what `read` shows. */
export function readGeneration(meta: Octets, read?: ReadOptions): number {
  const bytes = meta.get(textKey(META.GENERATION), read);
  return bytes === undefined ? 0 : decodeJson(bytes, 'the generation', isNumber);
}

/** Of one name, signed or not, and answered for or not, as before. */
function isAlike(a: ZoneRecord, b: ZoneRecord): boolean {
  return a.name === b.name && a.dnssec === b.dnssec && a.secondary?.isExpired === b.secondary?.isExpired;
}

export class ZoneTable {
  readonly #environment: Environment;
  readonly #byId = new Map<number, StoredZone>();
  readonly #byApex = new Map<OwnerKey, StoredZone>();
  /** Ids of those that are catalogs. */
  readonly #catalogs = new Set<number>();
  /** By the id of a zone, that of its nodes where it is another one: after a large change. */
  readonly #contents = new Map<number, number>();
  #sorted: readonly StoredZone[] | undefined;
  #generation = -1;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get generation(): number {
    return this.#generation;
  }

  byId(zoneId: number): StoredZone | undefined {
    return this.#byId.get(zoneId);
  }

  /** The id that the zone's nodes stand under. */
  contentOf(zoneId: number): number {
    // Asked for each node that is read.
    return this.#contents.size === 0 ? zoneId : (this.#contents.get(zoneId) ?? zoneId);
  }

  /** Whether the nodes under this id are those of a zone. */
  isContent(contentId: number): boolean {
    if (this.#byId.has(contentId) && this.contentOf(contentId) === contentId) return true;
    return [...this.#contents.values()].includes(contentId);
  }

  byApex(apexKey: OwnerKey): StoredZone | undefined {
    return this.#byApex.get(apexKey);
  }

  /** In canonical order of their apexes; the same array until a zone changes. */
  all(): readonly StoredZone[] {
    this.#sorted ??= [...this.#byId.values()].toSorted((a, b) => compareKeys(a.apexKey, b.apexKey));
    return this.#sorted;
  }

  /** Those at and below this apex, in the same order. Does not look at the others. */
  atOrBelow(apexKey: OwnerKey): readonly StoredZone[] {
    const all = this.all();
    const first = this.#place(apexKey);
    let end = first;
    while (end < all.length && isAtOrBelow(all[end]!.apexKey, apexKey)) end++;
    return all.slice(first, end);
  }

  /** The first `limit` of those behind this apex, in the same order; of all when it is undefined. */
  after(apexKey: OwnerKey | undefined, limit: number): readonly StoredZone[] {
    const all = this.all();
    if (apexKey === undefined) return all.slice(0, limit);
    const at = this.#place(apexKey);
    const first = all[at]?.apexKey === apexKey ? at + 1 : at;
    return all.slice(first, first + limit);
  }

  /** Of ten thousand zones they are few, and asked for at each change. */
  catalogs(): readonly StoredZone[] {
    return [...this.#catalogs].map((id) => this.#byId.get(id)!);
  }

  /** Brings the table to what `read` shows. */
  refresh(read: ReadOptions): Refresh {
    const before = this.#generation;
    const generation = readGeneration(this.#environment.db.meta, read);
    if (generation === before) return { generation, moved: false, zones: [], changes: [] };
    const changed = changesBetween(this.#environment.db.recent, before, generation, read);
    this.#generation = generation;
    if (changed === undefined) {
      this.#readAll(read);
      return { generation, moved: true, zones: 'all', changes: [] };
    }
    const stayed = [...changed.values()].filter(({ zoneId }) => this.#readOne(zoneId, read));
    return { generation, moved: true, zones: [...changed.keys()], changes: stayed };
  }

  #readAll(read: ReadOptions): void {
    this.#sorted = undefined;
    this.#byId.clear();
    this.#byApex.clear();
    this.#catalogs.clear();
    this.#contents.clear();
    for (const { value } of this.#environment.db.zones.getRange({ ...read })) this.#set(decodeJson(value, 'a zone record', isZoneRecord));
  }

  /** True when the zone was there before, and is alike. */
  #readOne(zoneId: number, read: ReadOptions): boolean {
    const known = this.#byId.get(zoneId);
    const bytes = this.#environment.db.zones.get(zoneKey(zoneId), read);
    const record = bytes === undefined ? undefined : decodeJson(bytes, 'a zone record', isZoneRecord);
    if (known !== undefined && record !== undefined && isAlike(known.record, record)) {
      this.#replace(known, { ...known, record });
      return true;
    }
    if (known !== undefined) this.#unsort(known);
    this.#byId.delete(zoneId);
    this.#catalogs.delete(zoneId);
    this.#contents.delete(zoneId);
    // A zone removed and made again has another id, and may have been read first.
    if (known !== undefined && this.#byApex.get(known.apexKey) === known) this.#byApex.delete(known.apexKey);
    if (record !== undefined) this.#set(record);
    return false;
  }

  #replace(known: StoredZone, zone: StoredZone): void {
    this.#byId.set(zone.record.id, zone);
    this.#noteContent(zone.record);
    if (this.#byApex.get(zone.apexKey) === known) this.#byApex.set(zone.apexKey, zone);
    this.#unsort(known, zone);
  }

  #noteContent({ id, contentId }: ZoneRecord): void {
    if (contentId === undefined) this.#contents.delete(id);
    else this.#contents.set(id, contentId);
  }

  // With 10,000 zones, sorting them again would take longer than the change of one.

  /** Takes the zone out of the order, and puts another with the same apex into its place. */
  #unsort(known: StoredZone, ...instead: readonly StoredZone[]): void {
    const at = this.#sorted?.indexOf(known, this.#place(known.apexKey)) ?? -1;
    if (at >= 0) this.#sorted = this.#sorted!.toSpliced(at, 1, ...instead);
  }

  /** Number of zones whose apex is before this one. */
  #place(apexKey: OwnerKey): number {
    const all = this.#sorted ?? [];
    let [from, to] = [0, all.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compareKeys(all[middle]!.apexKey, apexKey) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #set(record: ZoneRecord): void {
    const apex = nameOf(record.name);
    const zone: StoredZone = { record, apex, apexKey: ownerKey(apex) };
    assert(!this.#byApex.has(zone.apexKey) || this.#byApex.get(zone.apexKey)!.record.id !== record.id, 'a zone read twice');
    this.#byId.set(record.id, zone);
    this.#sorted = this.#sorted?.toSpliced(this.#place(zone.apexKey), 0, zone);
    this.#byApex.set(zone.apexKey, zone);
    this.#noteContent(record);
    if (record.isCatalog === true) this.#catalogs.add(record.id);
  }
}
