/**
 * Names that come and go with the records below them.
 * Implements: RFC 4592 §2.2.2 (a name exists when something below it does).
 * Not here: which records come and go (dnssec/plan-records.ts, received-changes.ts).
 */
import { type OwnerKey, compareKeys, isAtOrBelow, parentKey } from '#dns/name.ts';
import { firstAtOrAfter } from './overlay.ts';
import { type ZoneNode, type ZoneView } from './view.ts';
import { emptyNonTerminal } from './zone.ts';

/**
 * `drafts` as edits of `base`, with the names that now exist only through names below them, and without those that
 * nothing is below any more. `hasRecordsOf`: whether a node of `base` counts as one with records.
 */
export function withEmptyNonTerminals(
  base: ZoneView,
  drafts: ReadonlyMap<OwnerKey, ZoneNode>,
  hasRecordsOf: (node: ZoneNode) => boolean,
): Map<OwnerKey, ZoneNode | null> {
  const { apexKey } = base;
  const edits = new Map<OwnerKey, ZoneNode | null>(drafts);
  const filled = [...drafts.values()].filter(({ rrsets }) => rrsets.length > 0).map(({ key }) => key);
  filled.sort(compareKeys);
  for (const key of filled) {
    for (let above = key; above !== apexKey;) {
      above = parentKey(above);
      if (edits.has(above) || base.node(above) !== undefined) break;
      edits.set(above, emptyNonTerminal(above));
    }
  }
  const hasRecords = (node: ZoneNode): boolean => hasRecordsOf(drafts.get(node.key) ?? node);
  const hasRecordsBelow = (key: OwnerKey): boolean => {
    const draft = filled[firstAtOrAfter(filled, key)];
    if (draft !== undefined && isAtOrBelow(draft, key)) return true;
    for (const node of base.ascend(key)) {
      if (!isAtOrBelow(node.key, key)) return false;
      if (node.key !== key && hasRecords(node)) return true;
    }
    return false;
  };
  const resolved = new Set<OwnerKey>();
  for (const draft of drafts.values()) {
    if (draft.rrsets.length > 0) continue;
    for (let key = draft.key; key !== apexKey && !resolved.has(key); key = parentKey(key)) {
      resolved.add(key);
      const node = drafts.get(key) ?? base.node(key);
      if ((node !== undefined && hasRecords(node)) || hasRecordsBelow(key)) break;
      edits.set(key, null);
    }
  }
  for (const [key, node] of edits) if (node === null && base.node(key) === undefined) edits.delete(key);
  return edits;
}
