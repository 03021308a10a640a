/**
 * `/v1/signers/{signer}/keys` and `…/ack`: a signer fetches its private keys, and says which one it signs with.
 * Not here: the same keys in the form of a Vault (vault.ts).
 */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { SIGNER_ACK_SELECTORS_MAX } from '#base/limits/signers.ts';
import { inBody } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import { ROOT, parseName } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
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

const ComingForm = Type.Object({
  domain: Type.String(),
  selector: Type.String(),
  algorithm: Type.String({ description: 'rsa-sha256 or ed25519-sha256' }),
  state: Type.String(),
  activeAt: Type.Optional({ ...Time, description: 'the earliest time; absent while it is not known' }),
  waitsFor: Type.String(),
});

/** The first keys of domains that have no active one yet: a signer that asks too early hears when to ask again. */
function comingKeys(control: ControlApi, domains: readonly string[]) {
  return domains.flatMap((domain) => {
    const name = parseName(domain, ROOT);
    const zone = name.ok ? control.zones.find(name.value) : undefined;
    const keys = zone === undefined ? [] : (control.mail.view(zone)?.comingKeys ?? []);
    return keys.map(({ selector, algorithm, stage, earliestMs, text }) => ({
      domain,
      selector,
      algorithm: algorithm === 'rsa2048' ? 'rsa-sha256' : 'ed25519-sha256',
      state: stage,
      activeAt: isoTime(earliestMs),
      waitsFor: text,
    }));
  });
}

/** As it stands in "d=". */
function plainDomain(domain: string): string {
  return domain.toLowerCase().replace(/\.$/, '');
}

function domainsOf(control: ControlApi, request: FastifyRequest): readonly string[] {
  return control.signers.find(visitOf(request).signer)?.domains ?? [];
}

const Selector = Type.String({ minLength: 1, maxLength: 253 });

const NOTHING_NAMED = problem('FIELD_MISSING', inBody('/selectors'), 'no selector is named', {
  fix: 'name what the signer signs with; one that signs with no key of the domain says "selectors": [], "only": true',
});

export const signerKeysRoutes = [
  readRoute({
    ...FOR_SIGNERS,
    url: '/v1/signers/:signer/keys',
    tag: 'signers',
    summary: 'Fetch private keys, as the signer itself',
    description:
      'Sign with each key from validFrom on and before validUntil. Of a domain without an active key, "coming" says when ' +
      'it will have one. Fetches are logged once an hour for each key.',
    params: signerParams('mx1'),
    query: { domain: Type.Optional(Type.String({ description: 'all domains of the signer unless given' })) },
    answers: { 200: Type.Object({ keys: Type.Array(KeyForm), coming: Type.Array(ComingForm) }) },
    show: async ({ control, query, request, reply }) => {
      keepFromCaches(reply);
      const given = await control.signers.keys(visitOf(request), query.domain);
      if (!given.ok) return given;
      const keys = given.value.map(({ validFromSeconds, validUntilSeconds, ...rest }) => ({
        ...rest,
        validFrom: isoTime(validFromSeconds * 1000),
        validUntil: validUntilSeconds === undefined ? undefined : isoTime(validUntilSeconds * 1000),
      }));
      const asked = query.domain === undefined ? domainsOf(control, request) : [query.domain];
      const coming = comingKeys(
        control,
        asked.map(plainDomain).filter((domain) => !keys.some((each) => each.domain === domain)),
      );
      return ok({ body: () => ({ keys, coming }) });
    },
  }),

  writeRoute({
    ...FOR_SIGNERS,
    method: 'POST',
    url: '/v1/signers/:signer/ack',
    tag: 'signers',
    summary: 'Say, as the signer, which selectors it now signs with',
    description:
      'Each selector has to be active, and speaks for its own algorithm: older keys of that algorithm can go after mail signed with them ' +
      'has arrived. With "only" the signer says that it signs with no other key of the domain, of whatever algorithm.',
    params: signerParams('mx1'),
    body: closed({
      domain: Type.String(),
      selector: Type.Optional(Selector),
      selectors: Type.Optional(Type.Array(Selector, { maxItems: SIGNER_ACK_SELECTORS_MAX, description: 'several at once' })),
      only: Type.Optional(Type.Boolean({ description: 'it signs with these and no other key of the domain' })),
    }),
    example: { domain: 'example.com', selectors: ['r20260101a', 'e20260101a'] },
    answers: {
      200: Type.Object({
        domain: Type.String(),
        selector: Type.Optional(Type.String()),
        selectors: Type.Array(Type.String()),
        only: Type.Boolean(),
        dryRun: Type.Boolean(),
      }),
    },
    write: async ({ control, body: { domain, selector, selectors, only = false }, dryRun, request, reply }) => {
      keepFromCaches(reply);
      const named = [...(selector === undefined ? [] : [selector]), ...(selectors ?? [])];
      if (named.length === 0 && !only) return fail(NOTHING_NAMED);
      const done = await control.signers.acknowledge(visitOf(request), domain, { selectors: named, isAll: only }, dryRun);
      return done.ok ? ok({ domain, ...(selector === undefined ? {} : { selector }), selectors: named, only, dryRun }) : done;
    },
  }),
];
