/**
 * A zone as another server made it becomes a plan, as if it had been made here (ADR 0020): nodes with their flags, and
 * the changeset from what is here to it.
 * Implements: RFC 1995 §4 (the changeset is what secondaries of this server get).
 * Not here: what is received (zone/received-zone.ts, zone/received-changes.ts), our own plans (plan.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { RECEIVED_NODES_PER_TURN } from '#base/limits/transfer.ts';
import { type OwnerKey, compareKeys } from '#dns/name.ts';
import { type Difference, diffNodes, orderChangeset, serialOf } from '#zone/changeset.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type NodeEdits, overlayZone } from '#zone/overlay.ts';
import { type ZoneNode, type ZoneView } from '#zone/view.ts';
import { touchedNames } from './plan-records.ts';
import { type PlannedNode, type ZonePlan } from './plan.ts';

interface Making {
  readonly nodes: Map<OwnerKey, PlannedNode | null>;
  readonly hashed: Map<OwnerKey, ZoneNode | null>;
  readonly difference: Difference;
}

/** The plan that makes `after` of `before`, a zone without nodes when it is new. Gives other work its turn. */
export async function planWhole(before: ZoneView, after: ZoneView): Promise<ZonePlan> {
  const making = newMaking();
  const [wasBelow, isBelow] = [occlusion(before), occlusion(after)];
  const { apexKey } = after;
  let count = 0;
  const turns = (): Promise<unknown> | undefined => (++count % RECEIVED_NODES_PER_TURN === 0 ? turn() : undefined);
  for (const [old, young] of pairs(before.ascend(apexKey), after.ascend(apexKey))) {
    const flags = young === undefined ? 0 : nodeFlags(young, apexKey, isBelow(young.key));
    const sameFlags = old !== undefined && flags === nodeFlags(old, apexKey, wasBelow(old.key));
    note(old, young, sameFlags, (key, node) => making.nodes.set(key, node && { node, flags }), making.difference);
    await turns();
  }
  for (const [old, young] of pairs(before.hashed.ascend(apexKey), after.hashed.ascend(apexKey))) {
    note(old, young, true, (key, node) => making.hashed.set(key, node), making.difference);
    await turns();
  }
  return planOf(before, after, making);
}

/** The plan of these edits of `before`. */
export function planEdits(before: ZoneView, edits: NodeEdits, hashedEdits: NodeEdits): ZonePlan {
  const making = newMaking();
  const after = overlayZone(before, edits, hashedEdits);
  const [wasBelow, isBelow] = [occlusion(before), occlusion(after)];
  const { apexKey } = before;
  for (const key of [...touchedNames(before, after, edits.keys(), false)].toSorted(compareKeys)) {
    const [old, young] = [before.node(key), after.node(key)];
    const flags = young === undefined ? 0 : nodeFlags(young, apexKey, isBelow(key));
    const sameFlags = old !== undefined && flags === nodeFlags(old, apexKey, wasBelow(key));
    note(old, young, sameFlags, (each, node) => making.nodes.set(each, node && { node, flags }), making.difference);
  }
  for (const key of [...hashedEdits.keys()].toSorted(compareKeys)) {
    const [old, young] = [before.hashed.node(key), after.hashed.node(key)];
    note(old, young, true, (each, node) => making.hashed.set(each, node), making.difference);
  }
  return planOf(before, after, making);
}

function newMaking(): Making {
  return { nodes: new Map(), hashed: new Map(), difference: { deleted: [], added: [] } };
}

/** Puts what becomes of one name, when something does. */
function note(
  old: ZoneNode | undefined,
  young: ZoneNode | undefined,
  sameFlags: boolean,
  put: (key: OwnerKey, node: ZoneNode | null) => void,
  difference: Difference,
): void {
  const { length: deleted } = difference.deleted;
  const { length: added } = difference.added;
  diffNodes(old, young, difference);
  const isSame = difference.deleted.length === deleted && difference.added.length === added;
  if (old !== undefined && young !== undefined && isSame && sameFlags) return;
  const key = (young ?? old)?.key;
  if (key !== undefined) put(key, young ?? null);
}

function planOf(before: ZoneView, after: ZoneView, { nodes, hashed, difference }: Making): ZonePlan {
  const changed = difference.deleted.length > 0 || difference.added.length > 0;
  const changeset = orderChangeset(before.apex, serialOf(before), serialOf(after), difference);
  return { nodes, hashed, changeset, changed, signatureCount: 0 };
}

/** Nodes of both with the same key together, in canonical order. */
function* pairs(
  before: Iterable<ZoneNode>,
  after: Iterable<ZoneNode>,
): Generator<readonly [ZoneNode | undefined, ZoneNode | undefined]> {
  const old = before[Symbol.iterator]();
  const young = after[Symbol.iterator]();
  for (let a = old.next(), b = young.next(); a.done !== true || b.done !== true;) {
    const order = a.done === true ? 1 : b.done === true ? -1 : compareKeys(a.value.key, b.value.key);
    yield [order <= 0 ? a.value : undefined, order >= 0 ? b.value : undefined];
    if (order <= 0) a = old.next();
    if (order >= 0) b = young.next();
  }
}
