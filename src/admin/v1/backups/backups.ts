/** `/v1/backups`: copies of the store. For administrators: a backup has the zones of all. */
import { Type } from 'typebox';
import { formatProblem, ok } from '#base/problem.ts';
import { formatDuration } from '#base/units.ts';
import { type BackupInfo, type BackupsView } from '#control/api/backups.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { Time, closed } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

const BackupForm = Type.Object({
  name: Type.String(),
  folder: Type.String(),
  createdAt: Time,
  scheduled: Type.Boolean(),
  version: Type.String({ description: 'of the waxseal that made it' }),
  generation: Type.Integer({ description: 'of the store' }),
  zoneCount: Type.Integer(),
  sizeBytes: Type.Integer(),
  host: Type.String({ description: 'machine that it was made on' }),
  kekFiles: Type.Array(Type.String(), { description: 'where the key-encryption key was; it is not in the backup' }),
  own: Type.Boolean({ description: 'false: it is of another installation' }),
  verifiedAt: Type.Optional(Time),
});

const ListForm = Type.Object({
  folder: Type.String(),
  schedule: Type.Optional(Type.Object({ every: Type.String(), keep: Type.Integer(), nextAt: Type.Optional(Time) })),
  runningSince: Type.Optional(Time),
  last: Type.Optional(
    Type.Object(
      { at: Time, folder: Type.Optional(Type.String()), problem: Type.Optional(Type.String()) },
      { description: 'the last backup that was tried since the control process started' },
    ),
  ),
  backups: Type.Array(BackupForm),
  bad: Type.Array(Type.Object({ name: Type.String(), folder: Type.String(), problem: Type.String() })),
});

const ReviewForm = Type.Object({
  restored: Type.Optional(
    Type.Object(
      { backup: Type.String(), createdAt: Time, restoredAt: Time },
      { description: 'absent: the store was not restored, or an operator has looked' },
    ),
  ),
  zones: Type.Integer(),
  findings: Type.Array(
    Type.Object({
      zone: Type.String(),
      kind: Type.Union([Type.Literal('serial'), Type.Literal('ds'), Type.Literal('mta-sts')]),
      text: Type.String(),
      fix: Type.String(),
    }),
  ),
  unanswered: Type.Array(Type.String(), { description: 'servers that did not say, and why' }),
});

const Folder = Type.String({ maxLength: 1024, description: 'elsewhere than `backup.folder`; for the Unix socket' });

export const backupsRoutes = [
  readRoute({
    url: '/v1/backups',
    access: 'admin',
    tag: 'server',
    summary: 'List backups of the store',
    description: 'Those in `backup.folder`, newest first; which one is being made, and what became of the last one.',
    answers: { 200: ListForm },
    show: async ({ control }) => {
      const listed = await control.backups.list();
      return listed.ok ? ok({ body: () => listForm(listed.value) }) : listed;
    },
  }),

  writeRoute({
    method: 'POST',
    url: '/v1/backups',
    access: 'admin',
    tag: 'server',
    summary: 'Make a backup of the store',
    description:
      'Of one snapshot, while changes continue, and checked afterwards. The answer is 202 when it takes longer than ' +
      'a minute: it continues, and the list says when it has ended. The key-encryption key is not in it.',
    body: closed({ folder: Type.Optional(Folder) }),
    example: {},
    answers: {
      200: Type.Object({
        dryRun: Type.Boolean(),
        folder: Type.String(),
        sizeBytes: Type.Integer({ description: 'at most' }),
        kekFile: Type.String(),
      }),
      201: Type.Object({ backup: BackupForm, removed: Type.Array(Type.String()) }),
      202: Type.Object({ running: Type.Boolean() }),
    },
    write: async ({ control, body, actor, dryRun, reply }) => {
      const done = await control.backups.create(body, actor, dryRun);
      if (!done.ok) return done;
      const { value } = done;
      if (value.kind === 'planned') return ok({ dryRun, ...value.plan });
      reply.status(value.kind === 'running' ? 202 : 201);
      if (value.kind === 'running') return ok({ running: true });
      return ok({ backup: backupForm(value.backup), removed: value.removed });
    },
  }),

  readRoute({
    url: '/v1/backups/restored',
    access: 'admin',
    tag: 'server',
    budget: 'looks',
    summary: 'Compare a restored store with the world',
    description:
      'Asks the secondaries of each zone and the name servers of its parent: serials that are newer elsewhere, DS ' +
      'records of keys that are not here, ids of MTA-STS policies that others give out.',
    answers: { 200: ReviewForm },
    show: async ({ control }) => {
      const { restored, ...found } = await control.backups.review();
      const mark = restored && {
        backup: restored.backup,
        createdAt: isoTime(restored.createdAtMs),
        restoredAt: isoTime(restored.restoredAtMs),
      };
      return ok({ body: () => ({ ...given({ restored: mark }), ...found }) });
    },
  }),

  writeRoute({
    method: 'POST',
    url: '/v1/backups/restored/resume',
    access: 'admin',
    tag: 'server',
    summary: 'Let key rollovers and mail of a restored store move again',
    body: closed({}),
    example: {},
    answers: {
      200: Type.Object({
        zones: Type.Integer({ description: 'whose mail moves again' }),
        wasHeld: Type.Boolean(),
        dryRun: Type.Boolean(),
      }),
    },
    write: async ({ control, actor, dryRun }) => {
      const done = await control.backups.resume(actor, dryRun);
      return done.ok ? ok({ zones: done.value ?? 0, wasHeld: done.value !== undefined, dryRun }) : done;
    },
  }),
];

function listForm({ folder, schedule, runningSinceMs, last, backups, bad }: BackupsView) {
  const turn = schedule && {
    every: formatDuration(schedule.everyMs),
    keep: schedule.keep,
    ...given({ nextAt: isoTime(schedule.nextAtMs) }),
  };
  const problem = last?.problem && formatProblem(last.problem);
  const tried = last && { at: isoTime(last.atMs), ...given({ folder: last.folder, problem }) };
  return {
    folder,
    ...given({ schedule: turn, runningSince: isoTime(runningSinceMs), last: tried }),
    backups: backups.map(backupForm),
    bad,
  };
}

function backupForm({ createdAtMs, isScheduled, productVersion, isOwn, verifiedAtMs, kekFiles, ...rest }: BackupInfo) {
  return {
    ...rest,
    createdAt: isoTime(createdAtMs),
    scheduled: isScheduled,
    version: productVersion,
    kekFiles: [...kekFiles],
    own: isOwn,
    ...given({ verifiedAt: isoTime(verifiedAtMs) }),
  };
}
