/** `/v1/tsig`: TSIG keys for transfers, NOTIFY and UPDATE. A secret is shown once, when its key is made. */
import { Type } from 'typebox';
import { UPDATE_KEY_NAMES_MAX, UPDATE_KEY_TYPES_MAX } from '#base/limits/update.ts';
import { TSIG_KEY_ZONES_MAX, TSIG_SECRET_BYTES_MAX } from '#base/limits/transfer.ts';
import { ok } from '#base/problem.ts';
import type { TsigKeyInfo } from '#control/api/transfer.ts';
import { TSIG_ALGORITHMS, TSIG_ALGORITHM_DEFAULT } from '#dns/tsig/algorithm.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { cutPage, pageQuery, readPage } from '#admin/http/page.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

const NAME = {
  minLength: 1,
  maxLength: 255,
  description: 'name of the key, the same at both ends',
  examples: ['secondary.example.com'],
};
const ALGORITHM = {
  default: TSIG_ALGORITHM_DEFAULT.name,
  description: TSIG_ALGORITHMS.map(({ name }) => name).join(', '),
};
const USUAL = ['transfer', 'notify'] as const;
const SECRET = { maxLength: 2 * TSIG_SECRET_BYTES_MAX, description: 'base64; absent: a random one is made' };
const MAC_BYTES = { minimum: 1, maximum: 64, description: 'only where both ends use MACs that are cut' };
const Operations = Type.Array(Type.Union([Type.Literal('transfer'), Type.Literal('notify'), Type.Literal('update')]), {
  minItems: 1,
  maxItems: 3,
  description: 'what the key is good for; a key for `update` is good for nothing else',
});
const ZoneNames = Type.Array(Type.String(), { minItems: 1, maxItems: TSIG_KEY_ZONES_MAX });
const Zones = Type.Union([Type.Literal('all'), ZoneNames], {
  description: 'which zones it opens: `all`, or their names',
});

const NAMES = {
  minItems: 1,
  maxItems: UPDATE_KEY_NAMES_MAX,
  description: '`NAME`, `*.NAME` (all below), `LABEL.*` (all that begin so), `{key}`, `*.{key}` (the name of the key)',
  examples: [['_acme-challenge.*']],
};
const Rights = closed({
  names: Type.Optional(Type.Array(Type.String(), NAMES)),
  types: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: UPDATE_KEY_TYPES_MAX, examples: [['TXT']] })),
  ttlMin: Type.Optional(Type.Integer({ minimum: 0, description: 'of records that are added, seconds' })),
  ttlMax: Type.Optional(Type.Integer({ minimum: 0, description: 'of records that are added, seconds' })),
});
const RightsShown = Type.Object({
  names: Type.Optional(Type.Array(Type.String())),
  types: Type.Optional(Type.Array(Type.String())),
  ttlMin: Type.Optional(Type.Integer()),
  ttlMax: Type.Optional(Type.Integer()),
});

const KeyForm = Type.Object({
  name: Type.String(),
  algorithm: Type.String(),
  macBytes: Type.Integer({ description: 'octets of its MACs: all of them, or fewer where both ends agreed on that' }),
  operations: Operations,
  zones: Zones,
  update: Type.Optional(RightsShown),
  createdAt: Time,
});

export const tsigRoutes = [
  readRoute({
    url: '/v1/tsig',
    access: 'admin',
    tag: 'transfer',
    summary: 'List TSIG keys, without their secrets',
    query: pageQuery,
    answers: { 200: Type.Object({ keys: Type.Array(KeyForm), next: Type.Optional(Type.String()) }) },
    show: ({ control, query, ...asked }) => {
      const page = readPage(query, 1);
      if (!page.ok) return page;
      const { limit, after } = page.value;
      const keys = control.transfer.keys().filter(({ name }) => after === undefined || name > after[0]!);
      return ok({
        etag: contentEtag(keys),
        body: () => {
          const { shown, next } = cutPage(asked, keys, limit, ({ name }) => [name]);
          return { keys: shown.map(keyForm), next };
        },
      });
    },
  }),

  writeRoute({
    method: 'POST',
    url: '/v1/tsig',
    access: 'admin',
    tag: 'transfer',
    summary: 'Make a TSIG key, or take in one',
    description: 'The answer holds the secret. It is not shown again.',
    body: closed({
      name: Type.String(NAME),
      algorithm: Type.Optional(Type.String(ALGORITHM)),
      secret: Type.Optional(Type.String(SECRET)),
      macBytes: Type.Optional(Type.Integer(MAC_BYTES)),
      operations: Type.Optional(Operations),
      zones: Zones,
      update: Type.Optional(Rights),
    }),
    example: { name: 'backup.example.com', zones: ['example.com'] },
    answers: {
      200: Type.Interface([KeyForm], { dryRun: Type.Boolean() }),
      201: Type.Interface([KeyForm], { secret: Type.String({ description: 'base64' }) }),
    },
    write: async ({ control, body, actor, dryRun, reply }) => {
      const { name, algorithm = ALGORITHM.default, operations = USUAL, zones, secret, macBytes, update } = body;
      const wanted = { name, algorithm, operations, zones, ...given({ secret, macBytes, update }) };
      const made = await control.transfer.createKey(wanted, actor, dryRun);
      if (!made.ok) return made;
      if (dryRun) return ok({ ...keyForm(made.value.info), dryRun });
      reply
        .status(201)
        .header('location', `/v1/tsig/${encodeURIComponent(made.value.info.name)}`)
        .header('cache-control', 'no-store');
      return ok({ ...keyForm(made.value.info), secret: made.value.secret });
    },
  }),

  writeRoute({
    method: 'DELETE',
    url: '/v1/tsig/:name',
    access: 'admin',
    tag: 'transfer',
    summary: 'Revoke a TSIG key at once',
    description: 'Secondaries that sign with it get NOTAUTH from then on.',
    params: { name: Type.String(NAME) },
    answers: { 200: Type.Object({ name: Type.String(), revoked: Type.Boolean(), dryRun: Type.Boolean() }) },
    write: async ({ control, params: { name: text }, actor, dryRun }) => {
      const name = (text.endsWith('.') ? text : `${text}.`).toLowerCase();
      const revoked = await control.transfer.revokeKey(name, actor, dryRun);
      return revoked.ok ? ok({ name, revoked: !dryRun, dryRun }) : revoked;
    },
  }),
];

function keyForm({ createdAtMs, ...key }: TsigKeyInfo) {
  return { ...key, createdAt: isoTime(createdAtMs) };
}
