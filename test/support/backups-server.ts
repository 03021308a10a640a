/** Backups of a control room, by real processes or by what a test gives in their place. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runBackupProcess } from '#control/backup/backup-process.ts';
import { Backups, type BackupsOptions } from '#control/backup/backups.ts';
import { CountedTime } from '#control/lifecycle/counted-time.ts';
import { Funnel } from '#control/funnel/funnel.ts';
import { ZonePreparer } from '#control/signing/prepare.ts';
import { kekFileOf } from './backups.ts';
import { temporaryControl } from './temporary-control.ts';
import { TEST_NOW_MS, auditEvent, countedRandom, temporaryFolder } from './temporary-store.ts';

const ZONE = '@ 3600 SOA ns host 1 7200 900 1209600 300\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n';

/** A server with one zone whose key is in a file. */
export async function backupsWith(options: Partial<BackupsOptions> = {}) {
  const room = temporaryControl();
  const { writer, publisher, clock } = room;
  await room.load('example.', ZONE);
  await writer.commit({ audit: auditEvent(), kekFile: kekFileOf() });
  const folder = join(temporaryFolder(), 'backups');
  const alerts: string[] = [];
  const preparer = new ZonePreparer({ writer, clock, random: countedRandom() });
  const funnel = new Funnel({ writer, publisher, clock, preparer, onFatal: () => {} });
  // The clock of the store stands; a backup of now is of another day.
  const jobs: BackupsOptions['runJob'] = (request, how) =>
    runBackupProcess(request.kind === 'create' ? { ...request, order: { ...request.order, nowMs: TEST_NOW_MS } } : request, how);
  const backups = new Backups({
    writer,
    funnel,
    clock,
    time: new CountedTime(clock, () => ({ uptimeMs: 0, bootId: 'test' }), undefined),
    outside: { lookup: () => Promise.resolve({ kind: 'nxdomain' }) },
    run: (command, how) => room.run(command, how),
    freezes: room.control.dnssec,
    version: '0.0.0',
    backup: { folder, everyMs: undefined, keep: 2 },
    alert: (problems) => Promise.resolve(void alerts.push(...problems.map(({ code }) => code))),
    runJob: jobs,
    ...options,
  });
  onTestFinished(() => backups.stop());
  return { backups, folder, alerts, writer, clock };
}

/** The metric's value. */
export function valueOf(backups: Backups, name: string): number | undefined {
  return backups.families().find((each) => each.name === `waxseal_backup_${name}`)?.samples[0]?.value;
}
