/** `waxseal spf`: what a record costs, and what it says of a client. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { CommandFailure, type FailureProblem, failure, formatWarning } from './failure.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, plain } from './terminal.ts';

type ProblemDocument = Omit<FailureProblem, 'message'> & { readonly detail: string };

interface TreeDocument {
  readonly domain: string;
  readonly drawing: string;
  readonly problems: readonly ProblemDocument[];
}

interface CheckDocument {
  readonly domain: string;
  readonly result: string;
  readonly lookups: number;
  readonly voids: number;
  readonly matched?: { readonly domain: string; readonly term: string };
  readonly explanation?: string;
  readonly problems: readonly ProblemDocument[];
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
    terminal.out(options.json === true ? formatJson(tree) : plain(`${tree.drawing}\n`));
    report(tree.problems, options, terminal);
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
      terminal.out(options.json === true ? formatJson(tree) : plain(`${tree.drawing.split('\n')[0]}\n`));
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
  return plain(formatFields(fields));
}

/** Problems on the error stream; an error is exit code 6, a check that failed. */
function report(problems: readonly ProblemDocument[], options: ReadOptions, terminal: Terminal): void {
  if (options.json !== true) for (const { detail, ...rest } of problems) terminal.err(formatWarning({ ...rest, message: detail }));
  if (problems.some((each) => each.severity !== 'warning'))
    throw new CommandFailure(failure('CLI_CHECK', 'the SPF record has errors').problems, { exit: 6 });
}
