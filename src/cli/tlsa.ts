/**
 * `waxseal tlsa`: TLSA records of mail hosts, what the hosts present beside them, and orders for the next key of a
 * host.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { CommandFailure, failure, reasonOf } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { readPort } from './number-options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLines, formatTable } from './terminal.ts';

interface TlsaDocument {
  readonly zone: string;
  readonly records: readonly {
    readonly object: string;
    readonly host: string;
    readonly port: number;
    readonly record: string;
    readonly stage: string;
    readonly since: string;
  }[];
}

type Verdict = 'match' | 'no-match' | 'unseen';

interface LiveDocument {
  readonly zone: string;
  readonly hosts: readonly LiveHost[];
}

interface LiveHost {
  readonly host: string;
  readonly port: number;
  readonly verdict: Verdict;
  readonly detail: string;
  readonly addresses: readonly LiveAddress[];
}

interface LiveAddress {
  readonly address: string;
  readonly verdict: Verdict;
  readonly detail: string;
  readonly certificates: readonly { readonly subject: string; readonly notAfter: string }[];
  readonly records: readonly {
    readonly object: string;
    readonly stage: string;
    readonly record: string;
    readonly matches: boolean;
    readonly certificate?: number;
    readonly detail?: string;
  }[];
}

interface ListOptions extends ReadOptions {
  readonly live?: boolean;
  readonly host?: string;
}

export function defineTlsa(noun: Command, terminal: Terminal): void {
  readCommand(
    noun
      .command('list <zone>')
      .description('the records of mail hosts with their stages; with --live what the hosts present beside them')
      .option('--live', 'look at port 25 of the hosts; exit code 6: a host presents nothing that matches')
      .option('--host <host>', 'with --live: this host alone'),
    'waxseal tlsa list example.com --live',
  ).action(async (zone: string, options: ListOptions) => {
    if (options.live === true) return listLive(zone, options, terminal);
    if (options.host !== undefined) throw failure('CLI_USAGE', '--host is for --live', 'add --live');
    const server = await findServer(options, terminal);
    const document = await callApi<TlsaDocument>(server, { path: ['zones', zone, 'tlsa'] });
    const rows = document.records.map(({ object, host, port, stage, record }) => {
      return [object, `${host}:${port}`, stage, record];
    });
    const heading = ['OBJECT', 'HOST', 'STAGE', 'RECORD'];
    terminal.out(options.json === true ? formatJson(document) : formatTable(heading, rows));
  });
  defineOrders(noun, terminal);
}

async function listLive(zone: string, options: ListOptions, terminal: Terminal): Promise<void> {
  const request = { path: ['zones', zone, 'tlsa', 'live'], query: { host: options.host } };
  const document = await callApi<LiveDocument>(await findServer(options, terminal), request);
  terminal.out(options.json === true ? formatJson(document) : formatLive(document));
  const namesOf = (verdict: Verdict) =>
    document.hosts.filter((each) => each.verdict === verdict).map(({ host, port }) => `${host}:${port}`);
  const [wrong, unseen] = [namesOf('no-match'), namesOf('unseen')];
  if (wrong.length > 0)
    throw new CommandFailure(
      failure(
        'CLI_CHECK',
        `no TLSA record matches what ${wrong.join(', ')} presents, and senders that go by DANE do not deliver there`,
        'let the host use the key that is current again, or publish the record of its key: waxseal tlsa next',
      ).problems,
    );
  if (unseen.length > 0)
    throw new CommandFailure(
      failure('CLI_TIMEOUT', `nothing was seen of ${unseen.join(', ')}`, 'can the server connect to port 25 outside?').problems,
    );
}

function formatLive({ hosts }: LiveDocument): string {
  const rows = hosts.flatMap(({ host, port, addresses }) =>
    addresses.flatMap((each) => each.records.map((record) => [`${host}:${port}`, ...rowOf(each, record)])),
  );
  const heading = ['HOST', 'ADDRESS', 'OBJECT', 'STAGE', 'RECORD', 'MATCHES'];
  const lines = hosts.map(({ host, port, verdict, detail }) => `${host}:${port} ${verdict}: ${detail}`);
  return `${rows.length === 0 ? '' : formatTable(heading, rows)}${formatLines(lines)}`;
}

function rowOf({ address, certificates }: LiveAddress, record: LiveAddress['records'][number]): string[] {
  const { object, stage, matches, certificate, detail = '' } = record;
  const found = certificate === undefined ? undefined : certificates[certificate];
  const until = found?.notAfter.slice(0, 10) ?? '';
  const which = found === undefined ? '' : `certificate ${certificate} (${found.subject}, until ${until})`;
  return [address, object, stage, shortened(record.record), matches ? which : `nothing: ${detail}`];
}

/** `3 1 1 0d6fce13…7ab8f2e11`: digests differ at both ends, and a row must stay readable. */
function shortened(record: string): string {
  return record.length > 32 ? `${record.slice(0, 18)}…${record.slice(-8)}` : record;
}

function defineOrders(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun
      .command('next <zone> <host> <key>')
      .description('publish the record of a next key: a PEM file (certificate, request, public key), or "3 1 1 <hex>"')
      .option('--port <number>', 'default 25')
      .option('--replaces <object>', 'the key in use that it replaces, where there are several'),
    'waxseal tlsa next example.com mx1 next.pem',
  ).action(
    async (zone: string, host: string, key: string, options: ChangeOptions & { readonly port?: string; readonly replaces?: string }) => {
      const json = {
        key: readKey(key, terminal),
        port: readPort('--port', options.port),
        replaces: options.replaces,
      };
      await runChange({ method: 'POST', path: ['zones', zone, 'tlsa', host, 'next'], json }, options, terminal);
    },
  );

  changeCommand(
    noun
      .command('activated <zone> <host> [object]')
      .description('the host uses its next key now')
      .option('--force', 'it has happened though it was too early'),
    'waxseal tlsa activated example.com mx1',
  ).action(async (zone: string, host: string, object: string | undefined, options: ChangeOptions & { readonly force?: boolean }) => {
    if (options.force === true)
      await confirm(`take note that ${host} uses its next key though caches may lack its record`, options, terminal);
    const json = { object, force: options.force };
    await runChange({ method: 'POST', path: ['zones', zone, 'tlsa', host, 'activated'], json }, options, terminal);
  });

  changeCommand(
    noun
      .command('abandon <zone> <host> [object]')
      .description('give up a next key that was never put to use; its record is withdrawn at once')
      .option('--reason <text>', 'for the audit log'),
    'waxseal tlsa abandon example.com mx1 --reason "another CA"',
  ).action(async (zone: string, host: string, object: string | undefined, options: ChangeOptions & { readonly reason?: string }) => {
    await confirm(`withdraw the record of the next key of ${host}, which must not be in use there`, options, terminal);
    const json = { object, reason: options.reason };
    await runChange({ method: 'POST', path: ['zones', zone, 'tlsa', host, 'abandon'], json }, options, terminal);
  });
}

/** A record as it is, or the file of that name. */
function readKey(text: string, { workingDirectory }: Terminal): string {
  if (/^\d+ +\d+ +\d+ +[0-9A-Fa-f ]+$/.test(text)) return text;
  try {
    return readFileSync(resolve(workingDirectory, text), 'utf8');
  } catch (error) {
    throw failure('CLI_FILE', `${text} cannot be read: ${reasonOf(error)}`, 'give a PEM file, or a record in quotes: "3 1 1 <hex>"');
  }
}
