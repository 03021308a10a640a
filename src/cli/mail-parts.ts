/** `waxseal dmarc`, `mta-sts`: single parts of a mail policy, how they stand, and orders to them. */
import { Argument, type Command } from 'commander';
import { callApi } from './api-client.ts';
import { runChange } from './change.ts';
import { DMARC_REPORT, TLS_REPORT, reportCommand } from './mail-report.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLines, formatText } from './terminal.ts';

interface DmarcDocument {
  readonly zone: string;
  readonly policy: string;
  readonly target: string;
  readonly held?: string;
  readonly lines: readonly string[];
  readonly reports: { readonly lines: readonly string[] };
}

interface StsDocument {
  readonly zone: string;
  readonly mode: string;
  readonly target: string;
  readonly body?: string;
  readonly announcedId?: string;
  readonly lines: readonly string[];
  readonly reports: { readonly lines: readonly string[] };
}

export function defineDmarc(noun: Command, terminal: Terminal): void {
  reportCommand(noun, terminal, DMARC_REPORT);
  defineSource(noun, terminal);
  readCommand(
    noun.command('show <zone>').description('the step that the policy is at, what it waits for, and what reports say of each source'),
    'waxseal dmarc show example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const document = await callApi<DmarcDocument>(await findServer(options, terminal), { path: ['zones', zone, 'dmarc'] });
    const fields: [string, string][] = [
      ['policy now', document.policy],
      ['to arrive at', document.target],
    ];
    if (document.held !== undefined) fields.push(['held', document.held]);
    terminal.out(
      options.json === true
        ? formatJson(document)
        : `${formatFields(fields)}${formatLines([...document.lines, ...document.reports.lines])}`,
    );
  });

  changeCommand(
    noun
      .command('ramp <zone> <action>')
      .description('pause, resume, or roll-back')
      .option('--to <policy>', 'where a roll-back goes: none, quarantine (default: one step)')
      .option('--reason <text>', 'for the audit log'),
    'waxseal dmarc ramp example.com roll-back --reason "invoices fail"',
  ).action(async (zone: string, action: string, options: ChangeOptions & { readonly to?: string; readonly reason?: string }) => {
    const json = { action, to: options.to, reason: options.reason };
    await runChange({ method: 'PATCH', path: ['zones', zone, 'dmarc'], json }, options, terminal);
  });
}

interface SourceOptions extends ChangeOptions {
  readonly reason: string;
}

function defineSource(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun
      .command('source <zone> <name>')
      .description('say whether a source that DMARC reports name is ours: a domain, an address or a network')
      .addArgument(new Argument('<verdict>').choices(['ours', 'not-ours']))
      .requiredOption('--reason <text>', 'for the audit log'),
    'waxseal dmarc source example.com esp.example ours --reason "sends our newsletter"',
  ).action(async (zone: string, name: string, verdict: string, options: SourceOptions) => {
    const json = { source: name, verdict, reason: options.reason };
    await runChange({ method: 'POST', path: ['zones', zone, 'dmarc', 'source'], json }, options, terminal);
  });
}

export function defineMtaSts(noun: Command, terminal: Terminal): void {
  reportCommand(noun, terminal, TLS_REPORT);
  readCommand(noun.command('show <zone>').description('mode, body and id'), 'waxseal mta-sts show example.com').action(
    async (zone: string, options: ReadOptions) => {
      const document = await callApi<StsDocument>(await findServer(options, terminal), { path: ['zones', zone, 'mta-sts'] });
      const fields: [string, string][] = [
        ['mode now', document.mode],
        ['to arrive at', document.target],
        ['id announced', document.announcedId ?? 'none'],
      ];
      const body = document.body === undefined ? '' : `\n${formatText(document.body.replaceAll('\r', ''))}\n`;
      terminal.out(
        options.json === true
          ? formatJson(document)
          : `${formatFields(fields)}${body}${formatLines([...document.lines, ...document.reports.lines])}`,
      );
    },
  );

  changeCommand(
    noun.command('mode <zone> <mode>').description('the mode to arrive at: off, testing, enforce; taken in steps that senders can follow'),
    'waxseal mta-sts mode example.com testing',
  ).action(async (zone: string, mode: string, options: ChangeOptions) => {
    await runChange({ method: 'PATCH', path: ['zones', zone, 'mta-sts'], json: { mode } }, options, terminal);
  });
}
