/**
 * The heart: from a zone and what is asked of it to the nodes, signatures, NSEC chain and serial that are committed
 * together.
 * Implements: RFC 4035 §2.2 (RRSIG), §2.3 (NSEC), RFC 9077 §3 (NSEC TTL), RFC 1982 (serial), RFC 7344 (CDS, CDNSKEY),
 * RFC 8078 §4 (their delete form).
 * Not here: checking what is asked (control/), the store.
 *
 * Two steps, so that a hundred thousand signatures can be made elsewhere: `preparePlan` decides everything and lists
 * the data to sign, `finishPlan` puts the signatures in. A plan reads only the nodes it touches and their neighbours,
 * and signs only what changed, unless signing is turned on or off, the NSEC TTL changes, or all is to be signed again.
 */
import { assert } from '#base/assert.ts';
import { equalBytes } from '#base/bytes.ts';
import { KEY_TTL_SECONDS } from '#base/limits/dnssec.ts';
import { type Name, type OwnerKey, compareKeys, ownerKey } from '#dns/name.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { type Serial, addSerial, isNewer } from '#dns/serial.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import {
  type Changeset,
  type Difference,
  type RrsetChange,
  diffNodes,
  orderChangeset,
  serialOf,
  soaMinimum,
  soaSerial,
  withSoaSerial,
} from '#zone/changeset.ts';
import { NODE_FLAG, isInChain, isSignedType, nodeFlags, occlusion } from '#zone/node-flags.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type NodeRrset, type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { nsecFields, nsecRdata } from './denial.ts';
import { CDNSKEY_DELETE, CDS_DELETE, cdnskeyRdata, cdsRdata, isEntryPoint } from './ds.ts';
import { keyTagOf } from './key.ts';
import { type Strip, editRecords, equalRdatas, recordsOf } from './plan-records.ts';
import { walkChain } from './plan-chain.ts';
import { touchedNames } from './plan-touched.ts';
import { type PlanSigner, type SigningBatch, type SigningSettings, dueNodes, planSigner } from './plan-signer.ts';

export type { RrsetChange } from '#zone/changeset.ts';
export type { SigningBatch, SigningSettings } from './plan-signer.ts';

export interface PlanOptions {
  /** A new serial even when nothing else changes. */
  readonly forceSerialBump?: boolean;
  /** Signatures to make again though their records stay: those that need it, or all. Reads the whole zone. */
  readonly resign?: 'due' | 'all';
  /** The new serial, if there is a difference; otherwise the old one + 1, or that of a given SOA when it is newer. */
  readonly serial?: Serial;
}

export interface PlannedNode {
  readonly node: ZoneNode;
  /** Bits of NODE_FLAG. */
  readonly flags: number;
}

export interface ZonePlan {
  /** In canonical order; null: delete. Empty when nothing changes. */
  readonly nodes: ReadonlyMap<OwnerKey, PlannedNode | null>;
  readonly changeset: Changeset;
  /** False when no record changes; `nodes` may still hold nodes whose RRsets got another manager. */
  readonly changed: boolean;
  readonly signatureCount: number;
}

/** A plan that lacks its signatures. It is used up by `finishPlan`. */
export interface PendingPlan {
  /** One batch for each key that has something to sign. */
  readonly batches: readonly SigningBatch[];
  readonly signatureCount: number;
  readonly changed: boolean;
  readonly finish: (signatures: readonly (readonly Uint8Array[])[]) => ZonePlan;
}

/**
 * Decides the change. Pure: the same arguments give the same plan. `base` may be a zone without nodes: then the zone is
 * new.
 */
export function preparePlan(
  base: ZoneView,
  changes: readonly RrsetChange[],
  signing: SigningSettings | undefined,
  options: PlanOptions = {},
): PendingPlan {
  const due = options.resign === 'due' && signing !== undefined ? dueNodes(base.ascend(base.apexKey), signing) : [];
  return prepare(base, changes, signing, options, due);
}

/** Puts the signatures in: for each batch of `pending`, one signature for each of its data. */
export function finishPlan(pending: PendingPlan, signatures: readonly (readonly Uint8Array[])[]): ZonePlan {
  return pending.finish(signatures);
}

/** Signs every batch with its own key, here and now. */
export function signBatches(batches: readonly SigningBatch[]): Uint8Array[][] {
  return batches.map(({ key, data }) => data.map((each) => key.sign(each)));
}

/** `preparePlan`, signing and `finishPlan` in one, for changes of ordinary size. */
export function planChange(
  base: ZoneView,
  changes: readonly RrsetChange[],
  signing: SigningSettings | undefined,
  options: PlanOptions = {},
): ZonePlan {
  const pending = preparePlan(base, changes, signing, options);
  return finishPlan(pending, signBatches(pending.batches));
}

/** A slice of a sweep that renews signatures: at most `nodeLimit` nodes are read, from `from` on. */
export interface RefreshSlice {
  readonly pending: PendingPlan;
  /** Where the next slice begins; undefined at the end of the zone. */
  readonly next: OwnerKey | undefined;
}

/** Renews the signatures of one slice that need it. When none does, the plan is empty and the serial stays. */
export function prepareRefresh(view: ZoneView, signing: SigningSettings, from: OwnerKey, nodeLimit: number): RefreshSlice {
  const slice: ZoneNode[] = [];
  let next: OwnerKey | undefined;
  for (const node of view.ascend(from)) {
    if (slice.length === nodeLimit) {
      next = node.key;
      break;
    }
    slice.push(node);
  }
  return { pending: prepare(view, [], signing, {}, dueNodes(slice, signing)), next };
}

/** `prepareRefresh` with the signing done. */
export function planRefresh(
  view: ZoneView,
  signing: SigningSettings,
  from: OwnerKey,
  nodeLimit: number,
): { plan: ZonePlan; next: OwnerKey | undefined } {
  const { pending, next } = prepareRefresh(view, signing, from, nodeLimit);
  return { plan: finishPlan(pending, signBatches(pending.batches)), next };
}

function prepare(
  stored: ZoneView,
  changes: readonly RrsetChange[],
  signing: SigningSettings | undefined,
  options: PlanOptions,
  due: readonly OwnerKey[],
): PendingPlan {
  const base = remembering(stored);
  const { apex, apexKey } = base;
  assert(signing === undefined || (signing.keys.length > 0 && signing.published.length > 0), 'signing without a key');
  const baseApex = base.node(apexKey);
  const wasSigned = rrsetOf(baseApex, TYPE.NSEC)?.manager === 'dnssec';
  assert(!hasTagCollision(signing, rrsetOf(baseApex, TYPE.DNSKEY)), 'a new key has the key tag of another key of the zone');
  const toggled = wasSigned !== (signing !== undefined);
  const strip: Strip = { apexKey, signed: signing !== undefined };

  const oldSoa = rrsetOf(baseApex, TYPE.SOA);
  const asked = withoutSerial(changes, apexKey, oldSoa);
  const edits = editRecords(base, asked.changes, strip, toggled);
  const edited = overlayZone(base, edits);
  const soa = rrsetOf(edited.node(apexKey), TYPE.SOA);
  assert(soa !== undefined && soa.rdatas.length === 1, 'a zone has exactly one SOA record');
  // RFC 9077 §3: the NSEC TTL is the lesser of the SOA's TTL and its MINIMUM.
  const nsecTtl = Math.min(soa.ttl, soaMinimum(soa.rdatas[0]!));
  const nsecTtlChanged = signing !== undefined && rrsetOf(baseApex, TYPE.NSEC)?.ttl !== nsecTtl;

  const everything = toggled || nsecTtlChanged || options.resign === 'all';
  const touched = touchedNames(base, edited, edits.keys(), everything);
  for (const key of due) touched.add(key);

  const isBelow = occlusion(edited);
  const wasBelow = occlusion(base);
  const isMember = (node: ZoneNode): boolean => isInChain(isBelow(node.key) ? NODE_FLAG.BELOW : 0, recordsOf(node, strip).length);
  const chain = signing === undefined ? undefined : relink(base, edited, touched, isMember, isBelow, toggled);

  const signer = signing === undefined ? undefined : planSigner(apex, signing, options.resign === 'all');
  const building: Building = { base, edited, strip, signing, chain, nsecTtl, signer, isBelow, wasBelow };
  const built = new Map<OwnerKey, PlannedNode | null>();
  let changed = options.forceSerialBump === true || asked.serial !== undefined || oldSoa === undefined;
  for (const key of [...touched].toSorted(compareKeys)) {
    const { planned, difference } = buildNode(key, building);
    if (planned !== undefined) built.set(key, planned);
    changed ||= difference === 'records';
  }

  const fromSerial = serialOf(base);
  let toSerial = fromSerial;
  if (changed) {
    toSerial = options.serial ?? asked.serial ?? (oldSoa === undefined ? soaSerial(soa.rdatas[0]!) : addSerial(fromSerial, 1));
    const planned = built.get(apexKey) ?? { node: base.node(apexKey)!, flags: nodeFlags(base.node(apexKey)!, apexKey, false) };
    built.set(apexKey, { ...planned, node: withSerial(planned.node, toSerial, signer) });
  }
  // The apex sorts first and may have been put in last.
  const apexNode = built.get(apexKey);
  const nodes = apexNode === undefined ? built : new Map([[apexKey, apexNode], ...built]);
  const batches = signer?.batches() ?? [];
  return {
    batches,
    signatureCount: batches.reduce((sum, { data }) => sum + data.length, 0),
    changed,
    finish(signatures) {
      const signatureCount = signer?.fill(signatures) ?? 0;
      const difference: Difference = { deleted: [], added: [] };
      for (const [key, planned] of nodes) diffNodes(base.node(key), planned?.node, difference);
      return { nodes, changeset: orderChangeset(apex, fromSerial, toSerial, difference), changed, signatureCount };
    },
  };
}

/** What all nodes of a plan are built with. */
interface Building {
  readonly base: ZoneView;
  readonly edited: ZoneView;
  readonly strip: Strip;
  readonly signing: SigningSettings | undefined;
  /** The next name of each member of the NSEC chain that gets another one; undefined in an unsigned zone. */
  readonly chain: ReadonlyMap<OwnerKey, Name> | undefined;
  readonly nsecTtl: number;
  readonly signer: PlanSigner | undefined;
  readonly isBelow: (key: OwnerKey) => boolean;
  readonly wasBelow: (key: OwnerKey) => boolean;
}

/** The node that the plan has for `key`: null where it goes, none where it stays; and what of it differs. */
function buildNode(
  key: OwnerKey,
  { base, edited, strip, signing, chain, nsecTtl, signer, isBelow, wasBelow }: Building,
): { readonly planned?: PlannedNode | null; readonly difference: 'none' | 'manager' | 'records' } {
  const { apex, apexKey } = base;
  const before = base.node(key);
  const node = edited.node(key);
  if (node === undefined) return before === undefined ? { difference: 'none' } : { planned: null, difference: 'records' };
  const records = recordsOf(node, strip);
  const flags = nodeFlags({ ...node, rrsets: records }, apexKey, isBelow(key));
  const rrsets = [...records];
  if (signing !== undefined && key === apexKey) rrsets.push(...keyRrsets(apex, signing));
  if (chain !== undefined && isInChain(flags, records.length)) {
    const next = chain.get(key) ?? nsecFields(rrsetOf(before, TYPE.NSEC)!.rdatas[0]!).next;
    rrsets.push(nsecRrset(next, rrsets, flags, nsecTtl));
  }
  rrsets.sort((a, b) => a.type - b.type);
  const signedRrsets = rrsets.map((rrset) => signed(node, flags, rrset, before, signer));
  const after: ZoneNode = { key, owner: node.owner, rrsets: signedRrsets };
  const planned = { node: after, flags: nodeFlags(after, apexKey, isBelow(key)) };
  const difference = before === undefined ? 'records' : compareNodes(before, after);
  const sameFlags = before !== undefined && nodeFlags(before, apexKey, wasBelow(key)) === planned.flags;
  return difference === 'none' && sameFlags ? { difference } : { planned, difference };
}

/**
 * The changes with the present serial in a given SOA, and the given one if it is newer: a serial alone is no
 * difference, unless it goes forward (a zone file read again has the serial it had).
 */
function withoutSerial(
  changes: readonly RrsetChange[],
  apexKey: OwnerKey,
  oldSoa: NodeRrset | undefined,
): { changes: readonly RrsetChange[]; serial: Serial | undefined } {
  if (oldSoa === undefined) return { changes, serial: undefined };
  const current = soaSerial(oldSoa.rdatas[0]!);
  let serial: Serial | undefined;
  const same = changes.map((change) => {
    const { owner, type, rrset } = change;
    if (type !== TYPE.SOA || rrset === null || ownerKey(owner) !== apexKey) return change;
    const given = soaSerial(rrset.rdatas[0]!);
    serial = isNewer(given, current) ? given : undefined;
    return { ...change, rrset: { ...rrset, rdatas: rrset.rdatas.map((rdata) => withSoaSerial(rdata, current)) } };
  });
  return { changes: same, serial };
}

/** RFC 4034 App. B: tags are no names. They distinguish signatures, so no key with the tag of another is used. */
function hasTagCollision(signing: SigningSettings | undefined, dnskeys: NodeRrset | undefined): boolean {
  if (signing === undefined) return false;
  const own = [...signing.published, ...signing.keys, ...(signing.keySigners ?? [])].map(({ dnskey }) => dnskey);
  const others = [...own, ...(dnskeys?.manager === 'dnssec' ? dnskeys.rdatas : [])];
  return own.some((dnskey) => {
    const keyTag = keyTagOf(dnskey);
    return others.some((other) => keyTagOf(other) === keyTag && !equalBytes(other, dnskey));
  });
}

/**
 * Next names for the chain members whose successor may have changed: those that enter it, and the predecessors of those
 * that enter or leave. Adds the predecessors to `touched`. `anew`: there was no chain.
 */
function relink(
  base: ZoneView,
  edited: ZoneView,
  touched: Set<OwnerKey>,
  isMember: (node: ZoneNode) => boolean,
  isBelow: (key: OwnerKey) => boolean,
  anew: boolean,
): Map<OwnerKey, Name> {
  const stale: OwnerKey[] = [];
  const walk = walkChain(edited, isMember, isBelow);
  const descending = [...touched].toSorted((a, b) => compareKeys(b, a));
  const predecessors = new Set<OwnerKey>();
  for (const key of descending) {
    const node = edited.node(key);
    const member = node !== undefined && isMember(node);
    const was = !anew && rrsetOf(base.node(key), TYPE.NSEC) !== undefined;
    if (member && !was) stale.push(key);
    if (!anew && member !== was && key !== base.apexKey) predecessors.add(walk.previous(key).key);
  }
  walk.close();
  for (const key of predecessors) touched.add(key);
  const links = new Map<OwnerKey, Name>();
  for (const key of [...new Set([...stale, ...predecessors])].toSorted(compareKeys)) links.set(key, walk.next(key).owner);
  walk.close();
  return links;
}

/** RFC 4035 §2.3: all types at an authoritative name; NS and DS at a cut; always NSEC and the RRSIG over it. */
function nsecRrset(next: Name, rrsets: readonly NodeRrset[], flags: number, ttl: number): NodeRrset {
  const isCut = (flags & NODE_FLAG.CUT) !== 0;
  const types = rrsets.map(({ type }) => type).filter((type) => !isCut || type === TYPE.NS || type === TYPE.DS);
  return dnssecRrset(TYPE.NSEC, ttl, [nsecRdata(next, [...types, TYPE.NSEC, TYPE.RRSIG])]);
}

/** DNSKEY of the published keys, and CDS and CDNSKEY of what the parent is asked for (RFC 7344 §4.1, RFC 8078 §4). */
function keyRrsets(apex: Name, signing: SigningSettings): NodeRrset[] {
  const { published, announced, keyTtlSeconds = KEY_TTL_SECONDS } = signing;
  const dnskeys = published.map(({ dnskey }) => dnskey);
  const isDeleting = announced === 'delete';
  const asked = isDeleting ? [] : announced?.map(({ dnskey }) => dnskey);
  const entryPoints = asked ?? dnskeys.filter(isEntryPoint);
  const cds = isDeleting ? [CDS_DELETE] : entryPoints.map((dnskey) => cdsRdata(apex, dnskey));
  const cdnskeys = isDeleting ? [CDNSKEY_DELETE] : entryPoints.map(cdnskeyRdata);
  const rrset = (type: RrType, rdatas: Uint8Array[]): NodeRrset[] =>
    rdatas.length === 0 ? [] : [dnssecRrset(type, keyTtlSeconds, sortRdatas(type, rdatas))];
  return [...rrset(TYPE.DNSKEY, dnskeys), ...rrset(TYPE.CDS, cds), ...rrset(TYPE.CDNSKEY, cdnskeys)];
}

function dnssecRrset(type: RrType, ttl: number, rdatas: readonly Uint8Array[]): NodeRrset {
  return { type, ttl, rdatas, signatures: [], manager: 'dnssec' };
}

/**
 * `rrset` with the signatures it shall have. The SOA is signed last, when its serial is known: here it keeps its
 * signatures or has none.
 */
function signed(node: ZoneNode, flags: number, rrset: NodeRrset, before: ZoneNode | undefined, signer: PlanSigner | undefined): NodeRrset {
  if (signer !== undefined && isSignedType(flags, rrset.type)) {
    const kept = signer.kept(rrset, rrsetOf(before, rrset.type));
    if (kept !== undefined) return kept;
    if (rrset.type !== TYPE.SOA) return signer.pending(node.owner, node.key, rrset);
  }
  return rrset.signatures.length === 0 ? rrset : { ...rrset, signatures: [] };
}

/** The apex node with the new serial, its SOA to be signed. */
function withSerial(apex: ZoneNode, serial: Serial, signer: PlanSigner | undefined): ZoneNode {
  const rrsets = apex.rrsets.map((rrset) => {
    if (rrset.type !== TYPE.SOA) return rrset;
    const soa = { ...rrset, rdatas: [withSoaSerial(rrset.rdatas[0]!, serial)], signatures: [] };
    return signer === undefined ? soa : signer.pending(apex.owner, apex.key, soa);
  });
  return { ...apex, rrsets };
}

/** `view` whose nodes are read once: a stored node is decoded anew at each look. */
function remembering(view: ZoneView): ZoneView {
  const nodes = new Map<OwnerKey, ZoneNode | undefined>();
  return {
    apex: view.apex,
    apexKey: view.apexKey,
    node(key) {
      let node = nodes.get(key);
      if (node === undefined && !nodes.has(key)) nodes.set(key, (node = view.node(key)));
      return node;
    },
    ascend: (from) => view.ascend(from),
    descend: (from) => view.descend(from),
  };
}

/** Whether records or signatures differ, only managers, or nothing. Signatures still to be made differ. */
function compareNodes(before: ZoneNode, after: ZoneNode): 'none' | 'manager' | 'records' {
  if (before.rrsets.length !== after.rrsets.length) return 'records';
  let result: 'none' | 'manager' = 'none';
  for (let at = 0; at < before.rrsets.length; at++) {
    const a = before.rrsets[at]!;
    const b = after.rrsets[at]!;
    const same = a.type === b.type && a.ttl === b.ttl && equalRdatas(a.rdatas, b.rdatas) && equalRdatas(a.signatures, b.signatures);
    if (!same) return 'records';
    if (a.manager !== b.manager) result = 'manager';
  }
  return result;
}
