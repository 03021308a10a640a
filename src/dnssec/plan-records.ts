/**
 * The first half of a plan: which nodes a change edits, as to records alone, with the empty
 * non-terminals that come and go, and which names the change reaches beyond those.
 * Implements: RFC 4592 §2.2.2 (a name exists when something below it does), RFC 1034 §4.2.1 and RFC 6672 §2.4 (what is
 * below a cut or a DNAME).
 * Not here: signatures (plan.ts), neighbours in the NSEC chain (plan-chain.ts).
 */
import { assert } from '#base/assert.ts';
import { equalBytes } from '#base/bytes.ts';
import { type OwnerKey, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { withEmptyNonTerminals } from '#zone/empty-non-terminals.ts';
import { endsAuthority } from '#zone/node-flags.ts';
import { type NodeRrset, type ZoneNode, type ZoneView } from '#zone/view.ts';
import { emptyNonTerminal } from '#zone/zone.ts';

/** Apex RRsets that signing makes from the keys. */
export const KEY_TYPES: readonly RrType[] = [TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY];

/** What is stripped from nodes before planning, because signing makes it (again, or no more). */
export interface Strip {
  readonly apexKey: OwnerKey;
  /** The zone will be signed: then NSEC, NSEC3 and the apex' key RRsets are ours, whichever client wrote them. */
  readonly signed: boolean;
}

/** True when records of this type at this owner are made by signing, or travel with what they sign (RRSIG). */
function isMadeBySigning(type: RrType, key: OwnerKey, strip: Strip): boolean {
  if (type === TYPE.RRSIG) return true;
  if (!strip.signed) return false;
  if (type === TYPE.NSEC || type === TYPE.NSEC3) return true;
  return key === strip.apexKey && (type === TYPE.NSEC3PARAM || KEY_TYPES.includes(type));
}

/** The RRsets of `node` that are not made by signing. The same array when that is all of them. */
export function recordsOf(node: ZoneNode, strip: Strip): readonly NodeRrset[] {
  const isRecord = (rrset: NodeRrset): boolean =>
    rrset.manager !== 'dnssec' && !isMadeBySigning(rrset.type, node.key, strip);
  return node.rrsets.every(isRecord) ? node.rrsets : node.rrsets.filter(isRecord);
}

/**
 * The nodes that `changes` edit, stripped: a node whose records differ, null for one that is gone, and the empty non-terminals that
 * come or go with them. `everything` also strips every other node of `base` that would be left empty by it.
 */
export function editRecords(
  base: ZoneView,
  changes: readonly RrsetChange[],
  strip: Strip,
  everything: boolean,
): Map<OwnerKey, ZoneNode | null> {
  const drafts = new Map<OwnerKey, ZoneNode>();
  for (const [key, asked] of changesByOwner(changes, strip)) {
    const draft = draftNode(base.node(key), key, asked, strip);
    if (draft !== undefined) drafts.set(key, draft);
  }
  if (everything) {
    for (const node of base.ascend(base.apexKey)) {
      const emptied = !drafts.has(node.key) && node.rrsets.length > 0 && recordsOf(node, strip).length === 0;
      if (emptied) drafts.set(node.key, emptyNonTerminal(node.key));
    }
  }
  return withEmptyNonTerminals(base, drafts, (node) => recordsOf(node, strip).length > 0);
}

function changesByOwner(changes: readonly RrsetChange[], strip: Strip): Map<OwnerKey, RrsetChange[]> {
  const byOwner = new Map<OwnerKey, RrsetChange[]>();
  for (const change of changes) {
    const key = ownerKey(change.owner);
    assert(isAtOrBelow(key, strip.apexKey), 'a change outside its zone');
    if (isMadeBySigning(change.type, key, strip)) continue;
    const list = byOwner.get(key);
    if (list === undefined) byOwner.set(key, [change]);
    else list.push(change);
  }
  return byOwner;
}

/** The node with what is asked, stripped; undefined when that changes nothing. The last change of a type counts. */
function draftNode(
  node: ZoneNode | undefined,
  key: OwnerKey,
  asked: readonly RrsetChange[],
  strip: Strip,
): ZoneNode | undefined {
  const before = node === undefined ? [] : recordsOf(node, strip);
  const rrsets = new Map(before.map((rrset) => [rrset.type, rrset]));
  let changed = false;
  for (const { type, rrset } of asked) {
    const current = rrsets.get(type);
    if (rrset === null || rrset.rdatas.length === 0) {
      changed = rrsets.delete(type) || changed;
      continue;
    }
    const rdatas = rrset.rdatas.length === 1 ? rrset.rdatas : sortRdatas(type, rrset.rdatas);
    const same = current !== undefined && current.ttl === rrset.ttl && equalRdatas(current.rdatas, rdatas);
    if (same && current.manager === rrset.manager) continue;
    changed = true;
    const young = { type, ttl: rrset.ttl, rdatas, signatures: [], manager: rrset.manager };
    rrsets.set(type, same ? { ...current, manager: rrset.manager } : young);
  }
  if (!changed) return undefined;
  if (rrsets.size === 0) return emptyNonTerminal(key);
  // RFC 4343 §4.1: the case first written stays, as long as the name has records.
  const owner = node !== undefined && before.length > 0 ? node.owner : asked.find(({ rrset }) => rrset !== null)!.owner;
  return { key, owner, rrsets: [...rrsets.values()].toSorted((a, b) => a.type - b.type) };
}

/** An RRset that signing makes. */
export function dnssecRrset(type: RrType, ttl: number, rdatas: readonly Uint8Array[]): NodeRrset {
  return { type, ttl, rdatas, signatures: [], manager: 'dnssec' };
}

/** The same records, octet for octet, in the same order. */
export function equalRdatas(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a === b || (a.length === b.length && a.every((rdata, at) => equalBytes(rdata, b[at]!)));
}

/** `edits`, the apex, and all below a cut or DNAME that comes or goes; or everything. */
export function touchedNames(
  base: ZoneView,
  edited: ZoneView,
  edits: Iterable<OwnerKey>,
  everything: boolean,
): Set<OwnerKey> {
  const { apexKey } = base;
  const edges = [...edits];
  const touched = new Set([...edges, apexKey]);
  for (const key of edges) {
    // A cut or DNAME that comes or goes changes what everything below it is.
    const ended = endsAuthority(base.node(key), apexKey);
    if (ended !== endsAuthority(edited.node(key), apexKey)) addSubtree(touched, edited, key);
  }
  if (everything) addSubtree(touched, edited, apexKey);
  return touched;
}

function addSubtree(touched: Set<OwnerKey>, view: ZoneView, top: OwnerKey): void {
  for (const node of view.ascend(top)) {
    if (!isAtOrBelow(node.key, top)) return;
    touched.add(node.key);
  }
}
