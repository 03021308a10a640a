/**
 * One name in the zones served here: the node that decides about it, by one search where the zone's names are in memory, else on the way
 * down from the apex, label by label. Whatever is looked at is noted as what the answer depends on.
 * Implements: RFC 6672 §3.2 steps 2 and 3, RFC 4592 §3.3 (closest encloser, source of synthesis), RFC 4035 §3.1.4.1 (DS at the parent).
 * The way down ends at the first missing label, so a long name costs no more than the zone is deep.
 * Not here: what is written for what is found (answer/respond.ts), the names in memory (negative.ts).
 */
import { assert } from '#base/assert.ts';
import { fromLatin1 } from '#base/bytes.ts';
import { NEGATIVE_STEPS_MAX } from '#base/limits/answer.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { NODE, OWNER_OFFSET, findEntry, nodeFlags } from '#store/node-codec.ts';
import { type Dependencies } from './dependencies.ts';
import { FOUND } from './found.ts';
import { HashedNames } from './hashed-names.ts';
import { HIDDEN, ListSearch } from './list-search.ts';
import { NegativeIndex, type NegativeLimits } from './negative.ts';
import { KEY_BYTES_MAX, KeyBuffer, hashKey, wildcardHash } from './owner-key.ts';
import { HAS_WILDCARD, type SortedKeys } from './sorted-keys.ts';
import { type AnswerSource, type AnswerZone, type SourceChanges } from './source.ts';
import { ZoneIndex } from './zone-index.ts';

const NO_NODE = new Uint8Array(0);
/** What is remembered of an apex beside its flags: that it is known, and that there is a SOA. */
const SHAPE_KNOWN = 256;
const SHAPE_SOA = 512;

export class Finder {
  readonly #source: AnswerSource;
  readonly #dependencies: Dependencies;
  readonly #index: NegativeIndex;
  /** NSEC3 records of the zones that have them. */
  readonly hashed: HashedNames;
  zones: ZoneIndex;
  /** The key of the name asked for. */
  readonly key = new KeyBuffer();
  /** The key of the source of synthesis, after WILDCARD and NOTHING. */
  readonly wildcard = new KeyBuffer();
  /** Number of the zone in `zones`. */
  zone = -1;
  /** Labels of `node`'s name, or of the closest encloser's after WILDCARD and NOTHING. */
  depth = 0;
  /** Good until the source is asked again. */
  node: Uint8Array = NO_NODE;
  /** The zone's names after `locate`, where they are in memory; then `place` is the number of the node of `depth`. */
  list: SortedKeys | undefined;
  place = 0;
  readonly #search = new ListSearch();
  /** The name looked for last does not exist. */
  #isNothing = false;
  /** What is known of the apexes (flags and SHAPE), as of when it was used: everything in a zone depends on that, and on no more of the apex. */
  #shapes = new Uint16Array(0);
  #zonesTaken: readonly AnswerZone[] = [];
  readonly #nsecKey = new Uint8Array(KEY_BYTES_MAX);
  readonly #nsecOwner = new KeyBuffer();

  constructor(source: AnswerSource, dependencies: Dependencies, limits?: NegativeLimits) {
    this.#source = source;
    this.#dependencies = dependencies;
    this.#index = new NegativeIndex(source, limits);
    this.hashed = new HashedNames(source, dependencies, limits);
    this.zones = new ZoneIndex([]);
    this.#takeZones([]);
  }

  /** Follows the source to its newest state. */
  refresh({ zones, changes }: SourceChanges): void {
    if (zones.length === 0) return;
    const dependencies = this.#dependencies;
    dependencies.nextEpoch();
    if (zones === 'all') {
      dependencies.everythingChanged();
      this.#takeZones([]);
      return;
    }
    if (zones.length > changes.length) this.#moveZones(zones.filter((id) => !changes.some(({ zoneId }) => zoneId === id)));
    for (const change of changes) {
      const { zoneId, keys } = change;
      if (keys === 'all') dependencies.zoneChanged(zoneId);
      else for (const key of keys) dependencies.nodeChanged(zoneId, hashKey(fromLatin1(key)));
      if (!this.#followApex(zoneId)) continue;
      this.#index.follow(change);
      this.hashed.index.follow(change);
    }
  }

  /** Zones `moved` came, went, or are signed now and were not. Names in one that came were in a zone above it, or in none. */
  #moveZones(moved: readonly number[]): void {
    const dependencies = this.#dependencies;
    const before = this.#zonesTaken;
    const known = before.filter(({ record }) => !moved.includes(record.id));
    for (const id of moved) dependencies.zoneChanged(id);
    dependencies.outsideChanged();
    this.#takeZones(known.map(({ record }) => record.id));
    for (const { record, apexKey } of this.#zonesTaken) {
      if (!moved.includes(record.id)) continue;
      for (const above of before) if (apexKey.startsWith(above.apexKey)) dependencies.zoneChanged(above.record.id);
    }
  }

  /** False when the apex has changed, and with it everything in the zone. */
  #followApex(zoneId: number): boolean {
    const { zones } = this;
    const zone = zones.ids.indexOf(zoneId);
    if (zone < 0 || this.#shapes[zone] === 0) return true;
    const apexKey = zones.apexKeys[zone]!;
    const apex = this.#source.nodeBytes(zoneId, apexKey, apexKey.length);
    const shape = shapeOf(apex);
    const isHashedAnew = this.hashed.noteApex(zone, apex);
    if (shape === this.#shapes[zone] && !isHashedAnew) return true;
    this.#shapes[zone] = shape;
    this.#dependencies.zoneChanged(zoneId);
    this.#index.drop(zoneId);
    this.hashed.index.drop(zoneId);
    return false;
  }

  /** Takes over the source's zones; of those with the ids `kept`, what is known holds. */
  #takeZones(kept: readonly number[]): void {
    // RFC 9432 §6: a catalog is for the servers that follow it. They ask by transfer (transfer/answers.ts).
    const zones = this.#source.storedZones().filter(({ record }) => record.isCatalog !== true);
    const shapes = new Uint16Array(zones.length);
    const numbers = new Map(this.zones.ids.map((id, number) => [id, number]));
    const isKept = new Set(kept);
    for (const [number, { record }] of zones.entries()) if (isKept.has(record.id)) shapes[number] = this.#shapes[numbers.get(record.id)!]!;
    this.#shapes = shapes;
    this.#zonesTaken = zones;
    this.zones = new ZoneIndex(zones);
    this.#index.setZones(zones, isKept);
    this.hashed.setZones(zones, isKept, numbers);
  }

  /** Names are waiting to be read into memory: `work` reads some. */
  get isBusy(): boolean {
    return this.#index.isBusy || this.hashed.index.isBusy;
  }

  work(): void {
    if (this.#index.isBusy) this.#index.work();
    else this.hashed.index.work();
  }

  /** Looks for the name at `wire[offset]`, and gets its node; returns one of FOUND. */
  find(wire: Uint8Array, offset: number, type: RrType): number {
    return this.fetch(this.locate(wire, offset, type));
  }

  /** Begins to look for the name; true when it is in a zone whose names are in memory. */
  aim(wire: Uint8Array, offset: number): boolean {
    this.key.set(wire, offset);
    this.zones.find(this.key);
    return this.zones.deepest >= 0 && this.#index.hasList(this.zones.deepest);
  }

  /** As `find` without the node, where the zone's names are in memory. `isAimed`: `aim` was called for this name. */
  locate(wire: Uint8Array, offset: number, type: RrType, isAimed = false): number {
    const { key, zones } = this;
    if (!isAimed) this.aim(wire, offset);
    this.zone = zones.deepest;
    this.list = undefined;
    if (this.zone < 0) return FOUND.NO_ZONE;
    // RFC 4035 §3.1.4.1: DS belongs to the parent side of a cut.
    if (type === TYPE.DS && zones.depths[this.zone] === key.labels) {
      if (zones.above >= 0) this.zone = zones.above;
      else this.#dependencies.addOutside();
    }
    // RFC 1034 §4.3.5: a zone that has expired is as one that was never there, to who asks here.
    if (zones.expired[this.zone] === 1) return FOUND.BROKEN;
    const apexDepth = zones.depths[this.zone]!;
    if (this.#shapes[this.zone] === 0) this.#lookAtApex(apexDepth);
    if ((this.#shapes[this.zone]! & SHAPE_SOA) === 0) return FOUND.BROKEN;
    const list = this.#index.listOf(this.zone);
    return list === undefined ? this.#walk(apexDepth, type) : this.#lookUp(list, apexDepth, type);
  }

  #lookAtApex(apexDepth: number): void {
    const apex = this.#node(this.key, this.key.ends[apexDepth]!);
    this.#shapes[this.zone] = shapeOf(apex);
    this.hashed.noteApex(this.zone, apex);
  }

  /** In memory. Both ways find the same; by the order is better where the NSEC that covers the name is wanted next. */
  #lookUp(list: SortedKeys, apexDepth: number, type: RrType): number {
    const { key, zone } = this;
    const search = this.#search;
    const isOrdered = !list.isFound || (this.#isNothing && this.zones.signed[zone]! && !this.hashed.isHashed(zone));
    const found = isOrdered ? search.search(list, key, apexDepth, type) : search.descend(list, key, apexDepth, type);
    if (found === HIDDEN) return this.#walk(apexDepth, type);
    this.#isNothing = found === FOUND.NOTHING;
    this.list = list;
    this.depth = search.depth;
    this.place = search.place;
    return found;
  }

  /** After `locate`: gets the node, where there is one, and notes what the finding depends on. */
  fetch(found: number): number {
    const { key, depth } = this;
    switch (found) {
      case FOUND.NO_ZONE:
        this.#dependencies.addOutside();
        return found;
      case FOUND.BROKEN:
        this.#dependencies.isOpen = true;
        return found;
      case FOUND.WILDCARD:
      case FOUND.NOTHING:
        // Of the apex, its shape is enough.
        if (depth > this.zones.depths[this.zone]!) this.#depend(depth);
        // Whatever is added at or below it, the next closer name exists then.
        this.#depend(depth + 1);
        this.#dependencies.add(this.zones.ids[this.zone]!, wildcardHash(key.hashOf(depth)));
        break;
      default:
        this.#depend(depth);
    }
    if (this.list === undefined) return found;
    let node: Uint8Array | undefined;
    if (found === FOUND.WILDCARD || found === FOUND.NOTHING) {
      this.wildcard.setWildcard(key, depth);
      if (found === FOUND.WILDCARD) node = this.#node(this.wildcard, this.wildcard.length);
    } else node = this.#node(key, key.ends[depth]!);
    assert(node !== undefined || found === FOUND.NOTHING, 'a name in memory is not in the store');
    this.node = node ?? NO_NODE;
    // Of a wildcard, the flags of the node above it are known. Without this, names that are another zone's by now could lead round in circles.
    if (found !== FOUND.NOTHING && found !== FOUND.WILDCARD)
      assert(nodeFlags(this.node) === (this.#search.flags & ~HAS_WILDCARD), 'a name in memory is another in the store');
    return found;
  }

  /** The way down through the store. */
  #walk(apexDepth: number, type: RrType): number {
    const { key } = this;
    for (let depth = apexDepth; depth <= key.labels; depth++) {
      const node = this.#node(key, key.ends[depth]!);
      if (node === undefined) return depth === apexDepth ? FOUND.BROKEN : this.#findWildcard(depth - 1);
      this.node = node;
      this.depth = depth;
      const flags = nodeFlags(node);
      if ((flags & NODE.CUT) !== 0 && (depth < key.labels || type !== TYPE.DS)) return FOUND.REFERRAL;
      if ((flags & NODE.DNAME) !== 0 && depth < key.labels) return FOUND.DNAME;
    }
    return FOUND.EXACT;
  }

  #findWildcard(depth: number): number {
    this.depth = depth;
    this.wildcard.setWildcard(this.key, depth);
    const node = this.#node(this.wildcard, this.wildcard.length);
    this.node = node ?? NO_NODE;
    return node === undefined ? FOUND.NOTHING : FOUND.WILDCARD;
  }

  /**
   * The node at exactly the name at `wire[offset]`, if its addresses may be added to an answer: authoritative data of the deepest zone,
   * or, when `isGlueWelcome`, glue. Sets `isGlue`.
   */
  findHost(wire: Uint8Array, offset: number, isGlueWelcome: boolean): Uint8Array | undefined {
    const { key, zones } = this;
    this.isGlue = false;
    key.set(wire, offset);
    zones.find(key);
    this.zone = zones.deepest;
    if (this.zone < 0) {
      this.#dependencies.addOutside();
      return undefined;
    }
    this.#depend(key.labels);
    const node = this.#node(key, key.length);
    if (node === undefined) return undefined;
    const flags = nodeFlags(node);
    if ((flags & (NODE.CUT | NODE.BELOW)) === 0) return node;
    if (!isGlueWelcome) return undefined;
    this.isGlue = true;
    if ((flags & NODE.BELOW) === 0) return node;
    // What a DNAME hides is no glue: whichever comes first on the way down decides.
    for (let depth = zones.depths[this.zone]!; depth < key.labels; depth++) {
      if (depth > zones.depths[this.zone]!) this.#depend(depth);
      const above = this.#node(key, key.ends[depth]!);
      if (above === undefined) return undefined;
      if ((nodeFlags(above) & NODE.CUT) !== 0) return this.#node(key, key.length);
      if ((nodeFlags(above) & NODE.DNAME) !== 0) return undefined;
    }
    return undefined;
  }

  /** Set by `findHost`: the node is at or below a cut. */
  isGlue = false;

  /** The node of zone number `zone` at exactly the name at `wire[offset]`. */
  nodeAt(zone: number, wire: Uint8Array, offset: number): Uint8Array | undefined {
    this.zone = zone;
    this.key.set(wire, offset);
    this.#depend(this.key.labels);
    return this.#node(this.key, this.key.length);
  }

  /** The apex of zone number `zone`, which is at or above the name of `key`. What it is used for depends on it, unless the caller says so. */
  apexAt(zone: number): Uint8Array | undefined {
    this.zone = zone;
    return this.#node(this.key, this.key.ends[this.zones.depths[zone]!]!);
  }

  /** The answer depends on the apex of zone number `zone`. */
  dependOnApex(zone: number): void {
    this.#dependencies.add(this.zones.ids[zone]!, this.zones.hashes[zone]!);
  }

  /**
   * Number of the node in memory whose NSEC matches or covers the name that was located, or whose NSEC3 covers the next
   * closer name; -1 when that would take long to find. `wire[offset]` is the name.
   */
  denialPlace(list: SortedKeys, wire: Uint8Array, offset: number): number {
    const { hashed, zone, key } = this;
    if (hashed.isHashed(zone)) return hashed.place(zone, wire, offset + key.starts[this.depth + 1]!);
    this.#search.toName(list, key, this.zones.depths[zone]!);
    return list.toNsec(NEGATIVE_STEPS_MAX) ? list.number : -1;
  }

  /** The node of zone number `zone` whose NSEC matches or covers `key`. */
  nsecAt(zone: number, key: KeyBuffer): Uint8Array | undefined {
    const node = this.#nsecNode(zone, key);
    if (node === undefined) this.#dependencies.isOpen = true;
    else {
      const owner = this.#nsecOwner;
      owner.set(node, OWNER_OFFSET);
      this.#dependencies.add(this.zones.ids[zone]!, owner.hashOf(owner.labels));
    }
    return node;
  }

  #nsecNode(zone: number, key: KeyBuffer): Uint8Array | undefined {
    const list = this.#index.listOf(zone);
    const apexKey = this.zones.apexKeys[zone]!;
    if (list !== undefined) {
      list.search(key.octets, apexKey.length, key.length);
      if (list.toNsec(NEGATIVE_STEPS_MAX)) {
        const full = this.#nsecKey;
        for (let at = 0; at < apexKey.length; at++) full[at] = apexKey[at]!;
        const node = this.#source.nodeBytes(this.zones.ids[zone]!, full, list.copyKey(full, apexKey.length));
        assert(node !== undefined && (nodeFlags(node) & NODE.HAS_NSEC) !== 0, 'a name in memory has an NSEC and not in the store');
        return node;
      }
    }
    return this.#source.nsecAtOrBefore(this.zones.ids[zone]!, key.octets, key.length);
  }

  /** What is found depends on the node of the present zone that is the name's ancestor with `depth` labels. */
  #depend(depth: number): void {
    this.#dependencies.add(this.zones.ids[this.zone]!, this.key.hashOf(depth));
  }

  #node(key: KeyBuffer, keyLength: number): Uint8Array | undefined {
    return this.#source.nodeBytes(this.zones.ids[this.zone]!, key.octets, keyLength);
  }
}

function shapeOf(apex: Uint8Array | undefined): number {
  if (apex === undefined) return SHAPE_KNOWN;
  return SHAPE_KNOWN | nodeFlags(apex) | (findEntry(apex, TYPE.SOA) < 0 ? 0 : SHAPE_SOA);
}
