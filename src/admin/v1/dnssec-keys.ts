/**
 * `/v1/zones/{zone}/dnssec/keys…`: keys that a zone brings, keys of others beside its own, and its private keys
 * sealed to a recipient. Private keys are received and never sent in the clear.
 * Not here: what they must be (dnssec/key-files/key-import.ts), the rules of a change (control/dnssec/key-import.ts).
 */
import { type Static, Type } from 'typebox';
import {
  FOREIGN_KEYS_MAX,
  KEYS_IMPORTED_MAX,
  KEY_TEXT_CHARACTERS_MAX,
  POLICY_WAIT_SECONDS_MAX,
} from '#base/limits/dnssec.ts';
import { inBody } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import type { Name } from '#dns/name.ts';
import type { DnssecKeysCommand } from '#control/api/dnssec-keys.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { findZone } from '#admin/http/find-zone.ts';
import { given } from '#admin/http/form.ts';
import { closed, zoneParams } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

const DnskeyText = Type.String({
  maxLength: KEY_TEXT_CHARACTERS_MAX,
  description: 'a DNSKEY record, as in a zone file',
});
const Dnskeys = Type.Array(
  Type.String({ maxLength: KEY_TEXT_CHARACTERS_MAX, description: 'DNSKEY records, as in a zone file' }),
  { maxItems: FOREIGN_KEYS_MAX },
);

const Import = closed({
  keys: Type.Array(
    closed({
      privateKey: Type.String({
        maxLength: KEY_TEXT_CHARACTERS_MAX,
        description: "BIND's form (Private-key-format: v1.3), or PEM",
      }),
      publicKey: Type.Optional(DnskeyText),
      role: Type.Optional(Type.Enum(['csk', 'ksk', 'zsk'], { description: 'needed where there is no publicKey' })),
    }),
    { minItems: 1, maxItems: KEYS_IMPORTED_MAX, description: 'those that sign the zone: a CSK, or a KSK and a ZSK' },
  ),
  published: Type.Optional(
    Type.Array(DnskeyText, {
      maxItems: FOREIGN_KEYS_MAX,
      description: 'keys of the server before that stay published',
    }),
  ),
  policy: Type.Optional(
    Type.Enum(['take', 'keep'], {
      description: 'take: the key policy becomes that of the keys; keep: rollovers to the policy begin',
    }),
  ),
  ignoreTimes: Type.Optional(Type.Boolean({ description: 'use keys that by their files are not in use now' })),
  ignoreParent: Type.Optional(
    Type.Boolean({ description: 'whatever DS records the parent has, or whether it answers' }),
  ),
  replace: Type.Optional(Type.Boolean({ description: 'of a signed zone: its keys go at once' })),
  dnskeyTtl: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: POLICY_WAIT_SECONDS_MAX,
      description: 'TTL of the DNSKEY RRset at the server before',
    }),
  ),
});

/** A KSK of algorithm 13 in use on the Internet. */
const FOREIGN_PUBLIC = 'mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==';

const Foreign = closed({
  add: Type.Optional(Dnskeys),
  announce: Type.Optional(Type.Boolean({ description: 'CDS and CDNSKEY ask the parent for them too' })),
  remove: Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 65_535 }), { maxItems: FOREIGN_KEYS_MAX })),
});

const Export = closed({
  recipient: Type.String({ maxLength: 64, description: 'an X25519 public key, 32 octets in base64' }),
});

/** RFC 7748 §6.1: Bob's public key. */
const RECIPIENT = '3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=';
/** RFC 8080 §6.1. */
const EXAMPLE_KEY = {
  privateKey:
    'Private-key-format: v1.2\nAlgorithm: 15 (ED25519)\nPrivateKey: ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=\n',
  publicKey: 'example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
};

export const dnssecKeysRoutes = [
  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dnssec/keys',
    tag: 'dnssec',
    summary: 'Sign the zone with keys that it brings from another server',
    description:
      'They sign at once, so that the zone can move without a moment in which resolvers find no key. ' +
      'The parent is asked which DS records it has: they must be of these keys.',
    body: Import,
    example: { keys: [EXAMPLE_KEY], replace: true, ignoreParent: true },
    multiline: ['/keys/*/privateKey', '/keys/*/publicKey', '/published/*'],
    change: ({ apex, body }) => ok({ command: importCommand(apex, body) }),
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dnssec/foreign',
    tag: 'dnssec',
    summary: 'Publish DNSKEY records of others who sign the zone too, or take them away',
    description:
      'They stand in the DNSKEY RRset, which our keys sign; nothing here is signed with them (RFC 8901 model 2).',
    body: Foreign,
    example: {
      add: [`example.com. IN DNSKEY 257 3 13 ${FOREIGN_PUBLIC}`],
    },
    multiline: ['/add/*'],
    change: ({ apex, body: { add = [], remove = [], announce = false } }) =>
      ok({ command: { kind: 'dnssec.foreign', zone: apex, add, remove, isAnnounced: announce } }),
  }),

  writeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/dnssec/keys/export',
    access: 'admin',
    tag: 'dnssec',
    summary: "Take the zone's private keys, sealed to a recipient",
    description:
      'AES-256-GCM under a key from X25519 and HKDF-SHA-256. Only the private key of `recipient` ' +
      'opens it: waxseal dnssec key export does all of it. The audit log has it before the answer is sent.',
    params: zoneParams,
    body: Export,
    example: { recipient: RECIPIENT },
    answers: {
      200: Type.Object({
        zone: Type.String(),
        format: Type.String(),
        version: Type.Integer(),
        keyTags: Type.Array(Type.Integer()),
        recipient: Type.String(),
        ephemeral: Type.String(),
        nonce: Type.String(),
        sealed: Type.String(),
        dryRun: Type.Boolean(),
      }),
    },
    write: async (order) => {
      const {
        control,
        actor,
        dryRun,
        body: { recipient: text },
      } = order;
      const zone = findZone(order);
      if (!zone.ok) return zone;
      const recipient = Buffer.from(text, 'base64');
      if (recipient.length !== 32 || recipient.toString('base64') !== text)
        return fail(
          problem('FIELD_VALUE', inBody('/recipient'), 'recipient must be 32 octets in base64: an X25519 public key'),
        );
      const exported = await control.dnssecKeys.export(zone.value, new Uint8Array(recipient), { actor, dryRun });
      return exported.ok ? ok({ ...exported.value, dryRun }) : exported;
    },
  }),
];

function importCommand(zone: Name, body: Static<typeof Import>): DnssecKeysCommand {
  const { keys, published = [], policy, ignoreTimes = false, ignoreParent = false, replace = false, dnskeyTtl } = body;
  return {
    kind: 'dnssec.import',
    zone,
    keys: keys.map(({ privateKey, publicKey, role }) => ({ privateKey, ...given({ publicKey, role }) })),
    published,
    ...given({ isPolicyTaken: policy === undefined ? undefined : policy === 'take', ttlSeconds: dnskeyTtl }),
    areTimesIgnored: ignoreTimes,
    isReplacing: replace,
    isParentIgnored: ignoreParent,
  };
}
