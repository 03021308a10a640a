/**
 * `/v1/spf/{domain}`: what the SPF record of a domain costs, how it looks with includes replaced by addresses, and what
 * it says about a client. Names in zones of this server are read from the store, others from the configured resolver.
 */
import { Type } from 'typebox';
import { systemClock } from '#base/clock.ts';
import { atRrset, inQuery } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import { treeProblems } from '#mail/spf/budget.ts';
import { drawSpfTree } from '#mail/spf/draw.ts';
import { evaluateSpf } from '#mail/spf/evaluate.ts';
import { flatten } from '#mail/spf/flatten.ts';
import { parseIp } from '#mail/spf/ip.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { formatSpf } from '#mail/spf/spf.ts';
import { treeDocument } from '#mail/spf/tree-document.ts';
import { spfTree } from '#mail/spf/tree.ts';
import { problemForm } from '#admin/http/problems.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { openObject } from '#admin/http/schemas.ts';

const params = {
  domain: Type.String({ minLength: 1, maxLength: 255, description: 'the last dot is optional', examples: ['example.com'] }),
};
const Problems = Type.Array(openObject());

const TreeForm = Type.Object({
  domain: Type.String(),
  state: Type.String({ description: 'record, none, multiple, malformed, unresolved, loop, dynamic or unvisited' }),
  text: Type.String(),
  lookups: Type.Integer({ description: 'terms that cause look-ups; with more than 10 receivers return an error' }),
  voids: Type.Integer({ description: 'terms that find nothing; with more than 2 receivers return an error' }),
  ownerBytes: Type.Integer(),
  drawing: Type.String({ description: 'the tree as text' }),
  tree: openObject('terms with their costs; keep it to see later what has changed'),
  problems: Problems,
});

const CheckForm = Type.Object({
  domain: Type.String(),
  result: Type.String({ description: 'RFC 7208 §2.6: none, neutral, pass, fail, softfail, temperror or permerror' }),
  lookups: Type.Integer(),
  voids: Type.Integer(),
  matched: Type.Optional(Type.Object({ domain: Type.String(), term: Type.String() })),
  explanation: Type.Optional(Type.String()),
  problems: Problems,
  trace: Type.Array(openObject()),
});

const FlattenForm = Type.Object({
  domain: Type.String(),
  record: Type.String(),
  parts: Type.Array(Type.Object({ owner: Type.String(), record: Type.String() })),
  networks: Type.Array(Type.Object({ network: Type.String(), via: Type.Array(Type.String()) })),
  problems: Problems,
});

const treeRoute = readRoute({
  url: '/v1/spf/:domain/tree',
  budget: 'looks',
  access: 'read',
  tag: 'spf',
  summary: 'Show what an SPF record costs',
  params,
  query: {},
  answers: { 200: TreeForm },
  show: async ({ control, params: path }) => {
    const tree = await spfTree(withoutDot(path.domain), control.zones.resolver);
    const { domain, state, text, lookups, voids, ownerBytes } = tree;
    const problems = treeProblems(tree).map(problemForm);
    return ok({
      body: () => ({ domain, state, text, lookups, voids, ownerBytes, drawing: drawSpfTree(tree), tree: treeDocument(tree), problems }),
    });
  },
});

const flattenRoute = readRoute({
  url: '/v1/spf/:domain/flatten',
  budget: 'looks',
  access: 'read',
  tag: 'spf',
  summary: 'Show an SPF record with includes replaced by their addresses',
  description: 'Nothing is published. An include that cannot be looked up is an error and never left out.',
  params,
  query: { include: Type.String({ minLength: 1, maxLength: 1024, description: 'domains, separated by commas' }) },
  answers: { 200: FlattenForm },
  show: async ({ control, params: path, query }) => {
    const domain = withoutDot(path.domain);
    const { text } = await spfTree(domain, control.zones.resolver);
    const parsed = parseSpf(text, atRrset(domain, 'TXT'));
    if (!parsed.ok) return parsed;
    const chosen = query.include.split(',');
    const found = await flatten({ domain, record: parsed.value, chosen, nowMs: systemClock.nowMs() }, control.zones.resolver, []);
    return ok({
      body: () => ({
        domain,
        record: formatSpf(found.record),
        parts: found.parts.map(({ owner, record }) => ({ owner, record: formatSpf(record) })),
        networks: found.networks,
        problems: found.problems.map(problemForm),
      }),
    });
  },
});

const checkRoute = readRoute({
  url: '/v1/spf/:domain/check',
  budget: 'looks',
  access: 'read',
  tag: 'spf',
  summary: 'Evaluate SPF for one client',
  description: 'As receivers do by RFC 7208: look-ups and voids are counted, and the limits apply.',
  params,
  query: {
    ip: Type.String({ description: 'address of the client' }),
    from: Type.Optional(Type.String({ maxLength: 512, description: 'MAIL FROM; postmaster@DOMAIN unless given' })),
    helo: Type.Optional(Type.String({ maxLength: 255, description: 'HELO name; DOMAIN unless given' })),
  },
  answers: { 200: CheckForm },
  show: async ({ control, params: path, query: { ip, from, helo } }) => {
    const domain = withoutDot(path.domain);
    if (parseIp(ip) === undefined) return fail(problem('PARAMETER', inQuery('ip'), `${JSON.stringify(ip)} is not an IP address`));
    const question = { ip, sender: from ?? `postmaster@${domain}`, helo: helo ?? domain, domain };
    const { problems, ...rest } = await evaluateSpf(question, control.zones.resolver, { clock: systemClock });
    return ok({ body: () => ({ domain, ...rest, problems: problems.map(problemForm) }) });
  },
});

export const spfRoutes = [treeRoute, flattenRoute, checkRoute];

function withoutDot(domain: string): string {
  return domain.replace(/\.$/, '').toLowerCase();
}
