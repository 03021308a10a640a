/**
 * The zone's rules on what a change touches: the same checks as for a whole zone file, on the touched names alone and on the zone as it
 * will be, so that one record in a zone of a million names costs a few look-ups.
 * Not here: the rules themselves (zone/check.ts, mail/record-warnings.ts), whole zones (zone/assemble.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { HIDDEN_NAMES_MAX } from '#base/limits/zones.ts';
import { ProblemList } from '#base/problem-list.ts';
import { formatPlace } from '#base/place.ts';
import { type Problem, formatProblem } from '#base/problem.ts';
import { type OwnerKey, compareKeys, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#dnssec/plan.ts';
import { editRecords } from '#dnssec/plan-records.ts';
import { mailHostWarnings } from '#mail/host-warnings.ts';
import { type BroughtRrset, mailRecordWarnings } from '#mail/record-warnings.ts';
import { recordLimitAfter, startNodeCheck } from '#zone/check-state.ts';
import { checkApex, checkNode } from '#zone/check.ts';
import { endsAuthority } from '#zone/node-flags.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { serialWarnings } from './serial-warnings.ts';

/** What the rules depend on beside zone and changes. */
export interface ChangeRules {
  readonly signed: boolean;
  /** The setting `limits.records_per_rrset`. */
  readonly recordsPerRrsetMax: number;
}

/** Every problem of what `changes` touch or make in the zone `base`. Warnings that stood before, about other RRsets, are not repeated. */
export function checkChanges(base: ZoneView, changes: readonly RrsetChange[], rules: ChangeRules): Problem[] {
  const { signed, recordsPerRrsetMax } = rules;
  const edits = editRecords(base, changes, { apexKey: base.apexKey, signed }, false);
  const after = overlayZone(base, edits);
  const problems = new ProblemList();
  const recordsPerRrset = recordLimitAfter(base, recordsPerRrsetMax);
  const check = startNodeCheck(after, { recordsPerRrset });
  const checkBefore = startNodeCheck(base, { recordsPerRrset });
  problems.push(...checkApex(check));
  const touched = new Set(changes.map(({ owner, type }) => formatPlace(placeOfRrset(owner, type)).toLowerCase()));
  for (const key of touchedKeys(base, after, changes)) {
    const [node, before] = [after.node(key), base.node(key)];
    if (node === undefined || node.rrsets.length === 0) continue;
    const stood = new Set(before === undefined ? [] : checkNode(checkBefore, before).map(formatProblem));
    for (const each of checkNode(check, node)) {
      const hasStood = stood.has(formatProblem(each));
      // A name server without address that a new zone begins with, or that was there before, is not what this change is wrong in.
      const isOld = each.code === 'TARGET_NO_ADDRESS' && (before === undefined || hasStood);
      const severity = isOld ? 'warning' : each.severity;
      if (severity === 'error' || !hasStood || touched.has(formatPlace(each.at).toLowerCase())) problems.push({ ...each, severity });
    }
  }
  const zone = { view: after, isSigned: signed };
  problems.push(
    ...mailRecordWarnings(broughtRrsets(base, changes), zone),
    ...mailHostWarnings(base, zone, changes),
    ...serialWarnings(base, changes),
  );
  return problems.list();
}

/** The RRsets that come with other records than before. */
function* broughtRrsets(base: ZoneView, changes: readonly RrsetChange[]): Generator<BroughtRrset, void> {
  for (const { owner, type, rrset } of changes) {
    if (rrset === null) continue;
    const before = rrsetOf(base.node(ownerKey(owner)), type)?.rdatas ?? [];
    if (before.length === rrset.rdatas.length && rrset.rdatas.every((rdata, at) => equalBytes(rdata, before[at]!))) continue;
    yield { owner, type, rdatas: rrset.rdatas };
  }
}

function touchedKeys(base: ZoneView, after: ZoneView, changes: readonly RrsetChange[]): OwnerKey[] {
  const keys = new Set(changes.map(({ owner }) => ownerKey(owner)));
  // The addresses of the zone's own name servers and mail hosts are the apex's concern.
  const apex = after.node(base.apexKey);
  const servers = rrsetOf(apex, TYPE.NS)?.rdatas ?? [];
  const mailHosts = (rrsetOf(apex, TYPE.MX)?.rdatas ?? []).map((rdata) => rdata.subarray(2));
  if ([...servers, ...mailHosts].some((host) => keys.has(ownerKey(host)))) keys.add(base.apexKey);
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
