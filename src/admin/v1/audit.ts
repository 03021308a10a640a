/** `/v1/audit`: who changed what, whether the chain of entries is unbroken, and the entries as they were hashed. */
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { AUDIT_EXPORT_ENTRIES } from '#base/limits/store.ts';
import { ok } from '#base/problem.ts';
import type { AuditApi } from '#control/api/control.ts';
import { isoTime } from '#admin/http/form.ts';
import { cutPage, pageQuery, readNumberPage } from '#admin/http/page.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time } from '#admin/http/schemas.ts';

const EntryForm = Type.Object({
  sequence: Type.Integer(),
  at: Time,
  actor: Type.Object({ kind: Type.String(), id: Type.String(), from: Type.String() }),
  action: Type.String(),
  zone: Type.Optional(Type.String()),
  detail: Type.String(),
});

const From = Type.Integer({ description: 'sequence of the first entry that is kept (setting audit.keep)' });

const After = Type.Integer({ minimum: 0, description: 'sequence of the last entry that the client has' });

/**
 * The lines, batch by batch, up to the entry that is the last one now. Ends with an error when entries that come next
 * are removed meanwhile: a client must not take what has a hole for the whole.
 */
function* exportLines(audit: AuditApi, after: number): Generator<Buffer, void, undefined> {
  const { from, last } = audit.range();
  for (let done = Math.max(after, from - 1); done < last;) {
    const texts = audit.texts(done, Math.min(AUDIT_EXPORT_ENTRIES, last - done));
    if (texts[0]?.sequence !== done + 1) throw new Error(`audit entry ${done + 1} was removed while it was exported`);
    done = texts.at(-1)!.sequence;
    yield Buffer.from(texts.map(({ json }) => `${json}\n`).join(''));
  }
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
          return { from, entries: shown.map(({ atMs, ...entry }) => ({ ...entry, at: isoTime(atMs) })), next };
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
    url: '/v1/audit/export',
    access: 'read',
    budget: 'streams',
    tag: 'audit',
    summary: 'Export the audit log',
    description:
      'One JSON document in each line, oldest first, octet for octet as it is stored: the SHA-256 of a line, without ' +
      'its line end, is `previous` of the next one. So exports of different times join.',
    query: { after: Type.Optional(After) },
    answers: { 200: { description: 'the entries', content: { 'application/x-ndjson': { schema: Type.String() } } } },
    show: ({ control, query, reply }) =>
      ok({
        body: () => {
          reply.type('application/x-ndjson');
          return Readable.from(exportLines(control.audit, query.after ?? 0));
        },
      }),
  }),
];
