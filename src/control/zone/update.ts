/**
 * Decides an UPDATE: prerequisites, form of the updates, rights, what they do, and whether the zone keeps its rules.
 * Implements: RFC 2136 §3.2–3.4 in their order; §3.4.2.1 (all or nothing).
 * Not here: signatures and answers (control/update/updates.ts), the serial (dnssec/plan.ts).
 */
import { UPDATE_DETAIL_RRSETS_MAX } from '#base/limits/update.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, type Result, fail, problem } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { RCODE } from '#dns/types.ts';
import { type CommandOf, type ServedZone } from '#control/commands/table.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { applyUpdates } from '#zone/update/apply.ts';
import { checkPrerequisites } from '#zone/update/prerequisites.ts';
import { checkUpdates } from '#zone/update/prescan.ts';
import { type UpdateRefusal, rrsetText } from '#zone/update/refusal.ts';
import { type RecordDecision, checked } from './record-decision.ts';
import { updateGuard } from './update-guard.ts';

/** The code of each rcode that an UPDATE is answered with because of what it says. */
export const UPDATE_CODES: ReadonlyMap<number, ProblemCode> = new Map([
  [RCODE.FORMERR, 'UPDATE_FORM'],
  [RCODE.NOTZONE, 'UPDATE_NOTZONE'],
  [RCODE.NXDOMAIN, 'UPDATE_NXDOMAIN'],
  [RCODE.NXRRSET, 'UPDATE_NXRRSET'],
  [RCODE.YXDOMAIN, 'UPDATE_YXDOMAIN'],
  [RCODE.YXRRSET, 'UPDATE_YXRRSET'],
  [RCODE.REFUSED, 'UPDATE_REFUSED'],
]);

export function updateZone(
  { record, view }: ServedZone,
  { prerequisites, updates, rights, key }: CommandOf<'zone.update'>,
  { recordsPerRrsetMax }: { readonly recordsPerRrsetMax: number },
): Result<RecordDecision> {
  const refusal = checkPrerequisites(view, prerequisites) ?? checkUpdates(view, updates);
  if (refusal !== undefined) return fail(problemOf(refusal));
  const isSigned = record.dnssec === 'on';
  const applied = applyUpdates(view, updates, updateGuard(rights, key, view.apex, isSigned));
  if ('rcode' in applied) return fail(problemOf(applied));
  return checked(view, applied, { signed: isSigned, recordsPerRrsetMax }, detailOf(applied), []);
}

function problemOf({ rcode, text, owner, type }: UpdateRefusal): Problem {
  return problem(UPDATE_CODES.get(rcode) ?? 'UPDATE_REFUSED', placeOfRrset(owner, type), text);
}

function detailOf(changes: readonly RrsetChange[]): string {
  const shown = changes.slice(0, UPDATE_DETAIL_RRSETS_MAX);
  const texts = shown.map((each) => `${each.rrset === null ? 'delete' : 'set'} ${rrsetText(each)}`);
  const more = changes.length - shown.length;
  return [...texts, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}
