/**
 * The zone's rules on what a change touches: the same checks as for a whole zone file, on the touched names alone and on the zone as it
 * will be, so that one record in a zone of a million names costs a few look-ups.
 * Not here: the rules themselves (zone/check.ts), whole zones (zone/assemble.ts).
 */
import { ProblemList } from '#base/problem-list.ts';
import { type Problem } from '#base/problem.ts';
import { type OwnerKey, compareKeys, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { type RrsetChange } from '#dnssec/plan.ts';
import { editRecords } from '#dnssec/plan-records.ts';
import { startNodeCheck } from '#zone/check-state.ts';
import { checkApex, checkNode } from '#zone/check.ts';
import { endsAuthority } from '#zone/node-flags.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type ZoneView } from '#zone/view.ts';

/** Names looked at below a new cut or DNAME; what it hides is a warning, and one name is enough to give it. */
const HIDDEN_NAMES_MAX = 100;

/** Every problem that `changes` would make in the zone `base`. */
export function checkChanges(base: ZoneView, changes: readonly RrsetChange[], signed: boolean): Problem[] {
  const edits = editRecords(base, changes, { apexKey: base.apexKey, signed }, false);
  const after = overlayZone(base, edits);
  const problems = new ProblemList();
  const check = startNodeCheck(after);
  problems.push(...checkApex(check));
  for (const key of touchedKeys(base, after, changes)) {
    const node = after.node(key);
    if (node !== undefined && node.rrsets.length > 0) problems.push(...checkNode(check, node));
  }
  return problems.list();
}

function touchedKeys(base: ZoneView, after: ZoneView, changes: readonly RrsetChange[]): OwnerKey[] {
  const keys = new Set(changes.map(({ owner }) => ownerKey(owner)));
  for (const key of [...keys]) {
    if (endsAuthority(base.node(key), base.apexKey) || !endsAuthority(after.node(key), base.apexKey)) continue;
    let hidden = 0;
    for (const node of after.ascend(key)) {
      if (!isAtOrBelow(node.key, key) || hidden++ > HIDDEN_NAMES_MAX) break;
      keys.add(node.key);
    }
  }
  return [...keys].toSorted(compareKeys);
}
