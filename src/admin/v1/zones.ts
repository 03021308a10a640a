/** `/v1/zones` and `/v1/zones/{zone}`: which zones there are, a new empty one, one gone. */
import { Type } from 'typebox';
import { inBody } from '#base/place.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { allows } from '#admin/http/access.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone, zoneNotFound, zoneSegment } from '#admin/http/change.ts';
import { nameText, parseZoneName } from '#admin/http/names.ts';
import { nextPage, pageQuery, readPage } from '#admin/http/page.ts';
import { notModified, zoneEtag } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { isoTime } from '#admin/http/form.ts';
import { ChangeQuery, OnOff, ZoneParams, changeResponses, closed, responses } from '#admin/http/schemas.ts';

const ZoneForm = Type.Object({
  name: Type.String(),
  dnssec: OnOff,
  serial: Type.Integer(),
  revision: Type.Integer(),
  nodeCount: Type.Integer({ description: 'names, empty non-terminals included' }),
  createdAt: Type.String({ format: 'date-time' }),
  changedAt: Type.String({ format: 'date-time' }),
});

const NewZone = closed(
  {
    name: Type.String({ minLength: 1, examples: ['example.com'] }),
    dnssec: Type.Optional(OnOff),
    nameservers: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, maxItems: 13, description: 'the NS records; ns1.<zone> unless given' }),
    ),
    contact: Type.Optional(Type.String({ description: 'RNAME of the SOA; hostmaster.<zone> unless given' })),
  },
  'A zone with a default SOA and NS set. To bring the records too, PUT a zone file.',
);

const ZonePatch = closed({
  dnssec: OnOff,
  force: Type.Optional(Type.Boolean({ description: 'turn signing off although the parent may still have a DS record' })),
});

export function zoneRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/zones',
    {
      config: { access: 'zone-list' },
      schema: {
        summary: 'List zones',
        description: 'By name. A token for single zones sees those.',
        tags: ['zones'],
        querystring: closed(pageQuery),
        response: responses({ 200: Type.Object({ zones: Type.Array(ZoneForm), next: Type.Optional(Type.String()) }) }),
      },
    },
    (request, reply) => {
      const page = readPage(request.query, 1);
      if (!page.ok) return sendProblems(reply, page.problems);
      const scopes = request.identity?.scopes ?? [];
      const { limit, after } = page.value;
      const visible = control
        .zones()
        .map((record) => ({ record, key: ownerKey(nameOf(record.name)) }))
        .filter(({ key }) => allows(scopes, 'zone-read', key))
        .filter(({ key }) => after === undefined || key > after[0]!)
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
      const zones = visible.slice(0, limit);
      if (notModified(request, reply, `"g${control.status().generation}"`)) return reply.send();
      const next = visible.length > limit ? { next: nextPage(request, reply, [zones.at(-1)!.key]) } : {};
      return reply.send({ zones: zones.map(({ record }) => zoneForm(record)), ...next });
    },
  );

  app.post(
    '/v1/zones',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Create a zone',
        tags: ['zones'],
        querystring: ChangeQuery,
        body: NewZone,
        response: changeResponses,
      },
    },
    (request, reply) => {
      const { name, dnssec, nameservers, contact } = request.body;
      const zone = parseZoneName(name, inBody('/name'));
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const details = { ...(nameservers === undefined ? {} : { nameservers }), ...(contact === undefined ? {} : { contact }) };
      return answerChange(
        control,
        request,
        reply,
        { kind: 'zone.create', zone: zone.value, dnssec: dnssec !== 'off', ...details },
        { location: (outcome) => `/v1/zones/${zoneSegment(outcome.zone)}` },
      );
    },
  );

  app.get(
    '/v1/zones/:zone',
    {
      config: { access: 'zone-read' },
      schema: { summary: 'Show a zone', tags: ['zones'], params: ZoneParams, response: responses({ 200: ZoneForm }) },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      if (notModified(request, reply, zoneEtag(zone.value))) return reply.send();
      return reply.send(zoneForm(zone.value));
    },
  );

  app.patch(
    '/v1/zones/:zone',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: "Change a zone's settings",
        description: 'Records are changed at …/rrsets and …/zonefile.',
        tags: ['zones'],
        params: ZoneParams,
        querystring: ChangeQuery,
        body: ZonePatch,
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { dnssec, force } = request.body;
      return answerChange(control, request, reply, {
        kind: 'zone.dnssec',
        zone: nameOf(zone.value.name),
        dnssec: dnssec === 'on',
        ...(force === undefined ? {} : { force }),
      });
    },
  );

  app.delete(
    '/v1/zones/:zone',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Remove a zone with its records, keys and journal',
        tags: ['zones'],
        params: ZoneParams,
        querystring: ChangeQuery,
        response: changeResponses,
      },
    },
    (request, reply) => {
      const name = parseZoneName(request.params.zone);
      if (!name.ok) return sendProblems(reply, name.problems);
      return answerChange(
        control,
        request,
        reply,
        { kind: 'zone.remove', zone: name.value },
        {
          refuse: (record) => (record === undefined ? zoneNotFound(control, nameText(name.value)) : undefined),
          etagAfter: () => undefined,
        },
      );
    },
  );
}

function zoneForm(record: ZoneRecord): unknown {
  const { name, dnssec, serial, revision, nodeCount, createdAtMs, changedAtMs } = record;
  return { name, dnssec, serial, revision, nodeCount, createdAt: isoTime(createdAtMs), changedAt: isoTime(changedAtMs) };
}
