/** `/v1/zones/{zone}/rrsets/{name}/{type}`: one RRset. */
import { Type } from 'typebox';
import { type Place, atRrset, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import type { RrType } from '#dns/types.ts';
import type { ControlApi, Outcome } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { type NodeRrset, type ZoneView, rrsetOf } from '#zone/view.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone, zoneSegment } from '#admin/http/change.ts';
import { rrsetForm } from '#admin/http/form.ts';
import { nameText, parseOwner, parseType } from '#admin/http/names.ts';
import { notModified, rrsetEtag } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { Records, RrsetForm, Ttl } from '#admin/http/rrset-schemas.ts';
import { ChangeQuery, Switch, ZoneParams, changeResponses, closed, isOn, responses } from '#admin/http/schemas.ts';

const OWNER_RULE =
  '`@` is the apex, one label is relative, `www.example.com` in example.com and names with a last dot are absolute; any other is rejected. ' +
  '`%2F` and `\\DDD` stand for odd octets';

const RrsetParams = closed({
  ...ZoneParams.properties,
  name: Type.String({ description: OWNER_RULE }),
  type: Type.String({ examples: ['MX'] }),
});

interface Target {
  readonly record: ZoneRecord;
  readonly apex: Name;
  readonly owner: Name;
  readonly type: RrType;
}

export function rrsetRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/zones/:zone/rrsets/:name/:type',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'Show an RRset',
        tags: ['rrsets'],
        params: RrsetParams,
        querystring: closed({ signed: Type.Optional(Switch) }),
        response: responses({ 200: RrsetForm }),
      },
    },
    (request, reply) => {
      const target = findTarget(control, request.params);
      if (!target.ok) return sendProblems(reply, target.problems);
      const { record, owner, type } = target.value;
      const rrset = rrsetIn(control.view(record), owner, type);
      if (rrset === undefined) return sendProblems(reply, [notFound(control.view(record), owner, type)]);
      const signed = isOn(request.query.signed);
      // Signatures come and go while the RRset's tag stays.
      if (signed) reply.header('etag', rrsetEtag(rrset));
      else if (notModified(request, reply, rrsetEtag(rrset))) return reply.send();
      return reply.send(rrsetForm(owner, rrset, signed));
    },
  );

  app.put(
    '/v1/zones/:zone/rrsets/:name/:type',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Create or replace an RRset',
        tags: ['rrsets'],
        params: RrsetParams,
        querystring: ChangeQuery,
        body: closed({ ttl: Ttl, records: Records }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const target = findTarget(control, request.params);
      if (!target.ok) return sendProblems(reply, target.problems);
      const { apex, owner, type } = target.value;
      const { ttl, records } = request.body;
      const operation = { op: 'set', name: formatName(owner), type: typeName(type), ttl, records } as const;
      let existed = true;
      return answerChange(
        control,
        request,
        reply,
        { kind: 'rrsets.change', zone: apex, operations: [operation] },
        {
          ...forTarget(control, target.value),
          refuse: (_record, view) => {
            existed = view !== undefined && rrsetIn(view, owner, type) !== undefined;
            return undefined;
          },
          created: () => !existed,
          location: (outcome) => `/v1/zones/${zoneSegment(outcome.zone)}/rrsets/${encodeURIComponent(nameText(owner))}/${typeName(type)}`,
        },
      );
    },
  );

  app.delete(
    '/v1/zones/:zone/rrsets/:name/:type',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Delete an RRset',
        tags: ['rrsets'],
        params: RrsetParams,
        querystring: ChangeQuery,
        response: changeResponses,
      },
    },
    (request, reply) => {
      const target = findTarget(control, request.params);
      if (!target.ok) return sendProblems(reply, target.problems);
      const { apex, owner, type } = target.value;
      return answerChange(
        control,
        request,
        reply,
        { kind: 'rrsets.change', zone: apex, operations: [{ op: 'delete', name: formatName(owner), type: typeName(type) }] },
        {
          ...forTarget(control, target.value),
          refuse: (_record, view) =>
            view === undefined || rrsetIn(view, owner, type) === undefined ? notFound(view, owner, type) : undefined,
        },
      );
    },
  );
}

function findTarget(control: ControlApi, params: { readonly zone: string; readonly name: string; readonly type: string }): Result<Target> {
  const record = findZone(control, params.zone);
  if (!record.ok) return record;
  const apex = nameOf(record.value.name);
  const owner = parseOwner(params.name, apex);
  const type = parseType(params.type);
  if (owner.ok && type.ok) return ok({ record: record.value, apex, owner: owner.value, type: type.value });
  return fail(...(owner.ok ? [] : owner.problems), ...(type.ok ? [] : type.problems));
}

/** The parts that every change of one RRset has in common. */
function forTarget(control: ControlApi, { apex, owner, type }: Target) {
  return {
    etagOf: (_record: ZoneRecord | undefined, view: ZoneView | undefined) => {
      const rrset = view === undefined ? undefined : rrsetIn(view, owner, type);
      return rrset === undefined ? undefined : rrsetEtag(rrset);
    },
    etagAfter: (_outcome: Outcome) => {
      const record = control.zone(apex);
      const rrset = record === undefined ? undefined : rrsetIn(control.view(record), owner, type);
      return rrset === undefined ? undefined : rrsetEtag(rrset);
    },
    // The body is one operation here, not a list of them.
    placeOf: (at: Place) => (at.kind === 'body' ? inBody(at.pointer.replace(/^\/0/, '')) : at),
  };
}

function rrsetIn(view: ZoneView, owner: Name, type: RrType): NodeRrset | undefined {
  return rrsetOf(view.node(ownerKey(owner)), type);
}

function notFound(view: ZoneView | undefined, owner: Name, type: RrType): Problem {
  const types = view?.node(ownerKey(owner))?.rrsets.map((rrset) => typeName(rrset.type)) ?? [];
  const fix = types.length === 0 ? 'the name has no records' : `the name has ${types.join(', ')}`;
  return problem('RRSET_NOT_FOUND', atRrset(nameText(owner), typeName(type)), `there is no ${nameText(owner)} ${typeName(type)}`, { fix });
}
