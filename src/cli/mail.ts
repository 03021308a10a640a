/** `waxseal mail`: the mail policy of a zone, and how what it set going stands. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { CommandFailure, type AnswerProblem, failure, formatAnswerWarning } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLines, formatTable, formatText } from './terminal.ts';

interface LifeDocument {
  readonly machine: string;
  readonly object: string;
  readonly stage: string;
  readonly since: string;
  readonly lines: readonly string[];
}

interface StatusDocument {
  readonly zone: string;
  readonly lives: readonly LifeDocument[];
  readonly spf?: { readonly lines: readonly string[] };
  readonly mtaSts?: { readonly lines: readonly string[] };
  readonly reports?: Readonly<Record<'dmarc' | 'tls', { readonly lines: readonly string[] }>>;
  readonly problems: readonly AnswerProblem[];
}

interface PolicyDocument {
  readonly zone: string;
  readonly policy: Readonly<Record<string, unknown>>;
  readonly problems: readonly AnswerProblem[];
  readonly demands?: readonly {
    readonly profile: string;
    readonly isNamed: boolean;
    readonly wish: string;
    readonly source: string;
    readonly isMet: boolean;
  }[];
}

interface CheckDocument {
  readonly zone: string;
  readonly ok: boolean;
  readonly records: readonly { readonly at: string; readonly text: string }[];
  readonly problems: readonly AnswerProblem[];
}

interface ApplyOptions extends ChangeOptions {
  readonly takeOver?: boolean;
}

export function defineMail(noun: Command, terminal: Terminal): void {
  definePolicy(noun, terminal);
  defineLooks(noun, terminal);
  defineRemoval(noun, terminal);
  defineOrders(noun, terminal);
}

function definePolicy(noun: Command, terminal: Terminal): void {
  readCommand(
    noun
      .command('plan <zone> [file]')
      .description('what applying a policy would change; with --from-zone the policy that the records come from')
      .option('--from-zone', 'propose a policy instead')
      .option('--take-over', 'records put by hand give way'),
    'waxseal mail plan example.com example.com.mail.toml',
  ).action(
    async (zone: string, file: string | undefined, options: ReadOptions & { readonly fromZone?: boolean; readonly takeOver?: boolean }) => {
      if (options.fromZone === true) return await propose(zone, options, terminal);
      if (file === undefined) throw failure('CLI_USAGE', 'mail plan needs a policy file, or --from-zone', 'see waxseal mail plan --help');
      return await sendPolicy(zone, file, { ...options, dryRun: true, wait: false }, terminal);
    },
  );

  changeCommand(
    noun
      .command('apply <zone> <file>')
      .description('apply a mail policy, TOML or JSON')
      .option('--take-over', 'records put by hand give way'),
    'waxseal mail apply example.com example.com.mail.toml',
  ).action((zone: string, file: string, options: ApplyOptions) => sendPolicy(zone, file, options, terminal));

  readCommand(noun.command('show <zone>').description('the policy, and what profiles want'), 'waxseal mail show example.com').action(
    async (zone: string, options: ReadOptions) => {
      const document = await callApi<PolicyDocument>(await findServer(options, terminal), { path: ['zones', zone, 'mail'] });
      terminal.out(options.json === true ? formatJson(document) : await formatPolicy(document));
      warn(document.problems, options, terminal);
    },
  );
}

/** How what a policy set going stands, and what receivers read. */
function defineLooks(noun: Command, terminal: Terminal): void {
  readCommand(
    noun
      .command('status [zone]')
      .description('each key, record and mode: its stage and what it waits for; what others changed in SPF; what was reported'),
    'waxseal mail status example.com',
  ).action(async (zone: string | undefined, options: ReadOptions) => {
    const server = await findServer(options, terminal);
    if (zone !== undefined) {
      const status = await callApi<StatusDocument>(server, { path: ['zones', zone, 'mail', 'status'] });
      terminal.out(options.json === true ? formatJson(status) : formatStatus(status));
      warn(status.problems, options, terminal);
      return;
    }
    const { zones } = await callApi<{ readonly zones: readonly { readonly name: string }[] }>(server, { path: ['zones'] });
    const all: StatusDocument[] = [];
    for (const { name } of zones) {
      try {
        all.push(await callApi<StatusDocument>(server, { path: ['zones', name, 'mail', 'status'] }));
      } catch (error) {
        if (!(error instanceof CommandFailure) || error.problems[0]?.code !== 'MAIL_NO_POLICY') throw error;
      }
    }
    terminal.out(options.json === true ? formatJson({ zones: all }) : formatAll(all));
  });

  readCommand(
    noun.command('check <zone>').description('what receivers would say of the published records; exit code 6 if there are errors'),
    'waxseal mail check example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const check = await callApi<CheckDocument>(await findServer(options, terminal), { path: ['zones', zone, 'mail', 'check'] });
    terminal.out(options.json === true ? formatJson(check) : formatCheck(check));
    warn(check.problems, options, terminal);
    if (!check.ok) throw new CommandFailure(failure('CLI_CHECK', `the mail records of ${check.zone} have errors`).problems, { exit: 6 });
  });
}

function defineRemoval(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun
      .command('remove <zone>')
      .description('remove the policy and its keys; its records stay as manual ones')
      .option('--delete-records', 'remove its records too: mail under way cannot be verified any more'),
    'waxseal mail remove example.com',
  ).action(async (zone: string, options: ChangeOptions & { readonly deleteRecords?: boolean }) => {
    await confirm(`remove the mail policy of ${zone} and destroy its keys`, options, terminal);
    const query = { records: options.deleteRecords === true ? 'delete' : 'keep' };
    await runChange({ method: 'DELETE', path: ['zones', zone, 'mail'], query }, options, terminal);
  });
}

/** What may be said to anything that `mail status` shows. */
function defineOrders(noun: Command, terminal: Terminal): void {
  const send = (zone: string, json: Readonly<Record<string, unknown>>, options: ChangeOptions) =>
    runChange({ method: 'POST', path: ['zones', zone, 'mail', 'orders'], json }, options, terminal);

  changeCommand(
    noun
      .command('hold <zone> [object]')
      .description('stop one thing, or all of a zone, until resume')
      .requiredOption('--reason <text>', 'for the audit log'),
    'waxseal mail hold example.com dmarc --reason "newsletter fails"',
  ).action((zone: string, object: string | undefined, options: ChangeOptions & { readonly reason: string }) =>
    send(zone, { action: 'hold', object, reason: options.reason }, options),
  );
  changeCommand(noun.command('resume <zone> [object]').description('let it continue'), 'waxseal mail resume example.com dmarc').action(
    (zone: string, object: string | undefined, options: ChangeOptions) => send(zone, { action: 'resume', object }, options),
  );
  changeCommand(
    noun
      .command('override <zone> <object> <wait>')
      .description('continue without a wait')
      .requiredOption('--reason <text>', 'for the audit log'),
    'waxseal mail override example.com r20260101a visible --reason "ns2 is gone for good"',
  ).action(async (zone: string, object: string, wait: string, options: ChangeOptions & { readonly reason: string }) => {
    await confirm(`continue with ${object} of ${zone} without waiting for ${wait}`, options, terminal);
    await send(zone, { action: 'override', object, wait, reason: options.reason }, options);
  });
}

async function sendPolicy(zone: string, file: string, options: ApplyOptions, terminal: Terminal): Promise<void> {
  const { readPolicyFile } = await import('./policy-file.ts');
  const document = readPolicyFile(file, terminal.workingDirectory);
  if (!document.ok) throw new CommandFailure(document.problems, { unchanged: true });
  const json = document.value;
  const query = options.takeOver === true ? { takeOver: '1' } : {};
  await runChange({ method: 'PUT', path: ['zones', zone, 'mail'], query, json }, options, terminal);
}

async function propose(zone: string, options: ReadOptions, terminal: Terminal): Promise<void> {
  const document = await callApi<PolicyDocument>(await findServer(options, terminal), { path: ['zones', zone, 'mail', 'proposal'] });
  terminal.out(options.json === true ? formatJson(document) : await tomlOf(document.policy));
  warn(document.problems, options, terminal);
}

async function tomlOf(policy: Readonly<Record<string, unknown>>): Promise<string> {
  const { stringify } = await import('smol-toml');
  return formatText(`${stringify(policy).trimEnd()}\n`);
}

async function formatPolicy({ policy, demands = [] }: PolicyDocument): Promise<string> {
  const named = demands.filter(({ isNamed }) => isNamed);
  const shown = named.length === 0 ? demands : named;
  const lines = shown.map(({ profile, wish, source, isMet }) => `${isMet ? 'has ' : 'lacks'}  ${profile}: ${wish} (${source})`);
  return `${await tomlOf(policy)}\n${named.length === 0 ? 'What profiles would want:\n' : 'What its profiles want:\n'}${formatLines(lines)}`;
}

function formatStatus({ zone, lives, spf, mtaSts, reports }: StatusDocument): string {
  const reported = [...(reports?.dmarc.lines ?? []), ...(reports?.tls.lines ?? [])];
  const seen = [...(spf?.lines ?? []), ...(mtaSts?.lines ?? [])];
  const lines = [...lives.flatMap((each) => each.lines), ...seen, ...reported];
  return formatLines([zone, ...lines.map((line) => `  ${line}`)]);
}

function formatAll(all: readonly StatusDocument[]): string {
  const rows = all.flatMap(({ zone, lives }) => lives.map(({ object, stage, since }) => [zone, object, stage, since]));
  return rows.length === 0 ? 'no zone has a mail policy\n' : formatTable(['ZONE', 'OBJECT', 'STAGE', 'SINCE'], rows);
}

function formatCheck({ zone, ok, records, problems }: CheckDocument): string {
  const shown = records.map(({ at, text }) => `  ${at} ${JSON.stringify(text.length > 100 ? `${text.slice(0, 97)}…` : text)}`);
  const warnings = problems.filter(({ severity }) => severity === 'warning').length;
  const told = warnings === 1 ? '1 warning' : `${warnings} warnings`;
  const verdict = !ok ? 'has errors' : warnings === 0 ? 'ok' : `ok, with ${told}`;
  return formatLines([...shown, `${zone} ${verdict}`]);
}

function warn(problems: readonly AnswerProblem[], options: ReadOptions, terminal: Terminal): void {
  if (options.json !== true) for (const each of problems) terminal.err(formatAnswerWarning(each));
}
