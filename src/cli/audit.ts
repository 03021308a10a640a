/** `waxseal audit`: who changed what. Not here: checking exported files (audit-exports.ts). */
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { callApi, callList, openAnswer } from './api-client.ts';
import { failure, reasonOf } from './failure.ts';
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

  readCommand(
    noun
      .command('verify [files...]')
      .description('check that no entry was changed, removed or put in; with exported files: that they fit together'),
    'waxseal audit verify',
  ).action(async (files: readonly string[], options: ReadOptions) => {
    const result = files.length === 0 ? await askServer(options, terminal) : await verifyFiles(files, terminal);
    const { whole, entries, from, brokenAt, why } = result;
    const reason = why === undefined ? '' : `: ${why}`;
    if (!whole && options.json !== true)
      throw failure(
        'AUDIT_BROKEN',
        `the audit log does not fit together${brokenAt === undefined ? '' : ` from entry ${brokenAt} on`}${reason}`,
        files.length === 0 ? 'keep the store as it is, and compare with a backup' : 'compare with another copy',
      );
    terminal.out(options.json === true ? formatJson(result) : `${entries} entries from ${from} on, all in order\n`);
    if (!whole) process.exitCode = 6;
  });

  readCommand(
    noun.command('export').description('print the entries as stored, each with the SHA-256 of the line before it'),
    'waxseal audit export --output audit-2026.ndjson',
  )
    .option('--after <sequence>', 'only what follows this entry', readCount)
    .option('--output <file>', 'write it there')
    .action((options: ExportOptions) => exportLog(options, terminal));
}

interface Verdict {
  readonly whole: boolean;
  readonly entries: number;
  readonly from: number;
  readonly brokenAt?: number;
  readonly why?: string;
}

async function askServer(options: ReadOptions, terminal: Terminal): Promise<Verdict> {
  return await callApi<Verdict>(await findServer(options, terminal), { path: ['audit', 'verify'] });
}

async function verifyFiles(files: readonly string[], terminal: Terminal): Promise<Verdict> {
  const { verifyExports } = await import('./audit-exports.ts');
  return await verifyExports(files.map((file) => pathOf(terminal, file)));
}

function pathOf({ workingDirectory }: Terminal, file: string): string {
  return resolve(workingDirectory, file);
}

interface ExportOptions extends ReadOptions {
  readonly after?: number;
  readonly output?: string;
}

/** As it comes in, unless it has to become one JSON document. */
async function exportLog(options: ExportOptions, terminal: Terminal): Promise<void> {
  const query = options.after === undefined ? {} : { after: String(options.after) };
  const { body } = await openAnswer(await findServer(options, terminal), { path: ['audit', 'export'], query });
  body.setEncoding('utf8');
  try {
    if (options.output !== undefined) await pipeline(body, createWriteStream(pathOf(terminal, options.output)));
    else if (options.json === true) {
      const lines = (await body.toArray()).join('').split('\n').slice(0, -1);
      terminal.out(formatJson({ entries: lines.map((line) => JSON.parse(line) as unknown) }));
    } else for await (const chunk of body) terminal.out(String(chunk));
  } catch (error) {
    const what = options.output ?? 'the log';
    throw failure('CLI_FILE', `${what} was not exported to its end: ${reasonOf(error)}`, 'export it again');
  }
  if (options.output !== undefined && options.json === true) terminal.out(formatJson({ output: options.output }));
}

function readCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]{1,9}$/.test(text) || count === 0) throw new InvalidArgumentError('a whole number from 1 on is needed.');
  return count;
}
