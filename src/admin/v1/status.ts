/** `/v1/status`: the state of the server as a whole. */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { isoTime } from '#admin/http/form.ts';
import { contentEtag } from '#admin/http/preconditions.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time } from '#admin/http/schemas.ts';

const StatusForm = Type.Object({
  version: Type.String(),
  startedAt: Time,
  now: Time,
  generation: Type.Integer({ description: 'number of commits since the store was created' }),
  zoneCount: Type.Integer(),
  ready: Type.Boolean(),
  notReady: Type.Array(Type.String(), { description: 'the reasons why the server is not ready' }),
  noChanges: Type.Array(Type.String(), { description: 'the reasons why it takes no changes, although it answers DNS' }),
  workers: Type.Array(
    Type.Object({ id: Type.Integer(), alive: Type.Boolean(), generation: Type.Integer({ description: 'generation that it serves' }) }),
  ),
  listeners: Type.Object({ dns: Type.Array(Type.String()), admin: Type.String(), socket: Type.String() }),
  store: Type.Object({
    path: Type.String(),
    sizeBytes: Type.Integer(),
    freeBytes: Type.Integer(),
    kekFile: Type.String({ description: 'file of the key-encryption key, which its secrets are sealed under' }),
  }),
});

export const statusRoutes = [
  readRoute({
    url: '/v1/status',
    access: 'read',
    tag: 'server',
    summary: 'Show the state of the server',
    answers: { 200: StatusForm },
    show: ({ control }) => {
      const { startedAtMs, nowMs, ...status } = control.status();
      return ok({
        // Without the clock: a state that differs only in the time is the same state.
        etag: contentEtag(status),
        body: () => ({ ...status, startedAt: isoTime(startedAtMs), now: isoTime(nowMs), ready: status.notReady.length === 0 }),
      });
    },
  }),
];
