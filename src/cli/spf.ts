/** `waxseal spf`: what a record costs, and what it says of a client. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { assessDrift } from '#mail/spf/drift.ts';
import { type SpfTree } from '#mail/spf/tree.ts';
import { type SpfTreeDocument, readTreeDocument } from '#mail/spf/tree-document.ts';
import { callApi } from './api-client.ts';
import { CommandFailure, type AnswerProblem, failure, formatAnswerWarning, formatWarning, problemDocument, reasonOf } from './failure.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLine, formatLines, formatText } from './terminal.ts';

interface TreeDocument {
  readonly domain: string;
  readonly drawing: string;
  readonly tree: SpfTreeDocument;
  readonly problems: readonly AnswerProblem[];
}

interface FlattenDocument {
  readonly domain: string;
  readonly record: string;
  readonly parts: readonly { readonly owner: string; readonly record: string }[];
  readonly problems: readonly AnswerProblem[];
}

interface CheckDocument {
  readonly domain: string;
  readonly result: string;
  readonly lookups: number;
  readonly voids: number;
  readonly matched?: { readonly domain: string; readonly term: string };
  readonly explanation?: string;
  readonly problems: readonly AnswerProblem[];
}

interface CheckOptions extends ReadOptions {
  readonly ip?: string;
  readonly from?: string;
  readonly helo?: string;
}

export function defineSpf(noun: Command, terminal: Terminal): void {
  readCommand(
    noun.command('tree <domain>').description('the includes of an SPF record with what each costs'),
    'waxseal spf tree example.com',
  ).action(async (domain: string, options: ReadOptions) => {
    const tree = await callApi<TreeDocument>(await findServer(options, terminal), { path: ['spf', domain, 'tree'] });
    terminal.out(options.json === true ? formatJson(tree) : formatText(`${tree.drawing}\n`));
    report(tree.problems, options, terminal);
  });

  readCommand(
    noun
      .command('drift <domain> <file>')
      .description('what others changed since FILE, which an earlier "spf tree --json" wrote; exit code 6 when the operator should know'),
    'waxseal spf drift example.com last-month.json',
  ).action(async (domain: string, file: string, options: ReadOptions) => {
    const now = await callApi<TreeDocument>(await findServer(options, terminal), { path: ['spf', domain, 'tree'] });
    const { alerts, added, removed } = assessDrift(readTree(file, terminal), readTreeDocument(now.tree));
    if (options.json === true) terminal.out(formatJson({ domain: now.domain, added, removed, alerts: alerts.map(problemDocument) }));
    else
      terminal.out(formatLines([...added.map((each) => `+ ${each}`), ...removed.map((each) => `- ${each}`), now.drawing.split('\n')[0]!]));
    if (options.json !== true) for (const each of alerts) terminal.err(formatWarning(each));
    if (alerts.length > 0) throw new CommandFailure(failure('CLI_CHECK', 'the SPF record costs more than it did').problems, { exit: 6 });
  });

  readCommand(
    noun
      .command('flatten <domain>')
      .description('what the record becomes when includes are replaced by their addresses; publishes nothing')
      .requiredOption('--include <domain...>', 'includes to replace'),
    'waxseal spf flatten example.com --include _spf.esp.example',
  ).action(async (domain: string, options: ReadOptions & { readonly include: readonly string[] }) => {
    const query = { include: options.include.join(',') };
    const found = await callApi<FlattenDocument>(await findServer(options, terminal), { path: ['spf', domain, 'flatten'], query });
    const lines = [{ owner: found.domain, record: found.record }, ...found.parts].map(({ owner, record }) => `${owner}. TXT "${record}"`);
    terminal.out(options.json === true ? formatJson(found) : formatLines(lines));
    report(found.problems, options, terminal);
  });

  readCommand(
    noun
      .command('check <domain>')
      .description('whether the record is good; with --ip what RFC 7208 says of a client')
      .option('--ip <address>', "the client's address")
      .option('--from <address>', 'MAIL FROM (default: postmaster@DOMAIN)')
      .option('--helo <name>', 'HELO name (default: DOMAIN)'),
    'waxseal spf check example.com --ip 192.0.2.25 --from news@example.com',
  ).action(async (domain: string, options: CheckOptions) => {
    const server = await findServer(options, terminal);
    if (options.ip === undefined) {
      const tree = await callApi<TreeDocument>(server, { path: ['spf', domain, 'tree'] });
      terminal.out(options.json === true ? formatJson(tree) : formatLine(tree.drawing.split('\n')[0]!));
      report(tree.problems, options, terminal);
      return;
    }
    const query = { ip: options.ip, from: options.from, helo: options.helo };
    const check = await callApi<CheckDocument>(server, { path: ['spf', domain, 'check'], query });
    terminal.out(options.json === true ? formatJson(check) : formatCheck(check));
    if (check.result === 'permerror' || check.result === 'temperror') report(check.problems, options, terminal);
  });
}

function formatCheck({ result, lookups, voids, matched, explanation }: CheckDocument): string {
  const fields: [string, string][] = [
    ['result', result],
    ['look-ups', `${lookups} of 10`],
    ['voids', `${voids} of 2`],
  ];
  if (matched !== undefined) fields.push(['matched', `${matched.term} in the record of ${matched.domain}`]);
  if (explanation !== undefined) fields.push(['explanation', explanation]);
  return formatFields(fields);
}

/** The tree in a file that `spf tree --json` wrote. */
function readTree(file: string, terminal: Terminal): SpfTree {
  try {
    const document = JSON.parse(readFileSync(resolve(terminal.workingDirectory, file), 'utf8')) as TreeDocument;
    if (document.tree?.domain === undefined) throw new Error('it is not what "waxseal spf tree --json" writes');
    return readTreeDocument(document.tree);
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
}

/** Problems on the error stream; an error is exit code 6, a check that failed. */
function report(problems: readonly AnswerProblem[], options: ReadOptions, terminal: Terminal): void {
  if (options.json !== true) for (const each of problems) terminal.err(formatAnswerWarning(each));
  if (problems.some((each) => each.severity !== 'warning'))
    throw new CommandFailure(failure('CLI_CHECK', 'the SPF record has errors').problems, { exit: 6 });
}
