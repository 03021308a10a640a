/**
 * `/v1/zones/{zone}/dkim`: the DKIM keys of a zone, their rotation and revocation. No answer holds a private key.
 * Not here: keys for signers (v1/signers/).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { MailView, SelectorCount } from '#control/api/mail.ts';
import { DKIM_ALGORITHMS } from '#mail/policy/schema.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { isoTime } from '#admin/http/form.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { Reason, Time, closed } from '#admin/http/schemas.ts';
import { withMail } from './zone-mail.ts';

const KeyForm = Type.Object({
  selector: Type.String(),
  algorithm: Type.String(),
  stage: Type.String(),
  since: Time,
  publicKey: Type.String({ description: 'base64, as in p=' }),
  signer: Type.Optional(Type.String({ description: 'the signer that made the key and keeps it' })),
  compromised: Type.Optional(Type.String()),
  queries: Type.Object(
    {
      count: Type.Integer({ description: 'since the start of the answer process that runs now, or for longer' }),
      lastAt: Type.Optional(Time),
      watchedSince: Type.Optional(Time),
    },
    { description: 'queries for the selector at this server; without watchedSince they are not counted' },
  ),
});

export const dkimRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/dkim',
    tag: 'mail',
    summary: 'List the DKIM keys',
    answers: { 200: Type.Object({ zone: Type.String(), keys: Type.Array(KeyForm) }) },
    show: (asked) => withMail(asked, (mail) => ({ body: () => ({ zone: asked.zone.name, keys: keyForms(mail) }) })),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dkim/rotate',
    tag: 'mail',
    summary: 'Rotate DKIM keys as soon as that is safe',
    body: closed({
      algorithms: Type.Optional(
        Type.Array(Type.Enum([...DKIM_ALGORITHMS]), { uniqueItems: true, description: 'all algorithms unless given' }),
      ),
      reason: Type.Optional(Reason),
    }),
    example: { algorithms: ['ed25519'], reason: 'a new signer host' },
    change: ({ apex, body: { algorithms = [], reason = 'ordered' } }) =>
      ok({ command: { kind: 'dkim.rotate', zone: apex, algorithms, reason } }),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dkim/:selector/revoke',
    tag: 'mail',
    summary: 'Revoke a DKIM key',
    description:
      'at-once: the record becomes "p=" now, and signatures on mail under way fail. after-switch: signers use the ' +
      'key until the next one replaces it.',
    params: { selector: Type.String({ minLength: 1, maxLength: 253, examples: ['r20260101a'] }) },
    body: closed({ reason: Reason, when: Type.Optional(Type.Enum(['at-once', 'after-switch'])) }),
    example: { reason: 'the key was stolen', when: 'at-once' },
    change: ({ apex, params: { selector }, body: { reason, when = 'at-once' } }) =>
      ok({ command: { kind: 'dkim.revoke', zone: apex, selector, reason, when } }),
  }),
];

/** The public part, field by field: a field that a key gets later must not appear here by itself. */
function keyForms({ state, wallOffsetMs, queries }: MailView) {
  return state.dkim.lifecycle.objects.map(({ id, stage, enteredAtMs, data: { algorithm, publicKey, signer, compromised } }) => ({
    selector: id,
    algorithm,
    stage,
    since: isoTime(enteredAtMs + wallOffsetMs),
    publicKey,
    queries: queryForm(queries?.(id), wallOffsetMs),
    signer,
    compromised,
  }));
}

function queryForm(known: SelectorCount | undefined, wallOffsetMs: number) {
  const { queries: count = 0, lastMs, watchedSinceMs } = known ?? {};
  const wallTime = (countedMs: number | undefined) => (countedMs === undefined ? undefined : isoTime(countedMs + wallOffsetMs));
  return { count, lastAt: wallTime(lastMs), watchedSince: wallTime(watchedSinceMs) };
}
