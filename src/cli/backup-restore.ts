/**
 * `waxseal backup restore`, without a server, and what follows with one: `review` compares the restored store with the
 * world, `resume` lets key rollovers and mail move again.
 * Not here: restoring (process/offline/restore.ts).
 */
import { resolve } from 'node:path';
import { type Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm } from './change.ts';
import { CommandFailure, answerProblemOf, formatAnswerWarning } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, localCommand, readCommand } from './options.ts';
import { findServer, localConfig } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatLines } from './terminal.ts';

interface RestoreFlags extends Omit<ChangeOptions, 'wait'> {
  readonly kekFile?: string;
  readonly replace?: boolean;
  readonly askSecondaries?: boolean;
}

interface ReviewDocument {
  readonly restored?: { readonly backup: string; readonly createdAt: string; readonly restoredAt: string };
  readonly zones: number;
  readonly findings: readonly {
    readonly zone: string;
    readonly kind: string;
    readonly text: string;
    readonly fix: string;
  }[];
  readonly unanswered: readonly string[];
}

/** Zones shown one by one; all are in the JSON document. */
const RAISED_SHOWN = 20;

export function defineRestore(noun: Command, terminal: Terminal): void {
  localCommand(
    noun
      .command('restore <dir>')
      .description('put a backup into a data directory that has no store; the server is down'),
    'waxseal backup restore /mnt/waxseal-20261130T045952Z-1a2b3c4d --data /var/lib/waxseal --kek-file /root/kek',
  )
    .option('--data <dir>', "the server's data directory")
    .option('--config <file>', 'configuration that names the data directory and the key')
    .option('--kek-file <file>', 'the key-encryption key (default: as the configuration or the backup names it)')
    .option('--ask-secondaries', 'ask the secondaries of each zone which serial they have')
    .option('--replace', 'put a store that is there aside, under another name')
    .option('--dry-run', 'do all but the last step, and show it')
    .option('--yes', 'do not ask')
    .action((folder: string, options: RestoreFlags) => restore(folder, options, terminal));
  readCommand(
    noun.command('review').description('what of a restored store is older than the world; exit code 6 if something is'),
    'waxseal backup review',
  ).action((options: ReadOptions) => review(options, terminal));
  changeCommand(
    noun.command('resume').description('after a restore, when you have looked: key rollovers and mail move again'),
    'waxseal backup resume',
  ).action(async (options: ChangeOptions) => {
    await confirm('let key rollovers and mail of the restored store move again', options, terminal);
    const query = options.dryRun === true ? { dryRun: '1' } : {};
    const address = await findServer(options, terminal);
    const path = ['backups', 'restored', 'resume'];
    const done = await callApi<{ readonly zones: number; readonly wasHeld: boolean }>(address, {
      method: 'POST',
      path,
      query,
      json: {},
    });
    if (options.json === true) return terminal.out(formatJson(done));
    const would = options.dryRun === true ? 'would move' : 'move';
    const text = done.wasHeld
      ? `key rollovers, and mail of ${done.zones} zones, ${would} again`
      : 'nothing is held because of a restore';
    terminal.out(formatLine(text));
  });
}

async function restore(folder: string, options: RestoreFlags, terminal: Terminal): Promise<void> {
  const { kekFile, replace = false, askSecondaries = false, dryRun = false } = options;
  const { workingDirectory } = terminal;
  const config = await localConfig(options, terminal);
  await confirm(`restore ${folder} into ${config.data}`, { ...options, wait: true }, terminal);
  const { restoreBackup } = await import('#process/offline/restore.ts');
  const restored = await restoreBackup(config, {
    folder: resolve(workingDirectory, folder),
    kekFile: kekFile === undefined ? undefined : resolve(workingDirectory, kekFile),
    replace,
    askSecondaries,
    dryRun,
  });
  if (!restored.ok) throw new CommandFailure(restored.problems, { unchanged: true });
  const { manifest, storeDir, putAside, raised, heldMail, silent, warnings, kekFile: used } = restored.value;
  for (const each of warnings) terminal.err(formatAnswerWarning(answerProblemOf(each)));
  if (options.json === true)
    return terminal.out(formatJson({ ...restored.value, warnings: warnings.map(answerProblemOf), dryRun }));
  const madeAt = new Date(manifest.createdAtMs).toISOString();
  const is = dryRun ? 'would be' : 'is';
  const shown = raised.slice(0, RAISED_SHOWN).map(({ name, from, to }) => `  ${name} serial ${from} → ${to}`);
  const more = raised.length > RAISED_SHOWN ? [`  and ${raised.length - RAISED_SHOWN} more`] : [];
  terminal.out(
    formatLines([
      `${storeDir} ${is} the store of ${madeAt}: ${manifest.zoneCount} zones; the key-encryption key is in ${used}`,
      ...(putAside === undefined ? [] : [`the store that was there is in ${putAside}`]),
      `serials ${dryRun ? 'would go' : 'went'} ahead of what secondaries may have:`,
      ...shown,
      ...more,
      ...silent.map((each) => `  not asked: ${each}`),
      `key rollovers, and mail of ${heldMail} zones, are held until you have looked`,
      'next: start the server, then: waxseal backup review, and when all is well: waxseal backup resume',
    ]),
  );
}

async function review(options: ReadOptions, terminal: Terminal): Promise<void> {
  const document = await callApi<ReviewDocument>(await findServer(options, terminal), {
    path: ['backups', 'restored'],
  });
  const { restored, zones, findings, unanswered } = document;
  if (options.json === true) terminal.out(formatJson(document));
  else {
    const what =
      restored === undefined
        ? 'nothing is held because of a restore'
        : `${restored.backup} of ${restored.createdAt}, restored ${restored.restoredAt}; rollovers and mail are held`;
    terminal.out(
      formatLines([
        what,
        ...findings.flatMap(({ zone, text, fix }) => [`${zone} ${text}`, `  ${fix}`]),
        ...unanswered.map((each) => `no answer: ${each}`),
        findings.length === 0
          ? `nothing of ${zones} zones was found to be older than the world`
          : `${findings.length} things are older than the world`,
      ]),
    );
  }
  if (findings.length > 0) process.exitCode = 6;
}
