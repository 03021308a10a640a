/**
 * `/v1/signers`: who signs mail and how it gets its keys; and for the signers themselves their keys, in our own form and in that of a
 * Vault as rspamd asks for it (`vault_path` is `dkim`, or `dkim/data` for version 2 of the key-value form). The only routes whose answers
 * hold private keys; scope `admin` does not open them.
 * Not here: who is given what (control/signers/signers.ts).
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { assert } from '#base/assert.ts';
import { clientNetwork } from '#base/address.ts';
import {
  SIGNERS_MAX,
  SIGNER_COMMAND_WORDS_MAX,
  SIGNER_DOMAINS_MAX,
  SIGNER_NETWORKS_MAX,
  SIGNER_REQUESTS_PER_MINUTE_MAX,
} from '#base/limits/limits.ts';
import { inUrl } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { ExportStatus, SignerView, SignerVisit } from '#control/api/signers.ts';
import { isUnixConnection, signerOf } from '#admin/http/access.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { isoTime } from '#admin/http/form.ts';
import { contentEtag, notModified } from '#admin/http/preconditions.ts';
import { problemForm, sendProblems } from '#admin/http/problems.ts';
import { ProblemItem, closed, dryRunQuery, isOn, responses } from '#admin/http/schemas.ts';

const SignerParams = closed({ signer: Type.String({ description: "the signer's name", examples: ['mx1'] }) });
const DomainParams = closed({ domain: Type.String({ description: 'a domain that the signer signs for', examples: ['example.com'] }) });
const Delivery = Type.Enum(['fetch', 'files', 'own-key'], {
  description:
    'fetch: asks for its keys here. files: reads what is exported for it. own-key: makes its keys itself and gives their public part',
});
const Form = Type.Enum(['opendkim', 'exim', 'haraka']);
const Time = Type.String({ format: 'date-time' });

const ExportForm = Type.Object({
  state: Type.String({ description: 'waiting, current or failing' }),
  version: Type.Optional(Type.String()),
  exportedAt: Type.Optional(Time),
  failure: Type.Optional(Type.String()),
  nextTryAt: Type.Optional(Time),
});

const SignerForm = Type.Object({
  name: Type.String(),
  delivery: Type.String(),
  domains: Type.Array(Type.String()),
  allow: Type.Array(Type.String({ description: 'networks that it may ask from' })),
  files: Type.Optional(Type.Object({ form: Type.String(), folder: Type.String(), command: Type.Array(Type.String()) })),
  createdAt: Time,
  tokens: Type.Array(Type.String({ description: 'ids of its tokens' })),
  fetchedAt: Type.Optional(Time),
  export: Type.Optional(ExportForm),
});
const Warnings = Type.Array(ProblemItem);

const KeyForm = Type.Object({
  domain: Type.String(),
  selector: Type.String(),
  algorithm: Type.String({ description: 'rsa-sha256 or ed25519-sha256' }),
  publicKey: Type.String({ description: 'base64, as in "p="' }),
  privateKey: Type.String({ description: 'PKCS #8, PEM' }),
  validFrom: Time,
  validUntil: Type.Optional(Time),
});

const RspamdForm = Type.Object({
  selector: Type.String(),
  domain: Type.String(),
  key: Type.String({ description: 'base64 of PKCS #1, or of an Ed25519 seed and public key' }),
  alg: Type.String(),
  valid_start: Type.Integer({ description: 'seconds; signed with from then on' }),
  valid_end: Type.Optional(Type.Integer({ description: 'seconds; not signed with any more' })),
});
const SelectorsForm = Type.Object({ selectors: Type.Array(RspamdForm) });

/** Where signers ask: as often as they have messages. */
const FOR_SIGNERS = {
  access: 'signer',
  rateLimit: {
    max: SIGNER_REQUESTS_PER_MINUTE_MAX,
    keyGenerator: (request: FastifyRequest) => `signer ${isUnixConnection(request) ? 'unix' : clientNetwork(request.ip)}`,
  },
} as const;

export function signersRoutes(app: AdminApp, control: ControlApi): void {
  registerRoutes(app, control);
  keyRoutes(app, control);
}

function registerRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/signers',
    {
      config: { access: 'read' },
      schema: {
        summary: 'List mail signers',
        tags: ['signers'],
        querystring: closed({}),
        response: responses({ 200: Type.Object({ signers: Type.Array(SignerForm, { maxItems: SIGNERS_MAX }) }) }),
      },
    },
    (request, reply) => {
      const signers = control.signers.list().map(signerForm);
      if (notModified(request, reply, contentEtag(signers))) return reply.send();
      return reply.send({ signers });
    },
  );

  app.get(
    '/v1/signers/:signer',
    {
      config: { access: 'read' },
      schema: { summary: 'Show a mail signer', tags: ['signers'], params: SignerParams, response: responses({ 200: SignerForm }) },
    },
    (request, reply) => {
      const signer = control.signers.find(request.params.signer);
      if (signer === undefined) return sendProblems(reply, [notFound(request.params.signer)]);
      const form = signerForm(signer);
      if (notModified(request, reply, contentEtag(form))) return reply.send();
      return reply.send(form);
    },
  );

  app.post(
    '/v1/signers',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Register a mail signer',
        description: 'The answer holds its token, which is not kept and cannot be shown again; a signer that reads files needs none.',
        tags: ['signers'],
        querystring: closed(dryRunQuery),
        body: closed({
          name: Type.String({ minLength: 1, maxLength: 63 }),
          delivery: Delivery,
          domains: Type.Array(Type.String(), { minItems: 1, maxItems: SIGNER_DOMAINS_MAX }),
          allow: Type.Optional(
            Type.Array(Type.String(), { minItems: 1, maxItems: SIGNER_NETWORKS_MAX, description: 'networks; this machine unless given' }),
          ),
          files: Type.Optional(
            closed({
              form: Form,
              folder: Type.Optional(Type.String({ maxLength: 1024, description: 'only over the Unix socket' })),
              command: Type.Optional(
                Type.Array(Type.String(), {
                  maxItems: SIGNER_COMMAND_WORDS_MAX,
                  description: 'program and arguments that run after an export; only over the Unix socket',
                }),
              ),
            }),
          ),
        }),
        response: responses({
          200: Type.Object({ ...SignerForm.properties, dryRun: Type.Boolean(), warnings: Warnings }),
          201: Type.Object({ ...SignerForm.properties, token: Type.Optional(Type.String()), warnings: Warnings }),
        }),
      },
    },
    async (request, reply) => {
      assert(request.identity !== null, 'signer route without identity');
      const dryRun = isOn(request.query.dryRun);
      const added = await control.signers.add(request.body, { actor: request.identity.actor, dryRun });
      if (!added.ok) return sendProblems(reply, added.problems);
      const { signer, token } = added.value;
      const warnings = added.warnings.map(problemForm);
      if (dryRun) return reply.send({ ...signerForm(signer), dryRun, warnings });
      return reply
        .status(201)
        .header('location', `/v1/signers/${signer.name}`)
        .header('cache-control', 'no-store')
        .send({ ...signerForm(signer), ...(token === undefined ? {} : { token: token.secret }), warnings });
    },
  );

  app.delete(
    '/v1/signers/:signer',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Remove a mail signer with its tokens',
        description: 'Files that were exported for it stay.',
        tags: ['signers'],
        params: SignerParams,
        querystring: closed(dryRunQuery),
        response: responses({ 200: Type.Object({ name: Type.String(), removed: Type.Boolean(), dryRun: Type.Boolean() }) }),
      },
    },
    async (request, reply) => {
      assert(request.identity !== null, 'signer route without identity');
      const dryRun = isOn(request.query.dryRun);
      const removed = await control.signers.remove(request.params.signer, { actor: request.identity.actor, dryRun });
      if (!removed.ok) return sendProblems(reply, removed.problems);
      return reply.send({ name: removed.value.name, removed: !dryRun, dryRun });
    },
  );

  app.post(
    '/v1/signers/:signer/public-keys',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Publish a key that the signer made',
        description: 'The answer names the selector; the signer takes it into use when it is active.',
        tags: ['signers'],
        params: SignerParams,
        querystring: closed(dryRunQuery),
        body: closed({ domain: Type.String(), publicKey: Type.String({ maxLength: 16_384, description: 'PEM, or base64 as in "p="' }) }),
        response: responses({
          200: Type.Object({ domain: Type.String(), selector: Type.Optional(Type.String()), dryRun: Type.Boolean(), warnings: Warnings }),
        }),
      },
    },
    async (request, reply) => {
      assert(request.identity !== null, 'signer route without identity');
      const { domain, publicKey } = request.body;
      const options = { actor: request.identity.actor, dryRun: isOn(request.query.dryRun) };
      const added = await control.signers.addPublicKey(request.params.signer, domain, publicKey, options);
      if (!added.ok) return sendProblems(reply, added.problems);
      return reply.send({ ...added.value, dryRun: options.dryRun, warnings: added.warnings.map(problemForm) });
    },
  );

  app.post(
    '/v1/signers/:signer/export',
    {
      config: { access: 'admin' },
      schema: {
        summary: "Write a signer's files now and run its command",
        tags: ['signers'],
        params: SignerParams,
        querystring: closed(dryRunQuery),
        response: responses({ 200: Type.Object({ ...ExportForm.properties, dryRun: Type.Boolean() }) }),
      },
    },
    async (request, reply) => {
      assert(request.identity !== null, 'signer route without identity');
      const dryRun = isOn(request.query.dryRun);
      const exported = await control.signers.exportNow(request.params.signer, { actor: request.identity.actor, dryRun });
      if (!exported.ok) return sendProblems(reply, exported.problems);
      return reply.send({ ...exportForm(exported.value), dryRun });
    },
  );
}

function keyRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/signers/:signer/keys',
    {
      config: FOR_SIGNERS,
      schema: {
        summary: 'Private keys, for the signer itself',
        description: 'Each key is to be used from validFrom on and before validUntil. Each fetch is in the audit log, once an hour.',
        tags: ['signers'],
        params: SignerParams,
        querystring: closed({ domain: Type.Optional(Type.String({ description: 'all of its domains unless given' })) }),
        response: responses({ 200: Type.Object({ keys: Type.Array(KeyForm) }) }),
      },
    },
    async (request, reply) => {
      const given = await control.signers.keys(visitOf(request), request.query.domain);
      if (!given.ok) return sendProblems(noStore(reply), given.problems);
      const keys = given.value.map(({ validFromSeconds, validUntilSeconds, ...rest }) => ({
        ...rest,
        validFrom: isoTime(validFromSeconds * 1000),
        ...(validUntilSeconds === undefined ? {} : { validUntil: isoTime(validUntilSeconds * 1000) }),
      }));
      return noStore(reply).send({ keys });
    },
  );

  app.post(
    '/v1/signers/:signer/ack',
    {
      config: FOR_SIGNERS,
      schema: {
        summary: 'The signer signs with this selector now',
        description: 'Keys that it does not sign with any more can go, once mail signed with them has arrived.',
        tags: ['signers'],
        params: SignerParams,
        querystring: closed(dryRunQuery),
        body: closed({ domain: Type.String(), selector: Type.String({ minLength: 1, maxLength: 253 }) }),
        response: responses({ 200: Type.Object({ domain: Type.String(), selector: Type.String(), dryRun: Type.Boolean() }) }),
      },
    },
    async (request, reply) => {
      const { domain, selector } = request.body;
      const dryRun = isOn(request.query.dryRun);
      const done = await control.signers.acknowledge(visitOf(request), domain, selector, dryRun);
      if (!done.ok) return sendProblems(noStore(reply), done.problems);
      return noStore(reply).send({ domain, selector, dryRun });
    },
  );

  /** As rspamd 3.4 asks: `GET <vault_url>/v1/<vault_path>/<domain>` with X-Vault-Token. */
  const vault = (url: string, summary: string, isNested: boolean): void => {
    app.get(
      url,
      {
        config: FOR_SIGNERS,
        schema: {
          summary,
          description: "For rspamd's dkim_signing with use_vault: it signs with every selector inside its times.",
          tags: ['signers'],
          params: DomainParams,
          response: responses({ 200: Type.Object({ data: isNested ? Type.Object({ data: SelectorsForm }) : SelectorsForm }) }),
        },
      },
      async (request, reply) => {
        const given = await control.signers.rspamdKeys(visitOf(request), request.params.domain);
        if (!given.ok) return sendProblems(noStore(reply), given.problems);
        const data = { selectors: given.value };
        return noStore(reply).send({ data: isNested ? { data } : data });
      },
    );
  };
  vault('/v1/dkim/:domain', 'Private keys as rspamd asks a Vault for them', false);
  vault('/v1/dkim/data/:domain', 'The same in version 2 of the key-value form', true);
}

/** Private keys, and refusals of them, are for nobody's cache. */
function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
}

function visitOf(request: FastifyRequest): SignerVisit {
  assert(request.identity !== null, 'signer route without identity');
  const signer = signerOf(request, request.identity);
  assert(signer !== undefined, 'a signer route was passed without its scope');
  return { signer, actor: request.identity.actor, from: isUnixConnection(request) ? 'unix' : request.ip };
}

function signerForm({ name, delivery, domains, allow, files, createdAtMs, tokens, fetchedAtMs, exported }: SignerView) {
  return {
    name,
    delivery,
    domains,
    allow,
    ...(files === undefined ? {} : { files }),
    createdAt: isoTime(createdAtMs),
    tokens,
    ...(fetchedAtMs === undefined ? {} : { fetchedAt: isoTime(fetchedAtMs) }),
    ...(exported === undefined ? {} : { export: exportForm(exported) }),
  };
}

function exportForm({ state, version, exportedAtMs, failure, nextTryAtMs }: ExportStatus) {
  return {
    state,
    ...(version === undefined ? {} : { version }),
    ...(exportedAtMs === undefined ? {} : { exportedAt: isoTime(exportedAtMs) }),
    ...(failure === undefined ? {} : { failure }),
    ...(nextTryAtMs === undefined ? {} : { nextTryAt: isoTime(nextTryAtMs) }),
  };
}

function notFound(name: string) {
  return problem('SIGNER_NOT_FOUND', inUrl('signer'), `there is no signer ${JSON.stringify(name)}`, {
    fix: 'list them: waxseal dkim signer list',
  });
}
