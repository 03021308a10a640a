/**
 * A zone as it will look with some RRsets changed, for checks before anything is planned or signed.
 * Not here: what is committed (dnssec/plan.ts does that with signatures).
 */
import { type OwnerKey, ownerKey, parentKey } from '#dns/name.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type ZoneNode, type ZoneView } from '#zone/view.ts';
import { emptyNonTerminal } from '#zone/zone.ts';

/** `base` with `changes`. Empty non-terminals above new names are there; those that would go are still there. */
export function changedView(base: ZoneView, changes: readonly RrsetChange[]): ZoneView {
  const edits = new Map<OwnerKey, ZoneNode>();
  for (const { owner, type, rrset } of changes) {
    const key = ownerKey(owner);
    const node = edits.get(key) ?? base.node(key) ?? { key, owner, rrsets: [] };
    const others = node.rrsets.filter((each) => each.type !== type);
    const rrsets = rrset === null ? others : [...others, { type, ...rrset, signatures: [] }].toSorted((a, b) => a.type - b.type);
    edits.set(key, { ...node, rrsets });
    if (rrset === null) continue;
    for (let above = key; above !== base.apexKey;) {
      above = parentKey(above);
      if (edits.has(above) || base.node(above) !== undefined) break;
      edits.set(above, emptyNonTerminal(above));
    }
  }
  return overlayZone(base, edits);
}
