/**
 * One name in the zones served here: the way down from the apex, label by label, to the node that decides.
 * Implements: RFC 6672 §3.2 steps 2 and 3, RFC 4592 §3.3 (closest encloser, source of synthesis), RFC 4035 §3.1.4.1 (DS at the parent).
 * Not here: what is written for what is found (answer/respond.ts). The way ends at the first missing label, so a long name costs no more
 * than the zone is deep.
 */
import { TYPE, type RrType } from '#dns/types.ts';
import { NODE, findEntry, nodeFlags } from '#store/node-codec.ts';
import { KeyBuffer } from './owner-key.ts';
import { type AnswerSource } from './source.ts';
import { ZoneIndex } from './zone-index.ts';

/** What `Finder.find` came to. */
export const FOUND = {
  /** No zone here is at or above the name. */
  NO_ZONE: 0,
  /** The zone has no SOA: nothing can be said about it. */
  BROKEN: 1,
  /** `node` is the name itself. */
  EXACT: 2,
  /** `node` is a delegation point at or above the name. */
  REFERRAL: 3,
  /** `node` owns a DNAME above the name. */
  DNAME: 4,
  /** `node` is the wildcard below the closest encloser. */
  WILDCARD: 5,
  /** Neither the name nor a wildcard for it exists. */
  NOTHING: 6,
} as const;

const NO_NODE = new Uint8Array(0);

export class Finder {
  readonly #source: AnswerSource;
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

  constructor(source: AnswerSource) {
    this.#source = source;
    this.zones = new ZoneIndex(source.storedZones());
  }

  /** Takes over the source's zones after it was refreshed. */
  refresh(): void {
    const zones = this.#source.storedZones();
    if (!this.zones.isOf(zones)) this.zones = new ZoneIndex(zones);
  }

  /** Looks for the name at `wire[offset]`; returns one of FOUND. */
  find(wire: Uint8Array, offset: number, type: RrType): number {
    const { key, zones } = this;
    key.set(wire, offset);
    zones.find(key);
    this.zone = zones.deepest;
    if (this.zone < 0) return FOUND.NO_ZONE;
    // RFC 4035 §3.1.4.1: DS belongs to the parent side of a cut.
    if (type === TYPE.DS && zones.depths[this.zone] === key.labels && zones.above >= 0) this.zone = zones.above;
    const apexDepth = zones.depths[this.zone]!;
    for (let depth = apexDepth; depth <= key.labels; depth++) {
      const node = this.#node(key, key.ends[depth]!);
      if (depth === apexDepth && (node === undefined || findEntry(node, TYPE.SOA) < 0)) return FOUND.BROKEN;
      if (node === undefined) return this.#findWildcard(depth - 1);
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
    if (this.zone < 0) return undefined;
    const node = this.#node(key, key.length);
    if (node === undefined) return undefined;
    const flags = nodeFlags(node);
    if ((flags & (NODE.CUT | NODE.BELOW)) === 0) return node;
    if (!isGlueWelcome) return undefined;
    this.isGlue = true;
    if ((flags & NODE.BELOW) === 0) return node;
    // What a DNAME hides is no glue: whichever comes first on the way down decides.
    for (let depth = zones.depths[this.zone]!; depth < key.labels; depth++) {
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
    return this.#node(this.key, this.key.length);
  }

  /** The apex of zone number `zone`, which is at or above the name of `key`. */
  apexAt(zone: number): Uint8Array | undefined {
    this.zone = zone;
    return this.#node(this.key, this.key.ends[this.zones.depths[zone]!]!);
  }

  /** The node of zone number `zone` whose NSEC matches or covers `key`. */
  nsecAt(zone: number, key: KeyBuffer): Uint8Array | undefined {
    return this.#source.nsecAtOrBefore(this.zones.ids[zone]!, key.octets, key.length);
  }

  #node(key: KeyBuffer, keyLength: number): Uint8Array | undefined {
    return this.#source.nodeBytes(this.zones.ids[this.zone]!, key.octets, keyLength);
  }
}
