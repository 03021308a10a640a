/** `/v1/zones/{zone}/dnssec`: signing on or off, the keys' public side, the DS records for the parent. */
import { Type } from 'typebox';
import { nameOf } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone } from '#admin/http/change.ts';
import { isoTime } from '#admin/http/form.ts';
import { notModified, zoneEtag } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { ChangeQuery, OnOff, ZoneParams, changeResponses, closed, responses } from '#admin/http/schemas.ts';

const DsFormSchema = Type.Object({
  keyTag: Type.Integer(),
  algorithm: Type.Integer(),
  digestType: Type.Integer(),
  digest: Type.String(),
  record: Type.String({ description: 'as in a zone file' }),
  dnskey: Type.Object(
    { flags: Type.Integer(), protocol: Type.Integer(), algorithm: Type.Integer(), publicKey: Type.String() },
    { description: 'for registrars that take the key instead of its digest' },
  ),
});

const KeyForm = Type.Object({
  id: Type.String(),
  keyTag: Type.Integer(),
  algorithm: Type.Integer(),
  role: Type.String(),
  flags: Type.Integer(),
  state: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  dnskey: Type.String({ description: 'DNSKEY RDATA, base64' }),
});

const DnssecForm = Type.Object({ zone: Type.String(), dnssec: OnOff, keys: Type.Array(KeyForm), ds: Type.Array(DsFormSchema) });

export function dnssecRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/zones/:zone/dnssec',
    {
      config: { access: 'zone-read' },
      schema: { summary: 'Show signing, keys and DS', tags: ['dnssec'], params: ZoneParams, response: responses({ 200: DnssecForm }) },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      if (notModified(request, reply, zoneEtag(zone.value))) return reply.send();
      const { name, dnssec } = zone.value;
      return reply.send({ zone: name, dnssec, keys: keyForms(zone.value), ds: dsForms(control, zone.value) });
    },
  );

  app.patch(
    '/v1/zones/:zone/dnssec',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Turn signing on or off',
        description: 'Off needs force: while the parent has a DS record the zone would be bogus for everybody who validates.',
        tags: ['dnssec'],
        params: ZoneParams,
        querystring: ChangeQuery,
        body: closed({ dnssec: OnOff, force: Type.Optional(Type.Boolean()) }),
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { dnssec, force } = request.body;
      const forced = force === undefined ? {} : { force };
      return answerChange(control, request, reply, {
        kind: 'zone.dnssec',
        zone: nameOf(zone.value.name),
        dnssec: dnssec === 'on',
        ...forced,
      });
    },
  );

  app.get(
    '/v1/zones/:zone/dnssec/ds',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'DS records for the parent zone',
        description: 'Empty when the zone is not signed.',
        tags: ['dnssec'],
        params: ZoneParams,
        response: responses({ 200: Type.Object({ zone: Type.String(), ds: Type.Array(DsFormSchema) }) }),
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      if (notModified(request, reply, zoneEtag(zone.value))) return reply.send();
      return reply.send({ zone: zone.value.name, ds: dsForms(control, zone.value) });
    },
  );
}

function dsForms(control: ControlApi, record: ZoneRecord) {
  return record.dnssec === 'on' ? control.ds(record) : [];
}

/** The public side, field by field: a field that a key record may get later must not appear here by itself. */
function keyForms(record: ZoneRecord) {
  return record.keys.map(({ id, keyTag, algorithm, role, flags, state, createdAtMs, dnskey }) => {
    return { id, keyTag, algorithm, role, flags, state, createdAt: isoTime(createdAtMs), dnskey };
  });
}
