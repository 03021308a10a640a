/**
 * `waxseal backup`: copies of the store. `create` and `list` ask the server; `verify` and `restore` need none, because
 * they are for the day on which there is none.
 * Not here: restoring one (backup-restore.ts), making one (store/backup/make.ts).
 */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { BACKUP_POLL_MS } from '#base/limits/backup.ts';
import { callApi } from './api-client.ts';
import { defineRestore } from './backup-restore.ts';
import { CommandFailure, failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, localCommand, readCommand } from './options.ts';
import { type ServerAddress, findServer, localConfig } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatLines, formatTable, mebibytes } from './terminal.ts';

interface BackupDocument {
  readonly name: string;
  readonly folder: string;
  readonly createdAt: string;
  readonly scheduled: boolean;
  readonly version: string;
  readonly zoneCount: number;
  readonly sizeBytes: number;
  readonly host: string;
  readonly kekFiles: readonly string[];
  readonly own: boolean;
  readonly verifiedAt?: string;
}

interface ListDocument {
  readonly folder: string;
  readonly schedule?: { readonly every: string; readonly keep: number; readonly nextAt?: string };
  readonly runningSince?: string;
  readonly last?: { readonly at: string; readonly folder?: string; readonly problem?: string };
  readonly backups: readonly BackupDocument[];
  readonly bad: readonly { readonly folder: string; readonly problem: string }[];
}

interface CreateDocument {
  readonly dryRun?: boolean;
  readonly folder?: string;
  readonly sizeBytes?: number;
  readonly kekFile?: string;
  readonly running?: boolean;
  readonly backup?: BackupDocument;
  readonly removed?: readonly string[];
}

interface CreateOptions extends ChangeOptions {
  readonly to?: string;
  readonly offline?: boolean;
}

interface VerifyOptions extends Pick<ReadOptions, 'json' | 'data' | 'config'> {
  readonly kekFile?: string;
  readonly signatures: 'all' | 'sample';
}

export function defineBackup(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun.command('create').description('copy the store as it is now, while changes continue'),
    'waxseal backup create',
  )
    .option('--to <dir>', 'make it there, not in backup.folder; at the Unix socket only')
    .option('--offline', 'without the server: it is down, or does not answer')
    .action((options: CreateOptions) =>
      options.offline === true ? createOffline(options, terminal) : create(options, terminal),
    );
  readCommand(noun.command('list').description('backups in backup.folder, newest first'), 'waxseal backup list').action(
    async (options: ReadOptions) => {
      const document = await callApi<ListDocument>(await findServer(options, terminal), { path: ['backups'] });
      terminal.out(options.json === true ? formatJson(document) : formatList(document));
    },
  );
  localCommand(
    noun.command('verify <dir>').description('check a backup; needs no server, exit code 6 if it is not good'),
    'waxseal backup verify /var/backups/waxseal/waxseal-20261130T045952Z-1a2b3c4d',
  )
    .option('--kek-file <file>', 'the key-encryption key (default: as the configuration or the backup names it)')
    .option('--data <dir>', "the server's data directory")
    .option('--config <file>', 'configuration that names the key-encryption key')
    .addOption(new Option('--signatures <which>', 'which are checked').choices(['sample', 'all']).default('sample'))
    .action((folder: string, options: VerifyOptions) => verify(folder, options, terminal));
  defineRestore(noun, terminal);
}

async function create(options: CreateOptions, terminal: Terminal): Promise<void> {
  const { to } = options;
  const address = await findServer(options, terminal);
  const query = options.dryRun === true ? { dryRun: '1' } : {};
  const json = to === undefined ? {} : { folder: resolve(terminal.workingDirectory, to) };
  const first = await callApi<CreateDocument>(address, { method: 'POST', path: ['backups'], query, json });
  const document = first.running === true ? await waitForEnd(address, terminal) : first;
  if (options.json === true) return terminal.out(formatJson(document));
  if (document.dryRun === true) {
    const { folder = '', sizeBytes = 0, kekFile = '' } = document;
    return terminal.out(
      formatLines([`a backup of at most ${mebibytes(sizeBytes)} would be made in ${folder}`, keepKey([kekFile])]),
    );
  }
  if (document.backup === undefined)
    return terminal.out(formatLine(`${document.folder ?? 'the backup'} was made and found good`));
  const { folder, zoneCount, sizeBytes, kekFiles } = document.backup;
  const removed = (document.removed ?? []).map((name) => `${name} is older than the schedule keeps, and was removed`);
  const made = `${folder} was made and found good: ${zoneCount} zones, ${mebibytes(sizeBytes)}`;
  terminal.out(formatLines([made, ...removed, keepKey(kekFiles)]));
}

/** One that takes longer than the server lets a request wait. */
async function waitForEnd(address: ServerAddress, terminal: Terminal): Promise<CreateDocument> {
  terminal.err(formatLine('it takes longer than a minute; waiting for its end (Ctrl-C does not stop it)'));
  for (;;) {
    await sleep(BACKUP_POLL_MS);
    const { runningSince, last } = await callApi<ListDocument>(address, { path: ['backups'] });
    if (runningSince !== undefined) continue;
    if (last?.folder !== undefined && last.problem === undefined) return { folder: last.folder };
    const restarted = 'the server was started anew meanwhile, and the backup was not finished';
    throw failure('BACKUP_FAILED', last?.problem ?? restarted, 'see which there are: waxseal backup list');
  }
}

async function createOffline(options: CreateOptions, terminal: Terminal): Promise<void> {
  const { to, json, dryRun } = options;
  const { workingDirectory } = terminal;
  const config = await localConfig(options, terminal);
  const { backupOffline } = await import('#process/offline/backup.ts');
  const folder = to === undefined ? config.backup.folder : resolve(workingDirectory, to);
  const made = await backupOffline(config, folder, dryRun === true);
  if (!made.ok) throw new CommandFailure(made.problems, { unchanged: true });
  if (json === true) return terminal.out(formatJson(made.value));
  const { zoneCount, sizeBytes, kekFiles, folder: path } = made.value;
  const done =
    dryRun === true
      ? `a backup of at most ${mebibytes(sizeBytes)} would be made in ${path}`
      : `${path} was made and found good: ${zoneCount} zones, ${mebibytes(sizeBytes)}`;
  terminal.out(formatLines([done, keepKey(kekFiles)]));
}

async function verify(folder: string, options: VerifyOptions, terminal: Terminal): Promise<void> {
  const { kekFile, signatures, json } = options;
  const { workingDirectory } = terminal;
  const config = await localConfig(options, terminal);
  const { checkBackup } = await import('#process/offline/backup.ts');
  const path = resolve(workingDirectory, folder);
  const key = kekFile === undefined ? undefined : resolve(workingDirectory, kekFile);
  const checked = await checkBackup(config, path, { signatures, kekFile: key });
  if (!checked.ok) throw new CommandFailure(checked.problems);
  const { verdict, kekFile: used } = checked.value;
  const { manifest, zones, nodes, signedNodes, secrets, ofPolicyHost, auditEntries, problems } = verdict;
  const good = problems.length === 0;
  const madeAt = new Date(manifest.createdAtMs).toISOString();
  if (json === true) terminal.out(formatJson({ good, folder: path, ...verdict, kekFile: used }));
  else {
    const which = signatures === 'all' ? 'all' : 'a sample of';
    const held =
      ofPolicyHost === 0
        ? []
        : [`${ofPolicyHost} keys of certificates are under the key in https.key_file, and were not opened`];
    terminal.out(
      formatLines([
        `${manifest.name}, made ${madeAt} on ${manifest.host} by waxseal ${manifest.productVersion}`,
        `${zones} zones, ${nodes} names, ${auditEntries} audit entries; the files have their hashes`,
        `${secrets} secrets open with the key in ${used}`,
        ...held,
        `signatures of ${which} names were checked (${signedNodes})`,
        ...problems,
        good ? 'the backup is good' : 'THE BACKUP IS NOT GOOD',
      ]),
    );
  }
  if (!good) process.exitCode = 6;
}

function formatList({ folder, schedule, runningSince, last, backups, bad }: ListDocument): string {
  const turn =
    schedule === undefined
      ? 'none is made by itself (backup.every)'
      : `one every ${schedule.every}, ${schedule.keep} are kept`;
  const next = schedule?.nextAt === undefined ? '' : `, the next ${schedule.nextAt}`;
  const lines = [`${folder}: ${turn}${next}`];
  if (runningSince !== undefined) lines.push(`one is being made since ${runningSince}`);
  if (last?.problem !== undefined) lines.push(`the last one, ${last.at}, was not made: ${last.problem}`);
  lines.push(...bad.map((each) => `${each.folder} is no good: ${each.problem}`));
  const rows = backups.map(
    ({ createdAt, name, scheduled, zoneCount, sizeBytes, version, verifiedAt = 'not known', own }) => [
      createdAt,
      name,
      scheduled ? 'schedule' : 'request',
      String(zoneCount),
      mebibytes(sizeBytes),
      version,
      own ? verifiedAt : `${verifiedAt}, of another installation`,
    ],
  );
  const table =
    rows.length === 0 ? '' : formatTable(['MADE', 'NAME', 'BY', 'ZONES', 'SIZE', 'VERSION', 'LAST FOUND GOOD'], rows);
  return `${formatLines(lines)}${table}`;
}

function keepKey(files: readonly string[]): string {
  const why = 'keep a copy of that elsewhere, without it no backup is of use';
  return `the key-encryption key (${files.join(', ')}) is not in it: ${why}`;
}
