/**
 * Errors of a mail policy that the zone's records have already. A policy that keeps what stands can be applied,
 * with those as warnings; only what it makes worse, or newly breaks, rejects it.
 * Implements: RFC 7208 §4.6.4 and §3.4, as far as they count.
 * Not here: the checks themselves (hygiene.ts, mail/spf/budget.ts).
 */
import { formatPlace } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, formatProblem } from '#base/problem.ts';
import { ownerKey, parseName, ROOT } from '#dns/name.ts';
import { type ZoneView } from '#zone/view.ts';
import { checkTextNode } from './hygiene.ts';
import { treeProblems } from '#mail/spf/budget.ts';
import { type SpfTree } from '#mail/spf/tree.ts';

/** What an error counts: with more of it than now, the record is worse than the one that stands. */
const COUNTS: { readonly [Code in ProblemCode]?: (tree: SpfTree) => number } = {
  SPF_LOOKUPS: ({ lookups }) => lookups,
  SPF_VOIDS: ({ voids }) => voids,
  SPF_SIZE: ({ ownerBytes }) => ownerBytes,
};

/** The problems of the SPF record with tree `after`, where the one that stands now has the tree `before`. */
export function easeStandingSpf(problems: readonly Problem[], after: SpfTree, before: SpfTree): Problem[] {
  const stands = new Set(treeProblems(before).map(identityOf));
  return problems.map((each) => {
    const count = COUNTS[each.code];
    const isWorse = count !== undefined && count(after) > count(before);
    return stands.has(identityOf(each)) && !isWorse ? eased(each) : each;
  });
}

/** The same term or name, and the same error; without the numbers in its message. */
function identityOf({ code, at, severity }: Problem): string {
  return `${severity} ${code} ${formatPlace(at)}`;
}

/** The problems of the texts in a zone after a change of `view`. */
export function easeStandingTexts(problems: readonly Problem[], view: ZoneView): Problem[] {
  return problems.map((each) => (each.severity === 'error' && isStanding(each, view) ? eased(each) : each));
}

function isStanding(each: Problem, view: ZoneView): boolean {
  const owner = each.at.kind === 'rrset' ? parseName(each.at.owner, ROOT) : undefined;
  if (owner?.ok !== true) return false;
  const node = view.node(ownerKey(owner.value));
  return node !== undefined && checkTextNode(view, node).some((stood) => formatProblem(stood) === formatProblem(each));
}

/** The fault stays, and so does its fix. */
function eased(each: Problem): Problem {
  if (each.severity !== 'error') return each;
  return { ...each, severity: 'warning', message: `${each.message}; the records in the zone have this error already` };
}
