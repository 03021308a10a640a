/** `/v1/tokens`: who may use this API over TCP. The text of a token is shown once, when it is created. */
import { Type } from 'typebox';
import { TOKEN_NAME_CHARACTERS_MAX } from '#base/limits/admin.ts';
import { type Place, inBody } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import type { TokenInfo, TokenScope } from '#control/api/control.ts';
import { isoTime } from '#admin/http/form.ts';
import { nameText, parseZoneName } from '#admin/http/names.ts';
import { cutPage, pageQuery, readPage } from '#admin/http/page.ts';
import { contentEtag, preconditionOf } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

const Scopes = Type.Array(Type.String({ examples: ['read', 'zone:example.com'] }), {
  minItems: 1,
  maxItems: 100,
  description:
    '`admin` may do everything except fetch private keys, `read` may read everything except tokens, `zone:<name>` ' +
    'may read and change that zone',
});

const TokenForm = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scopes: Scopes,
  createdAt: Time,
  expiresAt: Type.Optional(Time),
});

export const tokensRoutes = [
  readRoute({
    url: '/v1/tokens',
    access: 'admin',
    tag: 'tokens',
    summary: 'List tokens',
    query: pageQuery,
    answers: { 200: Type.Object({ tokens: Type.Array(TokenForm), next: Type.Optional(Type.String()) }) },
    show: ({ control, query, ...asked }) => {
      const page = readPage(query, 1);
      if (!page.ok) return page;
      const { limit, after } = page.value;
      const tokens = control.tokens
        .list()
        .filter((token) => after === undefined || token.id > after[0]!)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return ok({
        etag: contentEtag(tokens),
        body: () => {
          const { shown, next } = cutPage(asked, tokens, limit, ({ id }) => [id]);
          return { tokens: shown.map(tokenForm), next };
        },
      });
    },
  }),

  writeRoute({
    method: 'POST',
    url: '/v1/tokens',
    access: 'admin',
    tag: 'tokens',
    summary: 'Create a token',
    description: 'The answer holds the token. The server does not keep it and cannot show it again.',
    body: closed({
      name: Type.String({ minLength: 1, maxLength: TOKEN_NAME_CHARACTERS_MAX, description: 'what the token is for' }),
      scopes: Scopes,
      expiresAt: Type.Optional(Time),
    }),
    example: { name: 'deployment', scopes: ['zone:example.com'], expiresAt: '2030-01-01T00:00:00Z' },
    answers: {
      200: Type.Object({ dryRun: Type.Boolean(), name: Type.String(), scopes: Scopes, expiresAt: Type.Optional(Time) }),
      201: Type.Object({ ...TokenForm.properties, token: Type.String() }),
    },
    write: async ({ control, body: { name, scopes: given, expiresAt }, actor, dryRun, reply }) => {
      const read = given.map((text, index) => parseScope(text, inBody(`/scopes/${index}`)));
      const scopes = read.flatMap((each) => (each.ok ? [each.value] : []));
      const problems = read.flatMap((each) => (each.ok ? [] : each.problems));
      const expiresAtMs = expiresAt === undefined ? undefined : Date.parse(expiresAt);
      if (expiresAtMs !== undefined && !(expiresAtMs > control.status().nowMs))
        problems.push(problem('FIELD_VALUE', inBody('/expiresAt'), 'this time has already passed'));
      if (problems.length > 0) return fail(...problems);
      if (dryRun) return ok({ dryRun, name, scopes, expiresAt: isoTime(expiresAtMs) });
      const created = await control.tokens.create(name, scopes, expiresAtMs, actor);
      if (!created.ok) return created;
      const { info, secret } = created.value;
      reply.status(201).header('location', `/v1/tokens/${info.id}`).header('cache-control', 'no-store');
      return ok({ ...tokenForm(info), token: secret });
    },
  }),

  writeRoute({
    method: 'DELETE',
    url: '/v1/tokens/:id',
    access: 'admin',
    tag: 'tokens',
    summary: 'Revoke a token',
    params: { id: Type.String({ description: 'id of the token, as in the list', examples: ['0123456789abcdef'] }) },
    answers: { 200: Type.Object({ id: Type.String(), revoked: Type.Boolean(), dryRun: Type.Boolean() }) },
    write: async ({ control, params: { id }, actor, dryRun, request }) => {
      const exists = control.tokens.list().some((token) => token.id === id);
      const conditions = preconditionOf(request, () => (exists ? `"t${id}"` : undefined));
      if (!conditions.ok) return conditions;
      const unmet = conditions.value?.(undefined, undefined);
      if (unmet !== undefined) return fail(unmet);
      const revoked = await control.tokens.revoke(id, actor, dryRun);
      return revoked.ok ? ok({ id, revoked: !dryRun, dryRun }) : revoked;
    },
  }),
];

/** A scope in canonical form. The zone need not exist yet. */
function parseScope(text: string, at: Place): Result<TokenScope> {
  if (text === 'admin' || text === 'read') return ok(text);
  if (text.startsWith('signer:'))
    return fail(
      problem('FIELD_VALUE', at, `a token with the scope ${JSON.stringify(text)} is created with its signer`, {
        fix: 'register the signer: waxseal dkim signer add',
      }),
    );
  if (!text.startsWith('zone:'))
    return fail(problem('FIELD_VALUE', at, `${JSON.stringify(text)} is not a scope`, { fix: 'scopes are admin, read and zone:<name>' }));
  const zone = parseZoneName(text.slice('zone:'.length), at);
  return zone.ok ? ok(`zone:${nameText(zone.value)}` as const) : zone;
}

/** Field by field: whatever else the store keeps of a token (its hash) stays there. */
function tokenForm({ id, name, scopes, createdAtMs, expiresAtMs }: TokenInfo) {
  return { id, name, scopes, createdAt: isoTime(createdAtMs), expiresAt: isoTime(expiresAtMs) };
}
