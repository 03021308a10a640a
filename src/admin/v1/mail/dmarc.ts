/**
 * `/v1/zones/{zone}/dmarc`: the DMARC ramp: how far the policy has come, and orders to it.
 * Not here: reports that receivers send (reports.ts).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { DMARC_MACHINE, dmarcStage } from '#mail/dmarc/ramp.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given } from '#admin/http/form.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { Reason, closed } from '#admin/http/schemas.ts';
import { ReportStatusForm, reportStatusForm } from './report-status.ts';
import { linesOf, withMail } from './zone-mail.ts';

const DmarcForm = Type.Object({
  zone: Type.String(),
  policy: Type.String({ description: 'the policy that is published now' }),
  target: Type.String({ description: 'the policy that the ramp leads to' }),
  held: Type.Optional(Type.String({ description: 'why the ramp is paused' })),
  lines: Type.Array(Type.String()),
  reports: ReportStatusForm,
});

export const dmarcRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/dmarc',
    tag: 'mail',
    summary: 'Show the DMARC ramp',
    answers: { 200: DmarcForm },
    show: (asked) =>
      withMail(asked, (mail) => ({
        body: () => ({
          zone: asked.zone.name,
          policy: dmarcStage(mail.state.dmarc),
          target: mail.policy.dmarc.policy,
          held: (mail.state.dmarc.hold ?? mail.state.dmarc.objects[0]?.hold)?.reason,
          lines: linesOf(mail, DMARC_MACHINE),
          reports: reportStatusForm(mail.reports.dmarc),
        }),
      })),
  }),

  zoneChangeRoute({
    method: 'PATCH',
    url: '/v1/zones/:zone/dmarc',
    tag: 'mail',
    summary: 'Pause, resume or roll back the DMARC ramp',
    body: closed({
      action: Type.Enum(['pause', 'resume', 'roll-back']),
      to: Type.Optional(Type.Enum(['none', 'quarantine'], { description: 'for roll-back; one step unless given' })),
      reason: Type.Optional(Reason),
    }),
    example: { action: 'pause', reason: 'a new mailing service starts' },
    change: ({ apex, body: { action, to, reason = '' } }) =>
      ok({ command: { kind: 'dmarc.ramp', zone: apex, action, reason, ...given({ to }) } }),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dmarc/source',
    tag: 'mail',
    summary: 'Declare a source in DMARC reports ours or not ours',
    description:
      'The ramp waits for a large, steady source that authenticates itself as another domain until the operator says whose it is. ' +
      'Mail of a source that is ours must be aligned before the next step; a source that is not ours holds nothing up. The last ' +
      'declaration counts.',
    body: closed({
      source: Type.String({ minLength: 1, maxLength: 255, description: 'a domain, an address or a network, as the reports name it' }),
      verdict: Type.Enum(['ours', 'not-ours']),
      reason: Reason,
    }),
    example: { source: 'esp.example', verdict: 'ours', reason: 'sends our newsletter' },
    change: ({ apex, body: { source, verdict, reason } }) => ok({ command: { kind: 'dmarc.source', zone: apex, source, verdict, reason } }),
  }),
];
