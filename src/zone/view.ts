/**
 * How the pure folders see a zone, wherever it is kept: in memory (zone.ts), in LMDB (store/), or as an edit on top of
 * either (overlay.ts). Nodes are found by canonical key, so the closest encloser, the wildcard and the NSEC predecessor
 * are look-ups.
 */
import { type Name, type OwnerKey } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';

/** Who may change an RRset (docs/architecture.md, "one funnel"); `update:<key>` and others come with their issues. */
export type Manager = 'manual' | 'dnssec' | 'mail' | 'acme' | 'delegation' | 'catalog' | 'alias';

/** One RRset at a node; its owner is the node's. RRSIGs are never RRsets of their own: they travel with what they sign. */
export interface NodeRrset {
  readonly type: RrType;
  readonly ttl: number;
  /** Uncompressed wire form, canonical order, at least one. */
  readonly rdatas: readonly Uint8Array[];
  /** RDATA of the RRSIGs over it, none when unsigned. */
  readonly signatures: readonly Uint8Array[];
  readonly manager: Manager;
}

/** A name that exists: it owns records, or something below it does (then `rrsets` is empty: an empty non-terminal, RFC 4592 §2.2.2). */
export interface ZoneNode {
  readonly key: OwnerKey;
  /** As first written, case kept. */
  readonly owner: Name;
  /** By ascending type, each type once. */
  readonly rrsets: readonly NodeRrset[];
}

/** Nodes, found by key. */
export interface NodeTree {
  /** The node with exactly this key, empty non-terminals included; undefined when the name does not exist. */
  node(key: OwnerKey): ZoneNode | undefined;
  /** Nodes with key ≥ `from` in canonical order, to the end of the zone. */
  ascend(from: OwnerKey): Iterable<ZoneNode>;
  /** Nodes with key ≤ `from` in descending canonical order, down to the apex. */
  descend(from: OwnerKey): Iterable<ZoneNode>;
}

export interface ZoneView extends NodeTree {
  readonly apex: Name;
  readonly apexKey: OwnerKey;
  /**
   * NSEC3 RRsets, each a node of its own under its hashed owner name (RFC 5155 §3). Those are no names of the zone
   * (§7.2.8): none of them is among the zone's nodes, though a name of the zone may be spelled like one.
   */
  readonly hashed: NodeTree;
}

/** A zone that stays as it is while its reader moves on. */
export interface HeldView {
  readonly view: ZoneView;
  /** The view is not to be used any more. A second call has no effect. */
  readonly release: () => void;
}

/** The RRset of `type` at `node`. */
export function rrsetOf(node: ZoneNode | undefined, type: RrType): NodeRrset | undefined {
  return node?.rrsets.find((rrset) => rrset.type === type);
}

const ALWAYS_MANAGED: readonly RrType[] = [TYPE.RRSIG, TYPE.NSEC, TYPE.NSEC3, TYPE.NSEC3PARAM];
const MANAGED_AT_SIGNED_APEX: readonly RrType[] = [TYPE.CDS, TYPE.CDNSKEY];

/**
 * True for types that only the signer may write in a zone that waxseal signs, or does not sign. CDS and CDNSKEY are its
 * own at the apex only: elsewhere they are signals about other zones (RFC 9615 §4.1).
 */
export function isSignerType(type: RrType, signed: boolean, isApex: boolean): boolean {
  if (ALWAYS_MANAGED.includes(type)) return true;
  return signed && (type === TYPE.DNSKEY || (isApex && MANAGED_AT_SIGNED_APEX.includes(type)));
}
