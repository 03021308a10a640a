/**
 * The zones of a store as a reader holds them in memory, brought up to date from one generation to the next by reading only what
 * changed between them.
 */
import { assert } from '#base/assert.ts';
import { RECENT_GENERATIONS_MAX } from '#base/limits.ts';
import { type Name, type OwnerKey, compareKeys, nameOf, ownerKey } from '#dns/name.ts';

import { decodeJson, isArrayOf, isNumber } from './json.ts';
import { META, type ZoneRecord, isZoneRecord, numberKey, textKey, zoneKey } from './schema.ts';
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
}

/** The generation of what `read` shows. */
export function readGeneration(meta: Octets, read?: ReadOptions): number {
  const bytes = meta.get(textKey(META.GENERATION), read);
  return bytes === undefined ? 0 : decodeJson(bytes, 'the generation', isNumber);
}

export class ZoneTable {
  readonly #environment: Environment;
  readonly #byId = new Map<number, StoredZone>();
  readonly #byApex = new Map<OwnerKey, StoredZone>();
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

  byApex(apexKey: OwnerKey): StoredZone | undefined {
    return this.#byApex.get(apexKey);
  }

  /** In canonical order of their apexes; the same array until a zone changes. */
  all(): readonly StoredZone[] {
    this.#sorted ??= [...this.#byId.values()].toSorted((a, b) => compareKeys(a.apexKey, b.apexKey));
    return this.#sorted;
  }

  /** Brings the table to what `read` shows. */
  refresh(read: ReadOptions): Refresh {
    const generation = readGeneration(this.#environment.db.meta, read);
    if (generation === this.#generation) return { generation, moved: false, zones: [] };
    const changed = this.#changedSince(generation, read);
    this.#sorted = undefined;
    this.#generation = generation;
    if (changed === undefined) {
      this.#readAll(read);
      return { generation, moved: true, zones: 'all' };
    }
    for (const zoneId of changed) this.#readOne(zoneId, read);
    return { generation, moved: true, zones: [...changed] };
  }

  /** Zones changed in the generations up to `generation`; undefined when that is not known any more. */
  #changedSince(generation: number, read: ReadOptions): ReadonlySet<number> | undefined {
    // A generation that went back is a restored backup: nothing known about it holds.
    if (this.#generation < 0 || generation < this.#generation || generation - this.#generation > RECENT_GENERATIONS_MAX) return undefined;
    const changed = new Set<number>();
    for (let each = this.#generation + 1; each <= generation; each++) {
      const bytes = this.#environment.db.recent.get(numberKey(each), read);
      if (bytes === undefined) return undefined;
      for (const zoneId of decodeJson(bytes, 'changed zones', isArrayOf(isNumber))) changed.add(zoneId);
    }
    return changed;
  }

  #readAll(read: ReadOptions): void {
    this.#byId.clear();
    this.#byApex.clear();
    for (const { value } of this.#environment.db.zones.getRange({ ...read })) this.#set(decodeJson(value, 'a zone record', isZoneRecord));
  }

  #readOne(zoneId: number, read: ReadOptions): void {
    const known = this.#byId.get(zoneId);
    this.#byId.delete(zoneId);
    // A zone removed and made again has another id, and may have been read first.
    if (known !== undefined && this.#byApex.get(known.apexKey) === known) this.#byApex.delete(known.apexKey);
    const bytes = this.#environment.db.zones.get(zoneKey(zoneId), read);
    if (bytes !== undefined) this.#set(decodeJson(bytes, 'a zone record', isZoneRecord));
  }

  #set(record: ZoneRecord): void {
    const apex = nameOf(record.name);
    const zone: StoredZone = { record, apex, apexKey: ownerKey(apex) };
    assert(!this.#byApex.has(zone.apexKey) || this.#byApex.get(zone.apexKey)!.record.id !== record.id, 'a zone read twice');
    this.#byId.set(record.id, zone);
    this.#byApex.set(zone.apexKey, zone);
  }
}
