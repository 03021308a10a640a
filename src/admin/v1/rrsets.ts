/** `/v1/zones/{zone}/rrsets`: all RRsets of a zone by pages, and changes of several of them in one transaction. */
import { Type } from 'typebox';
import { RRSET_OPERATIONS_MAX } from '#base/limits/limits.ts';
import { inBody, inQuery } from '#base/place.ts';
import { type Problem, hasErrors, problem } from '#base/problem.ts';
import { type Name, formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import type { ControlApi, RrsetOperation } from '#control/api/control.ts';
import type { NodeRrset, ZoneView } from '#zone/view.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone } from '#admin/http/change.ts';
import { rrsetForm } from '#admin/http/form.ts';
import { parseOwner, parseType } from '#admin/http/names.ts';
import { nextPage, pageQuery, readPage } from '#admin/http/page.ts';
import { notModified, zoneEtag } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { ChangeQuery, Switch, ZoneParams, changeResponses, closed, isOn, responses } from '#admin/http/schemas.ts';
import { Records, RrsetForm, Ttl } from '#admin/http/rrset-schemas.ts';

const Operation = closed({
  op: Type.Enum(['set', 'delete', 'add', 'remove'], {
    description: '`set` replaces the RRset, `delete` removes it, `add` and `remove` change single records of it',
  }),
  name: Type.String({ description: 'as in the URL of an RRset', examples: ['www', '@', 'www.example.com.'] }),
  type: Type.String({ examples: ['A'] }),
  ttl: Type.Optional(Ttl),
  records: Type.Optional(Records),
});

export function rrsetsRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/zones/:zone/rrsets',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'List the RRsets of a zone',
        description: 'In canonical order of names, then by type number. With signed=1 also NSEC, and signatures with each.',
        tags: ['rrsets'],
        params: ZoneParams,
        querystring: closed({
          ...pageQuery,
          signed: Type.Optional(Switch),
          name: Type.Optional(Type.String({ description: 'only this name' })),
          type: Type.Optional(Type.String({ description: 'only this type' })),
        }),
        response: responses({
          200: Type.Object({ zone: Type.String(), rrsets: Type.Array(RrsetForm), next: Type.Optional(Type.String()) }),
        }),
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const page = readPage(request.query, 2);
      if (!page.ok) return sendProblems(reply, page.problems);
      const apex = nameOf(zone.value.name);
      const name = request.query.name === undefined ? undefined : parseOwner(request.query.name, apex, inQuery('name'));
      const type = request.query.type === undefined ? undefined : parseType(request.query.type, inQuery('type'));
      if (name?.ok === false) return sendProblems(reply, name.problems);
      if (type?.ok === false) return sendProblems(reply, type.problems);
      if (notModified(request, reply, zoneEtag(zone.value))) return reply.send();

      const signed = isOn(request.query.signed);
      const view = control.view(zone.value);
      const wanted = (owner: Name, rrset: NodeRrset) =>
        (signed || rrset.type !== TYPE.NSEC) &&
        (type === undefined || rrset.type === type.value) &&
        (name === undefined || formatName(owner).toLowerCase() === formatName(name.value).toLowerCase());
      const { limit, after } = page.value;
      const found: { readonly key: string; readonly owner: Name; readonly rrset: NodeRrset }[] = [];
      for (const each of rrsetsAfter(view, after)) {
        if (!wanted(each.owner, each.rrset)) continue;
        if (found.length === limit) {
          const last = found.at(-1)!;
          const next = nextPage(request, reply, [last.key, String(last.rrset.type)]);
          return reply.send({ zone: zone.value.name, rrsets: found.map(({ owner, rrset }) => rrsetForm(owner, rrset, signed)), next });
        }
        found.push(each);
      }
      return reply.send({ zone: zone.value.name, rrsets: found.map(({ owner, rrset }) => rrsetForm(owner, rrset, signed)) });
    },
  );

  app.patch(
    '/v1/zones/:zone/rrsets',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Change RRsets',
        description: 'All operations or none, in the order given, in one transaction with one new serial.',
        tags: ['rrsets'],
        params: ZoneParams,
        querystring: ChangeQuery,
        body: Type.Array(Operation, { minItems: 1, maxItems: RRSET_OPERATIONS_MAX }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const apex = nameOf(zone.value.name);
      const problems: Problem[] = [];
      const operations = request.body.map(({ op, name, type, ttl, records }, index): RrsetOperation => {
        const owner = parseOwner(name, apex, inBody(`/${index}/name`));
        if (!owner.ok) problems.push(...owner.problems);
        if (records !== undefined && op === 'delete')
          problems.push(
            problem('FIELD_VALUE', inBody(`/${index}/records`), 'delete removes the whole RRset and takes no records', {
              fix: 'use op "remove"',
            }),
          );
        return {
          op,
          name: owner.ok ? formatName(owner.value) : name,
          type,
          ...(ttl === undefined ? {} : { ttl }),
          ...(records === undefined ? {} : { records }),
        };
      });
      if (hasErrors(problems)) return sendProblems(reply, problems);
      return answerChange(control, request, reply, { kind: 'rrsets.change', zone: apex, operations });
    },
  );
}

/** RRsets after the one that the cursor names, in canonical order. */
function* rrsetsAfter(
  view: ZoneView,
  after: readonly string[] | undefined,
): Generator<{ key: string; owner: Name; rrset: NodeRrset }, void> {
  const [afterKey, afterType] = after ?? [view.apexKey, '-1'];
  // A cursor comes from outside: a key above the zone starts at its apex.
  const from = afterKey !== undefined && afterKey.startsWith(view.apexKey) ? afterKey : view.apexKey;
  for (const { key, owner, rrsets } of view.ascend(from)) {
    for (const rrset of rrsets) if (key !== afterKey || rrset.type > Number(afterType)) yield { key, owner, rrset };
  }
}
