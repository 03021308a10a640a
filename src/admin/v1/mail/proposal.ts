/**
 * `/v1/zones/{zone}/mail/proposal`: a mail policy made from the records of a zone. Not here: how it is made
 * (mail/import.ts).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { problemForm } from '#admin/http/problems.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { ProblemList } from '#admin/http/schemas.ts';
import { PolicyForm } from './policy.ts';

export const mailProposalRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/mail/proposal',
    tag: 'mail',
    summary: 'Propose a mail policy that keeps the records of the zone',
    description: 'Nothing is changed. Apply the policy as it is, or edit it first.',
    answers: { 200: Type.Object({ zone: Type.String(), policy: PolicyForm, problems: ProblemList }) },
    show: ({ control, zone }) => {
      const { document, problems } = control.mail.proposal(zone);
      return ok({ body: () => ({ zone: zone.name, policy: document, problems: problems.map(problemForm) }) });
    },
  }),
];
