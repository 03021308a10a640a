/** `waxseal audit`: who changed what. */
import { type Command, InvalidArgumentError } from 'commander';
import { callApi, callList } from './api-client.ts';
import { failure } from './failure.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatTable } from './terminal.ts';

interface EntryDocument {
  readonly sequence: number;
  readonly at: string;
  readonly actor: { readonly kind: string; readonly id: string; readonly from: string };
  readonly action: string;
  readonly zone?: string;
  readonly detail: string;
}

export function defineAudit(noun: Command, terminal: Terminal): void {
  readCommand(noun.command('tail').description('the last entries, newest last'), 'waxseal audit tail -n 50')
    .option('-n, --lines <count>', 'how many', readCount, 20)
    .action(async (options: ReadOptions & { readonly lines: number }) => {
      const address = await findServer(options, terminal);
      const newestFirst = await callList<EntryDocument>(address, { path: ['audit'] }, 'entries', options.lines);
      const entries = newestFirst.toReversed();
      const rows = entries.map(({ sequence, at, actor, action, zone = '', detail }) => [
        String(sequence),
        at,
        `${actor.kind}:${actor.id}${actor.from === '' || actor.from === 'unix' ? '' : `@${actor.from}`}`,
        action,
        zone,
        detail,
      ]);
      if (options.json === true) terminal.out(formatJson({ entries }));
      else terminal.out(formatTable(['ENTRY', 'TIME', 'WHO', 'ACTION', 'ZONE', 'DETAIL'], rows));
    });

  readCommand(noun.command('verify').description('check that no entry was changed, removed or put in'), 'waxseal audit verify').action(
    async (options: ReadOptions) => {
      const result = await callApi<{ readonly whole: boolean; readonly entries: number; readonly brokenAt?: number }>(
        await findServer(options, terminal),
        { path: ['audit', 'verify'] },
      );
      if (!result.whole && options.json !== true)
        throw failure(
          'AUDIT_BROKEN',
          `the audit log does not fit together from entry ${result.brokenAt ?? 0} on`,
          'keep the store as it is, and compare with a backup',
        );
      terminal.out(options.json === true ? formatJson(result) : `${result.entries} entries, all in order\n`);
      if (!result.whole) process.exitCode = 6;
    },
  );
}

function readCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]{1,6}$/.test(text) || count === 0) throw new InvalidArgumentError('a whole number from 1 on is needed.');
  return count;
}
