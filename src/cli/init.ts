/**
 * `waxseal init`: a first zone, by flags or in a dialogue, and what is left to do where the domain is registered.
 * Not here: further zones (zone.ts, also from files and primaries), mail policies (mail.ts).
 */
import type { Command } from 'commander';
import { isIP } from 'node:net';
import { callApi } from './api-client.ts';
import { failure, formatAnswerWarning, type AnswerProblem } from './failure.ts';
import { type ChangeOptions, changeCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLines } from './terminal.ts';

interface InitOptions extends ChangeOptions {
  readonly nameserver?: readonly string[];
  readonly contact?: string;
  readonly dnssec: boolean;
}

interface NameServer {
  readonly host: string;
  /** Of a host in the zone: it needs them there and at the registrar. */
  readonly addresses: readonly string[];
}

interface Plan {
  readonly zone: string;
  readonly nameServers: readonly NameServer[];
  readonly contact: string;
}

interface OutcomeDocument {
  readonly serial: number;
  readonly dryRun: boolean;
  readonly warnings: readonly AnswerProblem[];
}

interface DsDocument {
  readonly ds: readonly { readonly record: string }[];
}

export function defineInit(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun
      .argument('[zone]', 'the domain; asked for when it is missing')
      .option(
        '--nameserver <host=address...>',
        'its name servers, as ns1.example.com=192.0.2.53,2001:db8::53 or ns2.example.net',
      )
      .option(
        '--contact <name>',
        'mail address of who is responsible, with a dot for the @ (default: hostmaster.<zone>)',
      )
      .option('--no-dnssec', 'do not sign it'),
    'waxseal init example.com --nameserver ns1.example.com=192.0.2.53 ns2.example.net',
  ).action(async (zone: string | undefined, options: InitOptions) => {
    const plan = await planOf(zone, options, terminal);
    const server = await findServer(options, terminal);
    const path = ['zones', plan.zone];
    const wish = { dnssec: options.dnssec ? 'on' : 'off', file: `${plan.zone}.zone` };
    const query = { ...wish, ...(options.dryRun === true ? { dryRun: '1' } : options.wait ? { wait: 'served' } : {}) };
    const zoneFile = Buffer.from(zoneText(plan), 'latin1');
    // Never in place of a zone that is there.
    const headers = { 'if-none-match': '*' };
    const outcome = await callApi<OutcomeDocument>(server, {
      method: 'PUT',
      path: [...path, 'zonefile'],
      query,
      zoneFile,
      headers,
    });
    for (const each of outcome.warnings) terminal.err(formatAnswerWarning(each));
    const hasDs = options.dnssec && !outcome.dryRun;
    const ds = hasDs ? (await callApi<DsDocument>(server, { path: [...path, 'dnssec', 'ds'] })).ds : [];
    const records = ds.map(({ record }) => record);
    if (options.json === true) terminal.out(formatJson({ ...plan, ...outcome, ds: records }));
    else
      terminal.out(
        formatLines(
          outcome.dryRun ? [`${plan.zone} would be created with`, ...zoneText(plan).split('\n')] : next(plan, records),
        ),
      );
  });
}

async function planOf(zone: string | undefined, options: InitOptions, terminal: Terminal): Promise<Plan> {
  const name = stripped(zone ?? (await asked(terminal, 'Domain', undefined)));
  if (!/^[^\s.]+(?:\.[^\s.]+)*$/.test(name))
    throw failure('CLI_USAGE', `${JSON.stringify(name)} is not a domain`, 'as in example.com');
  const servers = options.nameserver ?? (zone === undefined ? await askedServers(name, terminal) : [`ns1.${name}`]);
  const nameServers = servers.map((each) => nameServerOf(each));
  for (const { host, addresses } of nameServers) {
    const isInside = host === name || host.endsWith(`.${name}`);
    if (isInside && addresses.length === 0)
      throw failure('CLI_USAGE', `${host} is in ${name} and needs an address`, `as in --nameserver ${host}=192.0.2.53`);
    if (!isInside && addresses.length > 0)
      throw failure(
        'CLI_USAGE',
        `${host} is not in ${name}: its addresses stand in its own zone`,
        `as in --nameserver ${host}`,
      );
  }
  const contact = stripped(options.contact ?? 'hostmaster');
  if (contact.includes('@'))
    throw failure(
      'CLI_USAGE',
      `${JSON.stringify(contact)} is a mailbox`,
      `write a dot for the @, as in hostmaster.${name}`,
    );
  return { zone: name, nameServers, contact: contact.includes('.') ? contact : `${contact}.${name}` };
}

async function askedServers(zone: string, terminal: Terminal): Promise<readonly string[]> {
  const hosts = (await asked(terminal, 'Name servers, with blanks between', `ns1.${zone}`))
    .split(/[\s,]+/)
    .map(stripped);
  const servers: string[] = [];
  for (const host of hosts) {
    const isInside = host === zone || host.endsWith(`.${zone}`);
    const addresses = isInside ? await asked(terminal, `Addresses of ${host}`, undefined) : '';
    servers.push(isInside ? `${host}=${addresses.split(/[\s,]+/).join(',')}` : host);
  }
  return servers;
}

async function asked(terminal: Terminal, question: string, otherwise: string | undefined): Promise<string> {
  if (!terminal.interactive)
    throw failure('CLI_USAGE', `${question}: no operator can be asked here`, 'waxseal init --help');
  const answer = (
    await terminal.prompt(otherwise === undefined ? `${question}: ` : `${question} [${otherwise}]: `)
  ).trim();
  if (answer !== '') return answer;
  if (otherwise !== undefined) return otherwise;
  throw failure('CLI_USAGE', `${question}: there was no answer`);
}

function nameServerOf(text: string): NameServer {
  const [host = '', list] = text.split('=', 2);
  const addresses = list === undefined ? [] : list.split(',').filter((each) => each !== '');
  const odd = addresses.find((each) => isIP(each) === 0);
  if (odd !== undefined)
    throw failure('CLI_USAGE', `${JSON.stringify(odd)} is no IP address`, `as in ${host}=192.0.2.53,2001:db8::53`);
  return { host: stripped(host), addresses };
}

function stripped(text: string): string {
  return text.trim().toLowerCase().replace(/\.$/, '');
}

/** The zone as a file: the server checks it as any other. */
function zoneText({ zone, nameServers, contact }: Plan): string {
  const primary = nameServers[0]?.host ?? `ns1.${zone}`;
  return [
    `${zone}. 3600 IN SOA ${primary}. ${contact}. 1 7200 900 1209600 900`,
    ...nameServers.map(({ host }) => `${zone}. 3600 IN NS ${host}.`),
    ...nameServers.flatMap(({ host, addresses }) =>
      addresses.map((each) => `${host}. 3600 IN ${isIP(each) === 6 ? 'AAAA' : 'A'} ${each}`),
    ),
    '',
  ].join('\n');
}

/** In this order: a DS record before the name servers answer makes the domain unreachable. */
function next({ zone, nameServers }: Plan, ds: readonly string[]): readonly string[] {
  const servers = nameServers.map(
    ({ host, addresses }) => `     ${host}${addresses.length === 0 ? '' : `  (${addresses.join(', ')})`}`,
  );
  const signed = [
    '  3. When that is ok, enter the DS record at the registrar; not before, or resolvers that validate find nothing:',
    ...ds.map((each) => `     ${each}`),
  ];
  return [
    `${zone} is served here. What is left to do, in this order:`,
    '  1. At the registrar, enter the name servers:',
    ...servers,
    '  2. Look whether they answer from outside as a registry wants it:',
    `     waxseal zone check-delegation ${zone}`,
    ...(ds.length === 0 ? [] : signed),
    'Then: records by waxseal rrset set, mail by waxseal mail plan, secondaries by waxseal secondary add.',
  ];
}
