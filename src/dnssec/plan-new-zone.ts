/**
 * The plan of a large new zone, a slice at a time in canonical order: the nodes are those of `preparePlan`, and only
 * one slice of them is in memory.
 * Implements: RFC 4035 §2.2 (RRSIG), §2.3 (NSEC), RFC 4034 §4.1.1 (the last NSEC points to the apex).
 * Not here: one node (plan-node.ts), zones with NSEC3 or ZONEMD, and every other change (plan.ts).
 */
import { assert } from '#base/assert.ts';
import { type Name, type OwnerKey, isAtOrBelow } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { serialOf, soaMinimum } from '#zone/changeset.ts';
import { NODE_FLAG, endsAuthority, isInChain, isSignedType, nodeFlags } from '#zone/node-flags.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { hasTagCollision, signingRrsets, withSerial } from './plan-apex.ts';
import { type Building, type PlannedNode, buildNode } from './plan-node.ts';
import { type PlanSigner, type SigningBatch, type SigningSettings, planSigner } from './plan-signer.ts';

/** A slice without its signatures. It is used up by `finish`. */
export interface PendingSlice {
  readonly batches: readonly SigningBatch[];
  /** The nodes with the signatures: for each batch, one for each of its data. */
  readonly finish: (signatures: readonly (readonly Uint8Array[])[]) => readonly PlannedNode[];
}

export interface NewZonePlan {
  readonly toSerial: Serial;
  readonly counts: NewZoneCounts;
  /** Read once, in order; the next slice is made when it is asked for. */
  readonly slices: Iterable<PendingSlice>;
}

/** What a new zone will have. */
export interface NewZoneCounts {
  /** Empty non-terminals included. */
  readonly nodes: number;
  readonly signatures: number;
  /** RRsets, and one more for each that is signed, as in a changeset. */
  readonly changedRrsets: number;
}

export interface NewZoneOptions {
  /** Instead of that of the SOA. */
  readonly serial?: Serial | undefined;
  readonly sliceNodes: number;
}

/**
 * Decides what becomes of the records of `view`, all of which are new. Asserts that the zone has one SOA, and NSEC or
 * no signatures.
 */
export function planNewZone(
  view: ZoneView,
  signing: SigningSettings | undefined,
  { serial, sliceNodes }: NewZoneOptions,
): NewZonePlan {
  assert(signing === undefined || (signing.keys.length > 0 && signing.published.length > 0), 'signing without a key');
  assert(signing?.nsec3 === undefined && signing?.zonemd === undefined, 'NSEC3 and ZONEMD are made of a whole zone');
  assert(!hasTagCollision(signing, undefined), 'a new key has the key tag of another key of the zone');
  const soa = rrsetOf(view.node(view.apexKey), TYPE.SOA);
  assert(soa !== undefined && soa.rdatas.length === 1, 'a zone has exactly one SOA record');
  // RFC 9077 §3: the TTL of NSEC is the lesser of the SOA's TTL and its MINIMUM.
  const nsecTtl = Math.min(soa.ttl, soaMinimum(soa.rdatas[0]!));
  const toSerial = serial ?? serialOf(view);
  const slices = makeSlices(view, signing, { nsecTtl, toSerial, sliceNodes });
  return { toSerial, counts: countNodes(view, signing), slices };
}

/** A node with what stands above it. */
interface Placed {
  readonly node: ZoneNode;
  /** Below a cut or a DNAME. */
  readonly isBelow: boolean;
}

/** The nodes in canonical order. */
function* placedNodes(view: ZoneView): Generator<Placed, void, undefined> {
  let end: OwnerKey | undefined;
  for (const node of view.ascend(view.apexKey)) {
    const isBelow = end !== undefined && isAtOrBelow(node.key, end);
    if (!isBelow) end = endsAuthority(node, view.apexKey) ? node.key : undefined;
    yield { node, isBelow };
  }
}

/** The same with the next name in the NSEC chain, for those that are in it. */
function* linkedNodes(view: ZoneView): Generator<Placed & { readonly next: Name | undefined }, void, undefined> {
  let waiting: Placed[] = [];
  for (const placed of placedNodes(view)) {
    if (isInChain(placed.isBelow ? NODE_FLAG.BELOW : 0, placed.node.rrsets.length)) {
      for (const each of waiting) yield { ...each, next: placed.node.owner };
      waiting = [];
    }
    waiting.push(placed);
  }
  for (const each of waiting) yield { ...each, next: view.apex };
}

function countNodes(view: ZoneView, signing: SigningSettings | undefined): NewZoneCounts {
  let [nodes, signatures, changedRrsets] = [0, 0, 0];
  for (const { node, isBelow } of placedNodes(view)) {
    nodes++;
    const isApex = node.key === view.apexKey;
    const own = signing === undefined || !isApex ? [] : signingRrsets(view.apex, signing, 0);
    const types = [...node.rrsets, ...own].map(({ type }) => type);
    const flags = nodeFlags(node, view.apexKey, isBelow);
    if (signing !== undefined && isInChain(flags, node.rrsets.length)) types.push(TYPE.NSEC);
    const signed = signing === undefined ? 0 : types.filter((type) => isSignedType(flags, type)).length;
    changedRrsets += types.length + signed;
    signatures += signed * (signing?.keys.length ?? 0);
  }
  return { nodes, signatures, changedRrsets };
}

interface Slicing {
  readonly nsecTtl: number;
  readonly toSerial: Serial;
  readonly sliceNodes: number;
}

function* makeSlices(
  view: ZoneView,
  signing: SigningSettings | undefined,
  { nsecTtl, toSerial, sliceNodes }: Slicing,
): Generator<PendingSlice, void, undefined> {
  const { apex, apexKey } = view;
  const newSigner = () => (signing === undefined ? undefined : planSigner(apex, signing, false));
  let [signer, nodes] = [newSigner(), [] as PlannedNode[]];
  for (const { node, isBelow, next } of linkedNodes(view)) {
    const building: Building = {
      base: { apex, apexKey, node: () => undefined },
      edited: { node: () => node },
      strip: { apexKey, signed: signing !== undefined },
      signing,
      isAnew: false,
      chain: signing === undefined ? undefined : { get: () => next },
      nsecTtl,
      signer,
      isBelow: () => isBelow,
      wasBelow: () => false,
    };
    const { planned } = buildNode(node.key, building);
    assert(planned !== undefined && planned !== null, 'a name of a new zone that is not planned');
    nodes.push(node.key === apexKey ? { ...planned, node: withSerial(planned.node, toSerial, signer) } : planned);
    if (nodes.length < sliceNodes) continue;
    yield pendingSlice(signer, nodes);
    [signer, nodes] = [newSigner(), []];
  }
  if (nodes.length > 0) yield pendingSlice(signer, nodes);
}

function pendingSlice(signer: PlanSigner | undefined, nodes: readonly PlannedNode[]): PendingSlice {
  return {
    batches: signer?.batches() ?? [],
    finish(signatures) {
      signer?.fill(signatures);
      return nodes;
    },
  };
}
