/** `waxseal store`: what the store's file has in it, whether it is whole, and the file without free pages. */
import { type Command, Option } from 'commander';
import { type Config } from '#config/config.ts';
import { type Result } from '#base/problem.ts';
import type * as offline from '#process/offline/store.ts';
import { confirm } from './change.ts';
import { CommandFailure } from './failure.ts';
import { type OutputOptions, localCommand } from './options.ts';
import { localConfig } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatLines, formatTable, mebibytes } from './terminal.ts';

interface StoreOptions extends OutputOptions {
  readonly data?: string;
  readonly config?: string;
}

export function defineStore(noun: Command, terminal: Terminal): void {
  const local = (verb: string, description: string): Command =>
    localCommand(noun.command(verb).description(description), `waxseal store ${verb} --data /var/lib/waxseal`)
      .option('--data <dir>', "the server's data directory")
      .option('--config <file>', 'configuration that names it');
  local('stats', 'size, free pages, and what each database has; beside a running server too').action(
    async (options: StoreOptions) => {
      const stats = await run(options, terminal, (store, config) => store.statsOfStore(config));
      if (options.json === true) return terminal.out(formatJson(stats));
      const { fileBytes, usedBytes, pages, livePages, freePages, pageBytes, zones, generation, databases } = stats;
      const rows = databases.map(({ name, entries, depth, pages: count, bytes }) => [
        name,
        String(entries),
        String(depth),
        String(count),
        mebibytes(bytes),
      ]);
      terminal.out(
        formatLines([
          `${zones} zones, generation ${generation}`,
          `${mebibytes(fileBytes)} on disk, ${mebibytes(usedBytes)} of them in use by LMDB`,
          `${pages} pages of ${pageBytes} octets: ${livePages} with content, ${freePages} free for the next changes`,
        ]),
      );
      terminal.out(formatTable(['DATABASE', 'ENTRIES', 'DEPTH', 'PAGES', 'SIZE'], rows));
    },
  );
  local('check', 'whether the store is whole; read-only, beside a running server too; exit code 6 if it is not')
    .addOption(new Option('--signatures <which>', 'which are checked').choices(['sample', 'all']).default('sample'))
    .action((options: StoreOptions & { readonly signatures: 'sample' | 'all' }) => check(options, terminal));
  local('compact', 'give free pages back to the disk; the server is down')
    .option('--dry-run', 'show the sizes, change nothing')
    .option('--yes', 'do not ask')
    .action((options: StoreOptions & { readonly dryRun?: boolean; readonly yes?: boolean }) =>
      compact(options, terminal),
    );
}

async function check(
  options: StoreOptions & { readonly signatures: 'sample' | 'all' },
  terminal: Terminal,
): Promise<void> {
  const found = await run(options, terminal, (store, config) => store.checkStore(config, options.signatures));
  const { zones, nodes, auditEntries, signedNodes, secrets, keyProblem, problems } = found;
  const whole = problems.length === 0;
  if (options.json === true) terminal.out(formatJson({ whole, ...found }));
  else
    terminal.out(
      formatLines([
        `${zones} zones, ${nodes} names, ${auditEntries} audit entries; signatures of ${signedNodes} names checked`,
        secrets === undefined ? `secrets were not opened: ${keyProblem ?? ''}` : `${secrets} secrets open`,
        ...problems,
        whole
          ? 'the store is whole'
          : 'THE STORE IS NOT WHOLE: keep a copy of it, and restore a backup (waxseal backup restore)',
      ]),
    );
  if (!whole) process.exitCode = 6;
}

async function compact(
  options: StoreOptions & { readonly dryRun?: boolean; readonly yes?: boolean },
  terminal: Terminal,
): Promise<void> {
  const { dryRun = false } = options;
  await confirm("write the store's file anew, without its free pages", { ...options, wait: true }, terminal);
  const { beforeBytes, afterBytes } = await run(options, terminal, (offline, config) =>
    offline.compactOffline(config, dryRun),
  );
  if (options.json === true) return terminal.out(formatJson({ beforeBytes, afterBytes, dryRun }));
  const verb = dryRun ? 'would become' : 'became';
  terminal.out(formatLine(`${mebibytes(beforeBytes)} ${verb} ${dryRun ? 'about ' : ''}${mebibytes(afterBytes)}`));
}

async function run<T>(
  options: StoreOptions,
  terminal: Terminal,
  what: (store: typeof offline, config: Config) => Promise<Result<T>>,
): Promise<T> {
  const config = await localConfig(options, terminal);
  const done = await what(await import('#process/offline/store.ts'), config);
  if (!done.ok) throw new CommandFailure(done.problems, { unchanged: true });
  return done.value;
}
