/** `/v1/zones/{zone}/rrsets/{name}/{type}`: one RRset. */
import { Type } from 'typebox';
import { atRrset, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import type { RrType } from '#dns/types.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { type NodeRrset, type ZoneView, rrsetOf } from '#zone/view.ts';
import { scopeProblem } from '#admin/http/access.ts';
import { type Change, zoneChangeRoute } from '#admin/http/change-route.ts';
import { zoneSegment } from '#admin/http/find-zone.ts';
import { given, rrsetForm } from '#admin/http/form.ts';
import { identityOf } from '#admin/http/identity.ts';
import { nameText, parseOwner, parseType } from '#admin/http/names.ts';
import { rrsetEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { recordScope } from '#admin/http/record-scope.ts';
import { Records, RrsetForm, Ttl } from '#admin/http/rrset-schemas.ts';
import { BelowCareForm, Switch, closed, isOn } from '#admin/http/schemas.ts';

const url = '/v1/zones/:zone/rrsets/:name/:type';
const params = {
  name: Type.String({
    description:
      '`@` is the apex; one label is relative; `www.example.com` in example.com and names with a last dot are ' +
      'absolute; any other name is rejected. `%2F` and `\\DDD` stand for odd octets',
    examples: ['www'],
  }),
  type: Type.String({ examples: ['A'] }),
};

export const rrsetRoutes = [
  zoneReadRoute({
    url,
    access: 'rrset-read',
    tag: 'rrsets',
    summary: 'Show an RRset',
    params,
    query: { signed: Type.Optional(Switch) },
    answers: { 200: RrsetForm },
    show: ({ control, zone, params: path, query, reply, request }) => {
      const apex = nameOf(zone.name);
      const target = readTarget(path, apex);
      if (!target.ok) return target;
      const { owner, type } = target.value;
      const identity = identityOf(request);
      if (!recordScope(identity, 'read', ownerKey(apex)).has(owner, type))
        return fail(scopeProblem(identity, `a right to read ${nameText(owner)} ${typeName(type)}`));
      const view = control.zones.shown(zone);
      const rrset = rrsetIn(view, target.value);
      if (rrset === undefined) return fail(notFound(view, target.value));
      const signed = isOn(query.signed);
      const body = () => rrsetForm(target.value.owner, rrset, signed);
      if (!signed) return ok({ etag: rrsetEtag(rrset), body });
      // Signatures come and go while the tag stays. So the client learns the tag, and never gets 304.
      reply.header('etag', rrsetEtag(rrset));
      return ok({ body });
    },
  }),

  zoneChangeRoute({
    method: 'PUT',
    url,
    access: 'rrset-change',
    tag: 'rrsets',
    summary: 'Create or replace an RRset',
    params,
    query: { below: Type.Optional(BelowCareForm) },
    body: closed({ ttl: Ttl, records: Records }),
    example: { ttl: 3600, records: ['192.0.2.1', '192.0.2.7'] },
    multiline: ['/records/*'],
    change: ({ control, apex, params: path, query: { below }, body: { ttl, records } }) => {
      const target = readTarget(path, apex);
      if (!target.ok) return target;
      const { owner, type } = target.value;
      const operation = { op: 'set', name: formatName(owner), type: typeName(type), ttl, records } as const;
      let existed = true;
      return ok({
        ...forTarget(control, apex, target.value),
        command: { kind: 'rrsets.change', zone: apex, operations: [operation], ...given({ below }) },
        rejectIf: (record) => {
          existed = record !== undefined && rrsetIn(control.zones.shown(record), target.value) !== undefined;
          return undefined;
        },
        created: () => !existed,
        location: (outcome) => `/v1/zones/${zoneSegment(outcome.zone)}/rrsets/${encodeURIComponent(nameText(owner))}/${typeName(type)}`,
      });
    },
  }),

  zoneChangeRoute({
    method: 'DELETE',
    url,
    access: 'rrset-change',
    tag: 'rrsets',
    summary: 'Delete an RRset',
    params,
    query: { below: Type.Optional(BelowCareForm) },
    change: ({ control, apex, params: path, query: { below } }) => {
      const target = readTarget(path, apex);
      if (!target.ok) return target;
      const { owner, type } = target.value;
      const operation = { op: 'delete', name: formatName(owner), type: typeName(type) } as const;
      return ok({
        ...forTarget(control, apex, target.value),
        command: { kind: 'rrsets.change', zone: apex, operations: [operation], ...given({ below }) },
        rejectIf: (record) => {
          const view = record === undefined ? undefined : control.zones.shown(record);
          const isThere = view !== undefined && rrsetIn(view, target.value) !== undefined;
          return isThere ? undefined : notFound(view, target.value);
        },
      });
    },
  }),
];

interface Target {
  readonly owner: Name;
  readonly type: RrType;
}

function readTarget(path: { readonly name: string; readonly type: string }, apex: Name): Result<Target> {
  const owner = parseOwner(path.name, apex);
  const type = parseType(path.type);
  if (owner.ok && type.ok) return ok({ owner: owner.value, type: type.value });
  return fail(...(owner.ok ? [] : owner.problems), ...(type.ok ? [] : type.problems));
}

/** The parts that every change of one RRset has in common. */
function forTarget(control: ControlApi, apex: Name, target: Target): Pick<Change, 'etagBefore' | 'etagAfter' | 'placeOf'> {
  const etagIn = (record: ZoneRecord | undefined) => {
    const rrset = record === undefined ? undefined : rrsetIn(control.zones.shown(record), target);
    return rrset === undefined ? undefined : rrsetEtag(rrset);
  };
  return {
    etagBefore: (record) => etagIn(record),
    etagAfter: () => etagIn(control.zones.find(apex)),
    // The body is one operation here, not a list of them.
    placeOf: (at) => (at.kind === 'body' ? inBody(at.pointer.replace(/^\/0/, '')) : at),
  };
}

function rrsetIn(view: ZoneView, { owner, type }: Target): NodeRrset | undefined {
  return rrsetOf(view.node(ownerKey(owner)), type);
}

function notFound(view: ZoneView | undefined, { owner, type }: Target): Problem {
  const types = view?.node(ownerKey(owner))?.rrsets.map((rrset) => typeName(rrset.type)) ?? [];
  const fix = types.length === 0 ? 'the name has no records' : `the name has ${types.join(', ')}`;
  return problem('RRSET_NOT_FOUND', atRrset(nameText(owner), typeName(type)), `there is no ${nameText(owner)} ${typeName(type)}`, { fix });
}
