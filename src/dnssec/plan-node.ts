/**
 * One node of a plan: its records as they will be, what signing adds, places for signatures, and what of it differs.
 * Implements: RFC 4035 §2.2 (what is signed), §2.3 (NSEC), RFC 5155 §7.1 (what an NSEC3 lists).
 * Not here: which nodes there are (plan.ts, plan-new-zone.ts), the chain (plan-chain.ts), signatures (plan-signer.ts).
 */
import { type Name, type OwnerKey, compareKeys } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { isInChain, isSignedType, nodeFlags } from '#zone/node-flags.ts';
import { type NodeRrset, type NodeTree, type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { nsecFields } from './denial.ts';
import { signingRrsets } from './plan-apex.ts';
import { nsecRrset } from './plan-chain.ts';
import { type TouchedName, nsec3Types } from './plan-nsec3.ts';
import { type Strip, equalRdatas, recordsOf } from './plan-records.ts';
import { type PlanSigner, type SigningSettings } from './plan-signer.ts';
import { zonemdPlace } from './plan-zonemd.ts';

export interface PlannedNode {
  readonly node: ZoneNode;
  /** Bits of NODE_FLAG. */
  readonly flags: number;
}

/** What all nodes of a plan are built with. */
export interface Building {
  readonly base: Pick<ZoneView, 'apex' | 'apexKey' | 'node'>;
  readonly edited: Pick<NodeTree, 'node'>;
  readonly strip: Strip;
  readonly signing: SigningSettings | undefined;
  /** No NSEC3 of `base` is of use. */
  readonly isAnew: boolean;
  /** The next name of each member of the NSEC chain that gets another one; undefined in an unsigned zone. */
  readonly chain: Pick<ReadonlyMap<OwnerKey, Name>, 'get'> | undefined;
  readonly nsecTtl: number;
  readonly signer: PlanSigner | undefined;
  readonly isBelow: (key: OwnerKey) => boolean;
  readonly wasBelow: (key: OwnerKey) => boolean;
}

/** The nodes at these keys, in canonical order. */
export function buildNodes(touched: Iterable<OwnerKey>, building: Building) {
  const built = new Map<OwnerKey, PlannedNode | null>();
  const names: TouchedName[] = [];
  let isDifferent = false;
  for (const key of [...touched].toSorted(compareKeys)) {
    const { planned, difference, name } = buildNode(key, building);
    if (planned !== undefined) built.set(key, planned);
    if (name !== undefined) names.push(name);
    isDifferent ||= difference === 'records';
  }
  return { built, names, isDifferent };
}

interface BuiltNode {
  readonly planned?: PlannedNode | null;
  readonly difference: 'none' | 'manager' | 'records';
  /** For its NSEC3. */
  readonly name?: TouchedName;
}

/** The node that the plan has for `key`: null where it goes, none where it stays; and what of it differs. */
export function buildNode(key: OwnerKey, building: Building): BuiltNode {
  const { base, edited, strip, signing, chain, nsecTtl, signer, isBelow, wasBelow } = building;
  const { apex, apexKey } = base;
  const before = base.node(key);
  const node = edited.node(key);
  const was = !building.isAnew && before !== undefined && !wasBelow(key);
  if (node === undefined) {
    if (before === undefined) return { difference: 'none' };
    return { planned: null, difference: 'records', name: { owner: before.owner, was, types: undefined } };
  }
  const records = recordsOf(node, strip);
  const flags = nodeFlags({ ...node, rrsets: records }, apexKey, isBelow(key));
  const rrsets = [...records];
  if (signing !== undefined && key === apexKey) rrsets.push(...signingRrsets(apex, signing, nsecTtl));
  if (signing?.zonemd !== undefined && key === apexKey) rrsets.push(zonemdPlace(before, node, signing.zonemd));
  if (chain !== undefined && isInChain(flags, records.length)) {
    const next = chain.get(key) ?? nsecFields(rrsetOf(before, TYPE.NSEC)!.rdatas[0]!).next;
    rrsets.push(nsecRrset(next, rrsets, flags, nsecTtl));
  }
  rrsets.sort((a, b) => a.type - b.type);
  const signedRrsets = rrsets.map((rrset) => signed(node, flags, rrset, before, signer));
  const after: ZoneNode = { key, owner: node.owner, rrsets: signedRrsets };
  const planned = { node: after, flags: nodeFlags(after, apexKey, isBelow(key)) };
  const types = isBelow(key) ? undefined : nsec3Types(rrsets, flags);
  const name = { owner: node.owner, was, types };
  const difference = before === undefined ? 'records' : compareNodes(before, after);
  const sameFlags = before !== undefined && nodeFlags(before, apexKey, wasBelow(key)) === planned.flags;
  return difference === 'none' && sameFlags ? { difference, name } : { planned, difference, name };
}

/**
 * `rrset` with the signatures it shall have. SOA and ZONEMD are signed last, when serial and digest are known: here
 * they keep their signatures or have none.
 */
function signed(
  node: ZoneNode,
  flags: number,
  rrset: NodeRrset,
  before: ZoneNode | undefined,
  signer: PlanSigner | undefined,
): NodeRrset {
  if (signer !== undefined && isSignedType(flags, rrset.type)) {
    const kept = signer.kept(rrset, rrsetOf(before, rrset.type));
    if (kept !== undefined) return kept;
    const isLast = rrset.type === TYPE.SOA || (rrset.type === TYPE.ZONEMD && rrset.manager === 'dnssec');
    if (!isLast) return signer.pending(node.owner, node.key, rrset);
  }
  return rrset.signatures.length === 0 ? rrset : { ...rrset, signatures: [] };
}

/** Whether records or signatures differ, only managers, or nothing. Signatures still to be made differ. */
function compareNodes(before: ZoneNode, after: ZoneNode): 'none' | 'manager' | 'records' {
  if (before.rrsets.length !== after.rrsets.length) return 'records';
  let result: 'none' | 'manager' = 'none';
  for (let at = 0; at < before.rrsets.length; at++) {
    const a = before.rrsets[at]!;
    const b = after.rrsets[at]!;
    const same =
      a.type === b.type &&
      a.ttl === b.ttl &&
      equalRdatas(a.rdatas, b.rdatas) &&
      equalRdatas(a.signatures, b.signatures);
    if (!same) return 'records';
    if (a.manager !== b.manager) result = 'manager';
  }
  return result;
}
