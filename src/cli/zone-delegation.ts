/** `waxseal zone check-delegation`: whether a registry will take the zone's delegation. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLines } from './terminal.ts';

interface Finding {
  readonly severity: 'error' | 'warning';
  readonly subject: string;
  readonly text: string;
  readonly rfc: string;
  readonly fix: string;
}

interface NameServer {
  readonly host: string;
  readonly glue: boolean;
  readonly addresses: readonly string[];
}

interface DelegationDocument {
  readonly zone: string;
  readonly acceptable: boolean;
  readonly serial: number;
  readonly nameServers: readonly NameServer[];
  readonly parentServers: readonly string[];
  readonly findings: readonly Finding[];
}

export function defineCheckDelegation(noun: Command, terminal: Terminal): void {
  const text = 'ask all name servers whether a registry will take the delegation; exit code 6 if not';
  const command = noun.command('check-delegation <zone>').description(text);
  readCommand(command, 'waxseal zone check-delegation example.com');
  command.action(async (zone: string, options: ReadOptions) => {
    const server = await findServer(options, terminal);
    const document = await callApi<DelegationDocument>(server, { path: ['zones', zone, 'delegation'] });
    terminal.out(options.json === true ? formatJson(document) : formatDelegation(document));
    if (!document.acceptable) process.exitCode = 6;
  });
}

function formatDelegation(document: DelegationDocument): string {
  const { zone, acceptable, serial, nameServers, parentServers, findings } = document;
  const servers = nameServers.map(({ host, glue, addresses }) => {
    const forRegistrar = glue ? ' (glue: the registrar needs these addresses)' : '';
    return `  ${host} ${addresses.length === 0 ? '(not asked)' : addresses.join(' ')}${forRegistrar}`;
  });
  const linesOf = ({ severity, subject, text, rfc, fix }: Finding) => {
    return [`${severity}: ${subject}: ${text} [${rfc}]`, `  ${fix}`];
  };
  const parent = parentServers.length === 0 ? 'none found' : parentServers.join(', ');
  const verdict = `a registry that checks ${acceptable ? 'takes' : 'rejects'} this delegation`;
  return formatLines([
    `${zone} serial ${serial}, name servers:`,
    ...servers,
    `servers of the parent: ${parent}`,
    ...findings.flatMap(linesOf),
    `${zone}: ${verdict}`,
  ]);
}
