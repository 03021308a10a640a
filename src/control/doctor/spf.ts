/**
 * SPF as receivers evaluate it, with everything that it includes.
 * Implements: RFC 7208 §3 (one record), §4.6 (terms, look-ups), §5.1 (all).
 * Not here: the tree (mail/spf/tree.ts) and what is wrong with one (mail/spf/budget.ts).
 */
import { formatName } from '#dns/name.ts';
import { type Problem } from '#base/problem.ts';
import { treeProblems } from '#mail/spf/budget.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type CheckId } from './checks.ts';
import { type DoctorFacts } from './facts.ts';
import { bare, failed, ofProblem, orPassed, passed, untested } from './results.ts';

/** Codes of problems that are checks of their own; the others are about the form of the record. */
const CHECK_OF: Readonly<Partial<Record<Problem['code'], CheckId>>> = {
  SPF_MULTIPLE: 'spf-multiple',
  SPF_LOOKUPS: 'spf-lookups',
  SPF_VOIDS: 'spf-lookups',
  SPF_MX_NAMES: 'spf-lookups',
  SPF_TREE: 'spf-lookups',
  SPF_EVERYBODY: 'spf-open',
  SPF_NO_ALL: 'spf-open',
};

export function judgeSpf({ meant, spf }: Pick<DoctorFacts, 'meant' | 'spf'>): CheckResult[] {
  const zone = formatName(meant.zone);
  const tree = `waxseal spf tree ${bare(zone)}`;
  if (spf.state === 'unresolved') return [untested('spf', zone, 'its TXT records cannot be looked up now', tree)];
  if (spf.state === 'none') {
    const near = spf.near === undefined ? '' : `: ${spf.near}`;
    const text = `there is no SPF record, so any host may claim to send for the domain${near}`;
    return [failed('spf-missing', zone, text, `publish one: waxseal mail apply ${bare(zone)} FILE`)];
  }
  const found = treeProblems(spf).map((each): CheckResult => {
    if (each.code === 'SPF_UNRESOLVED') return untested('spf', zone, each.message, tree);
    return ofProblem(CHECK_OF[each.code] ?? 'spf-record', zone, each, tree);
  });
  const text = `${spf.text} (${spf.lookups} look-ups)`;
  return orPassed(found, () => passed('spf', zone, text));
}
