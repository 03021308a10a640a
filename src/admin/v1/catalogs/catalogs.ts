/** `/v1/catalogs`: catalogs, and the zones that are members of them. */
import { Type } from 'typebox';
import { inBody, inUrl } from '#base/place.ts';
import { CATALOG_GROUPS_MAX, CATALOG_GROUP_CHARACTERS_MAX } from '#base/limits/transfer.ts';
import { fail, ok } from '#base/problem.ts';
import { isMemberLabel } from '#transfer/catalog-members.ts';
import { changeRoute } from '#admin/http/change-route.ts';
import { zoneSegment } from '#admin/http/find-zone.ts';
import { isoTime } from '#admin/http/form.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { cursorProblem, cutPage, pageQuery, readPage } from '#admin/http/page.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';

const CatalogForm = Type.Object({
  name: Type.String(),
  serial: Type.Integer(),
  revision: Type.Integer(),
  nodeCount: Type.Integer({ description: 'number of names: one for each member, one more for each that has a group' }),
  createdAt: Time,
  changedAt: Time,
});

const MemberForm = Type.Object({
  zone: Type.String(),
  label: Type.String({ description: 'of its node in the catalog' }),
  groups: Type.Array(Type.String()),
});

const catalog = Type.String({ description: 'name of the catalog', examples: ['catalog.example.com'] });
const memberParams = { catalog, zone: Type.String({ description: 'name of the member', examples: ['example.com'] }) };

export const catalogsRoutes = [
  readRoute({
    url: '/v1/catalogs',
    access: 'read',
    tag: 'transfer',
    summary: 'List catalogs',
    description: 'Zones that tell other servers which zones to serve (RFC 9432).',
    answers: { 200: Type.Object({ catalogs: Type.Array(CatalogForm) }) },
    show: ({ control }) => {
      const catalogs = control.transfer.catalogs.list().map((record) => {
        const { name, serial, revision, nodeCount, createdAtMs, changedAtMs } = record;
        return { name, serial, revision, nodeCount, createdAt: isoTime(createdAtMs), changedAt: isoTime(changedAtMs) };
      });
      return ok({ etag: contentEtag(catalogs), body: () => ({ catalogs }) });
    },
  }),

  // What is in a catalog makes other servers serve zones, and stop: not for who may change one zone.
  changeRoute({
    method: 'POST',
    url: '/v1/catalogs',
    access: 'admin',
    tag: 'transfer',
    summary: 'Create a catalog',
    description: 'A zone without members. Servers that may have it are its secondaries, each with a TSIG key.',
    body: closed({ name: Type.String({ minLength: 1, examples: ['catalog.example.com'] }) }),
    example: { name: 'catalog.example.net' },
    change: ({ body: { name } }) => {
      const zone = parseZoneName(name, inBody('/name'));
      if (!zone.ok) return zone;
      return ok({
        command: { kind: 'catalog.create', zone: zone.value },
        location: (outcome) => `/v1/catalogs/${zoneSegment(outcome.zone)}/members`,
      });
    },
  }),

  readRoute({
    url: '/v1/catalogs/:catalog/members',
    access: 'read',
    tag: 'transfer',
    summary: 'List the members of a catalog',
    description: 'In the order of their labels.',
    params: { catalog },
    query: pageQuery,
    answers: { 200: Type.Object({ members: Type.Array(MemberForm), next: Type.Optional(Type.String()) }) },
    show: ({ control, params, query, ...asked }) => {
      const page = readPage(query, 1);
      if (!page.ok) return page;
      const name = parseZoneName(params.catalog, inUrl('catalog'));
      if (!name.ok) return name;
      const { limit, after: [after] = [] } = page.value;
      if (after !== undefined && !isMemberLabel(after)) return fail(cursorProblem());
      const found = control.transfer.catalogs.members(name.value, limit + 1, after);
      if (!found.ok) return found;
      const { shown: members, next } = cutPage(asked, found.value, limit, ({ label }) => [label]);
      return ok({ etag: contentEtag(members), body: () => ({ members, next }) });
    },
  }),

  changeRoute({
    method: 'PUT',
    url: '/v1/catalogs/:catalog/members/:zone',
    access: 'admin',
    tag: 'transfer',
    summary: 'Make a zone a member of a catalog',
    description: 'A zone that is a member already gets these groups in place of those that it has.',
    params: memberParams,
    body: closed({
      groups: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: CATALOG_GROUP_CHARACTERS_MAX }), {
          maxItems: CATALOG_GROUPS_MAX,
          description: 'what the servers that follow the catalog make of the zone is in their configuration',
        }),
      ),
    }),
    example: { groups: ['signed'] },
    change: ({ params, body: { groups = [] } }) => {
      const names = readNames(params);
      return names.ok ? ok({ command: { kind: 'catalog.add', ...names.value, groups } }) : names;
    },
  }),

  changeRoute({
    method: 'DELETE',
    url: '/v1/catalogs/:catalog/members/:zone',
    access: 'admin',
    tag: 'transfer',
    summary: 'Take a zone out of a catalog',
    description: 'Servers that follow the catalog stop serving the zone, and forget it.',
    params: memberParams,
    change: ({ params }) => {
      const names = readNames(params);
      return names.ok ? ok({ command: { kind: 'catalog.remove', ...names.value } }) : names;
    },
  }),
];

function readNames(params: { readonly catalog: string; readonly zone: string }) {
  const zone = parseZoneName(params.catalog, inUrl('catalog'));
  if (!zone.ok) return zone;
  const member = parseZoneName(params.zone);
  return member.ok ? ok({ zone: zone.value, member: member.value }) : member;
}
