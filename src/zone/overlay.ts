/**
 * A zone with some nodes replaced, added or left out, without copying it: what a change will look like before it is committed.
 * Not here: how the edits are made (dnssec/plan.ts).
 */
import { compareKeys, type OwnerKey } from '#dns/name.ts';
import { type NodeTree, type ZoneNode, type ZoneView } from './view.ts';

/** Nodes that come or, for null, go. */
export type NodeEdits = ReadonlyMap<OwnerKey, ZoneNode | null>;

const NO_EDITS: NodeEdits = new Map();

/** `base` as it will be with `edits`, and `hashedEdits` of its hashed owner names. They must not change afterwards. */
export function overlayZone(base: ZoneView, edits: NodeEdits, hashedEdits: NodeEdits = NO_EDITS): ZoneView {
  const { apex, apexKey } = base;
  return { apex, apexKey, ...overlayTree(base, edits), hashed: overlayTree(base.hashed, hashedEdits) };
}

/** The same of one tree. */
export function overlayTree(base: NodeTree, edits: NodeEdits): NodeTree {
  const keys = [...edits.keys()].toSorted(compareKeys);
  return {
    node(key) {
      const edit = edits.get(key);
      return edit === undefined ? base.node(key) : (edit ?? undefined);
    },
    ascend: (from) => merge(base.ascend(from), keys, firstAtOrAfter(keys, from), 1, edits),
    descend(from) {
      const at = firstAtOrAfter(keys, from);
      return merge(base.descend(from), keys, keys[at] === from ? at : at - 1, -1, edits);
    },
  };
}

/** Both sequences in one, in the direction of `step`; an edit hides the base's node of the same key. */
function* merge(
  nodes: Iterable<ZoneNode>,
  keys: readonly OwnerKey[],
  start: number,
  step: 1 | -1,
  edits: NodeEdits,
): Generator<ZoneNode> {
  let at = start;
  for (const node of nodes) {
    for (; at >= 0 && at < keys.length; at += step) {
      const order = compareKeys(keys[at]!, node.key) * step;
      if (order >= 0) break;
      const edit = edits.get(keys[at]!);
      if (edit) yield edit;
    }
    if (keys[at] !== node.key) yield node;
  }
  for (; at >= 0 && at < keys.length; at += step) {
    const edit = edits.get(keys[at]!);
    if (edit) yield edit;
  }
}

/** Index of the first of the sorted `keys` that is ≥ `from`; their number when there is none. */
export function firstAtOrAfter(keys: readonly OwnerKey[], from: OwnerKey): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
