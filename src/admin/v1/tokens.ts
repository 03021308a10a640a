/** `/v1/tokens`: who may use this API over TCP. The text of a token is shown once, when it is created. */
import { Type } from 'typebox';
import {
  API_REQUESTS_PER_MINUTE_MAX,
  TOKEN_NAME_CHARACTERS_MAX,
  TOKEN_NETWORKS_MAX,
  TOKEN_OWNER_CHARACTERS_MAX,
  TOKEN_UNUSED_SECONDS_MIN,
} from '#base/limits/admin.ts';
import { fail, ok } from '#base/problem.ts';
import type { NewToken, TokenInfo } from '#control/api/tokens.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { cutPage, pageQuery, readPage } from '#admin/http/page.ts';
import { contentEtag, preconditionOf } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';
import { Grants, Role, readToken } from '#admin/http/token-request.ts';
import { writeRoute } from '#admin/http/write-route.ts';

const Scopes = Type.Array(Type.String({ examples: ['read', 'zone:example.com'] }), {
  maxItems: 100,
  description:
    '`admin` may do everything except fetch private keys, `read` may read everything except tokens, `zone:<name>` ' +
    'may read and change that zone',
});

/** What narrows a token, in requests and answers. */
const narrowing = {
  grants: Type.Optional(Grants),
  owner: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: TOKEN_OWNER_CHARACTERS_MAX,
      description: 'whose token it is: a person or a program, for those who read the list',
    }),
  ),
  networks: Type.Optional(
    Type.Array(Type.String({ examples: ['192.0.2.7', '2001:db8::/32'] }), {
      minItems: 1,
      maxItems: TOKEN_NETWORKS_MAX,
      description: 'addresses and networks that it may come from; absent: any',
    }),
  ),
  unusedSeconds: Type.Optional(
    Type.Integer({
      minimum: TOKEN_UNUSED_SECONDS_MIN,
      maximum: 0xffff_ffff,
      description: 'it ends when it was not used for so long, counted from its creation or its last use',
    }),
  ),
  requestsPerMinute: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: API_REQUESTS_PER_MINUTE_MAX,
      description: `requests that it may send in a minute; ${API_REQUESTS_PER_MINUTE_MAX} unless given`,
    }),
  ),
};

const TokenForm = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    scopes: Scopes,
    ...narrowing,
    createdAt: Time,
    expiresAt: Type.Optional(Time),
    lastUsedAt: Type.Optional(Type.String({ format: 'date-time', description: 'to the hour after a restart' })),
  },
  { title: 'Token' },
);

const PlannedToken = Type.Object({
  dryRun: Type.Boolean(),
  name: Type.String(),
  scopes: Scopes,
  ...narrowing,
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
    description: 'The answer holds the token, which is not kept and cannot be shown again. It needs a scope, a grant or a role.',
    body: closed({
      name: Type.String({ minLength: 1, maxLength: TOKEN_NAME_CHARACTERS_MAX, description: 'what the token is for' }),
      scopes: Type.Optional(Scopes),
      role: Type.Optional(Role),
      ...narrowing,
      expiresAt: Type.Optional(Time),
    }),
    example: {
      name: 'certbot on www',
      grants: [
        {
          zone: 'example.com',
          may: 'change',
          names: ['_acme-challenge.*', '_*._acme-challenge.*'],
          types: ['TXT'],
        },
      ],
      expiresAt: '2030-01-01T00:00:00Z',
    },
    answers: {
      200: PlannedToken,
      201: Type.Object({ ...TokenForm.properties, token: Type.String() }),
    },
    write: async ({ control, body, actor, dryRun, reply }) => {
      const read = readToken(body, control.status().nowMs);
      if (!read.ok) return read;
      const wanted = read.value;
      const { expiresAtMs } = wanted;
      if (dryRun) return ok({ dryRun, name: wanted.name, expiresAt: isoTime(expiresAtMs), ...rightsForm(wanted) });
      const created = await control.tokens.create(wanted, actor);
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
    conditional: 'change',
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

/** Field by field: whatever else the store keeps of a token (its hash) stays there. */
function tokenForm(token: TokenInfo) {
  const { id, name, createdAtMs, expiresAtMs, lastUsedAtMs } = token;
  const times = { createdAt: isoTime(createdAtMs), expiresAt: isoTime(expiresAtMs), lastUsedAt: isoTime(lastUsedAtMs) };
  return { id, name, ...rightsForm(token), ...times };
}

function rightsForm({ scopes, grants, owner, networks, unusedMs, requestsPerMinute }: NewToken) {
  const unusedSeconds = unusedMs === undefined ? undefined : unusedMs / 1000;
  const all = grants?.length === 0 ? undefined : grants;
  return { scopes, ...given({ grants: all, owner, networks, unusedSeconds, requestsPerMinute }) };
}
