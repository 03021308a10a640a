/** `/v1/catalogs`, of catalogs of other servers: what becomes of their members here. */
import { Type } from 'typebox';
import { inUrl } from '#base/place.ts';
import { CATALOG_GROUP_CHARACTERS_MAX, CATALOG_MEMBERS_DEFAULT, CATALOG_MEMBERS_MAX } from '#base/limits/transfer.ts';
import { CATALOG_TEMPLATES_MAX, PRIMARIES_PER_ZONE_MAX } from '#base/limits/transfer.ts';
import { type Problem, fail, ok, problem } from '#base/problem.ts';
import { type MemberTemplate } from '#store/transfer/followed-catalogs.ts';
import { changeRoute } from '#admin/http/change-route.ts';
import { given } from '#admin/http/form.ts';
import { nameText, parseZoneName } from '#admin/http/names.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { closed } from '#admin/http/schemas.ts';
import { PrimariesForm, PrimaryTlsForm, givenPrimaries } from '#admin/v1/primaries.ts';

const catalog = Type.String({ description: 'name of the catalog', examples: ['followed.example'] });

const TemplateForm = closed({
  group: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: CATALOG_GROUP_CHARACTERS_MAX,
      description: 'for members of this group; absent: for all that no other template is for',
    }),
  ),
  primaries: Type.Optional(
    Type.Array(PrimariesForm.items, { maxItems: PRIMARIES_PER_ZONE_MAX, description: 'absent: those of the catalog' }),
  ),
  sign: Type.Optional(Type.Boolean({ description: 'they come unsigned, and are signed here' })),
});

export const SettingsForm = {
  templates: Type.Optional(
    Type.Array(TemplateForm, {
      maxItems: CATALOG_TEMPLATES_MAX,
      description: 'what becomes of members; absent: copies from the primaries of the catalog',
    }),
  ),
  membersMax: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: CATALOG_MEMBERS_MAX,
      default: CATALOG_MEMBERS_DEFAULT,
      description: 'a catalog with more is ignored',
    }),
  ),
};

const FollowedForm = Type.Object({
  name: Type.String(),
  serial: Type.Integer(),
  state: Type.Enum(['waiting', 'current', 'busy', 'broken', 'held'], {
    description:
      '`waiting`: it has never come. `busy`: zones are being added, changed and removed. `broken`: it is ignored. ' +
      '`held`: it removes more than it may by itself.',
  }),
  templates: Type.Array(
    Type.Object({
      group: Type.Optional(Type.String()),
      primaries: Type.Array(
        Type.Object({
          address: Type.String(),
          port: Type.Integer(),
          key: Type.Optional(Type.String()),
          tls: Type.Optional(PrimaryTlsForm),
        }),
      ),
      sign: Type.Boolean(),
    }),
  ),
  membersMax: Type.Integer(),
  members: Type.Integer({ description: 'zones here that it brought' }),
  broken: Type.Optional(Type.String({ description: 'why it is ignored' })),
  clashes: Type.Array(Type.Object({ zone: Type.String(), why: Type.String() }), {
    description: 'members whose names are taken, the first of them',
  }),
  clashCount: Type.Integer(),
  held: Type.Array(Type.String(), { description: 'members that it does not have any more, the first of them' }),
  heldCount: Type.Integer(),
  failure: Type.Optional(Type.String({ description: 'what did not work last' })),
});

export const followedCatalogsRoutes = [
  readRoute({
    url: '/v1/catalogs/:catalog',
    access: 'read',
    tag: 'transfer',
    summary: 'Show a catalog of another server',
    params: { catalog },
    answers: { 200: FollowedForm },
    show: ({ control, params }) => {
      const name = parseZoneName(params.catalog, inUrl('catalog'));
      if (!name.ok) return name;
      const record = control.zones.find(name.value);
      const view = record && control.transfer.catalogs.followed(record);
      if (record === undefined || view === undefined) return fail(notFollowed(nameText(name.value)));
      const { templates, ...rest } = view;
      const body = { name: record.name, serial: record.serial, ...rest, templates: templates.map(templateForm) };
      return ok({ etag: contentEtag(body), body: () => body });
    },
  }),

  changeRoute({
    method: 'PUT',
    url: '/v1/catalogs/:catalog/settings',
    access: 'admin',
    tag: 'transfer',
    summary: 'Say what becomes of the members of a followed catalog',
    description: 'Zones that are there already are changed at once.',
    params: { catalog },
    body: closed(SettingsForm),
    example: { templates: [{ group: 'unsigned', sign: true }] },
    change: ({ params, body }) => {
      const zone = parseZoneName(params.catalog, inUrl('catalog'));
      return zone.ok ? ok({ command: { kind: 'catalog.settings', zone: zone.value, ...givenSettings(body) } }) : zone;
    },
  }),

  changeRoute({
    method: 'POST',
    url: '/v1/catalogs/:catalog/confirm',
    access: 'admin',
    tag: 'transfer',
    summary: 'Let members go that a followed catalog does not have any more',
    description:
      'A version of a catalog that removes more than ten of its members and more than a tenth of them is held: they ' +
      'are kept until this. It is for this version alone.',
    params: { catalog },
    body: closed({
      removals: Type.Integer({ minimum: 1, description: 'how many, as `heldCount` says' }),
      serial: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 0xffff_ffff,
          description: 'of the version of the catalog that was looked at',
        }),
      ),
    }),
    example: { removals: 12 },
    change: ({ params, body: { removals, serial } }) => {
      const zone = parseZoneName(params.catalog, inUrl('catalog'));
      if (!zone.ok) return zone;
      const seen = serial === undefined ? {} : { serial };
      return ok({ command: { kind: 'catalog.confirm', zone: zone.value, removals, ...seen } });
    },
  }),
];

interface GivenTemplate {
  readonly group?: string;
  readonly primaries?: Parameters<typeof givenPrimaries>[0];
  readonly sign?: boolean;
}

/** As commands have them. */
export function givenSettings({
  templates = [],
  ...rest
}: {
  templates?: readonly GivenTemplate[];
  membersMax?: number;
}) {
  return {
    ...rest,
    templates: templates.map(({ group, primaries = [], sign = false }): MemberTemplate => {
      return { ...given({ group }), primaries: givenPrimaries(primaries), mode: sign ? 'sign' : 'copy' };
    }),
  };
}

function templateForm({ group, primaries, mode }: MemberTemplate) {
  return {
    ...given({ group }),
    primaries: primaries.map(({ ip, ...rest }) => ({ address: ip, ...rest })),
    sign: mode === 'sign',
  };
}

function notFollowed(name: string): Problem {
  return problem('CATALOG_NOT_FOUND', inUrl('catalog'), `no catalog ${name} of another server is followed here`, {
    fix: 'list them: waxseal catalog list',
  });
}
