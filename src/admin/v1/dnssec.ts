/** `/v1/zones/{zone}/dnssec`: signing on or off, the public part of the keys, the DS records for the parent. */
import { type Static, Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { Name } from '#dns/name.ts';
import type { CdsNotifyView } from '#control/api/dnssec.ts';
import type { Command, ControlApi, ZoneCommand } from '#control/api/control.ts';
import { DENIAL_KINDS } from '#dnssec/denial.ts';
import { ZONEMD_HASHES } from '#zone/zonemd.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { zoneEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { BelowCareForm, DenialForm, OnOff, Time, closed } from '#admin/http/schemas.ts';
import { PolicyChange, PolicyForm } from './dnssec-policies.ts';

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

const PresignedForm = Type.Object(
  { endsAt: Time, first: Type.String({ description: 'the RRset whose signature ends first' }), importedAt: Time },
  { description: 'it is signed elsewhere, and served as it came' },
);

const ForeignKeyForm = Type.Object({
  keyTag: Type.Integer(),
  dnskey: Type.String({ description: 'DNSKEY RDATA, base64' }),
  announced: Type.Boolean({ description: 'CDS and CDNSKEY ask the parent for it too' }),
  addedAt: Time,
});
const ParentForm = Type.Object(
  {
    lookedAt: Type.Optional(Time),
    servers: Type.Array(
      Type.Object({
        place: Type.String({ description: 'the name server' }),
        text: Type.String({ description: 'what it said' }),
        problem: Type.Optional(Type.String({ description: 'what is wrong with that' })),
      }),
    ),
    failure: Type.Optional(Type.String({ description: 'why no name server was found to be asked' })),
  },
  { description: 'what the name servers of the parent said last; absent: they were not asked since the start' },
);
const NotifyForm = Type.Object(
  {
    at: Time,
    acknowledged: Type.Boolean(),
    text: Type.String({ description: 'what came of it' }),
    target: Type.Optional(Type.String({ description: 'where the parent takes such messages, HOST:PORT' })),
  },
  { description: 'the last NOTIFY(CDS) to the parent (RFC 9859); absent: there was nothing to tell since the start' },
);

export const SigningSwitch = closed({
  dnssec: OnOff,
  force: Type.Optional(
    Type.Boolean({ description: 'turn signing off although the parent may still have a DS record' }),
  ),
});

const DnssecChange = Type.Union([
  SigningSwitch,
  closed({
    dnssec: Type.Literal('off'),
    whenSafe: Type.Literal(true, { description: 'CDS asks for no DS; signing ends when no cache can have one' }),
  }),
  closed({ policy: PolicyChange }),
  closed({ policyName: Type.String({ maxLength: 63, description: 'the named policy that the zone shall have' }) }),
  closed({
    zonemd: Type.Enum(['off', ...ZONEMD_HASHES], {
      description: 'a digest of the zone in the zone, made with each change (RFC 8976)',
    }),
  }),
  closed({ denial: DenialForm }),
]);

function dnssecCommand(zone: Name, body: Static<typeof DnssecChange>): Command {
  if ('policyName' in body) return { kind: 'dnssec.policy', zone, policyName: body.policyName };
  if ('policy' in body) return { kind: 'dnssec.policy', zone, policy: given(body.policy) };
  if ('zonemd' in body) return { kind: 'zone.zonemd', zone, zonemd: body.zonemd };
  if ('denial' in body) return { kind: 'zone.denial', zone, denial: body.denial };
  if ('whenSafe' in body) return { kind: 'dnssec.leave', zone };
  return signingCommand(zone, body);
}

/** The command for a body that is a `SigningSwitch`. */
export function signingCommand(zone: Name, { dnssec, force }: Static<typeof SigningSwitch>): ZoneCommand {
  return { kind: 'zone.dnssec', zone, dnssec: dnssec === 'on', ...given({ force }) };
}

export const dnssecRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/dnssec',
    tag: 'dnssec',
    summary: 'Show whether the zone is signed, its keys and its DS records',
    answers: {
      200: Type.Object({
        zone: Type.String(),
        dnssec: OnOff,
        policyName: Type.Optional(Type.String({ description: 'absent: the policy is of its own' })),
        denial: Type.Enum([...DENIAL_KINDS]),
        zonemd: Type.Enum(['off', ...ZONEMD_HASHES]),
        policy: PolicyForm,
        keys: Type.Array(KeyForm),
        presigned: Type.Optional(PresignedForm),
        foreignKeys: Type.Array(ForeignKeyForm, { description: 'of others who sign the zone too' }),
        parent: Type.Optional(ParentForm),
        notify: Type.Optional(NotifyForm),
        ds: Type.Array(DsForm),
      }),
    },
    show: ({ control, zone }) =>
      ok({
        etag: zoneEtag(zone),
        body: () => ({
          zone: zone.name,
          dnssec: zone.dnssec,
          ...policyForm(control, zone),
          denial: zone.denial ?? 'nsec',
          zonemd: zone.zonemd ?? 'off',
          keys: keyForms(zone),
          presigned: presignedForm(zone),
          foreignKeys: foreignKeyForms(zone),
          ds: dsForms(control, zone),
        }),
      }),
  }),

  zoneChangeRoute({
    method: 'PATCH',
    url: '/v1/zones/:zone/dnssec',
    tag: 'dnssec',
    summary: 'Turn signing on or off, say what keys the zone shall have, or switch between NSEC and NSEC3',
    description:
      'Off at once needs force: resolvers answer SERVFAIL for an unsigned zone while the parent has a DS record. ' +
      'With whenSafe the server does it step by step. A changed policy becomes rollovers; see plan.',
    query: { below: Type.Optional(BelowCareForm) },
    body: DnssecChange,
    example: { dnssec: 'on' },
    change: ({ apex, query: { below }, body }) => {
      const command = dnssecCommand(apex, body);
      return ok({ command: command.kind === 'zone.dnssec' ? { ...command, ...given({ below }) } : command });
    },
  }),

  zoneReadRoute({
    url: '/v1/zones/:zone/dnssec/ds',
    tag: 'dnssec',
    summary: 'List the DS records for the parent zone',
    description: 'The list is empty when the zone is not signed.',
    answers: { 200: Type.Object({ zone: Type.String(), ds: Type.Array(DsForm) }) },
    show: ({ control, zone }) =>
      ok({ etag: zoneEtag(zone), body: () => ({ zone: zone.name, ds: dsForms(control, zone) }) }),
  }),
];

function policyForm({ dnssec }: ControlApi, record: ZoneRecord) {
  const { policyName, policy, parent, notify } = dnssec.view(record);
  const looked = parent && {
    lookedAt: isoTime(parent.atMs),
    ...given({ servers: parent.servers, failure: parent.failure }),
  };
  return { policyName, policy, parent: looked, notify: notify && notifyForm(notify) };
}

function notifyForm({ atMs, isAcknowledged, text, target }: CdsNotifyView) {
  return { at: isoTime(atMs), acknowledged: isAcknowledged, text, ...given({ target }) };
}

function dsForms(control: ControlApi, record: ZoneRecord) {
  return record.dnssec === 'on' ? control.zones.ds(record) : [];
}

/** The public part, field by field: a field that a key record gets later must not appear here by itself. */
function keyForms(record: ZoneRecord) {
  return record.keys.map(({ id, keyTag, algorithm, role, flags, state, createdAtMs, dnskey }) => {
    return { id, keyTag, algorithm, role, flags, state, createdAt: isoTime(createdAtMs), dnskey };
  });
}

function presignedForm({ presigned }: ZoneRecord) {
  if (presigned === undefined) return undefined;
  const { endsAtSeconds, firstOwner, firstType, importedAtMs } = presigned;
  return {
    endsAt: isoTime(endsAtSeconds * 1000),
    first: `${firstOwner} ${firstType}`,
    importedAt: isoTime(importedAtMs),
  };
}

function foreignKeyForms({ foreignKeys = [] }: ZoneRecord) {
  return foreignKeys.map(({ keyTag, dnskey, isAnnounced, addedAtMs }) => {
    return { keyTag, dnskey, announced: isAnnounced, addedAt: isoTime(addedAtMs) };
  });
}
