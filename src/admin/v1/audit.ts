/** `/v1/audit`: who changed what, and whether the chain of entries is whole. */
import { Type } from 'typebox';
import { inQuery } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { isoTime } from '#admin/http/form.ts';
import { nextPage, pageQuery, readPage } from '#admin/http/page.ts';
import { notModified } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { closed, responses } from '#admin/http/schemas.ts';

const EntryForm = Type.Object({
  sequence: Type.Integer(),
  at: Type.String({ format: 'date-time' }),
  actor: Type.Object({ kind: Type.String(), id: Type.String(), from: Type.String() }),
  action: Type.String(),
  zone: Type.Optional(Type.String()),
  detail: Type.String(),
});

export function auditRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/audit',
    {
      config: { access: 'read' },
      schema: {
        summary: 'List the audit log',
        description: 'Newest first.',
        tags: ['audit'],
        querystring: closed(pageQuery),
        response: responses({ 200: Type.Object({ entries: Type.Array(EntryForm), next: Type.Optional(Type.String()) }) }),
      },
    },
    (request, reply) => {
      const page = readPage(request.query, 1);
      if (!page.ok) return sendProblems(reply, page.problems);
      const before = page.value.after === undefined ? undefined : Number(page.value.after[0]);
      if (before !== undefined && !Number.isSafeInteger(before))
        return sendProblems(reply, [problem('PARAMETER', inQuery('cursor'), 'this cursor is not from an answer of this list')]);
      const found = control.audit(page.value.limit + 1, before);
      const shown = found.slice(0, page.value.limit);
      // Entries never change: the newest and the page tell everything.
      if (notModified(request, reply, `"a${shown.at(0)?.sequence ?? 0}-${shown.length}"`)) return reply.send();
      const next = found.length > shown.length ? { next: nextPage(request, reply, [String(shown.at(-1)!.sequence)]) } : {};
      return reply.send({ entries: shown.map(({ atMs, ...entry }) => ({ ...entry, at: isoTime(atMs) })), ...next });
    },
  );

  app.get(
    '/v1/audit/verify',
    {
      config: { access: 'read' },
      schema: {
        summary: 'Verify the audit log',
        description: 'Every entry holds the hash of the one before.',
        tags: ['audit'],
        response: responses({
          200: Type.Object({
            whole: Type.Boolean(),
            entries: Type.Integer(),
            brokenAt: Type.Optional(Type.Integer({ description: 'first entry that does not fit' })),
          }),
        }),
      },
    },
    (request, reply) => {
      const result = control.verifyAudit();
      if (notModified(request, reply, `"v${result.entries}-${result.brokenAt ?? 'whole'}"`)) return reply.send();
      return reply.send({ whole: result.brokenAt === undefined, ...result });
    },
  );
}
