/**
 * `/v1/zones/{zone}/tlsa`: TLSA records of mail hosts: the state of each, and orders for the next key of a host:
 * publish its record, say that the host uses it, or give it up.
 * Not here: what hosts present (tlsa-live.ts), the keys that the policy names (policy.ts), holds and overrides
 * (orders.ts).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { MailView } from '#control/api/mail.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { Reason, Time, closed } from '#admin/http/schemas.ts';
import { withMail } from './zone-mail.ts';

const TlsaForm = Type.Object({
  object: Type.String(),
  host: Type.String(),
  port: Type.Integer(),
  record: Type.String(),
  stage: Type.String(),
  since: Time,
  notBefore: Type.Optional({ ...Time, description: 'of a next key: earliest time at which the host may use it' }),
  isFinal: Type.Optional(Type.Boolean({ description: 'true when notBefore will not change any more' })),
});

const params = { host: Type.String({ minLength: 1, maxLength: 255, description: 'name of the mail host', examples: ['mx1'] }) };

export const tlsaRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/tlsa',
    tag: 'mail',
    summary: 'List the TLSA records of mail hosts',
    answers: { 200: Type.Object({ zone: Type.String(), records: Type.Array(TlsaForm) }) },
    show: (asked) => withMail(asked, (mail) => ({ body: () => ({ zone: asked.zone.name, records: tlsaForms(mail) }) })),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/tlsa/:host/next',
    tag: 'mail',
    summary: 'Publish the record of the next key',
    description: 'The answer says in mail.notBefore the earliest time at which the host may use the key.',
    params,
    body: closed({
      key: Type.String({
        minLength: 1,
        maxLength: 16_384,
        description: 'PEM of a certificate, of a request for one or of a public key, or "3 1 1 <hex>"',
      }),
      port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
      replaces: Type.Optional(Type.String({ description: 'the key in use that it replaces, when there are several' })),
    }),
    multiline: ['/key'],
    example: { key: '3 1 1 0d6fce13243aa7e8b7e3fbc04c2a3bb5e4b8dc7a1f7b4b0a76bbd4d7ab8f2e11', port: 25 },
    change: ({ apex, params: { host }, body: { key, port, replaces } }) =>
      ok({ command: { kind: 'tlsa.next', zone: apex, host, key, ...given({ port, replaces }) } }),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/tlsa/:host/activated',
    tag: 'mail',
    summary: 'Say that the host now uses its next key',
    params,
    body: closed({
      object: Type.Optional(Type.String({ description: 'the key, when there are several next ones' })),
      force: Type.Optional(Type.Boolean({ description: 'the host uses the key although it was too early' })),
    }),
    example: { force: true },
    change: ({ apex, params: { host }, body: { object, force = false } }) =>
      ok({ command: { kind: 'tlsa.activated', zone: apex, host, force, ...given({ object }) } }),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/tlsa/:host/abandon',
    tag: 'mail',
    summary: 'Give up a next key that was never used',
    description: 'Withdraws its record at once. Rejected for a key that the host uses.',
    params,
    body: closed({
      object: Type.Optional(Type.String({ description: 'the key, when there are several next ones' })),
      reason: Type.Optional(Reason),
    }),
    example: { reason: 'another CA' },
    change: ({ apex, params: { host }, body: { object, reason = 'ordered' } }) =>
      ok({ command: { kind: 'tlsa.abandon', zone: apex, host, reason, ...given({ object }) } }),
  }),
];

function tlsaForms({ state, wallOffsetMs, deployTimes }: MailView) {
  return state.tlsa.lifecycle.objects.map(({ id, stage, enteredAtMs, data: { host, port, record } }) => ({
    object: id,
    host,
    port,
    record,
    stage,
    since: isoTime(enteredAtMs + wallOffsetMs),
    ...given({ notBefore: isoTime(deployTimes.get(id)?.atMs), isFinal: deployTimes.get(id)?.isFinal }),
  }));
}
