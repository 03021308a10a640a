/** Backups of a running server: one at a time, long ones, those that fail, and what metrics say. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { atPath } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { type BackupReply } from '#control/backup/jobs.ts';
import { backupsWith, valueOf } from '../../support/backups-server.ts';
import { TEST_ACTOR, bad, good } from '../../support/temporary-control.ts';
import { TEST_NOW_MS } from '../../support/temporary-store.ts';

const TOKEN = { kind: 'token', id: 'admin', from: '192.0.2.1' } as const;

test('by a process of its own: made, listed, counted', async () => {
  const { backups, folder, writer } = await backupsWith();
  expect(valueOf(backups, 'newest_timestamp_seconds')).toBe(0);
  const made = good(await backups.create({}, TEST_ACTOR, false));
  expect(made).toMatchObject({ kind: 'created', backup: { zoneCount: 1, isOwn: true, isScheduled: false } });
  const { backups: listed, bad: none } = good(await backups.list());
  expect(none).toEqual([]);
  expect(listed.map(({ folder: path, verifiedAtMs }) => [path, verifiedAtMs])).toEqual([
    [join(folder, readdirSync(folder)[0]!), TEST_NOW_MS],
  ]);
  expect(valueOf(backups, 'newest_timestamp_seconds')).toBe(TEST_NOW_MS / 1000);
  expect(valueOf(backups, 'verified_timestamp_seconds')).toBe(TEST_NOW_MS / 1000);
  expect(valueOf(backups, 'newest_size_bytes')).toBeGreaterThan(10_000);
  expect(writer.audit(1)[0]).toMatchObject({
    action: 'backup.create',
    actor: TEST_ACTOR,
    detail: expect.stringContaining(folder),
  });
});

test('a plan makes nothing; a token may not say where', async () => {
  const { backups, folder } = await backupsWith();
  expect(good(await backups.create({}, TOKEN, true))).toMatchObject({ kind: 'planned', plan: { folder } });
  expect(bad(await backups.create({ folder: '/tmp/elsewhere' }, TOKEN, false))[0]).toMatchObject({
    code: 'BACKUP_FOLDER',
  });
  expect(bad(await backups.create({ folder: 'elsewhere' }, TEST_ACTOR, false))[0]).toMatchObject({
    code: 'BACKUP_FOLDER',
  });
  expect(good(await backups.list()).backups).toEqual([]);
});

test('one at a time; one that takes long continues after its request is answered', async () => {
  const { promise, resolve } = Promise.withResolvers<BackupReply>();
  const { backups } = await backupsWith({
    answerMsMax: 10,
    runJob: (request) => (request.kind === 'list' ? Promise.resolve({ kind: 'listed', backups: [] }) : promise),
  });
  expect(good(await backups.create({}, TEST_ACTOR, false))).toEqual({ kind: 'running' });
  expect(bad(await backups.create({}, TEST_ACTOR, false))[0]).toMatchObject({ code: 'BACKUP_RUNNING' });
  expect([good(await backups.list()).runningSinceMs, valueOf(backups, 'running')]).toEqual([TEST_NOW_MS, 1]);
  resolve({ kind: 'failed', problem: problem('BACKUP_FAILED', atPath('/b', 'the folder of backups'), 'no space') });
  await expect.poll(() => valueOf(backups, 'running')).toBe(0);
  expect(good(await backups.list()).last?.problem).toMatchObject({ code: 'BACKUP_FAILED' });
  expect(valueOf(backups, 'failures_total')).toBe(1);
});

test('a process that dies, and one that does not end, are problems; the server stops in time', async () => {
  const dying = await backupsWith({ runJob: () => Promise.reject(new Error('its process has ended without a word')) });
  expect(bad(await dying.backups.create({}, TEST_ACTOR, false))[0]?.message).toMatch(
    /was not made: its process has ended/,
  );
  const hanging = await backupsWith({
    answerMsMax: 10,
    runJob: (_request, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('the server stops')))),
  });
  expect(good(await hanging.backups.create({}, TEST_ACTOR, false))).toEqual({ kind: 'running' });
  await hanging.backups.stop();
  expect(valueOf(hanging.backups, 'failures_total')).toBe(1);
});
