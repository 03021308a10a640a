/**
 * `/v1/zones/{zone}/delegation`: whether a registry will take the zone's delegation, looked at now.
 * Not here: looking and judging (control/delegation-check/).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { DelegationReport } from '#control/api/delegation-check.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';

const FindingForm = Type.Object({
  severity: Type.Enum(['error', 'warning']),
  code: Type.String({ description: 'which rule: too-few-servers, no-tcp, serial-differs, …' }),
  subject: Type.String({ description: 'the server, host or zone that it is about' }),
  text: Type.String(),
  rfc: Type.String(),
  fix: Type.String(),
});

const DelegationForm = Type.Object({
  zone: Type.String(),
  acceptable: Type.Boolean({ description: 'no error among the findings' }),
  serial: Type.Number(),
  nameServers: Type.Array(
    Type.Object({
      host: Type.String(),
      glue: Type.Boolean({ description: 'below the zone: its addresses go to the registrar too' }),
      addresses: Type.Array(Type.String()),
    }),
  ),
  parentServers: Type.Array(Type.String({ description: 'of the parent, also those that could not be asked' })),
  findings: Type.Array(FindingForm, { description: 'worst first; none: a registry that checks takes it' }),
});

export const delegationCheckRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/delegation',
    tag: 'zones',
    budget: 'delegations',
    summary: 'Check whether a registry takes the delegation',
    description: 'Asks every name server of the zone and of its parent, and takes up to ten seconds.',
    answers: { 200: DelegationForm },
    show: async ({ control, zone }) => {
      const report = await control.checks.delegation.check(zone);
      return report.ok ? ok({ body: () => delegationForm(zone.name, report.value) }) : report;
    },
  }),
];

function delegationForm(zone: string, { isAcceptable, serial, hosts, parent, findings }: DelegationReport) {
  return {
    zone,
    acceptable: isAcceptable,
    serial,
    nameServers: hosts.map(({ host, needsGlue, addresses }) => ({ host, glue: needsGlue, addresses })),
    parentServers: parent.map(({ place }) => place),
    findings,
  };
}
