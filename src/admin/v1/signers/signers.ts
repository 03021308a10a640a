/**
 * `/v1/signers`: the register of mail signers: who signs for which domains, and how each gets its keys.
 * Not here: keys (keys.ts, vault.ts, public-keys.ts), exported files (export.ts), the register itself
 * (control/signers/signers.ts).
 */
import { Type } from 'typebox';
import { SIGNERS_MAX, SIGNER_COMMAND_WORDS_MAX, SIGNER_DOMAINS_MAX, SIGNER_NETWORKS_MAX } from '#base/limits/signers.ts';
import { inUrl } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import type { SignerView } from '#control/api/signers.ts';
import { isoTime } from '#admin/http/form.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { problemForm } from '#admin/http/problems.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { ProblemList, Time, closed, signerParams } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';
import { ExportForm, exportForm } from './export.ts';

const Delivery = Type.Enum(['fetch', 'files', 'own-key'], {
  description:
    'fetch: the signer fetches its keys from this API. files: the signer reads files that the server writes for ' +
    'it. own-key: the signer makes its keys itself and hands in their public part',
});

const NewSigner = closed({
  name: Type.String({ minLength: 1, maxLength: 63 }),
  delivery: Delivery,
  domains: Type.Array(Type.String(), { minItems: 1, maxItems: SIGNER_DOMAINS_MAX }),
  allow: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      maxItems: SIGNER_NETWORKS_MAX,
      description: 'networks that the signer may ask from; only this machine unless given',
    }),
  ),
  files: Type.Optional(
    closed({
      form: Type.Enum(['opendkim', 'exim', 'haraka']),
      folder: Type.Optional(Type.String({ maxLength: 1024, description: 'only over the Unix socket' })),
      command: Type.Optional(
        Type.Array(Type.String(), {
          maxItems: SIGNER_COMMAND_WORDS_MAX,
          description: 'program and arguments that the server runs after an export; only over the Unix socket',
        }),
      ),
    }),
  ),
});

const SignerForm = Type.Object({
  name: Type.String(),
  delivery: Type.String(),
  domains: Type.Array(Type.String()),
  allow: Type.Array(Type.String({ description: 'networks that the signer may ask from' })),
  files: Type.Optional(Type.Object({ form: Type.String(), folder: Type.String(), command: Type.Array(Type.String()) })),
  createdAt: Time,
  tokens: Type.Array(Type.String({ description: 'ids of the tokens of the signer' })),
  fetchedAt: Type.Optional({ ...Time, description: 'the last time the signer fetched keys since the server started' }),
  export: Type.Optional(ExportForm),
});

const signerList = readRoute({
  url: '/v1/signers',
  access: 'read',
  tag: 'signers',
  summary: 'List mail signers',
  query: {},
  answers: { 200: Type.Object({ signers: Type.Array(SignerForm, { maxItems: SIGNERS_MAX }) }) },
  show: ({ control }) => {
    const signers = control.signers.list().map(signerForm);
    return ok({ etag: contentEtag(signers), body: () => ({ signers }) });
  },
});

const oneSigner = readRoute({
  url: '/v1/signers/:signer',
  access: 'read',
  tag: 'signers',
  summary: 'Show a mail signer',
  params: signerParams('mx1'),
  answers: { 200: SignerForm },
  show: ({ control, params: { signer: name } }) => {
    const signer = control.signers.find(name);
    if (signer === undefined)
      return fail(
        problem('SIGNER_NOT_FOUND', inUrl('signer'), `there is no signer ${JSON.stringify(name)}`, {
          fix: 'list them: waxseal dkim signer list',
        }),
      );
    const form = signerForm(signer);
    return ok({ etag: contentEtag(form), body: () => form });
  },
});

const newSigner = writeRoute({
  method: 'POST',
  url: '/v1/signers',
  access: 'admin',
  tag: 'signers',
  summary: 'Register a mail signer',
  description:
    'The answer holds the token of the signer. The server does not keep it and cannot show it again. A signer that reads files has no token.',
  body: NewSigner,
  example: { name: 'mx4', delivery: 'fetch', domains: ['example.com'], allow: ['192.0.2.25', '2001:db8::/64'] },
  answers: {
    200: Type.Object({ ...SignerForm.properties, dryRun: Type.Boolean(), warnings: ProblemList }),
    201: Type.Object({ ...SignerForm.properties, token: Type.Optional(Type.String()), warnings: ProblemList }),
  },
  write: async ({ control, body, actor, dryRun, reply }) => {
    const added = await control.signers.add(body, { actor, dryRun });
    if (!added.ok) return added;
    const { signer, token } = added.value;
    const form = { ...signerForm(signer), warnings: added.warnings.map(problemForm) };
    if (dryRun) return ok({ ...form, dryRun });
    reply.status(201).header('location', `/v1/signers/${signer.name}`).header('cache-control', 'no-store');
    return ok({ ...form, token: token?.secret });
  },
});

const removal = writeRoute({
  method: 'DELETE',
  url: '/v1/signers/:signer',
  access: 'admin',
  tag: 'signers',
  summary: 'Remove a mail signer with its tokens',
  description: 'Files that were exported for the signer stay.',
  params: signerParams('mx1'),
  answers: { 200: Type.Object({ name: Type.String(), removed: Type.Boolean(), dryRun: Type.Boolean(), warnings: ProblemList }) },
  write: async ({ control, params: { signer }, actor, dryRun }) => {
    const removed = await control.signers.remove(signer, { actor, dryRun });
    if (!removed.ok) return removed;
    return ok({ name: removed.value.name, removed: !dryRun, dryRun, warnings: removed.warnings.map(problemForm) });
  },
});

export const signersRoutes = [signerList, oneSigner, newSigner, removal];

function signerForm({ name, delivery, domains, allow, files, createdAtMs, tokens, fetchedAtMs, exported }: SignerView) {
  return {
    name,
    delivery,
    domains,
    allow,
    files,
    createdAt: isoTime(createdAtMs),
    tokens,
    fetchedAt: isoTime(fetchedAtMs),
    export: exported && exportForm(exported),
  };
}
