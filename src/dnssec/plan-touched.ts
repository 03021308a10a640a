/**
 * Which names of a zone a change reaches beyond those that it edits.
 * Implements: RFC 1034 §4.2.1 and RFC 6672 §2.4 (what is below a cut or a DNAME).
 * Not here: neighbours in the NSEC chain (plan-chain.ts).
 */
import { type OwnerKey, isAtOrBelow } from '#dns/name.ts';
import { endsAuthority } from '#zone/node-flags.ts';
import { type ZoneView } from '#zone/view.ts';

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
