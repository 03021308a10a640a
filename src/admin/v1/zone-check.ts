/**
 * `/v1/zones/{zone}/check`: the zone as strangers meet it, looked at now.
 * Not here: looking and judging (control/doctor/).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { VERDICTS, type ZoneCheckReport } from '#control/api/zone-check.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';

const VerdictForm = Type.Enum([...VERDICTS], { description: 'in the words of Internet.nl, worst first' });

const ResultForm = Type.Object({
  check: Type.String({ description: 'which check: ds-no-key, spf-lookups, record-not-ours, …' }),
  area: Type.String({ description: 'delegation, servers, dnssec, drift, addresses, mail, spf, dkim, dmarc, …' }),
  subject: Type.String({ description: 'the server, host, name or zone that it is about' }),
  verdict: VerdictForm,
  evidence: Type.String({ description: 'what was seen' }),
  rfc: Type.String(),
  fix: Type.Optional(Type.String({ description: 'what to do next; absent: nothing' })),
});

const ZoneCheckForm = Type.Object({
  zone: Type.String(),
  at: Type.String({ format: 'date-time' }),
  serial: Type.Number({ description: 'of the zone as it is served here' }),
  verdict: VerdictForm,
  results: Type.Array(ResultForm, { description: 'worst first' }),
  omitted: Type.Number({ description: 'how many of the last are left out, because there are too many' }),
});

export const zoneCheckRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/check',
    tag: 'zones',
    budget: 'checks',
    summary: 'Check the zone from outside',
    description:
      'Looks as a stranger does: every name server of parent and zone, DNSSEC, SPF, DKIM, DMARC, MTA-STS, TLS-RPT, ' +
      'TLSA, BIMI, CAA. Takes up to half a minute.',
    answers: { 200: ZoneCheckForm },
    show: async ({ control, zone }) => {
      const report = await control.checks.zone.check(zone);
      return report.ok ? ok({ body: () => zoneCheckForm(report.value) }) : report;
    },
  }),
];

function zoneCheckForm({ zone, atMs, serial, verdict, results, omitted }: ZoneCheckReport) {
  return { zone, at: new Date(atMs).toISOString(), serial, verdict, results, omitted };
}
