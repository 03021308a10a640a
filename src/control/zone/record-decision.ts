/**
 * What a command on a zone's records changes, when the changes keep the zone's rules.
 * Not here: the rules (change-rules.ts).
 */
import { type Problem, type Result, fail, hasErrors, ok } from '#base/problem.ts';
import { type RrsetChange } from '#dnssec/plan.ts';
import { type DocumentWrite } from '#store/writer.ts';
import { type ZoneView } from '#zone/view.ts';
import { type ChangeRules, checkChanges } from './change-rules.ts';

export interface RecordDecision {
  readonly changes: Iterable<RrsetChange>;
  /** Whether the zone is signed afterwards. */
  readonly isSigned: boolean;
  /** One line for the audit log. */
  readonly detail: string;
  readonly warnings: readonly Problem[];
  /** Of the zone's ALIAS records; absent: the change knows of none. */
  readonly documents?: readonly DocumentWrite[];
}

/** A decision whose changes keep the zone's rules, or what is wrong with it. */
export function checked(
  view: ZoneView,
  changes: readonly RrsetChange[],
  rules: ChangeRules,
  detail: string,
  before: readonly Problem[],
  documents?: readonly DocumentWrite[],
): Result<RecordDecision> {
  const problems = [...before, ...checkChanges(view, changes, rules)];
  if (hasErrors(problems)) return fail(...problems);
  const decided = { changes, isSigned: rules.signed, detail, warnings: problems };
  return ok(documents === undefined ? decided : { ...decided, documents });
}
