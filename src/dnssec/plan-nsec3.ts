/**
 * The NSEC3 chain of a zone as it will be: which NSEC3 RRsets come, go or change with the names that a change touches.
 * Implements: RFC 5155 §7.1 (one for every name with authoritative data, every delegation and every empty non-terminal:
 * no opt-out), §3.1.7 (the last points to the first), RFC 9077 §3 (TTL), RFC 9276 §3.1.
 * Not here: hashes and RDATA (dns/nsec3.ts), the NSEC chain (plan-chain.ts), names and their types (plan.ts).
 *
 * A plan reads the NSEC3 of the names that it touches and their neighbours in the order of hashes, as with NSEC.
 */
import { assert } from '#base/assert.ts';
import { equalBytes } from '#base/bytes.ts';
import { NSEC3_LOOKUPS_MAX } from '#base/limits/dnssec.ts';
import { type Name, type OwnerKey, compareKeys, ownerKey } from '#dns/name.ts';
import { type Nsec3Parameters, hashName, hashOfOwner, hashedOwner, nsec3Fields, nsec3Rdata } from '#dns/nsec3.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { NODE_FLAG, isSignedType } from '#zone/node-flags.ts';
import { firstAtOrAfter, overlayTree } from '#zone/overlay.ts';
import { type NodeRrset, type NodeTree, type ZoneNode, rrsetOf } from '#zone/view.ts';
import { encodeTypeBitmap } from './denial.ts';
import { dnssecRrset } from './plan-records.ts';
import { type PlanSigner } from './plan-signer.ts';

/** A name that a change touches. */
export interface TouchedName {
  readonly owner: Name;
  /** It had an NSEC3 before. */
  readonly was: boolean;
  /** What its NSEC3 lists afterwards; undefined: it has none. */
  readonly types: readonly RrType[] | undefined;
}

export interface HashedPlanOptions {
  readonly apex: Name;
  /** NSEC3 nodes as they are. */
  readonly base: NodeTree;
  /** How names are hashed from now on; undefined: the zone has no NSEC3 afterwards. */
  readonly parameters: Nsec3Parameters | undefined;
  /** The chain is made anew, or goes: nothing of `base` stays. Then every name is touched. */
  readonly isAnew: boolean;
  readonly ttl: number;
  readonly touched: readonly TouchedName[];
  /** Keys of NSEC3 nodes whose signatures are renewed. */
  readonly due: readonly OwnerKey[];
  readonly signer: PlanSigner | undefined;
  readonly hash?: typeof hashName | undefined;
}

export interface HashedPlan {
  /** In the order of their hashes; null: delete. */
  readonly nodes: ReadonlyMap<OwnerKey, ZoneNode | null>;
  /** Two names with one hash: no chain can be made (RFC 5155 §7.1). */
  readonly collision?: Name;
}

/** An NSEC3 in the making. */
interface Draft {
  readonly owner: Name;
  /** Undefined: it goes. */
  bitmap: Uint8Array | undefined;
}

export function planHashed(options: HashedPlanOptions): HashedPlan {
  const { apex, base, parameters, isAnew } = options;
  if (parameters === undefined) return { nodes: isAnew ? allGone(base, ownerKey(apex)) : new Map() };
  const before = isAnew ? EMPTY : base;
  const drafted = draftNames(options, parameters, before);
  if ('collision' in drafted) return { nodes: new Map(), collision: drafted.collision };
  const { drafts } = drafted;
  const successors = link(drafts, before, ownerKey(apex));
  const due = isAnew ? [] : options.due;
  for (const key of [...successors.keys(), ...due]) if (!drafts.has(key)) drafts.set(key, unchangedDraft(before, key));

  const nodes = new Map<OwnerKey, ZoneNode | null>(isAnew ? allGone(base, ownerKey(apex)) : []);
  for (const [key, { owner, bitmap }] of drafts) {
    const old = base.node(key);
    if (bitmap === undefined) {
      nodes.set(key, null);
      continue;
    }
    const next = successors.get(key) ?? nsec3Fields(rrsetOf(before.node(key), TYPE.NSEC3)!.rdatas[0]!).nextHash;
    const rrset = dnssecRrset(TYPE.NSEC3, options.ttl, [nsec3Rdata(parameters, 0, next, bitmap)]);
    const oldRrset = rrsetOf(old, TYPE.NSEC3);
    const kept = options.signer?.kept(rrset, oldRrset);
    if (kept !== undefined && kept === oldRrset) nodes.delete(key);
    else nodes.set(key, { key, owner, rrsets: [kept ?? options.signer?.pending(owner, key, rrset) ?? rrset] });
  }
  return { nodes: new Map([...nodes].toSorted(([a], [b]) => compareKeys(a, b))) };
}

const EMPTY: NodeTree = { node: () => undefined, ascend: () => [], descend: () => [] };

function allGone(base: NodeTree, apexKey: OwnerKey): Map<OwnerKey, null> {
  return new Map([...base.ascend(apexKey)].map(({ key }) => [key, null]));
}

/** The NSEC3 of the touched names, by key; those that stay without are not among them. */
function draftNames(
  { apex, touched, hash = hashName }: HashedPlanOptions,
  parameters: Nsec3Parameters,
  before: NodeTree,
): { readonly drafts: Map<OwnerKey, Draft> } | { readonly collision: Name } {
  const drafts = new Map<OwnerKey, Draft>();
  const taken = new Set<OwnerKey>();
  const apexKey = ownerKey(apex);
  for (const { owner: name, was, types } of touched) {
    if (!was && types === undefined) continue;
    const owner = hashedOwner(hash(parameters, name), apex);
    const key = hashedKey(owner, apexKey);
    if (taken.has(key)) return { collision: name };
    taken.add(key);
    // RFC 5155 §7.1: whose is the NSEC3 that is there already?
    if (!was && before.node(key) !== undefined) return { collision: name };
    drafts.set(key, { owner, bitmap: types === undefined ? undefined : encodeTypeBitmap(types) });
  }
  return { drafts };
}

/** `ownerKey`, without a look at the labels that are the apex'. */
function hashedKey(owner: Name, apexKey: OwnerKey): OwnerKey {
  return `${apexKey}${Buffer.from(owner.buffer, owner.byteOffset + 1, owner[0]).toString('latin1')}\u0000`;
}

function unchangedDraft(before: NodeTree, key: OwnerKey): Draft {
  const node = before.node(key);
  assert(node !== undefined, 'an NSEC3 that is not there');
  return { owner: node.owner, bitmap: nsec3Fields(rrsetOf(node, TYPE.NSEC3)!.rdatas[0]!).bitmap };
}

/** The next hash of each NSEC3 that gets another one: those that come, and the predecessors of those that come or go. */
function link(drafts: ReadonlyMap<OwnerKey, Draft>, before: NodeTree, apexKey: OwnerKey): Map<OwnerKey, Uint8Array> {
  const moved = [...drafts].filter(([key, { bitmap }]) => (bitmap === undefined) !== (before.node(key) === undefined));
  const coming = moved.filter(([, { bitmap }]) => bitmap !== undefined).map(([key]) => key);
  const edits = new Map(
    moved.map(([key, { owner, bitmap }]) => [key, bitmap === undefined ? null : { key, owner, rrsets: [] }]),
  );
  const chain = neighboursIn(overlayTree(before, edits), apexKey, moved.length);
  const stale = new Set(coming);
  for (const [key] of moved) {
    const previous = chain.previous(key);
    if (previous !== undefined) stale.add(previous);
  }
  return new Map([...stale].map((key) => [key, chain.nextHash(key)]));
}

interface Neighbours {
  /** The key before this one in the circle; undefined when there is no other. */
  previous(key: OwnerKey): OwnerKey | undefined;
  nextHash(key: OwnerKey): Uint8Array;
}

/** For few names by look-ups, for many in one walk. */
function neighboursIn(chain: NodeTree, apexKey: OwnerKey, count: number): Neighbours {
  const hashOf = ({ owner }: ZoneNode): Uint8Array => {
    const hash = hashOfOwner(owner);
    assert(hash !== undefined, 'a hashed owner name without a hash');
    return hash;
  };
  if (count > NSEC3_LOOKUPS_MAX) {
    const nodes = [...chain.ascend(apexKey)];
    const keys = nodes.map(({ key }) => key);
    return {
      previous: (key) => (keys.length === 0 ? undefined : keys.at(firstAtOrAfter(keys, key) - 1)),
      nextHash(key) {
        const at = firstAtOrAfter(keys, key);
        return hashOf(nodes[(keys[at] === key ? at + 1 : at) % nodes.length]!);
      },
    };
  }
  const first = (nodes: Iterable<ZoneNode>, butNot: OwnerKey): ZoneNode | undefined => {
    for (const node of nodes) if (node.key !== butNot) return node;
    return undefined;
  };
  // Behind every digit.
  const end = `${apexKey}~`;
  return {
    previous: (key) => (first(chain.descend(key), key) ?? first(chain.descend(end), ''))?.key,
    nextHash: (key) => hashOf((first(chain.ascend(key), key) ?? first(chain.ascend(apexKey), ''))!),
  };
}

/** RFC 5155 §7.1: all types at an authoritative name, none at an empty non-terminal; NS and DS at a cut; RRSIG where there is one. */
export function nsec3Types(rrsets: readonly NodeRrset[], flags: number): readonly RrType[] {
  const isCut = (flags & NODE_FLAG.CUT) !== 0;
  const types = rrsets.map(({ type }) => type).filter((type) => !isCut || type === TYPE.NS || type === TYPE.DS);
  return types.some((type) => isSignedType(flags, type)) ? [...types, TYPE.RRSIG] : types;
}

/** RFC 5155 §4: the same way to hash. */
export function sameParameters(a: Nsec3Parameters | undefined, b: Nsec3Parameters | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.iterations === b.iterations && equalBytes(a.salt, b.salt);
}
