/** Backups in turn: made when they are due, and what fails or grows old reported once. */
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { atPath } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { BackupSchedule } from '#control/backup/schedule.ts';
import { backupsWith, valueOf } from '../../support/backups-server.ts';
import { good, TEST_ACTOR } from '../../support/temporary-control.ts';
import { TEST_NOW_MS, temporaryFolder } from '../../support/temporary-store.ts';

test('one that is too old is reported once; the next that is made is listed as the schedule’s', async () => {
  const backup = { folder: temporaryFolder(), everyMs: 60_000, keep: 2 };
  const { backups, alerts, clock } = await backupsWith({ backup });
  const schedule = new BackupSchedule(backups, createLog({ level: 'silent' }));
  good(await backups.create({}, TEST_ACTOR, false));
  backups.nextAtMs = TEST_NOW_MS + 600_000;
  for (let minute = 0; minute < 4; minute++) {
    await schedule.turn();
    clock.pass(60_000);
  }
  expect(alerts).toEqual(['BACKUP_OLD']);
  clock.pass(600_000);
  await schedule.turn();
  expect(
    good(await backups.list())
      .backups.map(({ isScheduled }) => String(isScheduled))
      .toSorted(),
  ).toEqual(['false', 'true']);
  expect(backups.nextAtMs).toBe(clock.nowMs() + 60_000);
  await schedule.stop();
});

test('the schedule reports what fails once, and age once, and then makes the next one', async () => {
  const { backups, alerts, clock } = await backupsWith({
    backup: { folder: '/nowhere', everyMs: 60_000, keep: 2 },
    runJob: (request) =>
      request.kind === 'list'
        ? Promise.resolve({ kind: 'listed', backups: [] })
        : Promise.resolve({
            kind: 'failed',
            problem: problem('BACKUP_FAILED', atPath('/nowhere', 'the folder of backups'), 'no space'),
          }),
  });
  const schedule = new BackupSchedule(backups, createLog({ level: 'silent' }));
  schedule.start();
  onTestFinished(() => schedule.stop());
  await expect.poll(() => backups.nextAtMs).toBe(TEST_NOW_MS + 60_000);
  clock.pass(60_000);
  // Its own timer would wait for a minute of the real clock.
  await schedule.turn();
  clock.pass(60_000);
  await schedule.turn();
  expect(alerts).toEqual(['BACKUP_FAILED']);
  expect(valueOf(backups, 'failures_total')).toBe(2);
});
