/** The condition that a request sets to a change, against the zone as it is in the change's turn. */
import { WHOLE } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type ZoneView } from '#zone/view.ts';
import { type RunOptions } from '#control/api/control.ts';

/** The command's condition that the zone does not meet. */
export function unmetCondition(
  record: ZoneRecord | undefined,
  view: ZoneView | undefined,
  { ifRevision, precondition }: RunOptions,
): Problem | undefined {
  if (ifRevision === undefined || ifRevision === record?.revision) return precondition?.(record, view);
  const now = record?.revision ?? 'none';
  return problem('PRECONDITION', WHOLE, `the zone is at revision ${now}, not ${ifRevision}; nothing was changed`, {
    fix: 'read it again, then repeat the change',
  });
}
