/**
 * `/v1/zones/{zone}/mta-sts`: the MTA-STS mode of a zone, and the policy that senders read.
 * Not here: TLS reports that senders send (reports.ts).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { announcedBody, servedBody, stsMode } from '#mail/mta-sts/lifecycle.ts';
import { STS_BODY_MACHINE, STS_HOST_MACHINE, STS_MODE_MACHINE } from '#mail/mta-sts/machine.ts';
import { formatStsPolicy } from '#mail/mta-sts/record.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { closed } from '#admin/http/schemas.ts';
import { ReportStatusForm, reportStatusForm } from './report-status.ts';
import { linesOf, withMail } from './zone-mail.ts';

const MtaStsForm = Type.Object({
  zone: Type.String(),
  mode: Type.String({ description: 'stage of the mode' }),
  target: Type.String({ description: 'the mode that the steps lead to' }),
  body: Type.Optional(Type.String({ description: 'the policy file that the policy host serves' })),
  announcedId: Type.Optional(Type.String({ description: 'id= of the published record' })),
  lines: Type.Array(Type.String()),
  reports: ReportStatusForm,
});

export const mtaStsRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/mta-sts',
    tag: 'mail',
    summary: 'Show the MTA-STS mode',
    answers: { 200: MtaStsForm },
    show: (asked) =>
      withMail(asked, (mail) => ({
        body: () => {
          const served = servedBody(mail.state.mtaSts);
          return {
            zone: asked.zone.name,
            mode: stsMode(mail.state.mtaSts),
            target: mail.policy.mtaSts.mode,
            body: served && formatStsPolicy(served.data.policy),
            announcedId: announcedBody(mail.state.mtaSts)?.data.id,
            lines: linesOf(mail, STS_MODE_MACHINE, STS_BODY_MACHINE, STS_HOST_MACHINE),
            reports: reportStatusForm(mail.reports.tls),
          };
        },
      })),
  }),

  zoneChangeRoute({
    method: 'PATCH',
    url: '/v1/zones/:zone/mta-sts',
    tag: 'mail',
    summary: 'Change the MTA-STS mode',
    description: 'Same as a mail policy with another mtaSts.mode: the mode changes step by step.',
    body: closed({ mode: Type.Enum(['off', 'testing', 'enforce']) }),
    example: { mode: 'enforce' },
    change: ({ apex, body: { mode } }) => ok({ command: { kind: 'mta-sts.mode', zone: apex, mode } }),
  }),
];
