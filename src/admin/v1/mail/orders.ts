/**
 * `/v1/zones/{zone}/mail/orders`: hold and resume steps, and end waits, of any key, record or mode of a zone's mail.
 */
import { type Static, Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { Name } from '#dns/name.ts';
import type { MailCommand } from '#control/api/mail.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given } from '#admin/http/form.ts';
import { Reason, closed } from '#admin/http/schemas.ts';

const Order = Type.Union([
  closed({ action: Type.Literal('hold'), object: Type.Optional(Type.String()), reason: Reason }),
  closed({ action: Type.Literal('resume'), object: Type.Optional(Type.String()) }),
  closed({ action: Type.Literal('override'), object: Type.String(), wait: Type.String(), reason: Reason }),
]);

export const mailOrdersRoutes = [
  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/mail/orders',
    tag: 'mail',
    summary: 'Hold or resume steps, or end a wait early',
    description: 'Without object: everything of the zone. Time that passes during a hold counts.',
    body: Order,
    example: { action: 'hold', object: 'dmarc', reason: 'a mailing is under way' },
    change: ({ apex, body }) => ok({ command: commandOf(apex, body) }),
  }),
];

function commandOf(zone: Name, order: Static<typeof Order>): MailCommand {
  switch (order.action) {
    case 'hold':
      return { kind: 'lifecycle.hold', zone, reason: order.reason, ...given({ object: order.object }) };
    case 'resume':
      return { kind: 'lifecycle.resume', zone, ...given({ object: order.object }) };
    default:
      return { kind: 'lifecycle.override', zone, object: order.object, wait: order.wait, reason: order.reason };
  }
}
