/** `waxseal cert list`, `show`, `renew`, `remove`: the certificates of a zone's hosts, and orders for them. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { CommandFailure } from './failure.ts';
import { type ServerAddress, findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLines, formatTable } from './terminal.ts';

interface CertificateDocument {
  readonly host: string;
  readonly reason?: string;
  readonly stage: string;
  readonly origin?: string;
  readonly notAfter?: string;
  readonly issuer?: string;
  readonly serial?: string;
  readonly directory?: string;
  readonly renewal?: { readonly at: string; readonly suggestedByCa: boolean };
  readonly coming?: string;
  readonly problem?: { readonly code: string };
  readonly lines: readonly string[];
}

interface CertificatesDocument {
  readonly zone: string;
  readonly certificates: readonly CertificateDocument[];
}

interface RenewOptions extends ChangeOptions {
  readonly force?: boolean;
}

export function defineCertOrders(noun: Command, terminal: Terminal): void {
  readCommand(
    noun.command('list <zone>').description('hosts with certificates: until when, and what is in the way'),
    'waxseal cert list example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const server = await findServer(options, terminal);
    const document = await callApi<CertificatesDocument>(server, { path: ['zones', zone, 'certificates'] });
    terminal.out(options.json === true ? formatJson(document) : formatList(document));
  });

  readCommand(
    noun.command('show <zone> [host]').description('a certificate, and what the next one waits for'),
    'waxseal cert show example.com mta-sts.example.com',
  ).action(async (zone: string, host: string | undefined, options: ReadOptions) => {
    const server = await findServer(options, terminal);
    const document = await findCertificate(server, host === undefined ? zonesOf(zone) : [zone], host ?? zone);
    terminal.out(options.json === true ? formatJson(document) : formatOne(document));
  });

  changeCommand(
    noun
      .command('renew <zone> <host>')
      .description('order a new certificate now; a host that has none is ordered one, and keeps it until "cert remove"')
      .option('--force', 'even if resolvers outside do not find this server for the zone'),
    'waxseal cert renew example.com mta-sts.example.com',
  ).action(async (zone: string, host: string, options: RenewOptions) => {
    const json = { force: options.force };
    await runChange({ method: 'POST', path: ['zones', zone, 'certificates', host, 'renew'], json }, options, terminal);
  });

  changeCommand(
    noun.command('remove <zone> <host>').description('take back an order for a certificate'),
    'waxseal cert remove example.com www.example.com',
  ).action(async (zone: string, host: string, options: ChangeOptions) => {
    await confirm(`take back the order of the certificate of ${host}`, options, terminal);
    await runChange({ method: 'DELETE', path: ['zones', zone, 'certificates', host] }, options, terminal);
  });
}

type Certificate = CertificateDocument;

/** A host and all names above it, nearest first: one of them is its zone. */
function zonesOf(host: string): string[] {
  const labels = host.replace(/\.$/, '').split('.');
  return labels.map((_label, at) => labels.slice(at).join('.'));
}

/** The host's certificate in the first of the zones that there is. */
async function findCertificate(server: ServerAddress, zones: readonly string[], host: string): Promise<Certificate> {
  const [zone = '', ...others] = zones;
  try {
    return await callApi<CertificateDocument>(server, { path: ['zones', zone, 'certificates', host] });
  } catch (error) {
    const isNoZone = error instanceof CommandFailure && error.problems.some(({ code }) => code === 'ZONE_NOT_FOUND');
    if (!isNoZone || others.length === 0) throw error;
    return findCertificate(server, others, host);
  }
}

function formatList({ certificates }: CertificatesDocument): string {
  const rows = certificates.map(({ host, stage, origin, notAfter, renewal, coming, problem }) => [
    host,
    coming === undefined || coming === stage ? stage : `${stage}, next ${coming}`,
    origin ?? '-',
    notAfter ?? '-',
    renewal?.at ?? '-',
    problem?.code ?? '-',
  ]);
  return formatTable(['HOST', 'STAGE', 'FROM', 'UNTIL', 'RENEWAL', 'PROBLEM'], rows);
}

function formatOne(document: CertificateDocument): string {
  const { host, reason, stage, origin, notAfter, issuer, serial, directory, renewal, lines } = document;
  const known: readonly (readonly [string, string | undefined])[] = [
    ['host', host],
    ['wanted for', reason ?? 'nothing any more'],
    ['stage', stage],
    ['from', origin],
    ['issuer', issuer],
    ['serial', serial],
    ['CA', directory],
    ['valid until', notAfter],
    ['renewal', renewal && `${renewal.at}${renewal.suggestedByCa ? ', as the CA suggests' : ''}`],
  ];
  const fields = known.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));
  return `${formatFields(fields)}\n${formatLines(lines)}`;
}
