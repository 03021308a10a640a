/**
 * Orders to what a mail policy set going, and how it stands: DKIM keys, the DMARC ramp, MTA-STS, and holds and overrides of any.
 * Private keys are in no answer. Not here: the policy itself (policy.ts), TLSA (tlsa.ts), keys for signers.
 */
import { type Static, Type } from 'typebox';
import { nameOf } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { MailView } from '#control/api/mail.ts';
import { noPolicy } from '#control/commands/absent.ts';
import type { SelectorCount } from '#control/api/mail.ts';
import { dmarcStage } from '#mail/dmarc/ramp.ts';
import { announcedBody, servedBody, stsMode } from '#mail/mta-sts/lifecycle.ts';
import { formatStsPolicy } from '#mail/mta-sts/record.ts';
import { DKIM_ALGORITHMS } from '#mail/policy/schema.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone } from '#admin/http/change.ts';
import { isoTime } from '#admin/http/form.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { ReportStatusForm, reportStatusForm } from './report-status.ts';
import { ChangeQuery, ZoneParams, changeResponses, closed, responses } from '#admin/http/schemas.ts';
import type { FastifyReply } from 'fastify';

const Reason = Type.String({ minLength: 1, maxLength: 500, description: 'for the audit log' });
const Time = Type.String({ format: 'date-time' });

const KeyForm = Type.Object({
  selector: Type.String(),
  algorithm: Type.String(),
  stage: Type.String(),
  since: Time,
  publicKey: Type.String({ description: 'base64, as in p=' }),
  signer: Type.Optional(Type.String({ description: 'who made the key and keeps it' })),
  compromised: Type.Optional(Type.String()),
  queries: Type.Object(
    {
      count: Type.Integer({ description: 'since the answer process that runs now was started, or longer' }),
      lastAt: Type.Optional(Time),
      watchedSince: Type.Optional(Time),
    },
    { description: 'how often the selector was asked for at this server; without watchedSince nobody counts' },
  ),
});

export function mailLifeRoutes(app: AdminApp, control: ControlApi): void {
  /** The zone's mail, or an answer that says why there is none. */
  const withMail = (text: string, reply: FastifyReply, show: (mail: MailView, zone: string) => FastifyReply): FastifyReply => {
    const zone = findZone(control, text);
    if (!zone.ok) return sendProblems(reply, zone.problems);
    const mail = control.mail(zone.value);
    return mail === undefined ? sendProblems(reply, [noPolicy(zone.value.name)]) : show(mail, zone.value.name);
  };
  const zoneName = (text: string) => {
    const zone = findZone(control, text);
    return zone.ok ? { ok: true as const, value: nameOf(zone.value.name) } : zone;
  };

  app.get(
    '/v1/zones/:zone/dkim',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'DKIM keys',
        tags: ['mail'],
        params: ZoneParams,
        response: responses({ 200: Type.Object({ zone: Type.String(), keys: Type.Array(KeyForm) }) }),
      },
    },
    (request, reply) => withMail(request.params.zone, reply, (mail, zone) => reply.send({ zone, keys: keyForms(mail) })),
  );

  app.post(
    '/v1/zones/:zone/dkim/rotate',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Rotate DKIM keys as soon as that is safe',
        tags: ['mail'],
        params: ZoneParams,
        querystring: ChangeQuery,
        body: closed({
          algorithms: Type.Optional(Type.Array(Type.Enum([...DKIM_ALGORITHMS]), { uniqueItems: true, description: 'all, unless given' })),
          reason: Type.Optional(Reason),
        }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = zoneName(request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { algorithms = [], reason = 'ordered' } = request.body;
      return answerChange(control, request, reply, { kind: 'dkim.rotate', zone: zone.value, algorithms, reason });
    },
  );

  app.post(
    '/v1/zones/:zone/dkim/:selector/revoke',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Revoke a DKIM key',
        description: 'at-once: its record becomes p= now, and mail under way fails. after-switch: it signs on until the next key does.',
        tags: ['mail'],
        params: closed({ ...ZoneParams.properties, selector: Type.String({ minLength: 1, maxLength: 253 }) }),
        querystring: ChangeQuery,
        body: closed({ reason: Reason, when: Type.Optional(Type.Enum(['at-once', 'after-switch'])) }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = zoneName(request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { reason, when = 'at-once' } = request.body;
      return answerChange(control, request, reply, {
        kind: 'dkim.revoke',
        zone: zone.value,
        selector: request.params.selector,
        reason,
        when,
      });
    },
  );

  app.get(
    '/v1/zones/:zone/dmarc',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'The DMARC ramp',
        tags: ['mail'],
        params: ZoneParams,
        response: responses({
          200: Type.Object({
            zone: Type.String(),
            policy: Type.String(),
            target: Type.String(),
            held: Type.Optional(Type.String()),
            lines: Type.Array(Type.String()),
            reports: ReportStatusForm,
          }),
        }),
      },
    },
    (request, reply) =>
      withMail(request.params.zone, reply, (mail, zone) => {
        const hold = mail.state.dmarc.hold ?? mail.state.dmarc.objects[0]?.hold;
        return reply.send({
          zone,
          policy: dmarcStage(mail.state.dmarc),
          target: mail.policy.dmarc.policy,
          ...(hold === undefined ? {} : { held: hold.reason }),
          lines: linesOf(mail, 'dmarc'),
          reports: reportStatusForm(mail.reports.dmarc),
        });
      }),
  );

  app.patch(
    '/v1/zones/:zone/dmarc',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Pause, resume or roll back the DMARC ramp',
        tags: ['mail'],
        params: ZoneParams,
        querystring: ChangeQuery,
        body: closed({
          action: Type.Enum(['pause', 'resume', 'roll-back']),
          to: Type.Optional(Type.Enum(['none', 'quarantine'], { description: 'of roll-back; one step unless given' })),
          reason: Type.Optional(Reason),
        }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = zoneName(request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { action, to, reason = '' } = request.body;
      return answerChange(control, request, reply, {
        kind: 'dmarc.ramp',
        zone: zone.value,
        action,
        reason,
        ...(to === undefined ? {} : { to }),
      });
    },
  );

  app.get(
    '/v1/zones/:zone/mta-sts',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'MTA-STS',
        tags: ['mail'],
        params: ZoneParams,
        response: responses({
          200: Type.Object({
            zone: Type.String(),
            mode: Type.String({ description: 'stage of the mode' }),
            target: Type.String(),
            body: Type.Optional(Type.String({ description: 'what the policy host serves' })),
            announcedId: Type.Optional(Type.String()),
            lines: Type.Array(Type.String()),
            reports: ReportStatusForm,
          }),
        }),
      },
    },
    (request, reply) =>
      withMail(request.params.zone, reply, (mail, zone) => {
        const served = servedBody(mail.state.mtaSts);
        const announced = announcedBody(mail.state.mtaSts);
        return reply.send({
          zone,
          mode: stsMode(mail.state.mtaSts),
          target: mail.policy.mtaSts.mode,
          ...(served === undefined ? {} : { body: formatStsPolicy(served.data.policy) }),
          ...(announced === undefined ? {} : { announcedId: announced.data.id }),
          lines: linesOf(mail, 'mta-sts'),
          reports: reportStatusForm(mail.reports.tls),
        });
      }),
  );

  app.patch(
    '/v1/zones/:zone/mta-sts',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Change the MTA-STS mode to arrive at',
        description: 'The same as a mail policy with another mtaSts.mode: it is changed in steps that senders can follow.',
        tags: ['mail'],
        params: ZoneParams,
        querystring: ChangeQuery,
        body: closed({ mode: Type.Enum(['off', 'testing', 'enforce']) }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = zoneName(request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      return answerChange(control, request, reply, { kind: 'mta-sts.mode', zone: zone.value, mode: request.body.mode });
    },
  );

  const Order = Type.Union([
    closed({ action: Type.Literal('hold'), object: Type.Optional(Type.String()), reason: Reason }),
    closed({ action: Type.Literal('resume'), object: Type.Optional(Type.String()) }),
    closed({ action: Type.Literal('override'), object: Type.String(), wait: Type.String(), reason: Reason }),
  ]);
  app.post(
    '/v1/zones/:zone/mail/orders',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Hold, resume, or do without a wait',
        description: 'Without object: everything of the zone. What waits goes on counting while it is held.',
        tags: ['mail'],
        params: ZoneParams,
        querystring: ChangeQuery,
        body: Order,
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = zoneName(request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const order: Static<typeof Order> = request.body;
      const object = order.object === undefined ? {} : { object: order.object };
      switch (order.action) {
        case 'hold':
          return answerChange(control, request, reply, { kind: 'lifecycle.hold', zone: zone.value, reason: order.reason, ...object });
        case 'resume':
          return answerChange(control, request, reply, { kind: 'lifecycle.resume', zone: zone.value, ...object });
        default: {
          const { object: id, wait, reason } = order;
          return answerChange(control, request, reply, { kind: 'lifecycle.override', zone: zone.value, object: id, wait, reason });
        }
      }
    },
  );
}

/** The public side, field by field: a field that a key may get later must not appear here by itself. */
function keyForms({ state, wallOffsetMs, queries }: MailView) {
  return state.dkim.lifecycle.objects.map(({ id, stage, enteredAtMs, data: { algorithm, publicKey, signer, compromised } }) => ({
    selector: id,
    algorithm,
    stage,
    since: isoTime(enteredAtMs + wallOffsetMs),
    publicKey,
    queries: queryForm(queries?.(id), wallOffsetMs),
    ...(signer === undefined ? {} : { signer }),
    ...(compromised === undefined ? {} : { compromised }),
  }));
}

function queryForm(known: SelectorCount | undefined, wallOffsetMs: number) {
  const { queries: count = 0, lastMs, watchedSinceMs } = known ?? {};
  return {
    count,
    ...(lastMs === undefined ? {} : { lastAt: isoTime(lastMs + wallOffsetMs) }),
    ...(watchedSinceMs === undefined ? {} : { watchedSince: isoTime(watchedSinceMs + wallOffsetMs) }),
  };
}

function linesOf({ explanations }: MailView, machine: string): string[] {
  return explanations.filter((each) => each.machine.startsWith(machine)).flatMap((each) => each.lines);
}
