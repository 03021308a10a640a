/** `waxseal secondary`: who may have a zone by transfer. */
import type { Command } from 'commander';
import { DNS_TLS_PORT, formatIpPort, ipPort, parseIpPort } from '#base/address.ts';
import { callApi, callList } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { type PrintedZone, type ServerKind, serverKind, zoneLines } from './secondary-config.ts';
import { readPort } from './number-options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLines, formatTable } from './terminal.ts';

interface SecondaryDocument {
  readonly address: string;
  readonly port: number;
  readonly key?: string;
  readonly pins?: readonly string[];
  readonly addedAt: string;
  readonly acknowledged?: number;
  readonly seen?: number;
  readonly failure?: string;
}

interface StatusDocument {
  readonly listeners: { readonly dns: readonly string[] };
}

interface AddOptions extends ChangeOptions {
  readonly tsig?: string;
  readonly port?: string;
  readonly print?: string;
  readonly from?: string;
  readonly tlsPin?: readonly string[];
  readonly tlsHost?: string;
}

export function defineSecondary(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun.command('add <zone> <address>').description('let a secondary have the zone by transfer'),
    'waxseal secondary add example.com 192.0.2.53 --tsig secondary.example.com --print nsd --from 192.0.2.1:53',
  )
    .option('--tsig <key>', 'the TSIG key that it signs with (make one: waxseal tsig generate)')
    .option('--tls-pin <pin...>', 'it transfers over TLS, and its certificate has this key: SHA-256, base64')
    .option('--port <number>', 'where it takes NOTIFY (default 53)')
    .option('--print <server>', 'also print what nsd, knot, bind or pdns needs in its configuration')
    .option('--from <address:port>', 'where the secondary reaches this server, for --print')
    .option('--tls-host <name>', 'for --print: transfers over TLS, from this name (dns.tls_host)')
    .action(async (zone: string, address: string, options: AddOptions) => {
      const kind = options.print === undefined ? undefined : serverKind(options.print);
      // Before the change: what cannot be printed changes nothing.
      const lines = kind === undefined ? [] : await printedLines(kind, zone, options, terminal);
      const port = readPort('--port', options.port);
      const json = { key: options.tsig, pins: options.tlsPin, port };
      await runChange({ method: 'PUT', path: ['zones', zone, 'secondaries', address], json }, options, terminal);
      if (lines.length > 0 && options.json !== true) terminal.out(formatLines(['', ...lines]));
    });

  const list = noun.command('list [zone]').description('secondaries of a zone, or of all');
  readCommand(list, 'waxseal secondary list').action(async (zone: string | undefined, options: ReadOptions) => {
    const server = await findServer(options, terminal);
    const zones =
      zone === undefined
        ? (await callList<{ readonly name: string }>(server, { path: ['zones'] }, 'zones')).map(({ name }) => name)
        : [zone];
    const documents: { readonly zone: string; readonly secondaries: readonly SecondaryDocument[] }[] = [];
    for (const each of zones) documents.push(await callApi(server, { path: ['zones', each, 'secondaries'] }));
    const rows = documents.flatMap(({ zone: name, secondaries }) =>
      secondaries.map((each) => [name, endpoint(each), proofOf(each), ...progress(each)]),
    );
    const table = () => formatTable(['ZONE', 'SECONDARY', 'KEY', 'HAS SERIAL', 'LAST FAILURE'], rows);
    terminal.out(options.json === true ? formatJson({ zones: documents }) : table());
  });

  changeCommand(
    noun.command('remove <zone> <address>').description('let a secondary have the zone no more'),
    'waxseal secondary remove example.com 192.0.2.53',
  ).action(async (zone: string, address: string, options: ChangeOptions) => {
    const consequence = 'what it has, it serves until the zone expires there';
    await confirm(`take ${zone} from ${address}: ${consequence}`, options, terminal);
    await runChange({ method: 'DELETE', path: ['zones', zone, 'secondaries', address] }, options, terminal, {
      verb: 'removed',
    });
  });
}

/** What it was seen to have, or has acknowledged; what went wrong. */
function progress({ acknowledged, seen, failure: last }: SecondaryDocument): readonly string[] {
  return [String(seen ?? acknowledged ?? '-'), last ?? '-'];
}

/** What the secondary needs in its configuration. */
async function printedLines(
  kind: ServerKind,
  zone: string,
  options: AddOptions,
  terminal: Terminal,
): Promise<readonly string[]> {
  const tls = tlsOf(options);
  const primary = await primaryOf(options, terminal);
  return zoneLines(kind, { zone: zone.replace(/\.$/, ''), primary, key: options.tsig, tls });
}

/** What opens the zone to it. */
function proofOf({ key, pins }: SecondaryDocument): string {
  if (pins === undefined) return key ?? 'none';
  return key === undefined ? 'certificate' : `${key} and certificate`;
}

/** How the printed lines transfer: over TLS where that is asked for. */
function tlsOf({ tlsHost: host, tlsPin }: AddOptions): PrintedZone['tls'] {
  if (host !== undefined) return { host, hasCertificate: tlsPin !== undefined };
  if (tlsPin === undefined) return undefined;
  throw failure(
    'CLI_USAGE',
    '--print with --tls-pin needs the name of this server',
    'say it: --tls-host NAME (dns.tls_host)',
  );
}

function endpoint({ address, port }: SecondaryDocument): string {
  return formatIpPort(ipPort(address, port));
}

/** From `--from`, else the first address that the server listens on; over TLS port 853 unless `--from` has another. */
async function primaryOf(options: AddOptions, terminal: Terminal): Promise<PrintedZone['primary']> {
  const isTls = options.tlsHost !== undefined;
  const text = options.from ?? (await listener(options, terminal)) ?? '';
  const read = parseIpPort(text, undefined, isTls ? DNS_TLS_PORT : undefined);
  if (read.ok && read.value.port !== 0)
    return isTls && options.from === undefined ? { ...read.value, port: DNS_TLS_PORT } : read.value;
  throw failure('CLI_USAGE', `where the secondary reaches this server is not known`, 'say so: --from ADDRESS:PORT');
}

async function listener(options: AddOptions, terminal: Terminal): Promise<string | undefined> {
  const server = await findServer(options, terminal);
  const { listeners } = await callApi<StatusDocument>(server, { path: ['status'] });
  return listeners.dns.find((each) => !/^(0\.0\.0\.0|\[::\]):/.test(each));
}
