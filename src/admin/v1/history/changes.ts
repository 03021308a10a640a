/** `/v1/zones/{zone}/changes`: the zone's journal, and a new change that undoes an old one. */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { zoneChangeRoute } from '#admin/http/change-route.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { cutPage, pageQuery, readNumberPage } from '#admin/http/page.ts';
import { zoneEtag } from '#admin/http/preconditions.ts';
import { zoneReadRoute } from '#admin/http/read-route.ts';
import { BelowCareForm, ChangesetForm, Time } from '#admin/http/schemas.ts';

const ChangeForm = Type.Object({ revision: Type.Integer(), at: Time, changeset: ChangesetForm });

export const changesRoutes = [
  zoneReadRoute({
    url: '/v1/zones/:zone/changes',
    tag: 'changes',
    summary: 'List the changes of a zone',
    description: 'Newest first, as far back as the journal goes.',
    query: pageQuery,
    answers: {
      200: Type.Object({ zone: Type.String(), changes: Type.Array(ChangeForm), next: Type.Optional(Type.String()) }),
    },
    show: ({ control, zone, query, ...asked }) => {
      const page = readNumberPage(query);
      if (!page.ok) return page;
      const { limit, before } = page.value;
      return ok({
        etag: zoneEtag(zone),
        body: () => {
          const found = control.zones.changes(zone, limit + 1, before);
          const { shown, next } = cutPage(asked, found, limit, ({ revision }) => [String(revision)]);
          const changes = shown.map(({ revision, atMs, changeset }) => ({ revision, at: isoTime(atMs), changeset }));
          return { zone: zone.name, changes, next };
        },
      });
    },
  }),

  zoneChangeRoute({
    method: 'POST',
    url: '/v1/zones/:zone/changes/:serial/revert',
    tag: 'changes',
    summary: 'Undo a change',
    description: 'Makes a new change that is the opposite. `{serial}` is the serial that the old change led to.',
    params: { serial: Type.Integer({ minimum: 0, maximum: 0xffff_ffff, examples: [2] }) },
    query: { below: Type.Optional(BelowCareForm) },
    change: ({ apex, params: { serial }, query: { below } }) =>
      ok({ command: { kind: 'zone.revert', zone: apex, serial, ...given({ below }) } }),
  }),
];
