/** `/v1/tokens`: who may use this API over TCP. A token's text is shown once, when it is made. */
import { Type } from 'typebox';
import { assert } from '#base/assert.ts';
import { TOKEN_NAME_CHARACTERS_MAX } from '#base/limits/limits.ts';
import { type Place, inBody } from '#base/place.ts';
import { type Problem, hasErrors, problem } from '#base/problem.ts';
import type { ControlApi, TokenInfo, TokenScope } from '#control/api/control.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { isoTime } from '#admin/http/form.ts';
import { nameText, parseZoneName } from '#admin/http/names.ts';
import { nextPage, pageQuery, readPage } from '#admin/http/page.ts';
import { contentEtag, notModified, preconditionOf } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { closed, dryRunQuery, isOn, responses } from '#admin/http/schemas.ts';

const Scopes = Type.Array(Type.String({ examples: ['read', 'zone:example.com'] }), {
  minItems: 1,
  maxItems: 100,
  description: '`admin` may everything, `read` may read everything but tokens, `zone:<name>` may read and change that zone',
});

const TokenFormSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scopes: Scopes,
  createdAt: Type.String({ format: 'date-time' }),
  expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
});

export function tokensRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/tokens',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'List tokens',
        tags: ['tokens'],
        querystring: closed(pageQuery),
        response: responses({ 200: Type.Object({ tokens: Type.Array(TokenFormSchema), next: Type.Optional(Type.String()) }) }),
      },
    },
    (request, reply) => {
      const page = readPage(request.query, 1);
      if (!page.ok) return sendProblems(reply, page.problems);
      const { limit, after } = page.value;
      const tokens = control.tokens
        .list()
        .filter((token) => after === undefined || token.id > after[0]!)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      if (notModified(request, reply, contentEtag(tokens))) return reply.send();
      const shown = tokens.slice(0, limit);
      const next = tokens.length > limit ? { next: nextPage(request, reply, [shown.at(-1)!.id]) } : {};
      return reply.send({ tokens: shown.map(tokenForm), ...next });
    },
  );

  app.post(
    '/v1/tokens',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Create a token',
        description: 'The answer holds the token; it is not kept and cannot be shown again.',
        tags: ['tokens'],
        querystring: closed(dryRunQuery),
        body: closed({
          name: Type.String({ minLength: 1, maxLength: TOKEN_NAME_CHARACTERS_MAX, description: 'who or what it is for' }),
          scopes: Scopes,
          expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
        }),
        response: responses({
          200: Type.Object({ dryRun: Type.Boolean(), name: Type.String(), scopes: Scopes, expiresAt: Type.Optional(Type.String()) }),
          201: Type.Object({ ...TokenFormSchema.properties, token: Type.String() }),
        }),
      },
    },
    async (request, reply) => {
      assert(request.identity !== null, 'token route without identity');
      const { name, scopes: given, expiresAt } = request.body;
      const problems: Problem[] = [];
      const scopes = given.flatMap((text, index) => readScope(text, inBody(`/scopes/${index}`), problems) ?? []);
      const expiresAtMs = expiresAt === undefined ? undefined : Date.parse(expiresAt);
      if (expiresAtMs !== undefined && !(expiresAtMs > control.status().nowMs))
        problems.push(problem('FIELD_VALUE', inBody('/expiresAt'), 'this time has passed already'));
      if (hasErrors(problems)) return sendProblems(reply, problems);
      const expiry = expiresAtMs === undefined ? {} : { expiresAt: isoTime(expiresAtMs) };
      if (isOn(request.query.dryRun)) return reply.send({ dryRun: true, name, scopes, ...expiry });
      const created = await control.tokens.create(name, scopes, expiresAtMs, request.identity.actor);
      if (!created.ok) return sendProblems(reply, created.problems);
      const { info, secret } = created.value;
      return reply
        .status(201)
        .header('location', `/v1/tokens/${info.id}`)
        .header('cache-control', 'no-store')
        .send({ ...tokenForm(info), token: secret });
    },
  );

  app.delete(
    '/v1/tokens/:id',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Revoke a token',
        tags: ['tokens'],
        params: closed({ id: Type.String() }),
        querystring: closed(dryRunQuery),
        response: responses({ 200: Type.Object({ id: Type.String(), revoked: Type.Boolean(), dryRun: Type.Boolean() }) }),
      },
    },
    async (request, reply) => {
      assert(request.identity !== null, 'token route without identity');
      const { id } = request.params;
      const exists = control.tokens.list().some((token) => token.id === id);
      const conditions = preconditionOf(request, () => (exists ? `"t${id}"` : undefined));
      if (!conditions.ok) return sendProblems(reply, conditions.problems);
      const refusal = conditions.value?.(undefined, undefined);
      if (refusal !== undefined) return sendProblems(reply, [refusal]);
      const dryRun = isOn(request.query.dryRun);
      const revoked = await control.tokens.revoke(id, request.identity.actor, dryRun);
      if (!revoked.ok) return sendProblems(reply, revoked.problems);
      return reply.send({ id, revoked: !dryRun, dryRun });
    },
  );
}

/** A scope in canonical form. The zone need not exist yet. */
function readScope(text: string, at: Place, problems: Problem[]): TokenScope | undefined {
  if (text === 'admin' || text === 'read') return text;
  if (text.startsWith('signer:')) {
    problems.push(
      problem('FIELD_VALUE', at, `a token with the scope ${JSON.stringify(text)} comes with its signer`, {
        fix: 'register the signer: waxseal dkim signer add',
      }),
    );
    return undefined;
  }
  if (!text.startsWith('zone:')) {
    problems.push(problem('FIELD_VALUE', at, `${JSON.stringify(text)} is not a scope`, { fix: 'scopes are admin, read and zone:<name>' }));
    return undefined;
  }
  const zone = parseZoneName(text.slice('zone:'.length), at);
  if (zone.ok) return `zone:${nameText(zone.value)}`;
  problems.push(...zone.problems);
  return undefined;
}

/** Field by field: whatever else the store keeps of a token (its hash) stays there. */
function tokenForm({ id, name, scopes, createdAtMs, expiresAtMs }: TokenInfo) {
  return { id, name, scopes, createdAt: isoTime(createdAtMs), ...(expiresAtMs === undefined ? {} : { expiresAt: isoTime(expiresAtMs) }) };
}
