/** `/v1/query`: what the server answers to a DNS question, and why. */
import { Type } from 'typebox';
import { inQuery } from '#base/place.ts';
import { fail, ok, placeAt } from '#base/problem.ts';
import { ROOT, parseName } from '#dns/name.ts';
import type { SignedRrset } from '#dns/rrset.ts';
import { typeName } from '#dns/registry.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { formatRrset } from '#zone/changeset-text.ts';
import { nameText, parseType } from '#admin/http/names.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Switch, isOn } from '#admin/http/schemas.ts';

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
  steps: Type.Array(Type.Object({ rule: Type.String(), text: Type.String() }), {
    description: 'the rules that led to the answer, in order',
  }),
});

const RCODE_NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, code]) => [code, name]));

export const queryRoutes = [
  readRoute({
    url: '/v1/query',
    access: 'read',
    tag: 'query',
    summary: 'Answer a DNS question from the store',
    description: 'Shows what led to the answer: nodes, wildcards, proofs. dnssec=0 leaves out signatures and proofs.',
    query: {
      name: Type.String({ minLength: 1, description: 'absolute, with or without the last dot' }),
      type: Type.Optional(Type.String({ description: 'A unless given' })),
      dnssec: Type.Optional(Switch),
    },
    answers: { 200: QueryForm },
    show: ({ control, query }) => {
      const name = parseName(query.name, ROOT);
      const type = parseType(query.type ?? 'A', inQuery('type'));
      if (!name.ok) return fail(...placeAt(name.problems, inQuery('name')));
      if (!type.ok) return type;
      const dnssecOk = query.dnssec === undefined || isOn(query.dnssec);
      const { rcode, authoritative, ede, answer, authority, requiredGlue, additional, steps } = control.zones.query(
        name.value,
        type.value,
        dnssecOk,
      );
      const body = {
        name: nameText(name.value),
        type: typeName(type.value),
        rcode: RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`,
        authoritative,
        ede,
        answer: sectionLines(answer),
        authority: sectionLines(authority),
        additional: sectionLines([...requiredGlue, ...additional]),
        steps,
      };
      return ok({ etag: contentEtag(body), body: () => body });
    },
  }),
];

function sectionLines(rrsets: readonly SignedRrset[]): string[] {
  return rrsets.flatMap((rrset) => [...formatRrset(rrset), ...formatRrset({ ...rrset, type: TYPE.RRSIG, rdatas: rrset.signatures })]);
}
