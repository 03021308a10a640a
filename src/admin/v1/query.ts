/** `/v1/query`: what is answered to a question, and why. */
import { Type } from 'typebox';
import { inQuery } from '#base/place.ts';
import { placeAt } from '#base/problem.ts';
import { ROOT, parseName } from '#dns/name.ts';
import type { SignedRrset } from '#dns/rrset.ts';
import { typeName } from '#dns/registry.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { formatRrset } from '#zone/changeset-text.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { nameText, parseType } from '#admin/http/names.ts';
import { contentEtag, notModified } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { Switch, closed, isOn, responses } from '#admin/http/schemas.ts';

const Section = Type.Array(Type.String({ description: 'a record as in a zone file' }));

const QueryForm = Type.Object({
  name: Type.String(),
  type: Type.String(),
  rcode: Type.String({ examples: ['NOERROR'] }),
  authoritative: Type.Boolean(),
  ede: Type.Optional(Type.Object({ code: Type.Integer(), text: Type.String() })),
  answer: Section,
  authority: Section,
  additional: Section,
  steps: Type.Array(Type.Object({ rule: Type.String(), text: Type.String() }), { description: 'what made the answer, in order' }),
});

const RCODE_NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, code]) => [code, name]));

export function queryRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/query',
    {
      config: { access: 'read' },
      schema: {
        summary: 'Answer a question from the store',
        description: 'With the nodes, wildcards, proofs and rules that made the answer. Signatures and proofs are left out with dnssec=0.',
        tags: ['query'],
        querystring: closed({
          name: Type.String({ minLength: 1, description: 'absolute, with or without the last dot' }),
          type: Type.Optional(Type.String({ description: 'A unless given' })),
          dnssec: Type.Optional(Switch),
        }),
        response: responses({ 200: QueryForm }),
      },
    },
    (request, reply) => {
      const name = parseName(request.query.name, ROOT);
      const type = parseType(request.query.type ?? 'A', inQuery('type'));
      if (!name.ok) return sendProblems(reply, placeAt(name.problems, inQuery('name')));
      if (!type.ok) return sendProblems(reply, type.problems);
      const dnssecOk = request.query.dnssec === undefined || isOn(request.query.dnssec);
      const response = control.query(name.value, type.value, dnssecOk);
      const body = {
        name: nameText(name.value),
        type: typeName(type.value),
        rcode: RCODE_NAMES.get(response.rcode) ?? `RCODE${response.rcode}`,
        authoritative: response.authoritative,
        ...(response.ede === undefined ? {} : { ede: response.ede }),
        answer: sectionLines(response.answer),
        authority: sectionLines(response.authority),
        additional: sectionLines([...response.requiredGlue, ...response.additional]),
        steps: response.steps,
      };
      if (notModified(request, reply, contentEtag(body))) return reply.send();
      return reply.send(body);
    },
  );
}

function sectionLines(rrsets: readonly SignedRrset[]): string[] {
  return rrsets.flatMap((rrset) => [...formatRrset(rrset), ...formatRrset({ ...rrset, type: TYPE.RRSIG, rdatas: rrset.signatures })]);
}
