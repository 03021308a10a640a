/**
 * The heart: from a zone and what is asked of it to the nodes, signatures, NSEC chain and serial that are committed
 * together.
 * Implements: RFC 4035 §2.2 (RRSIG), §2.3 (NSEC), RFC 5155 §7.1 (NSEC3), RFC 9077 §3 (their TTL).
 * Not here: checking what is asked (control/), the store.
 *
 * Two steps, so that a hundred thousand signatures can be made elsewhere: `preparePlan` decides everything and lists
 * the data to sign, `finishPlan` puts the signatures in. A plan reads only the nodes it touches and their neighbours,
 * and signs only what changed, unless signing is turned on or off, the NSEC TTL changes, or all is to be signed again.
 */
import { assert } from '#base/assert.ts';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { type hashName } from '#dns/nsec3.ts';
import { type Serial, addSerial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import {
  type Changeset,
  type Difference,
  type RrsetChange,
  diffNodes,
  orderChangeset,
  serialOf,
  soaMinimum,
  soaSerial,
} from '#zone/changeset.ts';
import { NODE_FLAG, isInChain, nodeFlags, occlusion } from '#zone/node-flags.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { denialOf, hasTagCollision, withSerial, withoutSerial } from './plan-apex.ts';
import { type Strip, editRecords, recordsOf, touchedNames } from './plan-records.ts';
import { relink } from './plan-chain.ts';
import { planHashed, sameParameters } from './plan-nsec3.ts';
import { type Building, type PlannedNode, buildNodes } from './plan-node.ts';
import { withZonemd } from './plan-zonemd.ts';
import {
  type PlanSigner,
  type SigningBatch,
  type SigningSettings,
  dueNodes,
  firstEnd,
  planSigner,
} from './plan-signer.ts';

export type { RrsetChange } from '#zone/changeset.ts';
export type { SigningBatch, SigningSettings } from './plan-signer.ts';
export type { PlannedNode } from './plan-node.ts';

export interface PlanOptions {
  /** A new serial even when nothing else changes. */
  readonly forceSerialBump?: boolean;
  /** Signatures to make again though their records stay: those that need it, or all. Reads the whole zone. */
  readonly resign?: 'due' | 'all';
  /** The new serial, if there is a difference; otherwise the old one + 1, or that of a given SOA when it is newer. */
  readonly serial?: Serial;
  /** What a test has in the place of the hash of RFC 5155 §5. */
  readonly hashName?: typeof hashName;
}

export interface ZonePlan {
  /** In canonical order; null: delete. Empty when nothing changes. */
  readonly nodes: ReadonlyMap<OwnerKey, PlannedNode | null>;
  /** The same of NSEC3 nodes, under their hashed owner names. */
  readonly hashed: ReadonlyMap<OwnerKey, ZoneNode | null>;
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
  /** A name whose hash is that of another name: then there is nothing to finish (RFC 5155 §7.1). */
  readonly collision?: Name;
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
  const isDue = options.resign === 'due' && signing !== undefined;
  const due = isDue ? dueNodes(base.ascend(base.apexKey), signing) : [];
  const hashedDue = isDue ? dueNodes(base.hashed.ascend(base.apexKey), signing) : [];
  return prepare(base, changes, signing, options, { due, hashedDue });
}

/** Puts the signatures in: for each batch of `pending`, one signature for each of its data. */
export function finishPlan(pending: PendingPlan, signatures: readonly (readonly Uint8Array[])[]): ZonePlan {
  assert(pending.collision === undefined, 'a plan with two names of one hash');
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
  /** When the first signature of the slice ends that is not renewed, seconds since 1970; undefined: none stays. */
  readonly endsAt: number | undefined;
}

/** Renews the signatures of one slice that need it. When none does, the plan is empty and the serial stays. */
export function prepareRefresh(
  view: ZoneView,
  signing: SigningSettings,
  from: OwnerKey,
  nodeLimit: number,
): RefreshSlice {
  const isHashed = from.startsWith(HASHED_PART);
  const slice: ZoneNode[] = [];
  let next: OwnerKey | undefined;
  for (const node of isHashed ? view.hashed.ascend(from.slice(HASHED_PART.length)) : view.ascend(from)) {
    if (slice.length === nodeLimit) {
      next = node.key;
      break;
    }
    slice.push(node);
  }
  const due = dueNodes(slice, signing);
  const renewed = isHashed ? { due: [], hashedDue: due } : { due, hashedDue: [] };
  const continued = next === undefined ? undefined : `${isHashed ? HASHED_PART : ''}${next}`;
  // Behind the last name stand the NSEC3 nodes.
  const end = !isHashed && signing.nsec3 !== undefined ? `${HASHED_PART}${view.apexKey}` : undefined;
  const endsAt = firstEnd(slice, new Set(due), signing.nowSeconds);
  return { pending: prepare(view, [], signing, {}, renewed), next: continued ?? end, endsAt };
}

/** Begins a place in a sweep that is among the hashed owner names: no owner key has these characters together. */
const HASHED_PART = '\u0001\u0000';

/** Nodes whose signatures are made again though their records stay. */
interface Renewed {
  readonly due: readonly OwnerKey[];
  readonly hashedDue: readonly OwnerKey[];
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
  { due, hashedDue }: Renewed,
): PendingPlan {
  const base = remembering(stored);
  const { apex, apexKey } = base;
  assert(signing === undefined || (signing.keys.length > 0 && signing.published.length > 0), 'signing without a key');
  const baseApex = base.node(apexKey);
  const was = denialOf(baseApex);
  assert(
    !hasTagCollision(signing, rrsetOf(baseApex, TYPE.DNSKEY)),
    'a new key has the key tag of another key of the zone',
  );
  const nsec3 = signing?.nsec3;
  const isAnew = !sameParameters(was?.nsec3, nsec3);
  const toggled = (was !== undefined) !== (signing !== undefined) || isAnew;
  const strip: Strip = { apexKey, signed: signing !== undefined };

  const oldSoa = rrsetOf(baseApex, TYPE.SOA);
  const asked = withoutSerial(changes, apexKey, oldSoa);
  const edits = editRecords(base, asked.changes, strip, toggled);
  const edited = overlayZone(base, edits);
  const soa = rrsetOf(edited.node(apexKey), TYPE.SOA);
  assert(soa !== undefined && soa.rdatas.length === 1, 'a zone has exactly one SOA record');
  // RFC 9077 §3: the TTL of NSEC and NSEC3 is the lesser of the SOA's TTL and its MINIMUM.
  const nsecTtl = Math.min(soa.ttl, soaMinimum(soa.rdatas[0]!));
  const nsecTtlChanged = signing !== undefined && was?.ttl !== nsecTtl;
  const everything = toggled || nsecTtlChanged || options.resign === 'all';
  const touched = touchedNames(base, edited, edits.keys(), everything);
  for (const key of due) touched.add(key);

  const isBelow = occlusion(edited);
  const wasBelow = occlusion(base);
  const isMember = (node: ZoneNode): boolean =>
    isInChain(isBelow(node.key) ? NODE_FLAG.BELOW : 0, recordsOf(node, strip).length);
  const isNsec = signing !== undefined && nsec3 === undefined;
  const chain = !isNsec ? undefined : relink(base, edited, touched, isMember, isBelow, toggled);

  const signer = signing === undefined ? undefined : planSigner(apex, signing, options.resign === 'all');
  const building: Building = { base, edited, strip, signing, isAnew, chain, nsecTtl, signer, isBelow, wasBelow };
  const isForced = options.forceSerialBump === true || asked.serial !== undefined || oldSoa === undefined;
  const { built, names, isDifferent } = buildNodes(touched, building);
  const chain3 = { apex, base: base.hashed, parameters: nsec3, isAnew, ttl: nsecTtl, touched: names, due: hashedDue };
  const { nodes: hashed, collision } = planHashed({ ...chain3, signer, hash: options.hashName });
  const changed = isForced || isDifferent || hashed.size > 0;

  const fromSerial = serialOf(base);
  let toSerial = fromSerial;
  if (changed) {
    toSerial =
      options.serial ?? asked.serial ?? (oldSoa === undefined ? soaSerial(soa.rdatas[0]!) : addSerial(fromSerial, 1));
    const planned = built.get(apexKey) ?? {
      node: base.node(apexKey)!,
      flags: nodeFlags(base.node(apexKey)!, apexKey, false),
    };
    built.set(apexKey, { ...planned, node: withSerial(planned.node, toSerial, signer) });
  }
  // The apex sorts first and may have been put in last.
  const apexNode = built.get(apexKey);
  const nodes = apexNode === undefined ? built : new Map([[apexKey, apexNode], ...built]);
  const unfinished = pendingPlan({ base, signer, signing, plan: { nodes, hashed, changed }, fromSerial, toSerial });
  return collision === undefined ? unfinished : { ...unfinished, collision };
}

interface Unsigned {
  readonly base: ZoneView;
  readonly signer: PlanSigner | undefined;
  readonly signing: SigningSettings | undefined;
  readonly plan: Pick<ZonePlan, 'nodes' | 'hashed' | 'changed'>;
  readonly fromSerial: Serial;
  readonly toSerial: Serial;
}

function pendingPlan({ base, signer, signing, plan, fromSerial, toSerial }: Unsigned): PendingPlan {
  const batches = signer?.batches() ?? [];
  return {
    batches,
    signatureCount: batches.reduce((sum, { data }) => sum + data.length, 0),
    changed: plan.changed,
    finish(signatures) {
      const signatureCount = signer?.fill(signatures) ?? 0;
      const nodes = signing === undefined ? plan.nodes : withZonemd(base, plan, signing, toSerial);
      const difference: Difference = { deleted: [], added: [] };
      for (const [key, planned] of nodes) diffNodes(base.node(key), planned?.node, difference);
      for (const [key, node] of plan.hashed) diffNodes(base.hashed.node(key), node ?? undefined, difference);
      return { ...plan, nodes, changeset: orderChangeset(base.apex, fromSerial, toSerial, difference), signatureCount };
    },
  };
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
    hashed: view.hashed,
  };
}
