/** `/v1/zones/{zone}/changes`: the zone's journal, and undoing one change of it. */
import { Type } from 'typebox';
import { inQuery } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { answerChange, findZone } from '#admin/http/change.ts';
import { isoTime } from '#admin/http/form.ts';
import { nextPage, pageQuery, readPage } from '#admin/http/page.ts';
import { notModified, zoneEtag } from '#admin/http/preconditions.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { ChangeQuery, ChangesetForm, ZoneParams, changeResponses, closed, responses } from '#admin/http/schemas.ts';

const ChangeForm = Type.Object({ revision: Type.Integer(), at: Type.String({ format: 'date-time' }), changeset: ChangesetForm });

export function changesRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/zones/:zone/changes',
    {
      config: { access: 'zone-read' },
      schema: {
        summary: 'List the changes of a zone',
        description: 'Newest first, as far back as the journal goes.',
        tags: ['changes'],
        params: ZoneParams,
        querystring: closed(pageQuery),
        response: responses({
          200: Type.Object({ zone: Type.String(), changes: Type.Array(ChangeForm), next: Type.Optional(Type.String()) }),
        }),
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const page = readPage(request.query, 1);
      if (!page.ok) return sendProblems(reply, page.problems);
      const before = page.value.after === undefined ? undefined : Number(page.value.after[0]);
      if (before !== undefined && !Number.isSafeInteger(before)) return sendProblems(reply, [badCursor()]);
      if (notModified(request, reply, zoneEtag(zone.value))) return reply.send();
      // One more than asked for tells whether there is a next page.
      const found = control.changes(zone.value, page.value.limit + 1, before);
      const shown = found.slice(0, page.value.limit);
      const next = found.length > shown.length ? { next: nextPage(request, reply, [String(shown.at(-1)!.revision)]) } : {};
      const changes = shown.map(({ revision, atMs, changeset }) => ({ revision, at: isoTime(atMs), changeset }));
      return reply.send({ zone: zone.value.name, changes, ...next });
    },
  );

  app.post(
    '/v1/zones/:zone/changes/:serial/revert',
    {
      config: { access: 'zone-change' },
      schema: {
        summary: 'Undo a change',
        description: 'By a new change that is its opposite, with a new serial. `{serial}` is the one that the change led to.',
        tags: ['changes'],
        params: closed({ ...ZoneParams.properties, serial: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }) }),
        querystring: ChangeQuery,
        response: changeResponses,
      },
    },
    (request, reply) => {
      const zone = findZone(control, request.params.zone);
      if (!zone.ok) return sendProblems(reply, zone.problems);
      const { serial } = request.params;
      return answerChange(control, request, reply, { kind: 'zone.revert', zone: nameOf(zone.value.name), serial });
    },
  );
}

function badCursor() {
  return problem('PARAMETER', inQuery('cursor'), 'this cursor is not from an answer of this list', { fix: 'start again without a cursor' });
}
