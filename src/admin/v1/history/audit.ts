/** `/v1/audit`: who changed what, whether the chain of entries is unbroken, and the entries as they were hashed. */
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { AuditView } from '#control/api/control.ts';
import { isoTime } from '#admin/http/form.ts';
import { cutPage, pageQuery, readNumberPage } from '#admin/http/page.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time } from '#admin/http/schemas.ts';
import { auditExport } from './audit-export.ts';

const Digest = { sizeBytes: Type.Integer(), sha256: Type.String() };

const ZoneChangeForm = Type.Object({
  zone: Type.String(),
  fromSerial: Type.Integer(),
  toSerial: Type.Integer(),
  before: Type.Optional(Type.Array(Type.String(), { description: 'records that went, without what signing makes' })),
  after: Type.Optional(Type.Array(Type.String(), { description: 'records that came' })),
  omitted: Type.Optional(
    Type.Object(
      { before: Type.Integer(), after: Type.Integer(), ...Digest },
      { description: 'they are too long for an entry: how many, and the digest of the changeset' },
    ),
  ),
});

const ObjectChangeForm = Type.Object({
  kind: Type.String(),
  id: Type.String(),
  before: Type.Optional(Type.Unknown({ description: 'what was there, or its digest where it is too long' })),
  after: Type.Optional(Type.Unknown({ description: 'what is there now, or its digest' })),
});

const EntryForm = Type.Object({
  sequence: Type.Integer(),
  at: Time,
  counted: Type.Optional(
    Type.String({ description: 'counted time, which no wall clock changes (docs/operations.md)' }),
  ),
  version: Type.Optional(Type.Integer({ description: 'of the entry; absent: 1, with no more than `detail`' })),
  actor: Type.Object({
    kind: Type.String({ description: 'socket, token, system, tsig, or unknown (without a good token)' }),
    id: Type.String(),
    from: Type.String(),
    owner: Type.Optional(Type.String()),
    role: Type.Optional(Type.String()),
    user: Type.Optional(Type.String({ description: 'at the Unix socket: whose process it was' })),
    transport: Type.Optional(Type.String()),
  }),
  action: Type.String(),
  zone: Type.Optional(Type.String()),
  detail: Type.String(),
  reason: Type.Optional(Type.String({ description: 'X-Change-Reason' })),
  outcome: Type.String({ description: 'done, refused' }),
  count: Type.Optional(Type.Integer({ description: 'how many refused attempts the entry stands for; absent: one' })),
  codes: Type.Optional(Type.Array(Type.String(), { description: 'what the checks found' })),
  changes: Type.Optional(Type.Array(ZoneChangeForm)),
  objects: Type.Optional(Type.Array(ObjectChangeForm)),
  revision: Type.Integer({ description: 'of the store, which the change made' }),
});

const From = Type.Integer({ description: 'sequence of the first entry that is kept (setting audit.keep)' });

const After = Type.Integer({ minimum: 0, description: 'sequence of the last entry that the client has' });

const HeadForm = Type.Object({
  type: Type.String(),
  version: Type.Integer(),
  installation: Type.String({ description: 'of the store' }),
  from: Type.Integer({ description: 'first entry that it vouches for' }),
  sequence: Type.Integer({ description: 'last entry that it vouches for' }),
  hash: Type.String({ description: 'SHA-256 of the last entry' }),
  at: Time,
  keyId: Type.String(),
  signature: Type.String({ description: 'Ed25519 (RFC 8032), base64' }),
});

/** An entry as it is answered; one of version 1 was always done. */
function entryForm({ atMs, countedMs, generation: revision, ...entry }: AuditView) {
  const counted = isoTime(countedMs);
  return { outcome: 'done', ...entry, at: isoTime(atMs), revision, ...(counted === undefined ? {} : { counted }) };
}

export const auditRoutes = [
  readRoute({
    url: '/v1/audit',
    access: 'read',
    tag: 'audit',
    summary: 'List the audit log',
    description: 'Newest first, back to the entry `from`; the setting `audit.keep` has removed what was older.',
    query: pageQuery,
    answers: { 200: Type.Object({ from: From, entries: Type.Array(EntryForm), next: Type.Optional(Type.String()) }) },
    show: ({ control, query, ...asked }) => {
      const page = readNumberPage(query);
      if (!page.ok) return page;
      const { limit, before } = page.value;
      const found = control.audit.entries(limit + 1, before);
      const { from } = control.audit.range();
      return ok({
        // Entries never change: the newest one, their number and where the log begins identify the page.
        etag: `"a${found.at(0)?.sequence ?? 0}-${Math.min(found.length, limit)}-${from}"`,
        body: () => {
          const { shown, next } = cutPage(asked, found, limit, ({ sequence }) => [String(sequence)]);
          return { from, entries: shown.map(entryForm), next };
        },
      });
    },
  }),

  readRoute({
    url: '/v1/audit/verify',
    access: 'read',
    tag: 'audit',
    summary: 'Verify the audit log',
    description:
      'Every entry holds the hash of the entry before it; the first one that is kept, that of the last removed one. ' +
      'The store vouches for both ends with a MAC.',
    answers: {
      200: Type.Object({
        whole: Type.Boolean(),
        entries: Type.Integer({ description: 'that are kept and in order' }),
        from: From,
        brokenAt: Type.Optional(Type.Integer({ description: 'sequence of the first entry whose hash does not fit' })),
        why: Type.Optional(Type.String()),
      }),
    },
    show: ({ control }) => {
      const result = control.audit.verify();
      return ok({
        etag: `"v${result.from}-${result.entries}-${result.brokenAt ?? 'whole'}"`,
        body: () => ({ whole: result.brokenAt === undefined, ...result }),
      });
    },
  }),

  readRoute({
    url: '/v1/audit/head',
    access: 'read',
    tag: 'audit',
    summary: 'Get a signed head of the audit log',
    description:
      'The last entry of now, under the key of `/v1/audit/key`. Kept elsewhere, it shows that no entry up to it was ' +
      'changed or cut off later: `waxseal audit verify FILE --key KEY --head HEAD`.',
    answers: { 200: HeadForm },
    show: async ({ control }) => {
      const head = await control.audit.head();
      return head.ok ? ok({ body: () => head.value }) : head;
    },
  }),

  readRoute({
    url: '/v1/audit/key',
    access: 'read',
    tag: 'audit',
    summary: 'Get the public key of heads of the audit log',
    answers: {
      200: Type.Object({
        keyId: Type.String(),
        algorithm: Type.String(),
        publicKey: Type.String({ description: 'PEM' }),
      }),
    },
    show: async ({ control }) => {
      const signer = await control.audit.signer();
      if (!signer.ok) return signer;
      const { keyId, publicKey } = signer.value;
      return ok({ etag: `"k${keyId}"`, body: () => ({ keyId, algorithm: 'Ed25519', publicKey }) });
    },
  }),

  readRoute({
    url: '/v1/audit/export',
    access: 'read',
    budget: 'streams',
    tag: 'audit',
    summary: 'Export the audit log',
    description:
      'One JSON document in each line, oldest first, octet for octet as it is stored: the SHA-256 of a line, without ' +
      'its line end, is `previous` of the next one. So exports of different times join. The last line is a signed ' +
      'head, which vouches for all lines before it; it is missing when they do not fit together. With `format=csv`, ' +
      'rows for a spreadsheet, which cannot be verified.',
    query: { after: Type.Optional(After), format: Type.Optional(Type.Enum(['jsonl', 'csv'])) },
    answers: {
      200: {
        description: 'the entries',
        content: { 'application/x-ndjson': { schema: Type.String() }, 'text/csv': { schema: Type.String() } },
      },
    },
    show: async ({ control, query: { after = 0, format = 'jsonl' }, reply }) => {
      const signer = await control.audit.signer();
      if (!signer.ok) return signer;
      const { type, lines } = auditExport(control.audit, after, format, signer.value);
      return ok({
        body: () => {
          reply.type(type);
          return Readable.from(lines);
        },
      });
    },
  }),
];
