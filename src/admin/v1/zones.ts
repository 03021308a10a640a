/** `/v1/zones`: the list of zones, and a new zone without records of its own. */
import { Type } from 'typebox';
import { inBody } from '#base/place.ts';
import { type Problem, fail, ok, problem } from '#base/problem.ts';
import { ownerKey } from '#dns/name.ts';
import { allows, scopeProblem } from '#admin/http/access.ts';
import { changeRoute } from '#admin/http/change-route.ts';
import { visibleZones, zoneSegment } from '#admin/http/find-zone.ts';
import { given } from '#admin/http/form.ts';
import { identityOf } from '#admin/http/identity.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { cutPage, pageQuery, readPage } from '#admin/http/page.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { DenialForm, OnOff, ParentCareForm, closed } from '#admin/http/schemas.ts';
import { PrimariesForm, givenPrimaries } from './primaries.ts';
import { ZoneForm, zoneForm } from './zone.ts';

const NewZone = closed(
  {
    name: Type.String({ minLength: 1, examples: ['example.com'] }),
    dnssec: Type.Optional(OnOff),
    nameservers: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, maxItems: 13, description: 'the NS records; ns1.<zone> unless given' }),
    ),
    contact: Type.Optional(Type.String({ description: 'RNAME of the SOA; hostmaster.<zone> unless given' })),
    denial: Type.Optional(DenialForm),
    parent: Type.Optional(ParentCareForm),
    primaries: Type.Optional(PrimariesForm),
    sign: Type.Optional(Type.Boolean({ description: 'with primaries: it comes unsigned, and is signed here' })),
  },
  'A zone with a default SOA and NS set, or with `primaries` one that comes from them by transfer. To create a zone ' +
    'with its records, PUT a zone file.',
);

export const zonesRoutes = [
  readRoute({
    url: '/v1/zones',
    access: 'zone-list',
    tag: 'zones',
    summary: 'List zones',
    description: 'Sorted by name. A token for single zones sees only those.',
    query: pageQuery,
    answers: { 200: Type.Object({ zones: Type.Array(ZoneForm), next: Type.Optional(Type.String()) }) },
    show: ({ control, query, ...asked }) => {
      const page = readPage(query, 1);
      if (!page.ok) return page;
      const { limit, after } = page.value;
      const identity = identityOf(asked.request);
      return ok({
        etag: `"g${control.status().generation}"`,
        body: () => {
          // One more than the page has says that there is another.
          const visible = [...visibleZones(control, identity, after?.[0], limit + 1)];
          const { shown, next } = cutPage(asked, visible, limit, ({ apexKey }) => [apexKey]);
          return { zones: shown.map(({ record }) => zoneForm(record)), next };
        },
      });
    },
  }),

  changeRoute({
    method: 'POST',
    url: '/v1/zones',
    access: 'zone-manage',
    tag: 'zones',
    summary: 'Create a zone',
    body: NewZone,
    example: { name: 'new.example', dnssec: 'on', nameservers: ['ns1', 'ns2.example.net.'], contact: 'hostmaster' },
    change: ({ body, request }) => {
      const { name, dnssec, primaries, sign, ...rest } = body;
      const zone = parseZoneName(name, inBody('/name'));
      if (!zone.ok) return zone;
      const identity = identityOf(request);
      if (!allows(identity, 'zone-manage', ownerKey(zone.value)))
        return fail(scopeProblem(identity, 'scope admin or a grant to manage this zone', inBody('/name')));
      const location = (outcome: { readonly zone: string }): string => `/v1/zones/${zoneSegment(outcome.zone)}`;
      const idle = idleFields(body);
      if (idle.length > 0) return fail(...idle);
      if (primaries === undefined)
        return ok({
          command: { kind: 'zone.create', zone: zone.value, dnssec: dnssec !== 'off', ...given(rest) },
          location,
        });
      // As PUT …/primaries: it makes this server connect to an address.
      const isAdmin = allows(identity, 'admin', undefined);
      if (!isAdmin) return fail(scopeProblem(identity, 'scope admin', inBody('/primaries')));
      const from = { primaries: givenPrimaries(primaries), isSigning: sign === true };
      return ok({ command: { kind: 'secondary.create', zone: zone.value, ...from }, location });
    },
  }),
];

/** What would have no effect is rejected: what comes from a primary has its own SOA and NS. */
function idleFields(body: {
  readonly primaries?: unknown;
  readonly sign?: boolean;
  readonly dnssec?: unknown;
  readonly nameservers?: unknown;
  readonly contact?: unknown;
  readonly denial?: unknown;
  readonly parent?: unknown;
}): Problem[] {
  const isSecondary = body.primaries !== undefined;
  const own = ['dnssec', 'nameservers', 'contact', 'denial', 'parent'] as const;
  const names = isSecondary ? own : (['sign'] as const);
  return names
    .filter((name) => body[name] !== undefined)
    .map((name) => {
      const why = isSecondary ? `${name} has no effect on a zone that comes from primaries` : `${name} needs primaries`;
      return problem('FIELD_VALUE', inBody(`/${name}`), why);
    });
}
