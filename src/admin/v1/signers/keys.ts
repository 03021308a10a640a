/**
 * `/v1/signers/{signer}/keys` and `…/ack`: a signer fetches its private keys, and says which one it signs with.
 * Not here: the same keys in the form of a Vault (vault.ts).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { isoTime } from '#admin/http/form.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time, closed, signerParams } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';
import { FOR_SIGNERS, keepFromCaches, visitOf } from './visit.ts';

const KeyForm = Type.Object({
  domain: Type.String(),
  selector: Type.String(),
  algorithm: Type.String({ description: 'rsa-sha256 or ed25519-sha256' }),
  publicKey: Type.String({ description: 'base64, as in "p="' }),
  privateKey: Type.String({ description: 'PKCS #8, PEM' }),
  validFrom: Time,
  validUntil: Type.Optional(Time),
});

export const signerKeysRoutes = [
  readRoute({
    ...FOR_SIGNERS,
    url: '/v1/signers/:signer/keys',
    tag: 'signers',
    summary: 'Fetch private keys, as the signer itself',
    description: 'Sign with each key from validFrom on and before validUntil. Fetches are logged once an hour for each key.',
    params: signerParams('mx1'),
    query: { domain: Type.Optional(Type.String({ description: 'all domains of the signer unless given' })) },
    answers: { 200: Type.Object({ keys: Type.Array(KeyForm) }) },
    show: async ({ control, query, request, reply }) => {
      keepFromCaches(reply);
      const given = await control.signers.keys(visitOf(request), query.domain);
      if (!given.ok) return given;
      const keys = given.value.map(({ validFromSeconds, validUntilSeconds, ...rest }) => ({
        ...rest,
        validFrom: isoTime(validFromSeconds * 1000),
        validUntil: validUntilSeconds === undefined ? undefined : isoTime(validUntilSeconds * 1000),
      }));
      return ok({ body: () => ({ keys }) });
    },
  }),

  writeRoute({
    ...FOR_SIGNERS,
    method: 'POST',
    url: '/v1/signers/:signer/ack',
    tag: 'signers',
    summary: 'Say, as the signer, that it now signs with this selector',
    description: 'Keys that the signer no longer uses can go after mail signed with them has arrived.',
    params: signerParams('mx1'),
    body: closed({ domain: Type.String(), selector: Type.String({ minLength: 1, maxLength: 253 }) }),
    example: { domain: 'example.com', selector: 'r20260101a' },
    answers: { 200: Type.Object({ domain: Type.String(), selector: Type.String(), dryRun: Type.Boolean() }) },
    write: async ({ control, body: { domain, selector }, dryRun, request, reply }) => {
      keepFromCaches(reply);
      const done = await control.signers.acknowledge(visitOf(request), domain, selector, dryRun);
      return done.ok ? ok({ domain, selector, dryRun }) : done;
    },
  }),
];
