/** `/v1/catalogs`: catalogs, and the zones that are members of them. */
import { Type } from 'typebox';
import { inBody, inUrl } from '#base/place.ts';
import { CATALOG_GROUPS_MAX, CATALOG_GROUP_CHARACTERS_MAX } from '#base/limits/transfer.ts';
import { fail, ok, problem } from '#base/problem.ts';
import { isMemberLabel } from '#transfer/catalog-members.ts';
import { changeRoute } from '#admin/http/change-route.ts';
import { zoneSegment } from '#admin/http/find-zone.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { cursorProblem, cutPage, pageQuery, readPage } from '#admin/http/page.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';
import { PrimariesForm, givenPrimaries } from '#admin/v1/primaries.ts';
import { SettingsForm, givenSettings } from './followed.ts';

const CatalogForm = Type.Object({
  name: Type.String(),
  followed: Type.Boolean({ description: 'it comes from another server, and its members become zones here' }),
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
  coo: Type.Optional(Type.String({ description: 'the catalog that it goes to (RFC 9432 §4.4.1)' })),
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
        const { name, serial, revision, nodeCount, createdAtMs, changedAtMs, secondary } = record;
        const times = { createdAt: isoTime(createdAtMs), changedAt: isoTime(changedAtMs) };
        return { name, followed: secondary !== undefined, serial, revision, nodeCount, ...times };
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
    summary: 'Create a catalog, or follow one of another server',
    description:
      'A zone without members; servers that may have it are its secondaries, each with a TSIG key. With `primaries` ' +
      'one that comes from them, and its members become zones here.',
    body: closed({
      name: Type.String({ minLength: 1, examples: ['catalog.example.com'] }),
      primaries: Type.Optional(PrimariesForm),
      ...SettingsForm,
    }),
    example: { name: 'catalog.example.net' },
    change: ({ body: { name, primaries, ...settings } }) => {
      const zone = parseZoneName(name, inBody('/name'));
      if (!zone.ok) return zone;
      if (primaries !== undefined) {
        const command = { kind: 'secondary.create', zone: zone.value, isSigning: false } as const;
        return ok({
          command: { ...command, primaries: givenPrimaries(primaries), catalog: givenSettings(settings) },
          location: (outcome) => `/v1/catalogs/${zoneSegment(outcome.zone)}`,
        });
      }
      const idle = (['templates', 'membersMax'] as const).filter((each) => settings[each] !== undefined);
      const why = 'has no effect on a catalog that is kept here';
      if (idle.length > 0)
        return fail(...idle.map((each) => problem('FIELD_VALUE', inBody(`/${each}`), `${each} ${why}`)));
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
      coo: Type.Optional(
        Type.Union([Type.String({ minLength: 1, maxLength: 1024 }), Type.Null()], {
          description: 'the catalog that it is to belong to from now on; null: it stays; absent: as it is',
        }),
      ),
    }),
    example: { groups: ['signed'] },
    change: ({ params, body: { groups = [], coo } }) => {
      const names = readNames(params);
      if (!names.ok) return names;
      const command = { kind: 'catalog.add', ...names.value, groups } as const;
      if (coo === undefined || coo === null) return ok({ command: { ...command, ...given({ coo }) } });
      const owner = parseZoneName(coo, inBody('/coo'));
      return owner.ok ? ok({ command: { ...command, coo: owner.value } }) : owner;
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

  changeRoute({
    method: 'POST',
    url: '/v1/catalogs/:catalog/members/:zone/move',
    access: 'admin',
    tag: 'transfer',
    summary: 'Move a zone to another catalog of this server',
    description:
      'It is a member of both until it is taken out of the first one, which says that it goes (`coo`): servers that ' +
      'follow both keep the zone as it is.',
    params: memberParams,
    body: closed({ to: Type.String({ minLength: 1, maxLength: 1024, examples: ['other.catalog.example'] }) }),
    example: { to: 'other.catalog.example' },
    change: ({ params, body }) => {
      const [names, to] = [readNames(params), parseZoneName(body.to, inBody('/to'))];
      if (!names.ok) return names;
      return to.ok ? ok({ command: { kind: 'catalog.move', ...names.value, to: to.value } }) : to;
    },
  }),
];

function readNames(params: { readonly catalog: string; readonly zone: string }) {
  const zone = parseZoneName(params.catalog, inUrl('catalog'));
  if (!zone.ok) return zone;
  const member = parseZoneName(params.zone);
  return member.ok ? ok({ zone: zone.value, member: member.value }) : member;
}
