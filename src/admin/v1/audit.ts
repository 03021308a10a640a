/** `/v1/audit`: who changed what, and whether the chain of entries is unbroken. */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
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

export const auditRoutes = [
  readRoute({
    url: '/v1/audit',
    access: 'read',
    tag: 'audit',
    summary: 'List the audit log',
    description: 'Newest first.',
    query: pageQuery,
    answers: { 200: Type.Object({ entries: Type.Array(EntryForm), next: Type.Optional(Type.String()) }) },
    show: ({ control, query, ...asked }) => {
      const page = readNumberPage(query);
      if (!page.ok) return page;
      const { limit, before } = page.value;
      const found = control.audit.entries(limit + 1, before);
      return ok({
        // Entries never change: the newest one and their number identify the page.
        etag: `"a${found.at(0)?.sequence ?? 0}-${Math.min(found.length, limit)}"`,
        body: () => {
          const { shown, next } = cutPage(asked, found, limit, ({ sequence }) => [String(sequence)]);
          return { entries: shown.map(({ atMs, ...entry }) => ({ ...entry, at: isoTime(atMs) })), next };
        },
      });
    },
  }),

  readRoute({
    url: '/v1/audit/verify',
    access: 'read',
    tag: 'audit',
    summary: 'Verify the audit log',
    description: 'Every entry holds the hash of the entry before it.',
    answers: {
      200: Type.Object({
        whole: Type.Boolean(),
        entries: Type.Integer(),
        brokenAt: Type.Optional(Type.Integer({ description: 'sequence of the first entry whose hash does not fit' })),
      }),
    },
    show: ({ control }) => {
      const result = control.audit.verify();
      return ok({
        etag: `"v${result.entries}-${result.brokenAt ?? 'whole'}"`,
        body: () => ({ whole: result.brokenAt === undefined, ...result }),
      });
    },
  }),
];
