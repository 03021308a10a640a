/**
 * `/v1/zones/{zone}/mail/check`: the published records as receivers read them. Not here: the checks
 * (control/mail/check.ts).
 */
import { Type } from 'typebox';
import { hasErrors, ok } from '#base/problem.ts';
import { checkMail } from '#control/mail/check.ts';
import { problemForm } from '#admin/http/problems.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { ProblemList } from '#admin/http/schemas.ts';

export const mailCheckRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/mail/check',
    budget: 'looks',
    tag: 'mail',
    summary: 'Check the mail records as receivers do',
    description: 'Reads the published records. Also works for zones without a mail policy.',
    answers: {
      200: Type.Object({
        zone: Type.String(),
        ok: Type.Boolean({ description: 'true when there are no errors' }),
        records: Type.Array(Type.Object({ at: Type.String(), text: Type.String() })),
        problems: ProblemList,
      }),
    },
    show: async ({ control, zone }) => {
      const [view, isSigned] = [control.zones.view(zone), zone.dnssec === 'on'];
      const report = await checkMail({ view, isSigned, mail: control.mail.view(zone) }, control.zones.resolver);
      return ok({
        body: () => ({
          zone: report.zone,
          ok: !hasErrors(report.problems),
          records: report.records.map(({ at, text }) => ({ at, text: Buffer.from(text, 'latin1').toString('utf8') })),
          problems: report.problems.map(problemForm),
        }),
      });
    },
  }),
];
