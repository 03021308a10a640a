/** `/v1/spf/{domain}`: what an SPF record costs, and what it says of a client. Names in our zones come from the store, others from outside. */
import { Type } from 'typebox';
import { systemClock } from '#base/clock.ts';
import { atRrset, inQuery } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import type { ControlApi } from '#control/api/control.ts';
import { treeProblems } from '#mail/spf/budget.ts';
import { drawSpfTree } from '#mail/spf/draw.ts';
import { evaluateSpf } from '#mail/spf/evaluate.ts';
import { flatten } from '#mail/spf/flatten.ts';
import { parseIp } from '#mail/spf/ip.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { treeDocument } from '#mail/spf/tree-document.ts';
import { spfTree } from '#mail/spf/tree.ts';
import { formatSpf } from '#mail/spf/spf.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { problemForm, sendProblems } from '#admin/http/problems.ts';
import { closed, responses } from '#admin/http/schemas.ts';

const DomainParams = closed({ domain: Type.String({ minLength: 1, maxLength: 255, description: 'with or without the last dot' }) });
const Problems = Type.Array(Type.Object({}, { additionalProperties: true }));

const TreeForm = Type.Object({
  domain: Type.String(),
  state: Type.String({ description: 'record, none, multiple, malformed, unresolved, loop, dynamic or unvisited' }),
  text: Type.String(),
  lookups: Type.Integer({ description: 'terms that cause look-ups; more than 10 are an error at receivers' }),
  voids: Type.Integer({ description: 'terms that find nothing; more than 2 are an error at receivers' }),
  ownerBytes: Type.Integer(),
  drawing: Type.String({ description: 'the tree as text' }),
  tree: Type.Object({}, { additionalProperties: true, description: 'terms with their costs; keep it to see drift later' }),
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
  trace: Type.Array(Type.Object({}, { additionalProperties: true })),
});

const FlattenForm = Type.Object({
  domain: Type.String(),
  record: Type.String(),
  parts: Type.Array(Type.Object({ owner: Type.String(), record: Type.String() })),
  networks: Type.Array(Type.Object({ network: Type.String(), via: Type.Array(Type.String()) })),
  problems: Problems,
});

export function spfRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/spf/:domain/tree',
    {
      config: { access: 'read' },
      schema: {
        summary: 'What an SPF record costs',
        tags: ['spf'],
        params: DomainParams,
        querystring: closed({}),
        response: responses({ 200: TreeForm }),
      },
    },
    async (request, reply) => {
      const tree = await spfTree(withoutDot(request.params.domain), control.resolver());
      const { domain, state, text, lookups, voids, ownerBytes } = tree;
      return reply.send({
        domain,
        state,
        text,
        lookups,
        voids,
        ownerBytes,
        drawing: drawSpfTree(tree),
        tree: treeDocument(tree),
        problems: treeProblems(tree).map(problemForm),
      });
    },
  );

  app.get(
    '/v1/spf/:domain/flatten',
    {
      config: { access: 'read' },
      schema: {
        summary: 'What an SPF record becomes when includes are replaced by their addresses',
        description: 'A proposal: nothing is published. An include that cannot be looked up now is an error here, never left out.',
        tags: ['spf'],
        params: DomainParams,
        querystring: closed({
          include: Type.String({ minLength: 1, maxLength: 1024, description: 'domains of the includes, with commas between' }),
        }),
        response: responses({ 200: FlattenForm }),
      },
    },
    async (request, reply) => {
      const domain = withoutDot(request.params.domain);
      const { text } = await spfTree(domain, control.resolver());
      const parsed = parseSpf(text, atRrset(domain, 'TXT'));
      if (!parsed.ok) return sendProblems(reply, parsed.problems);
      const chosen = request.query.include.split(',');
      const found = await flatten({ domain, record: parsed.value, chosen, nowMs: systemClock.nowMs() }, control.resolver(), []);
      return reply.send({
        domain,
        record: formatSpf(found.record),
        parts: found.parts.map(({ owner, record }) => ({ owner, record: formatSpf(record) })),
        networks: found.networks,
        problems: found.problems.map(problemForm),
      });
    },
  );

  app.get(
    '/v1/spf/:domain/check',
    {
      config: { access: 'read' },
      schema: {
        summary: 'Evaluate SPF for one client',
        description: 'RFC 7208 as receivers do it: look-ups and voids counted, limits kept.',
        tags: ['spf'],
        params: DomainParams,
        querystring: closed({
          ip: Type.String({ description: "the client's address" }),
          from: Type.Optional(Type.String({ maxLength: 512, description: 'MAIL FROM; postmaster@DOMAIN unless given' })),
          helo: Type.Optional(Type.String({ maxLength: 255, description: 'HELO name; DOMAIN unless given' })),
        }),
        response: responses({ 200: CheckForm }),
      },
    },
    async (request, reply) => {
      const domain = withoutDot(request.params.domain);
      const { ip, from, helo } = request.query;
      if (parseIp(ip) === undefined)
        return sendProblems(reply, [problem('PARAMETER', inQuery('ip'), `${JSON.stringify(ip)} is not an IP address`)]);
      const question = { ip, sender: from ?? `postmaster@${domain}`, helo: helo ?? domain, domain };
      const { matched, explanation, problems, ...rest } = await evaluateSpf(question, control.resolver(), { clock: systemClock });
      return reply.send({
        domain,
        ...rest,
        ...(matched === undefined ? {} : { matched }),
        ...(explanation === undefined ? {} : { explanation }),
        problems: problems.map(problemForm),
      });
    },
  );
}

function withoutDot(domain: string): string {
  return domain.replace(/\.$/, '').toLowerCase();
}
