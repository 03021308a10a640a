/**
 * `/v1/zones/{zone}/mail/proposal`: a mail policy made from the records of a zone. Not here: how it is made
 * (mail/import.ts).
 */
import { Type } from 'typebox';
import { type Problem, ok } from '#base/problem.ts';
import { withDeadline } from '#control/mail/spf.ts';
import { type Resolver } from '#dns/resolver.ts';
import { treeProblems } from '#mail/spf/budget.ts';
import { spfTree } from '#mail/spf/tree.ts';
import { easeStandingSpf } from '#mail/standing.ts';
import { problemForm } from '#admin/http/problems.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { ProblemList } from '#admin/http/schemas.ts';
import { PolicyForm } from './policy.ts';

export const mailProposalRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/mail/proposal',
    budget: 'looks',
    tag: 'mail',
    summary: 'Propose a mail policy that keeps the records of the zone',
    description: 'Nothing is changed. Apply the policy as it is, or edit it first.',
    answers: { 200: Type.Object({ zone: Type.String(), policy: PolicyForm, problems: ProblemList }) },
    show: async ({ control, zone }) => {
      const { document, problems } = await control.mail.proposal(zone);
      const keepsSpf = document.spf?.enabled !== false && document.profile === undefined;
      const told = [...problems, ...(keepsSpf ? await spfErrors(zone.name, control.zones.resolver) : [])];
      return ok({ body: () => ({ zone: zone.name, policy: document, problems: told.map(problemForm) }) });
    },
  }),
];

/** Why receivers reject the SPF record that the proposal keeps. It stands in the zone, so the policy can be applied. */
async function spfErrors(zone: string, resolver: Resolver): Promise<Problem[]> {
  const { limited, end } = withDeadline(resolver);
  try {
    const tree = await spfTree(zone.replace(/\.$/, ''), limited);
    const errors = treeProblems(tree).filter(({ severity }) => severity === 'error');
    return easeStandingSpf(errors, tree, tree);
  } finally {
    end();
  }
}
