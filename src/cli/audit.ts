/** `waxseal audit`: who changed what. Not here: checking exported files (audit-exports.ts). */
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { callApi, callList, openAnswer } from './api-client.ts';
import { whoText } from './audit-who.ts';
import { failure, reasonOf } from './failure.ts';
import { readCount } from './number-options.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatTable, formatText } from './terminal.ts';

interface EntryDocument {
  readonly sequence: number;
  readonly at: string;
  readonly actor: Readonly<Record<'kind' | 'id' | 'from', string>> & {
    readonly owner?: string;
    readonly user?: string;
  };
  readonly action: string;
  readonly zone?: string;
  readonly detail: string;
  readonly reason?: string;
  readonly outcome: string;
}

export function defineAudit(noun: Command, terminal: Terminal): void {
  readCommand(noun.command('tail').description('the last entries, newest last'), 'waxseal audit tail -n 50')
    .option('-n, --lines <count>', 'how many', readCount, 20)
    .action(async (options: ReadOptions & { readonly lines: number }) => {
      const address = await findServer(options, terminal);
      const newestFirst = await callList<EntryDocument>(address, { path: ['audit'] }, 'entries', options.lines);
      const entries = newestFirst.toReversed();
      const rows = entries.map(({ sequence, at, actor, action, zone = '', detail, reason, outcome }) => [
        String(sequence),
        at,
        whoText(actor),
        action,
        zone,
        outcome,
        reason === undefined ? detail : `${detail}; reason: ${reason}`,
      ]);
      if (options.json === true) terminal.out(formatJson({ entries }));
      else terminal.out(formatTable(['ENTRY', 'TIME', 'WHO', 'ACTION', 'ZONE', 'OUTCOME', 'DETAIL'], rows));
    });

  readCommand(
    noun
      .command('verify [files...]')
      .description('check that no entry was changed, removed or put in; with exported files: that they fit together'),
    'waxseal audit verify audit-2026.jsonl --key audit-key.pem --head head.json',
  )
    .option(
      '--key <file>',
      'with files: public key of the server (waxseal audit key); every entry must be under a head that it signed',
    )
    .option('--head <file...>', 'with --key: heads that were given away earlier; the files must have their entries')
    .action((files: readonly string[], options: VerifyOptions) => verifyLog(files, options, terminal));

  readCommand(
    noun.command('head').description('print a signed head: what the last entry is now, to be kept elsewhere'),
    'waxseal audit head > head-2026-11-30.json',
  ).action(async (options: ReadOptions) => {
    const head = await callApi<object>(await findServer(options, terminal), { path: ['audit', 'head'] });
    terminal.out(options.json === true ? formatJson(head) : formatLine(JSON.stringify(head)));
  });

  readCommand(
    noun.command('key').description('print the public key of signed heads'),
    'waxseal audit key > audit-key.pem',
  ).action(async (options: ReadOptions) => {
    const key = await callApi<{ readonly publicKey: string }>(await findServer(options, terminal), {
      path: ['audit', 'key'],
    });
    terminal.out(options.json === true ? formatJson(key) : formatText(key.publicKey));
  });

  readCommand(
    noun
      .command('export')
      .description(
        'print the entries as stored, each with the SHA-256 of the line before it, and a signed head behind them',
      ),
    'waxseal audit export --output audit-2026.jsonl',
  )
    .option('--after <sequence>', 'only what follows this entry', readCount)
    .option('--csv', 'rows for a spreadsheet; they cannot be verified')
    .option('--output <file>', 'write it there')
    .action((options: ExportOptions) => exportLog(options, terminal));
}

interface VerifyOptions extends ReadOptions {
  readonly key?: string;
  readonly head?: readonly string[];
}

async function verifyLog(files: readonly string[], options: VerifyOptions, terminal: Terminal): Promise<void> {
  if (options.head !== undefined && options.key === undefined)
    throw failure(
      'CLI_USAGE',
      'a head proves nothing without the key that signed it',
      'add --key FILE (waxseal audit key)',
    );
  if (files.length === 0 && options.key !== undefined)
    throw failure(
      'CLI_USAGE',
      'a key is for exported files, and none is named',
      'name them: waxseal audit verify FILE --key KEY',
    );
  const result = files.length === 0 ? await askServer(options, terminal) : await verifyFiles(files, options, terminal);
  const { whole, entries, from, brokenAt, why, signed } = result;
  const reason = why === undefined ? '' : `: ${why}`;
  if (!whole && options.json !== true)
    throw failure(
      'AUDIT_BROKEN',
      `the audit log does not fit together${brokenAt === undefined ? '' : ` from entry ${brokenAt} on`}${reason}`,
      files.length === 0 ? 'keep the store as it is, and compare with a backup' : 'compare with another copy',
    );
  const vouched = signed === true ? ', under signed heads' : '';
  terminal.out(
    options.json === true ? formatJson(result) : `${entries} entries from ${from} on, all in order${vouched}\n`,
  );
  if (!whole) process.exitCode = 6;
}

interface Verdict {
  readonly whole: boolean;
  readonly entries: number;
  readonly from: number;
  readonly signed?: boolean;
  readonly brokenAt?: number;
  readonly why?: string;
}

async function askServer(options: ReadOptions, terminal: Terminal): Promise<Verdict> {
  return await callApi<Verdict>(await findServer(options, terminal), { path: ['audit', 'verify'] });
}

async function verifyFiles(
  files: readonly string[],
  { key, head }: VerifyOptions,
  terminal: Terminal,
): Promise<Verdict> {
  const { verifyExports } = await import('./audit-exports.ts');
  const paths = files.map((file) => pathOf(terminal, file));
  if (key === undefined) return await verifyExports(paths);
  const { readHeads, readPublicKey } = await import('./audit-trust.ts');
  const heads = (head ?? []).flatMap((file) => readHeads(pathOf(terminal, file)));
  return await verifyExports(paths, { publicKey: readPublicKey(pathOf(terminal, key)), heads });
}

function pathOf({ workingDirectory }: Terminal, file: string): string {
  return resolve(workingDirectory, file);
}

interface ExportOptions extends ReadOptions {
  readonly after?: number;
  readonly csv?: boolean;
  readonly output?: string;
}

/** As it comes in, unless it has to become one JSON document. */
async function exportLog(options: ExportOptions, terminal: Terminal): Promise<void> {
  if (options.csv === true && options.json === true)
    throw failure('CLI_USAGE', '--csv and --json are two forms', 'leave one out');
  const after = options.after === undefined ? {} : { after: String(options.after) };
  const query = { ...after, ...(options.csv === true ? { format: 'csv' } : {}) };
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
