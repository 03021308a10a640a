/** `/v1/zones/{zone}/dnssec/…`: rollovers of keys, what they wait for, and orders to them. */
import { type Static, Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { Name } from '#dns/name.ts';
import type { DnssecCommand, RolloverView } from '#control/api/dnssec.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { Reason, Time, closed } from '#admin/http/schemas.ts';

const ObjectName = Type.String({ maxLength: 128, description: 'the rollover, as in timeline' });
const Order = Type.Union([
  closed({ action: Type.Literal('hold'), object: Type.Optional(ObjectName), reason: Reason }),
  closed({ action: Type.Literal('resume'), object: Type.Optional(ObjectName) }),
  closed({
    action: Type.Literal('override'),
    object: ObjectName,
    wait: Type.String({ maxLength: 64 }),
    reason: Reason,
  }),
  closed({ action: Type.Literal('cancel'), object: ObjectName, reason: Reason }),
]);

const WaitForm = Type.Object({
  id: Type.String(),
  who: Type.String({ description: 'who is waited for' }),
  why: Type.String({ description: 'what would go wrong without the wait' }),
  rfc: Type.Optional(Type.String()),
  isOver: Type.Boolean(),
  missing: Type.Array(Type.String({ description: 'places that have not shown it' })),
  nextCheckAt: Type.Optional(Time),
  earliestAt: Type.Optional(Time),
  override: Type.String({ description: 'the command that ends the wait now' }),
  text: Type.String(),
});

const RolloverForm = Type.Object({
  object: Type.String(),
  stage: Type.String(),
  out: Type.Array(Type.Integer({ description: 'tag of a key that goes' })),
  in: Type.Array(Type.Integer({ description: 'tag of a key that comes' })),
  beganAt: Time,
  since: Time,
  held: Type.Optional(Type.Object({ by: Type.String(), reason: Type.String() })),
  next: Type.Optional(Type.String({ description: 'the next stage' })),
  earliestAt: Type.Optional(Time),
  waits: Type.Array(WaitForm),
  steps: Type.Array(
    Type.Object({ from: Type.String(), to: Type.String(), at: Time, evidence: Type.Array(Type.String()) }),
  ),
  lines: Type.Array(Type.String()),
});

export const dnssecRolloverRoutes = [
  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dnssec/roll',
    tag: 'dnssec',
    summary: 'Roll a key',
    description:
      'A new key takes the place of the one in this role, step by step. Each step waits until no resolver can need ' +
      'what it takes away. ' +
      'The plan has the earliest dates. ' +
      'Of a compromised key, emergency says how: safe keeps the chain of trust, now takes the key out at once ' +
      'and breaks it. The consequences, which a dry run has too, say what that leads to and until when.',
    body: closed({
      role: Type.Enum(['csk', 'ksk', 'zsk']),
      emergency: Type.Optional(Type.Enum(['safe', 'now'], { description: 'the key is compromised' })),
    }),
    example: { role: 'csk' },
    change: ({ apex, body: { role, emergency } }) =>
      ok({ command: { kind: 'dnssec.roll', zone: apex, role, ...given({ emergency }) } }),
  }),

  zoneReadRoute({
    url: '/v1/zones/:zone/dnssec/timeline',
    tag: 'dnssec',
    summary: 'Show the rollovers under way, and what each waits for',
    answers: {
      200: Type.Object({ zone: Type.String(), nextRollAt: Type.Optional(Time), rollovers: Type.Array(RolloverForm) }),
    },
    show: ({ control, zone }) =>
      ok({
        body: () => {
          const { rollovers, nextRollMs } = control.dnssec.view(zone);
          return { zone: zone.name, nextRollAt: isoTime(nextRollMs), rollovers: rollovers.map(rolloverForm) };
        },
      }),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dnssec/orders',
    tag: 'dnssec',
    summary: 'Hold, resume or call off a rollover, or end a wait early',
    description:
      'Without object: every rollover of the zone. Time that passes during a hold counts. ' +
      'A rollover can be called off in its first stage.',
    body: Order,
    example: { action: 'hold', reason: 'no changes before the holidays' },
    change: ({ apex, body }) => ok({ command: commandOf(apex, body) }),
  }),
];

function commandOf(zone: Name, order: Static<typeof Order>): DnssecCommand {
  switch (order.action) {
    case 'hold':
      return { kind: 'dnssec.hold', zone, reason: order.reason, ...given({ object: order.object }) };
    case 'resume':
      return { kind: 'dnssec.resume', zone, ...given({ object: order.object }) };
    case 'cancel':
      return { kind: 'dnssec.cancel', zone, object: order.object, reason: order.reason };
    default:
      return { kind: 'dnssec.override', zone, object: order.object, wait: order.wait, reason: order.reason };
  }
}

function rolloverForm({ object, out, in: incoming, beganAtMs, history, explanation }: RolloverView) {
  const { stage, sinceMs, hold, next, earliestMs, waits, lines } = explanation;
  return {
    object,
    stage,
    out,
    in: incoming,
    beganAt: isoTime(beganAtMs),
    since: isoTime(sinceMs),
    held: hold && { by: hold.by, reason: hold.reason },
    next,
    earliestAt: isoTime(earliestMs),
    waits: waits.map((wait) => ({
      id: wait.id,
      who: wait.who,
      why: wait.why,
      rfc: wait.rfc,
      isOver: wait.isOver,
      missing: wait.missing,
      nextCheckAt: isoTime(wait.nextCheckMs),
      earliestAt: isoTime(wait.earliestMs),
      override: wait.override,
      text: wait.text,
    })),
    steps: history.map(({ from, to, atMs, evidence }) => ({
      from,
      to,
      at: isoTime(atMs),
      evidence: evidence.map(({ wait, text }) => `${wait}: ${text}`),
    })),
    lines,
  };
}
