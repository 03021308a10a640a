/** `/v1/zones/{zone}`: one zone: its settings and its removal. */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { allows } from '#admin/http/access.ts';
import { changeRoute, zoneChangeRoute } from '#admin/http/change-route.ts';
import { zoneNotFound, zoneSegment } from '#admin/http/find-zone.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { identityOf } from '#admin/http/identity.ts';
import { nameText, parseZoneName } from '#admin/http/names.ts';
import { zoneEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { OnOff, ParentCareForm, Time, zoneParams } from '#admin/http/schemas.ts';
import { SigningSwitch, signingCommand } from './dnssec.ts';
import { PrimaryStateForm, primaryStateForm } from './primaries.ts';

export const ZoneForm = Type.Object(
  {
    name: Type.String(),
    dnssec: OnOff,
    serial: Type.Integer(),
    revision: Type.Integer(),
    nodeCount: Type.Integer({ description: 'number of names, with empty non-terminals' }),
    createdAt: Time,
    changedAt: Time,
    catalog: Type.Optional(Type.Boolean({ description: 'true: it is a catalog (RFC 9432), and no query gets it' })),
    secondary: Type.Optional(PrimaryStateForm),
  },
  { title: 'Zone' },
);

export function zoneForm(record: ZoneRecord): object {
  const { name, dnssec, serial, revision, nodeCount, createdAtMs, changedAtMs, isCatalog } = record;
  const times = { createdAt: isoTime(createdAtMs), changedAt: isoTime(changedAtMs) };
  return { name, dnssec, serial, revision, nodeCount, ...times, ...given({ catalog: isCatalog }) };
}

export const zoneRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone',
    access: 'rrset-read',
    tag: 'zones',
    summary: 'Show a zone',
    answers: { 200: ZoneForm },
    description: 'Where it comes from is shown to those who may read all of it, never with 304.',
    show: ({ control, zone, request }) => {
      const etag = zoneEtag(zone);
      // Addresses and keys of primaries are no records: a token for some of these learns nothing of them.
      const isWhole = allows(identityOf(request), 'zone-read', ownerKey(nameOf(zone.name)));
      const state = isWhole ? control.transfer.primaries(zone) : undefined;
      if (state === undefined) return ok({ etag, body: () => zoneForm(zone) });
      return ok({ etag, isVolatile: true, body: () => ({ ...zoneForm(zone), secondary: primaryStateForm(state) }) });
    },
  }),

  zoneChangeRoute({
    method: 'PATCH',
    url: '/v1/zones/:zone',
    tag: 'zones',
    summary: "Change a zone's settings",
    description: 'Change records at …/rrsets and …/zonefile.',
    body: SigningSwitch,
    example: { dnssec: 'on' },
    change: ({ apex, body }) => ok({ command: signingCommand(apex, body) }),
  }),

  changeRoute({
    method: 'DELETE',
    url: '/v1/zones/:zone',
    access: 'zone-manage',
    tag: 'zones',
    summary: 'Remove a zone',
    description:
      'Its records (of a zone of ordinary size), DNSSEC key and serial are kept for 30 days: POST …/restore. Its mail policy, ' +
      'DKIM keys and journal are not.',
    params: zoneParams,
    change: ({ control, params, request }) => {
      const name = parseZoneName(params.zone);
      if (!name.ok) return name;
      return ok({
        command: { kind: 'zone.remove', zone: name.value },
        rejectIf: (record) => {
          if (record !== undefined) return undefined;
          return zoneNotFound(control, identityOf(request), nameText(name.value));
        },
        etagAfter: () => undefined,
      });
    },
  }),

  changeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/restore',
    access: 'zone-manage',
    tag: 'zones',
    summary: 'Restore a removed zone',
    description: 'From what was kept at its removal: its records, its DNSSEC key, and a serial after the one it had.',
    params: { zone: Type.String({ description: 'name of the zone', examples: ['removed.example'] }) },
    query: { parent: Type.Optional(ParentCareForm) },
    change: ({ params, query: { parent } }) => {
      const name = parseZoneName(params.zone);
      if (!name.ok) return name;
      return ok({
        command: { kind: 'zone.restore', zone: name.value, ...given({ parent }) },
        location: (outcome) => `/v1/zones/${zoneSegment(outcome.zone)}`,
      });
    },
  }),
];
