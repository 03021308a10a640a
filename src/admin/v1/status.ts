/** `/v1/status`: the server as a whole. */
import { Type } from 'typebox';
import type { ControlApi } from '#control/api/control.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { isoTime } from '#admin/http/form.ts';
import { contentEtag, notModified } from '#admin/http/preconditions.ts';
import { responses } from '#admin/http/schemas.ts';

const StatusForm = Type.Object({
  version: Type.String(),
  startedAt: Type.String({ format: 'date-time' }),
  now: Type.String({ format: 'date-time' }),
  generation: Type.Integer({ description: 'commits since the store was made' }),
  zoneCount: Type.Integer(),
  ready: Type.Boolean(),
  notReady: Type.Array(Type.String(), { description: 'why it is not ready' }),
  workers: Type.Array(
    Type.Object({ id: Type.Integer(), alive: Type.Boolean(), generation: Type.Integer({ description: 'the generation it serves' }) }),
  ),
  listeners: Type.Object({ dns: Type.Array(Type.String()), admin: Type.String(), socket: Type.String() }),
  store: Type.Object({ path: Type.String(), sizeBytes: Type.Integer(), freeBytes: Type.Integer() }),
});

export function statusRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/v1/status',
    {
      config: { access: 'read' },
      schema: { summary: 'Show the state of the server', tags: ['server'], response: responses({ 200: StatusForm }) },
    },
    (request, reply) => {
      const { startedAtMs, nowMs, ...status } = control.status();
      // Without the clock: an answer that differs only in it is no news.
      if (notModified(request, reply, contentEtag(status))) return reply.send();
      return reply.send({ ...status, startedAt: isoTime(startedAtMs), now: isoTime(nowMs), ready: status.notReady.length === 0 });
    },
  );
}
