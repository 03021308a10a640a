/** `waxseal alert`: what needs a person, acknowledging it, and whether messages about it arrive. */
import type { Command } from 'commander';
import { callApi, callList } from './api-client.ts';
import { failure } from './failure.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson } from './terminal.ts';

export interface AlertDocument {
  readonly id: string;
  readonly rule: string;
  readonly state: 'standing' | 'acknowledged' | 'cleared';
  readonly severity: 'critical' | 'warning';
  readonly zone?: string;
  readonly text: string;
  readonly fix?: string;
  readonly consequence: string;
  readonly command: string;
  readonly since: string;
  readonly last: string;
  readonly times: number;
  readonly acknowledged?: { readonly by: string; readonly at: string; readonly reason?: string };
  readonly clearedAt?: string;
  readonly why?: string;
}

interface ListOptions extends ReadOptions {
  readonly all?: boolean;
}

export function defineAlert(noun: Command, terminal: Terminal): void {
  readCommand(noun.command('list [zone]').description('what needs a person, worst first'), 'waxseal alert list')
    .option('--all', 'also those that are over')
    .action(async (zone: string | undefined, options: ListOptions) => {
      const query = { zone, ...(options.all === true ? { state: 'all' } : {}) };
      const alerts = await callList<AlertDocument>(
        await findServer(options, terminal),
        { path: ['alerts'], query },
        'alerts',
      );
      if (options.json === true) terminal.out(formatJson({ alerts }));
      else terminal.out(alerts.length === 0 ? 'no alert stands\n' : alerts.map(formatAlert).join('\n'));
    });

  readCommand(
    noun.command('ack <alert>').description('acknowledge it: no message is sent about it until it says something else'),
    'waxseal alert ack 3f2a9c01d4e5 --reason "the registrar has a ticket"',
  )
    .option('--reason <text>', 'for those who come after')
    .action(async (id: string, options: ReadOptions & { readonly reason?: string }) => {
      const json = options.reason === undefined ? {} : { reason: options.reason };
      const path = ['alerts', id, 'acknowledge'];
      const alert = await callApi<AlertDocument>(await findServer(options, terminal), { method: 'POST', path, json });
      terminal.out(options.json === true ? formatJson(alert) : formatAlert(alert));
    });

  readCommand(
    noun.command('test').description('send a test message to every target, and see whether it arrives'),
    'waxseal alert test',
  ).action(async (options: ReadOptions) => {
    const answer = await callApi<TestDocument>(await findServer(options, terminal), {
      method: 'POST',
      path: ['alerts', 'test'],
    });
    const failed = answer.targets.filter(({ sent }) => !sent);
    if (options.json === true) terminal.out(formatJson(answer));
    else
      for (const { target, sent, why } of answer.targets)
        terminal.out(`${target}: ${sent ? 'sent' : `not sent: ${why ?? ''}`}\n`);
    if (answer.targets.length === 0)
      throw failure(
        'CLI_CHECK',
        'there is no target that alerts are sent to',
        'set alerts.webhooks, alerts.command or alerts.syslog (docs/alerts.md)',
      );
    if (failed.length > 0) process.exitCode = 6;
  });
}

interface TestDocument {
  readonly targets: readonly { readonly target: string; readonly sent: boolean; readonly why?: string }[];
}

/** A paragraph: what, since when, what follows, what to do. */
export function formatAlert(alert: AlertDocument): string {
  const { id, severity, zone, text, since, times, consequence, command, fix, acknowledged, clearedAt, why } = alert;
  const by =
    acknowledged &&
    `${acknowledged.by}, ${acknowledged.at}${acknowledged.reason === undefined ? '' : `: ${acknowledged.reason}`}`;
  return formatFields([
    [clearedAt === undefined ? severity : 'over', `${zone === undefined ? '' : `${zone}: `}${text}`],
    ['since', `${since}${times > 1 ? `, reported ${times} times` : ''}`],
    ...(clearedAt === undefined ? ([['otherwise', consequence]] as [string, string][]) : []),
    ...(fix === undefined ? [] : ([['fix', fix]] as [string, string][])),
    ['look', command],
    ...(by === undefined ? [] : ([['seen by', by]] as [string, string][])),
    ...(clearedAt === undefined ? [] : ([['ended', `${clearedAt}: ${why ?? ''}`]] as [string, string][])),
    ['id', id],
  ]);
}
