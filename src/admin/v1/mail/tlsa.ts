/**
 * TLSA records of mail hosts: how their keys stand, and what is told of the next one: published, in use, or given up.
 * Not here: the keys that the policy names (policy.ts), holds and overrides (orders.ts).
 */
import { Type } from 'typebox';
import { nameOf } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { MailView } from '#control/api/mail.ts';
import { noPolicy } from '#control/commands/absent.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone } from '#admin/http/change.ts';
import { isoTime } from '#admin/http/form.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { ChangeQuery, ZoneParams, changeResponses, closed, responses } from '#admin/http/schemas.ts';

const Reason = Type.String({ minLength: 1, maxLength: 500, description: 'for the audit log' });
const Time = Type.String({ format: 'date-time' });

const TlsaForm = Type.Object({
  object: Type.String(),
  host: Type.String(),
  port: Type.Integer(),
  record: Type.String(),
  stage: Type.String(),
  since: Time,
});

export function tlsaRoutes(app: AdminApp, control: ControlApi): void {
  const zoneName = (text: string) => {
    const zone = findZone(control, text);
    return zone.ok ? { ok: true as const, value: nameOf(zone.value.name) } : zone;
  };

  app.get(
    '/v1/zones/:zone/tlsa',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'TLSA records of mail hosts',
        tags: ['mail'],
        params: ZoneParams,
        response: responses({ 200: Type.Object({ zone: Type.String(), records: Type.Array(TlsaForm) }) }),
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const mail = control.mail(zone.value);
      if (mail === undefined) return sendProblems(reply, [noPolicy(zone.value.name)]);
      return reply.send({ zone: zone.value.name, records: tlsaForms(mail) });
    },
  );

  const hostParams = closed({ ...ZoneParams.properties, host: Type.String({ minLength: 1, maxLength: 255 }) });
  app.post(
    '/v1/zones/:zone/tlsa/:host/next',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Publish the record of a key to come',
        description: 'The answer says in mail.notBefore when the host may use the key at the earliest.',
        tags: ['mail'],
        params: hostParams,
        querystring: ChangeQuery,
        body: closed({
          key: Type.String({ minLength: 1, maxLength: 16_384, description: 'PEM of a certificate or public key, or "3 1 1 <hex>"' }),
          port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
          replaces: Type.Optional(Type.String({ description: 'the key in use that it replaces, where there are several' })),
        }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = zoneName(request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { key, port, replaces } = request.body;
      const options = { ...(port === undefined ? {} : { port }), ...(replaces === undefined ? {} : { replaces }) };
      return answerChange(control, request, reply, { kind: 'tlsa.next', zone: zone.value, host: request.params.host, key, ...options });
    },
  );

  app.post(
    '/v1/zones/:zone/tlsa/:host/activated',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Say that the host uses its next key now',
        tags: ['mail'],
        params: hostParams,
        querystring: ChangeQuery,
        body: closed({
          object: Type.Optional(Type.String()),
          force: Type.Optional(Type.Boolean({ description: 'it has happened though it was too early' })),
        }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = zoneName(request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { object, force = false } = request.body;
      const options = object === undefined ? {} : { object };
      return answerChange(control, request, reply, {
        kind: 'tlsa.activated',
        zone: zone.value,
        host: request.params.host,
        force,
        ...options,
      });
    },
  );

  app.post(
    '/v1/zones/:zone/tlsa/:host/abandon',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Give up a key to come that was never put to use',
        description: 'Its record is withdrawn at once. A key that the host uses is refused.',
        tags: ['mail'],
        params: hostParams,
        querystring: ChangeQuery,
        body: closed({
          object: Type.Optional(Type.String({ description: 'which, where several are to come' })),
          reason: Type.Optional(Reason),
        }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = zoneName(request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { object, reason = 'ordered' } = request.body;
      const which = object === undefined ? {} : { object };
      return answerChange(control, request, reply, { kind: 'tlsa.abandon', zone: zone.value, host: request.params.host, reason, ...which });
    },
  );
}

function tlsaForms({ state, wallOffsetMs }: MailView) {
  return state.tlsa.lifecycle.objects.map(({ id, stage, enteredAtMs, data: { host, port, record } }) => ({
    object: id,
    host,
    port,
    record,
    stage,
    since: isoTime(enteredAtMs + wallOffsetMs),
  }));
}
