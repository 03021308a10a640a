/**
 * `…/zones/{zone_id}/cryptokeys` and `…/metadata`: whether the zone is signed, with the public side of its keys. A
 * key's id is its tag. dnscontrol asks for it in every run.
 */
import { Type } from 'typebox';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { formatRdata } from '#dns/registry.ts';
import { algorithmOf } from '#dnssec/algorithm.ts';
import { keyUse } from '#dnssec/key-stage.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { ZoneKeyRef, ZoneRecord } from '#store/schema.ts';
import { textParameter } from '#admin/http/names.ts';
import type { Route } from '#admin/http/route.ts';
import { sendJson } from './answer.ts';
import { rejected } from './fields.ts';
import { type ZoneRequest, change, powerdnsZoneRoute } from './route.ts';

const id = { id: Type.String({ examples: ['12345'] }) };
const kind = { kind: Type.String({ examples: ['SOA-EDIT-API'] }) };

export const cryptokeysRoutes: readonly Route[] = [
  powerdnsZoneRoute({
    method: 'GET',
    below: '/cryptokeys',
    access: 'zone-read',
    summary: 'List the keys of a zone',
    answer: ({ control, record, reply }) => ok(sendJson(reply, 200, keysOf(control, record))),
  }),

  powerdnsZoneRoute({
    method: 'GET',
    below: '/cryptokeys/:id',
    access: 'zone-read',
    summary: 'Show a key of a zone',
    params: id,
    answer: (asked) => {
      const key = keyOf(asked);
      return key.ok ? ok(sendJson(asked.reply, 200, key.value)) : key;
    },
  }),

  powerdnsZoneRoute({
    method: 'POST',
    below: '/cryptokeys',
    access: 'zone-change',
    summary: 'Turn on signing; a zone that is signed stays as it is',
    answer: async (asked) => {
      const { control, apex, reply } = asked;
      const done = await change(asked, { kind: 'zone.dnssec', zone: apex, dnssec: true });
      if (!done.ok) return done;
      const record = control.zones.find(apex) ?? asked.record;
      const [key] = keysOf(control, record);
      return key === undefined ? fail(rejected('the zone has no keys')) : ok(sendJson(reply, 201, key));
    },
  }),

  powerdnsZoneRoute({
    method: 'DELETE',
    below: '/cryptokeys/:id',
    access: 'zone-change',
    summary: 'Rejected: a key goes when no DS record and no cache needs it',
    params: id,
    answer: (asked) => fail(notByHand(asked)),
  }),

  powerdnsZoneRoute({
    method: 'PUT',
    below: '/cryptokeys/:id',
    access: 'zone-change',
    summary: 'Rejected: keys are rolled, see /v1/zones/{zone}/dnssec',
    params: id,
    answer: (asked) => fail(notByHand(asked)),
  }),

  powerdnsZoneRoute({
    method: 'GET',
    below: '/metadata',
    access: 'zone-read',
    summary: 'List the metadata of a zone',
    answer: ({ control, record, reply }) => ok(sendJson(reply, 200, [metadataOf(control, record)])),
  }),

  powerdnsZoneRoute({
    method: 'GET',
    below: '/metadata/:kind',
    access: 'zone-read',
    summary: 'Show metadata of a zone',
    params: kind,
    answer: ({ control, record, params, reply }) => {
      const wanted = textParameter(params, 'kind') ?? '';
      if (wanted === 'SOA-EDIT-API') return ok(sendJson(reply, 200, metadataOf(control, record)));
      return ok(sendJson(reply, 200, { kind: wanted, metadata: [], type: 'Metadata' }));
    },
  }),

  ...(['PUT', 'DELETE'] as const).map((method) =>
    powerdnsZoneRoute({
      method,
      below: '/metadata/:kind',
      access: 'zone-change',
      summary: 'Rejected: there is no metadata to change',
      params: kind,
      answer: ({ params }) => fail(rejected(`Unsupported metadata kind '${textParameter(params, 'kind') ?? ''}'`)),
    }),
  ),

  powerdnsZoneRoute({
    method: 'POST',
    below: '/metadata',
    access: 'zone-change',
    summary: 'Rejected: there is no metadata to change',
    answer: () => fail(rejected('metadata cannot be changed here')),
  }),
];

function notByHand({ record }: ZoneRequest) {
  const text = 'a key that goes while the parent has its DS record makes the zone bogus: keys are not removed by hand';
  return rejected(text, `waxseal dnssec roll ${record.name}, or waxseal dnssec disable ${record.name} --when-safe`);
}

function metadataOf(control: ControlApi, record: ZoneRecord) {
  return { kind: 'SOA-EDIT-API', metadata: [control.zones.labels(record).soaEditApi ?? 'DEFAULT'], type: 'Metadata' };
}

function keyOf({ control, record, params }: ZoneRequest): Result<ReturnType<typeof keyForm>> {
  const wanted = textParameter(params, 'id');
  const key = keysOf(control, record).find((each) => String(each.id) === wanted);
  return key === undefined ? fail(problem('ROUTE_NOT_FOUND', WHOLE, 'there is no such key')) : ok(key);
}

function keysOf(control: ControlApi, record: ZoneRecord) {
  return record.dnssec === 'on' ? record.keys.map((key) => keyForm(control, record, key)) : [];
}

/** Without `privatekey`, which PowerDNS shows: no private key leaves this server unsealed. */
function keyForm(control: ControlApi, record: ZoneRecord, key: ZoneKeyRef) {
  const { role, state, flags, keyTag } = key;
  const dnskey = Buffer.from(key.dnskey, 'base64');
  const { isPublished, signsKeys, signsZone } = keyUse(role, state);
  const ds = control.zones.ds(record).filter((each) => each.keyTag === keyTag);
  return {
    active: signsZone || (role === 'ksk' && signsKeys),
    algorithm: algorithmOf(key.algorithm).mnemonic,
    bits: bitsOf(key.algorithm, dnskey),
    dnskey: formatRdata(TYPE.DNSKEY, dnskey),
    ds: ds.map(({ algorithm, digestType, digest }) => `${keyTag} ${algorithm} ${digestType} ${digest.toLowerCase()}`),
    flags,
    id: keyTag,
    keytype: role,
    published: isPublished,
    type: 'Cryptokey',
  };
}

/** Of RSA the length of the modulus: all of the key but its exponent with its length, four octets (RFC 3110 §2). */
function bitsOf(algorithm: number, dnskey: Uint8Array): number {
  const bits: Readonly<Record<number, number>> = { 13: 256, 14: 384, 15: 256, 16: 456 };
  return bits[algorithm] ?? (dnskey.length - 4 - 4) * 8;
}
