/**
 * What becomes of the members of a followed catalog, as a command gives it: checked, and as it is kept.
 * Not here: which member gets which template (control/catalog/plan.ts).
 */
import { CATALOG_MEMBERS_DEFAULT, CATALOG_MEMBERS_MAX, CATALOG_TEMPLATES_MAX } from '#base/limits/transfer.ts';
import { inBody } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type FollowedCatalog, type MemberTemplate } from '#store/transfer/followed-catalogs.ts';
import { type TsigKeyInfo } from '#control/api/transfer.ts';
import { readGivenPrimaries } from './given-primaries.ts';

export interface GivenSettings {
  readonly templates: readonly MemberTemplate[];
  readonly membersMax?: number;
}

/**
 * Everything that is wrong. Keys must open the catalog: with that key its producer is known. They need not open each
 * member, because nothing is given to the producer.
 */
export function followedProblems(
  given: GivenSettings,
  catalog: Name,
  keys: readonly TsigKeyInfo[],
): readonly Problem[] {
  const { templates, membersMax = CATALOG_MEMBERS_DEFAULT } = given;
  const problems: Problem[] = [];
  if (!Number.isInteger(membersMax) || membersMax < 1 || membersMax > CATALOG_MEMBERS_MAX)
    problems.push(problem('FIELD_VALUE', inBody('/membersMax'), `members are 1 to ${CATALOG_MEMBERS_MAX}`));
  if (templates.length > CATALOG_TEMPLATES_MAX)
    problems.push(problem('FIELD_VALUE', inBody('/templates'), `at most ${CATALOG_TEMPLATES_MAX} templates`));
  for (const [at, { group, primaries }] of templates.entries()) {
    const first = templates.findIndex((each) => each.group === group);
    const what = group === undefined ? 'members without a group' : `the group ${group}`;
    if (first < at)
      problems.push(problem('FIELD_VALUE', inBody(`/templates/${at}/group`), `${what} has a template already`));
    if (primaries.length === 0) continue;
    const read = readGivenPrimaries({ zone: catalog, primaries }, keys, `/templates/${at}`);
    if (!read.ok) problems.push(...read.problems);
  }
  return problems;
}

export function followedSettings({ templates, membersMax = CATALOG_MEMBERS_DEFAULT }: GivenSettings): FollowedCatalog {
  return { templates, membersMax };
}
