/**
 * The index of names and contents of all zones, in memory, made from the store and following it. A large zone has a
 * part of its own, the small ones share one. What has changed since a part was made stands beside it, until that is
 * much and the part is made again. It leaves out nothing: what is not indexed yet is looked at name by name.
 * Not here: the process that it is in (index-child.ts), answers (find.ts), what a part is (part.ts).
 */
import {
  SEARCH_CHANGED_NAMES_MIN,
  SEARCH_CHANGED_NAMES_SHARE,
  SEARCH_INDEX_BYTES_MAX,
  SEARCH_OWN_INDEX_NAMES,
} from '#base/limits/search.ts';
import { type OwnerKey, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { readAliases } from '#store/alias/aliases.ts';
import { type ChangedZone } from '#store/recent.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Alias, aliasKey } from '#zone/alias/alias.ts';
import { changedOwners } from './changed-owners.ts';
import { textOfNode } from './node-text.ts';
import { EMPTY_PART, type Part, PartBuilder, newListPlaces } from './part.ts';

/** A zone as the index has it. A zone that is indexed from the start again is another object. */
export interface IndexedZone {
  readonly id: number;
  readonly apexKey: OwnerKey;
  /** Absent: it is not indexed. */
  part?: Part;
  serial: number;
  revision: number;
  /** Of names that have changed since the part was made. */
  readonly texts: Map<OwnerKey, string>;
  /** Such names that were not read yet. */
  readonly unread: Set<OwnerKey>;
  /** Its ALIAS records, which are no records of the zone, with their texts: no part has them. */
  aliases: ReadonlyMap<OwnerKey, string>;
}

/** A part that is being made. */
interface Build {
  readonly builder: PartBuilder;
  readonly zones: readonly IndexedZone[];
  /** Of one zone. */
  readonly isOwn: boolean;
  /** The zone that is read, and its last name that was. */
  at: number;
  last: OwnerKey | undefined;
  /** What has changed in its zones since it began. */
  readonly changed: Map<IndexedZone, Set<OwnerKey>>;
}

export interface ContentIndexState {
  readonly generation: number;
  /** Names in parts of the index. */
  readonly names: number;
  /** Names that have changed since. */
  readonly changed: number;
  /** Zones, and the names that they have, that are not indexed. */
  readonly zonesLeft: number;
  readonly namesLeft: number;
  readonly bytes: number;
  /** It has as many octets as it may. */
  readonly isFull: boolean;
}

export interface ContentIndexLimits {
  readonly ownNames?: number;
  readonly changedNamesMin?: number;
  readonly bytesMax?: number;
}

export class ContentIndex {
  readonly reader: StoreReader;
  readonly #limits: Required<ContentIndexLimits>;
  /** By id. */
  readonly zones = new Map<number, IndexedZone>();
  /** Those without a part. */
  readonly unindexed = new Set<IndexedZone>();
  /** Those with names that have changed since, or with ALIAS records. */
  readonly touched = new Set<IndexedZone>();
  /** Of large zones. */
  readonly #own = new Set<Part>();
  #shared = EMPTY_PART;
  /** Octets of all parts. */
  #bytes = 0;
  #build: Build | undefined;
  readonly #places = newListPlaces();
  #isFull = false;
  /** Rises with everything that may change an answer. */
  version = 0;

  constructor(reader: StoreReader, limits: ContentIndexLimits = {}) {
    this.reader = reader;
    this.#limits = {
      ownNames: SEARCH_OWN_INDEX_NAMES,
      changedNamesMin: SEARCH_CHANGED_NAMES_MIN,
      bytesMax: SEARCH_INDEX_BYTES_MAX,
      ...limits,
    };
    this.#beginAnew();
  }

  /** The part that small zones share. */
  get shared(): Part {
    return this.#shared;
  }

  /** All parts. */
  get parts(): readonly Part[] {
    return [this.#shared, ...this.#own];
  }

  state(): ContentIndexState {
    return {
      generation: this.reader.generation(),
      names: sumOf(this.parts, ({ names }) => names),
      changed: sumOf([...this.touched], ({ texts, unread }) => texts.size + unread.size),
      zonesLeft: this.unindexed.size,
      namesLeft: sumOf([...this.unindexed], ({ id }) => this.#namesIn(id)),
      bytes: this.#bytes,
      isFull: this.#isFull,
    };
  }

  /** Moves to the store's newest state. What has changed is noted, and read later. */
  follow(): void {
    const { moved, zones, changes } = this.reader.refresh();
    if (!moved) return;
    this.version++;
    if (zones === 'all') return this.#beginAnew();
    const alike = new Map(changes.map((change) => [change.zoneId, change]));
    for (const id of zones) {
      const known = this.zones.get(id);
      const record = this.reader.zoneById(id);
      const change = alike.get(id);
      if (known !== undefined && record !== undefined && change !== undefined) this.#note(known, record, change);
      else this.#replace(id);
    }
  }

  /** Zones whose ALIAS records may have changed: no record of the zone need have. */
  noteAliases(zoneIds: readonly number[]): void {
    for (const id of zoneIds) {
      const zone = this.zones.get(id);
      // Of one that is not indexed they are read with it.
      if (zone?.part === undefined) continue;
      this.version++;
      this.#readAliases(zone);
    }
  }

  /** Reads and indexes what is not, until `isOver`; false when nothing is left to do. */
  work(isOver: () => boolean): boolean {
    for (const zone of this.touched) if (!this.#readChanged(zone, isOver)) return true;
    this.#build ??= this.#nextBuild();
    const build = this.#build;
    if (build === undefined) return false;
    if (!this.#continue(build, isOver)) return true;
    this.#build = undefined;
    this.#settle(build);
    return true;
  }

  #beginAnew(): void {
    this.#build?.builder.drop();
    this.#build = undefined;
    for (const all of [this.zones, this.unindexed, this.touched, this.#own]) all.clear();
    this.#shared = EMPTY_PART;
    [this.#bytes, this.#isFull] = [0, false];
    for (const { record, apexKey } of this.reader.storedZones()) this.#add(record, apexKey);
  }

  #add({ id, serial, revision }: ZoneRecord, apexKey: OwnerKey): void {
    const state = { texts: new Map(), unread: new Set<OwnerKey>(), aliases: new Map() };
    const zone: IndexedZone = { id, apexKey, serial, revision, ...state };
    this.zones.set(id, zone);
    this.unindexed.add(zone);
  }

  /** What is known of a zone does not hold any more. */
  #replace(id: number): void {
    const known = this.zones.get(id);
    if (known !== undefined) {
      this.zones.delete(id);
      this.unindexed.delete(known);
      this.touched.delete(known);
      this.#dropOwn(known.part);
    }
    const record = this.reader.zoneById(id);
    if (record !== undefined) this.#add(record, ownerKey(nameOf(record.name)));
  }

  #dropOwn(part: Part | undefined): void {
    if (part !== undefined && this.#own.delete(part)) this.#bytes -= part.bytes;
  }

  #note(zone: IndexedZone, record: ZoneRecord, { keys }: ChangedZone): void {
    // Of a signed zone, the keys are also those of signatures alone.
    const told = keys === 'all' || record.dnssec === 'on' ? changedOwners(this.reader, record, zone) : undefined;
    const changed = told ?? (keys === 'all' ? undefined : keys);
    if (changed === undefined) return this.#replace(zone.id);
    [zone.serial, zone.revision] = [record.serial, record.revision];
    const since = this.#build?.changed.get(zone);
    for (const key of changed) {
      since?.add(key);
      if (zone.part !== undefined) zone.unread.add(key);
    }
    if (zone.unread.size > 0) this.touched.add(zone);
  }

  /** False when there was not enough time. */
  #readChanged({ id, unread, texts }: IndexedZone, isOver: () => boolean): boolean {
    if (unread.size === 0) return true;
    const record = this.reader.zoneById(id);
    const view = record === undefined ? undefined : this.reader.view(record);
    for (const key of unread) {
      if (isOver()) return false;
      const node = view?.node(key);
      unread.delete(key);
      if (node === undefined || node.rrsets.length === 0) texts.delete(key);
      else texts.set(key, textOfNode(node));
      this.version++;
    }
    return true;
  }

  #readAliases(zone: IndexedZone): void {
    zone.aliases = new Map(readAliases(this.reader, zone.id).map((alias) => [aliasKey(alias), textOfAlias(alias)]));
    if (zone.aliases.size > 0) this.touched.add(zone);
  }

  // --- parts ---

  /** What to make next; undefined: nothing. Zones that came are read as changed names while these are few. */
  #nextBuild(): Build | undefined {
    for (const zone of this.#outgrown()) {
      if (!this.#isFull) return this.#begin([zone], true);
      this.#replace(zone.id);
    }
    const small = this.#smallLeft();
    const shared = [...this.touched].filter(({ part }) => part === this.#shared);
    const changed = sumOf(shared, ({ texts }) => texts.size);
    const isWornOut = this.#isWornOut(this.#shared, changed + sumOf(small, ({ id }) => this.#namesIn(id)));
    if (!isWornOut) for (const zone of small) this.#take(zone);
    else if (!this.#isFull) return this.#begin(this.#smallZones(), false);
    else if (this.#isWornOut(this.#shared, changed)) for (const { id } of shared) this.#replace(id);
    return undefined;
  }

  /** Zones that are to have a part of their own, or have one that much has changed of. */
  *#outgrown(): Generator<IndexedZone> {
    if (!this.#isFull) for (const zone of this.unindexed) if (this.#isLarge(zone)) yield zone;
    for (const zone of this.touched) {
      const { part, texts } = zone;
      if (part === this.#shared ? texts.size > this.#limits.ownNames : this.#isWornOut(part!, texts.size)) yield zone;
    }
  }

  #smallLeft(): readonly IndexedZone[] {
    return [...this.unindexed].filter((zone) => !this.#isLarge(zone));
  }

  #isLarge({ id }: IndexedZone): boolean {
    return this.#namesIn(id) > this.#limits.ownNames;
  }

  #namesIn(id: number): number {
    return this.reader.zoneById(id)?.nodeCount ?? 0;
  }

  #isWornOut({ names }: Part, changed: number): boolean {
    return changed > Math.max(this.#limits.changedNamesMin, names * SEARCH_CHANGED_NAMES_SHARE);
  }

  /** Those that share a part, or will, in their order. */
  #smallZones(): readonly IndexedZone[] {
    return this.reader.storedZones().flatMap(({ record }) => {
      const zone = this.zones.get(record.id);
      if (zone === undefined) return [];
      return zone.part === this.#shared || (zone.part === undefined && !this.#isLarge(zone)) ? [zone] : [];
    });
  }

  #begin(zones: readonly IndexedZone[], isOwn: boolean): Build {
    const changed = new Map(zones.map((zone) => [zone, new Set<OwnerKey>()]));
    return { builder: new PartBuilder(this.#places), zones, isOwn, at: 0, last: undefined, changed };
  }

  /** Into the shared part, with all its names as changed ones. */
  #take(zone: IndexedZone): void {
    this.unindexed.delete(zone);
    zone.part = this.#shared;
    for (const node of this.#namesOf(zone)) zone.texts.set(node.key, textOfNode(node));
    if (zone.texts.size > 0) this.touched.add(zone);
    this.#readAliases(zone);
    this.version++;
  }

  *#namesOf({ id, apexKey }: IndexedZone, last?: OwnerKey) {
    const record = this.reader.zoneById(id);
    if (record === undefined) return;
    for (const node of this.reader.view(record).ascend(last ?? apexKey))
      if (node.key !== last && node.rrsets.length > 0) yield node;
  }

  /** True when all was read, or there is no memory for more. */
  #continue(build: Build, isOver: () => boolean): boolean {
    const { builder, zones } = build;
    for (; build.at < zones.length; build.at++, build.last = undefined) {
      const zone = zones[build.at]!;
      if (this.zones.get(zone.id) !== zone) continue;
      for (const { key, owner, rrsets } of this.#namesOf(zone, build.last)) {
        builder.add(zone.id, key, textOfNode({ owner, rrsets }), rrsets);
        build.last = key;
        this.#isFull ||= this.#bytes + builder.bytes > this.#limits.bytesMax;
        if (this.#isFull) return true;
        if (isOver()) return false;
      }
    }
    return true;
  }

  /** The part is the one of its zones from now on, but of those that were replaced meanwhile. */
  #settle({ builder, zones, isOwn, changed }: Build): void {
    this.version++;
    // What was there stays; those without a part are looked at name by name.
    if (this.#isFull) return builder.drop();
    const part = builder.finish();
    for (const zone of zones) {
      if (this.zones.get(zone.id) !== zone) continue;
      this.#dropOwn(zone.part);
      zone.part = part;
      if (isOwn) this.#own.add(part);
      this.unindexed.delete(zone);
      zone.texts.clear();
      zone.unread.clear();
      for (const key of changed.get(zone)!) zone.unread.add(key);
      if (zone.unread.size > 0) this.touched.add(zone);
      else this.touched.delete(zone);
      this.#readAliases(zone);
    }
    if (!isOwn) {
      this.#bytes -= this.#shared.bytes;
      this.#shared = part;
    }
    if (!isOwn || this.#own.has(part)) this.#bytes += part.bytes;
  }
}

function sumOf<T>(list: readonly T[], of: (each: T) => number): number {
  return list.reduce((sum, each) => sum + of(each), 0);
}

/** Of its owner and its target. */
function textOfAlias({ owner, target }: Alias): string {
  const rdatas = [nameOf(target)];
  return textOfNode({
    owner: nameOf(owner),
    rrsets: [{ type: TYPE.ALIAS, ttl: 0, rdatas, signatures: [], manager: 'manual' }],
  });
}
