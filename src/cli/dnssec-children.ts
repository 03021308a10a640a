/** `waxseal dnssec children`: DS records that follow the CDS records of the children. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { runChange } from './change.ts';
import { failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { readPort, readTtl } from './number-options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatTable } from './terminal.ts';

interface ChildrenDocument {
  readonly zone: string;
  readonly children: 'on' | 'off';
  readonly target?: string;
  readonly port?: number;
  readonly delegations: readonly {
    readonly name: string;
    readonly outcome?: 'none' | 'same' | 'taken' | 'held';
    readonly text?: string;
    readonly lookedAt?: string;
  }[];
  readonly more?: boolean;
}

type SetOptions = ChangeOptions & {
  readonly on?: boolean;
  readonly off?: boolean;
  readonly target?: string;
  readonly port?: string;
  readonly dsTtl?: string;
  readonly childServer?: readonly string[];
};

export function defineChildren(noun: Command, terminal: Terminal): void {
  const children = noun
    .command('children')
    .description('DS records of delegations that follow CDS: show, set')
    .helpOption('-h, --help', 'show this help');

  readCommand(
    children.command('show <zone>').description('whether DS records follow CDS, and what each child asks for'),
    'waxseal dnssec children show example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const document = await callApi<ChildrenDocument>(await findServer(options, terminal), {
      path: ['zones', zone, 'dnssec', 'children'],
    });
    terminal.out(options.json === true ? formatJson(document) : formatChildren(document));
  });

  changeCommand(
    children
      .command('set <zone>')
      .description('let DS records follow the CDS records of the children, or keep them by hand')
      .option('--on', 'DS records follow CDS; a DSYNC record says where NOTIFY(CDS) goes')
      .option('--off', 'DS records stay as they are, and are kept by hand')
      .option('--target <host>', 'host of the DSYNC record; the first name server of the zone unless given')
      .option('--port <number>', 'port of the DSYNC record; 53 unless given')
      .option('--ds-ttl <seconds>', 'TTL of DS records; an hour unless given')
      .option(
        '--child-server <address...>',
        'ADDR or ADDR:PORT at which children are asked, in place of their name servers',
      ),
    'waxseal dnssec children set example.com --on',
  ).action(async (zone: string, options: SetOptions) => {
    if ((options.on === true) === (options.off === true))
      throw failure('CLI_USAGE', 'give --on or --off, one of them', 'waxseal dnssec children set --help');
    const json = {
      children: options.on === true ? 'on' : 'off',
      target: options.target,
      port: readPort('--port', options.port),
      servers: options.childServer,
      dsTtl: readTtl('--ds-ttl', options.dsTtl),
    };
    await runChange({ method: 'PATCH', path: ['zones', zone, 'dnssec', 'children'], json }, options, terminal);
  });
}

const OUTCOMES = { none: 'no CDS', same: 'as it asks', taken: 'taken', held: 'held' } as const;

function formatChildren({ zone, children, target, port, delegations, more }: ChildrenDocument): string {
  if (children === 'off') return formatLine(`${zone} keeps its DS records by hand`);
  const head = formatLine(`DS records of ${zone} follow CDS; NOTIFY(CDS) goes to ${target ?? ''} port ${port ?? ''}`);
  const rows = delegations.map(({ name, outcome, text = '', lookedAt = 'not yet' }) => [
    name,
    outcome === undefined ? '' : OUTCOMES[outcome],
    lookedAt,
    text,
  ]);
  const table = rows.length === 0 ? '' : formatTable(['CHILD', 'DS', 'LOOKED AT', 'WHY'], rows);
  const rest = 'there are more delegations than these: their DS records do not follow CDS';
  return `${head}${table}${more === true ? formatLine(rest) : ''}`;
}
