/**
 * What a request for a new token says, checked as a whole: scopes, a role, grants, and what narrows them.
 * Not here: what scopes and grants open (access.ts, record-scope.ts).
 */
import { type Static, Type } from 'typebox';
import { TOKEN_GRANTS_MAX, TOKEN_GRANT_PATTERNS_MAX } from '#base/limits/admin.ts';
import { parseNetwork } from '#base/network.ts';
import { type BodyPlace, type Place, below, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, placeAt, problem } from '#base/problem.ts';
import { parseNamePattern } from '#dns/name-pattern.ts';
import { typeName } from '#dns/registry.ts';
import type { NewToken, TokenScope } from '#control/api/tokens.ts';
import { GRANT_VERBS, type TokenGrant } from '#store/schema.ts';
import { given } from './form.ts';
import { nameText, parseType, parseZoneName } from './names.ts';
import { closed } from './schemas.ts';

const Patterns = (description: string, example: string) => {
  const limits = { minItems: 1, maxItems: TOKEN_GRANT_PATTERNS_MAX };
  return Type.Optional(Type.Array(Type.String({ examples: [example] }), { ...limits, description }));
};

const Grant = closed({
  zone: Type.Optional(Type.String({ description: 'name of the zone; absent: every zone', examples: ['example.com'] })),
  may: Type.Enum([...GRANT_VERBS], {
    description: '`read` looks, `change` also changes, `manage` also creates and removes the zone',
  }),
  names: Patterns(
    'only RRsets at these names: a label `*` is one or more labels, `*` in a label is any text of it; a pattern that ' +
      'ends in `.*` is for whole names, any other is a name in the zone',
    '_acme-challenge.*',
  ),
  types: Patterns('only RRsets of these types', 'TXT'),
});

export const Grants = Type.Array(Grant, {
  maxItems: TOKEN_GRANTS_MAX,
  // Each opens something; none closes what another one opens.
  description: 'what it may do to zones, or to some RRsets of them',
});

export const Role = Type.Enum(['administrator', 'operator', 'auditor'], {
  description:
    '`administrator` is scope admin; `operator` reads everything, and creates, changes and removes every zone; ' +
    '`auditor` is scope read. Tokens of mail signers are created with the signer.',
});

const ROLES: Readonly<Record<Static<typeof Role>, Pick<NewToken, 'scopes' | 'grants'>>> = {
  administrator: { scopes: ['admin'] },
  operator: { scopes: ['read'], grants: [{ may: 'manage' }] },
  auditor: { scopes: ['read'] },
};

interface TokenRequest {
  readonly name: string;
  readonly scopes?: readonly string[];
  readonly role?: Static<typeof Role>;
  readonly grants?: readonly Static<typeof Grant>[];
  readonly owner?: string;
  readonly networks?: readonly string[];
  readonly unusedSeconds?: number;
  readonly requestsPerMinute?: number;
  readonly expiresAt?: string;
}

/** The token that a request wants, or everything that is wrong with it. */
export function readToken(request: TokenRequest, nowMs: number): Result<NewToken> {
  const { name, owner, requestsPerMinute, unusedSeconds, role } = request;
  const problems: Problem[] = [];
  const taken = <T>(result: Result<T>): T[] => {
    if (!result.ok) problems.push(...result.problems);
    return result.ok ? [result.value] : [];
  };
  const ofRole = role === undefined ? { scopes: [] } : ROLES[role];
  const scopes = request.scopes?.flatMap((text, index) => taken(parseScope(text, inBody(`/scopes/${index}`)))) ?? [];
  const grants = request.grants?.flatMap((grant, index) => taken(readGrant(grant, inBody(`/grants/${index}`)))) ?? [];
  const networks = request.networks?.flatMap((text, index) => taken(readNetwork(text, inBody(`/networks/${index}`))));
  const expiresAtMs = request.expiresAt === undefined ? undefined : Date.parse(request.expiresAt);
  if (expiresAtMs !== undefined && !(expiresAtMs > nowMs))
    problems.push(problem('FIELD_VALUE', inBody('/expiresAt'), 'this time has already passed'));
  if (role === undefined && (request.scopes ?? []).length + (request.grants ?? []).length === 0)
    problems.push(
      problem('FIELD_VALUE', inBody('/scopes'), 'this token could do nothing', {
        fix: 'give it a scope, a grant or a role; see docs/tokens.md',
      }),
    );
  if (problems.length > 0) return fail(...problems);
  const unusedMs = unusedSeconds === undefined ? undefined : unusedSeconds * 1000;
  const allGrants = [...(ofRole.grants ?? []), ...grants];
  return ok({
    name,
    scopes: [...ofRole.scopes, ...scopes],
    ...(allGrants.length === 0 ? {} : { grants: allGrants }),
    ...given({ owner, networks, unusedMs, requestsPerMinute, expiresAtMs }),
  });
}

/** A scope in canonical form. The zone need not exist yet. */
function parseScope(text: string, at: Place): Result<TokenScope> {
  if (text === 'admin' || text === 'read') return ok(text);
  if (text.startsWith('signer:'))
    return fail(
      problem('FIELD_VALUE', at, `a token with the scope ${JSON.stringify(text)} is created with its signer`, {
        fix: 'register the signer: waxseal dkim signer add',
      }),
    );
  if (!text.startsWith('zone:')) return fail(notA('scope', text, at, 'scopes are admin, read and zone:<name>'));
  const zone = parseZoneName(text.slice('zone:'.length), at);
  return zone.ok ? ok(`zone:${nameText(zone.value)}` as const) : zone;
}

function readNetwork(text: string, at: Place): Result<string> {
  if (parseNetwork(text) !== undefined) return ok(text.toLowerCase());
  return fail(notA('network', text, at, 'as in 192.0.2.7 or 2001:db8::/32'));
}

function notA(what: string, text: string, at: Place, fix: string): Problem {
  return problem('FIELD_VALUE', at, `${JSON.stringify(text)} is not a ${what}`, { fix });
}

/** A grant in canonical form: names absolute, types by their mnemonics. */
function readGrant(grant: Static<typeof Grant>, at: BodyPlace): Result<TokenGrant> {
  const { zone, may, names, types } = grant;
  const apex = zone === undefined ? undefined : parseZoneName(zone, below(at, 'zone'));
  if (apex?.ok === false) return apex;
  const problems: Problem[] = [];
  if (may === 'manage' && (names !== undefined || types !== undefined))
    problems.push(
      problem('FIELD_VALUE', below(at, 'may'), 'a zone is managed as a whole: manage takes no names and no types', {
        fix: 'write change, or leave out names and types',
      }),
    );
  const patterns = names?.flatMap((text, index) => {
    const pattern = parseNamePattern(text, apex?.value);
    if (!pattern.ok) problems.push(...placeAt(pattern.problems, below(below(at, 'names'), index)));
    return pattern.ok ? [pattern.value] : [];
  });
  const mnemonics = types?.flatMap((text, index) => {
    const type = parseType(text, below(below(at, 'types'), index));
    if (!type.ok) problems.push(...type.problems);
    return type.ok ? [typeName(type.value)] : [];
  });
  if (problems.length > 0) return fail(...problems);
  return ok({ may, ...given({ zone: apex && nameText(apex.value), names: patterns, types: mnemonics }) });
}
