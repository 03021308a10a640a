/** `/v1/zones/{zone}/primaries` and `/role`: where a zone comes from by transfer, or that it is kept here. */
import { Type } from 'typebox';
import { DNS_PORT, DNS_TLS_PORT } from '#base/address.ts';
import { atZone, inBody } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import { type PrimaryState } from '#control/api/transfer.ts';
import { type Primary, type PrimaryTls } from '#store/transfer/primaries.ts';
import { changeRoute } from '#admin/http/change-route.ts';
import { zoneNotFound } from '#admin/http/find-zone.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { identityOf } from '#admin/http/identity.ts';
import { nameText, parseZoneName } from '#admin/http/names.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { PinTexts, Time, closed } from '#admin/http/schemas.ts';
import { keyName } from './secondaries.ts';

const PORT = { minimum: 1, maximum: 65_535 };
const NAME = { minLength: 1, maxLength: 255 };

/** Primaries as a request gives them. */
export const PrimariesForm = Type.Array(
  closed({
    address: Type.String({ minLength: 1, maxLength: 64, description: 'its IP address', examples: ['192.0.2.1'] }),
    port: Type.Optional(Type.Integer({ ...PORT, description: '53 unless given, 853 with `tls`' })),
    key: Type.Optional(Type.String({ ...NAME, description: 'name of a TSIG key for transfers of this zone' })),
    tls: Type.Optional(
      closed(
        {
          host: Type.Optional(
            Type.String({ ...NAME, description: 'name in its certificate, which is from a trusted root' }),
          ),
          pins: Type.Optional(PinTexts),
          certificate: Type.Optional(
            Type.String({ ...NAME, description: 'host of this server whose certificate is shown to the primary' }),
          ),
        },
        'it is asked over TLS alone, and proves who it is: what is given of `host` and `pins` must hold',
      ),
    ),
  }),
  { minItems: 1, description: 'asked in this order' },
);

/** How a primary is asked over TLS, as it is shown. */
export const PrimaryTlsForm = Type.Object({
  host: Type.Optional(Type.String()),
  pins: Type.Optional(Type.Array(Type.String())),
  certificate: Type.Optional(Type.String()),
});

interface GivenPrimary {
  readonly address: string;
  readonly port?: number;
  readonly key?: string;
  readonly tls?: PrimaryTls;
}

export function givenPrimaries(primaries: readonly GivenPrimary[]): readonly Primary[] {
  return primaries.map(({ address: ip, key, tls, port = tls === undefined ? DNS_PORT : DNS_TLS_PORT }) => {
    return { ip, port, ...given({ key: key === undefined ? undefined : keyName(key), tls: tls && hostsOf(tls) }) };
  });
}

/** Names of hosts as they are in the store. */
function hostsOf({ host, pins, certificate }: PrimaryTls): PrimaryTls {
  const bare = (text: string | undefined) => text?.toLowerCase().replace(/\.$/, '');
  return given({ host: bare(host), pins, certificate: bare(certificate) });
}

const State = Type.Enum(['waiting', 'current', 'failing', 'expired'], {
  description:
    '`waiting`: it has never been there. `failing`: no primary was of use when it was last looked at; it is served ' +
    'until it expires. `expired`: it is answered with SERVFAIL.',
});

export const PrimaryStateForm = Type.Object({
  mode: Type.Enum(['copy', 'sign'], {
    description: '`copy`: served as it comes. `sign`: signed here, under its own serial.',
  }),
  state: State,
  isLooking: Type.Boolean({ description: 'a primary is being asked now' }),
  serial: Type.Optional(Type.Integer({ description: 'the serial that came last from a primary' })),
  checkedAt: Type.Optional(Time),
  expiresAt: Type.Optional(Time),
  nextLookAt: Time,
  notes: Type.Array(Type.String(), { description: 'what was left out of what came last' }),
  primaries: Type.Array(
    Type.Object({
      address: Type.String({ examples: ['192.0.2.1'] }),
      port: Type.Integer(),
      key: Type.Optional(Type.String()),
      tls: Type.Optional(PrimaryTlsForm),
      serial: Type.Optional(Type.Integer({ description: 'the serial that it was seen to have' })),
      failure: Type.Optional(Type.String({ description: 'what went wrong last' })),
      lookedAt: Type.Optional(Time),
    }),
  ),
});

export function primaryStateForm(state: PrimaryState): unknown {
  const { mode, state: word, isLooking, serial, checkedAtMs, expiresAtMs, nextLookAtMs, notes, primaries } = state;
  return {
    mode,
    state: word,
    isLooking,
    ...(serial === undefined ? {} : { serial }),
    ...(checkedAtMs === undefined ? {} : { checkedAt: isoTime(checkedAtMs) }),
    ...(expiresAtMs === undefined ? {} : { expiresAt: isoTime(expiresAtMs) }),
    nextLookAt: isoTime(nextLookAtMs),
    notes,
    primaries: primaries.map(({ ip, lookedAtMs, ...rest }) => {
      return { address: ip, ...rest, ...(lookedAtMs === undefined ? {} : { lookedAt: isoTime(lookedAtMs) }) };
    }),
  };
}

export const primariesRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/primaries',
    tag: 'transfer',
    summary: 'Show where a zone comes from',
    answers: { 200: Type.Object({ zone: Type.String(), ...PrimaryStateForm.properties }) },
    show: ({ control, zone }) => {
      const state = control.transfer.primaries(zone);
      if (state === undefined) {
        const why = `${zone.name} is kept here, and comes from no primary`;
        return fail(problem('ZONE_NOT_SECONDARY', atZone(zone.name), why));
      }
      const body = { zone: zone.name, ...(primaryStateForm(state) as object) };
      return ok({ etag: contentEtag(body), body: () => body });
    },
  }),

  // Who sets it makes this server connect to an address: not for who may change one zone.
  changeRoute({
    method: 'PUT',
    url: '/v1/zones/:zone/primaries',
    access: 'admin',
    tag: 'transfer',
    summary: 'Have a zone come from other primaries',
    description: 'They are asked at once. A zone that comes from primaries is made by POST /v1/zones.',
    body: closed({ primaries: PrimariesForm }),
    example: { primaries: [{ address: '192.0.2.1', port: 53 }] },
    params: { zone: Type.String({ description: 'name of the zone', examples: ['secondary.example'] }) },
    change: ({ control, params, body, request }) => {
      const zone = parseZoneName(params.zone);
      if (!zone.ok) return zone;
      return ok({
        command: { kind: 'primaries.set', zone: zone.value, primaries: givenPrimaries(body.primaries) },
        rejectIf: (record) => {
          if (record !== undefined) return undefined;
          return zoneNotFound(control, identityOf(request), nameText(zone.value));
        },
      });
    },
  }),

  // It makes this server connect to an address: not for who may change one zone.
  changeRoute({
    method: 'PUT',
    url: '/v1/zones/:zone/role',
    access: 'admin',
    tag: 'transfer',
    summary: 'Keep a zone here, or have it come from primaries',
    description:
      'What is served stays until a transfer brings another version. What would make the zone bogus, lose records or ' +
      'take its serial back is rejected with the way out.',
    params: { zone: Type.String({ description: 'name of the zone', examples: ['secondary.example.com'] }) },
    body: closed({
      role: Type.Enum(['primary', 'secondary']),
      primaries: Type.Optional(PrimariesForm),
      sign: Type.Optional(Type.Boolean({ description: 'of a secondary: it comes unsigned, and is signed here' })),
    }),
    example: { role: 'secondary', sign: true, primaries: [{ address: '192.0.2.1' }] },
    change: ({ control, params, body: { role, primaries, sign }, request }) => {
      const zone = parseZoneName(params.zone);
      if (!zone.ok) return zone;
      const idle = (['primaries', 'sign'] as const).filter((each) => role === 'primary' && { primaries, sign }[each]);
      const why = 'has no effect on a zone that is kept here';
      if (idle.length > 0)
        return fail(...idle.map((each) => problem('FIELD_VALUE', inBody(`/${each}`), `${each} ${why}`)));
      const word = role === 'primary' ? role : sign === true ? 'sign' : 'copy';
      const list = primaries === undefined ? undefined : givenPrimaries(primaries);
      return ok({
        command: { kind: 'zone.role', zone: zone.value, role: word, ...given({ primaries: list }) },
        rejectIf: (record) => {
          if (record !== undefined) return undefined;
          return zoneNotFound(control, identityOf(request), nameText(zone.value));
        },
      });
    },
  }),
];
