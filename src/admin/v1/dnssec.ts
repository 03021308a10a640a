/** `/v1/zones/{zone}/dnssec`: signing on or off, the public part of the keys, the DS records for the parent. */
import { type Static, Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { Name } from '#dns/name.ts';
import type { ControlApi, ZoneCommand } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { zoneEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { OnOff, Time, closed } from '#admin/http/schemas.ts';

const DsForm = Type.Object({
  keyTag: Type.Integer(),
  algorithm: Type.Integer(),
  digestType: Type.Integer(),
  digest: Type.String(),
  record: Type.String({ description: 'the record as in a zone file' }),
  dnskey: Type.Object(
    { flags: Type.Integer(), protocol: Type.Integer(), algorithm: Type.Integer(), publicKey: Type.String() },
    { description: 'for registrars that ask for the key instead of its digest' },
  ),
});

const KeyForm = Type.Object({
  id: Type.String(),
  keyTag: Type.Integer(),
  algorithm: Type.Integer(),
  role: Type.String(),
  flags: Type.Integer(),
  state: Type.String(),
  createdAt: Time,
  dnskey: Type.String({ description: 'DNSKEY RDATA, base64' }),
});

export const SigningSwitch = closed({
  dnssec: OnOff,
  force: Type.Optional(Type.Boolean({ description: 'turn signing off although the parent may still have a DS record' })),
});

/** The command for a body that is a `SigningSwitch`. */
export function signingCommand(zone: Name, { dnssec, force }: Static<typeof SigningSwitch>): ZoneCommand {
  return { kind: 'zone.dnssec', zone, dnssec: dnssec === 'on', ...given({ force }) };
}

export const dnssecRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/dnssec',
    tag: 'dnssec',
    summary: 'Show whether the zone is signed, its keys and its DS records',
    answers: { 200: Type.Object({ zone: Type.String(), dnssec: OnOff, keys: Type.Array(KeyForm), ds: Type.Array(DsForm) }) },
    show: ({ control, zone }) =>
      ok({
        etag: zoneEtag(zone),
        body: () => ({ zone: zone.name, dnssec: zone.dnssec, keys: keyForms(zone), ds: dsForms(control, zone) }),
      }),
  }),

  zoneChangeRoute({
    method: 'PATCH',
    url: '/v1/zones/:zone/dnssec',
    tag: 'dnssec',
    summary: 'Turn signing on or off',
    description: 'Off needs force: resolvers answer SERVFAIL for an unsigned zone while the parent has a DS record.',
    body: SigningSwitch,
    example: { dnssec: 'on' },
    change: ({ apex, body }) => ok({ command: signingCommand(apex, body) }),
  }),

  zoneReadRoute({
    url: '/v1/zones/:zone/dnssec/ds',
    tag: 'dnssec',
    summary: 'List the DS records for the parent zone',
    description: 'The list is empty when the zone is not signed.',
    answers: { 200: Type.Object({ zone: Type.String(), ds: Type.Array(DsForm) }) },
    show: ({ control, zone }) => ok({ etag: zoneEtag(zone), body: () => ({ zone: zone.name, ds: dsForms(control, zone) }) }),
  }),
];

function dsForms(control: ControlApi, record: ZoneRecord) {
  return record.dnssec === 'on' ? control.zones.ds(record) : [];
}

/** The public part, field by field: a field that a key record gets later must not appear here by itself. */
function keyForms(record: ZoneRecord) {
  return record.keys.map(({ id, keyTag, algorithm, role, flags, state, createdAtMs, dnskey }) => {
    return { id, keyTag, algorithm, role, flags, state, createdAt: isoTime(createdAtMs), dnskey };
  });
}
