/** `/v1/zones/{zone}/secondaries`: who may have the zone by transfer, and hears of its changes. */
import { Type } from 'typebox';
import { DNS_PORT } from '#base/address.ts';
import { ok } from '#base/problem.ts';
import type { Secondary } from '#store/transfer/secondaries.ts';
import { changeRoute, zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { PinTexts, Time, closed, zoneParams } from '#admin/http/schemas.ts';

const PORT = { minimum: 1, maximum: 65_535 };
const NAME = { minLength: 1, maxLength: 255 };

const SecondaryForm = Type.Object({
  address: Type.String({ examples: ['192.0.2.53'] }),
  port: Type.Integer({ description: 'where it takes NOTIFY' }),
  key: Type.Optional(Type.String({ description: 'the TSIG key; with neither `pins`, only its address is looked at' })),
  pins: Type.Optional(Type.Array(Type.String(), { description: 'keys of its certificate, which it shows over TLS' })),
  addedAt: Time,
  acknowledged: Type.Optional(Type.Integer({ description: 'serial of the last change that it has acknowledged' })),
  seen: Type.Optional(Type.Integer({ description: 'serial that it was seen to have' })),
  failure: Type.Optional(Type.String({ description: 'what went wrong last' })),
});

const params = {
  address: Type.String({ minLength: 2, maxLength: 64, description: 'its IP address', examples: ['192.0.2.53'] }),
};

export const secondariesRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/secondaries',
    tag: 'transfer',
    summary: 'List the secondaries of a zone',
    answers: { 200: Type.Object({ zone: Type.String(), secondaries: Type.Array(SecondaryForm) }) },
    show: ({ control, zone }) => {
      const body = { zone: zone.name, secondaries: control.transfer.secondaries(zone).map(secondaryForm) };
      return ok({ etag: contentEtag(body), body: () => body });
    },
  }),

  // This server sends messages to the address: not for who may change one zone.
  changeRoute({
    method: 'PUT',
    url: '/v1/zones/:zone/secondaries/:address',
    access: 'admin',
    tag: 'transfer',
    summary: 'Let a secondary have the zone',
    description:
      'Replaces the secondary with the same address. Without a key and pins, who sends from the address has it. ' +
      'With pins it transfers over TLS, and shows a certificate with one of these keys; with both it needs both. ' +
      'Changes are announced to the address, so only administrators name it.',
    params: { ...zoneParams, ...params },
    body: closed({
      port: Type.Optional(Type.Integer({ ...PORT, default: DNS_PORT, description: 'where it takes NOTIFY' })),
      key: Type.Optional(Type.String({ ...NAME, description: 'name of a TSIG key for transfers of this zone' })),
      pins: Type.Optional(PinTexts),
    }),
    example: { key: 'secondary.example.com' },
    change: ({ params: { zone: name, address: ip }, body: { port = DNS_PORT, key: text, pins } }) => {
      const zone = parseZoneName(name);
      if (!zone.ok) return zone;
      const key = text === undefined ? undefined : keyName(text);
      return ok({ command: { kind: 'secondary.add', zone: zone.value, ip, port, ...given({ key, pins }) } });
    },
  }),

  zoneChangeRoute({
    method: 'DELETE',
    url: '/v1/zones/:zone/secondaries/:address',
    tag: 'transfer',
    summary: 'Let a secondary have the zone no more',
    params,
    change: ({ apex, params: { address: ip } }) => ok({ command: { kind: 'secondary.remove', zone: apex, ip } }),
  }),
];

/** As keys are called in the store. */
export function keyName(text: string): string {
  return (text.endsWith('.') ? text : `${text}.`).toLowerCase();
}

function secondaryForm({ ip, addedAtMs, ...rest }: Secondary) {
  return { address: ip, ...rest, addedAt: isoTime(addedAtMs) };
}
