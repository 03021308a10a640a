/** `waxseal tsig`: keys for transfers and NOTIFY. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { callApi, callList } from './api-client.ts';
import { confirm } from './change.ts';
import { failure, reasonOf } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { type PrintedKey, keyLines, readKeyTexts, serverKind } from './secondary-config.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLine, formatLines, formatTable } from './terminal.ts';

interface KeyDocument {
  readonly name: string;
  readonly algorithm: string;
  readonly operations: readonly string[];
  readonly zones: 'all' | readonly string[];
  readonly createdAt: string;
  readonly secret?: string;
}

interface WantedKey {
  readonly name: string;
  readonly algorithm: string | undefined;
  readonly secret?: string;
}

interface GrantOptions extends ChangeOptions {
  readonly zone?: readonly string[];
  readonly allZones?: boolean;
  readonly for?: readonly string[];
}

interface GenerateOptions extends GrantOptions {
  readonly algorithm?: string;
  readonly print?: string;
}

export function defineTsig(noun: Command, terminal: Terminal): void {
  grantCommand(
    noun.command('generate <name>').description('make a key; its secret is shown once and cannot be shown again'),
    'waxseal tsig generate secondary.example.com --zone example.com --print nsd',
  )
    .option('--algorithm <name>', 'hmac-sha256 (default), hmac-sha384, hmac-sha512, …')
    .option('--print <server>', 'the key as the configuration of nsd, knot, bind or pdns has it')
    .action(async (name: string, options: GenerateOptions) => {
      const kind = options.print === undefined ? undefined : serverKind(options.print);
      const made = await createKey({ name, algorithm: options.algorithm }, options, terminal);
      if (options.json === true) terminal.out(formatJson(made));
      else if (made.secret === undefined) {
        terminal.out(formatLine(`a key ${made.name} for ${grantText(made)} would be made`));
      } else {
        const printed = { ...made, secret: made.secret };
        terminal.err(
          formatFields([
            ['key', made.name],
            ['algorithm', made.algorithm],
            ['good for', grantText(made)],
          ]),
        );
        // Alone on stdout, as `dig -y` takes it, so that `> file` holds the key and nothing else.
        const one = `${made.algorithm}:${made.name}:${made.secret}`;
        terminal.out(kind === undefined ? `${one}\n` : formatLines(keyLines(kind, printed)));
      }
    });

  grantCommand(
    noun
      .command('import <file>')
      .description('take in keys from a BIND key file, Knot or NSD YAML, PowerDNS list, or algorithm:name:secret'),
    'waxseal tsig import secondary.key --zone example.com',
  ).action(async (file: string, options: GrantOptions) => {
    const keys = readKeyFile(file);
    const made: KeyDocument[] = [];
    const verb = options.dryRun === true ? 'would be' : 'is';
    for (const key of keys) made.push(await createKey(key, options, terminal));
    if (options.json === true) terminal.out(formatJson({ keys: made.map(({ secret: _secret, ...shown }) => shown) }));
    else terminal.out(formatLines(made.map((key) => `key ${key.name} ${verb} taken in for ${grantText(key)}`)));
  });

  readCommand(noun.command('list').description('list keys, without their secrets'), 'waxseal tsig list').action(
    async (options: ReadOptions) => {
      const keys = await callList<KeyDocument>(await findServer(options, terminal), { path: ['tsig'] }, 'keys');
      const rows = keys.map(({ name, algorithm, operations, zones, createdAt }) => [
        name,
        algorithm,
        operations.join(','),
        zones === 'all' ? 'all' : zones.join(','),
        createdAt,
      ]);
      const table = () => formatTable(['NAME', 'ALGORITHM', 'FOR', 'ZONES', 'CREATED'], rows);
      terminal.out(options.json === true ? formatJson({ keys }) : table());
    },
  );

  changeCommand(
    noun.command('revoke <name>').description('revoke a key at once'),
    'waxseal tsig revoke secondary.example.com --yes',
  ).action(async (name: string, options: ChangeOptions) => {
    await confirm(`revoke the key ${name}: secondaries that use it get no zone any more`, options, terminal);
    const query = options.dryRun === true ? { dryRun: '1' } : {};
    const request = { method: 'DELETE', path: ['tsig', name], query } as const;
    const server = await findServer(options, terminal);
    const result = await callApi<{ readonly name: string; readonly revoked: boolean }>(server, request);
    if (options.json === true) terminal.out(formatJson(result));
    else terminal.out(formatLine(`key ${result.name} ${result.revoked ? 'is' : 'would be'} revoked`));
  });
}

function grantCommand(command: Command, example: string): Command {
  return changeCommand(command, example)
    .option('--zone <zone...>', 'zones that it opens')
    .option('--all-zones', 'it opens every zone, also those to come')
    .option('--for <operation...>', 'transfer and notify (default), update');
}

async function createKey(key: WantedKey, options: GrantOptions, terminal: Terminal): Promise<KeyDocument> {
  const { name, algorithm, secret } = key;
  if ((options.zone === undefined) === (options.allZones !== true))
    throw failure('CLI_USAGE', 'which zones the key opens has to be said', '--zone ZONE…, or --all-zones');
  const json = { name, algorithm, secret, zones: options.zone ?? 'all', operations: options.for };
  const query = options.dryRun === true ? { dryRun: '1' } : {};
  return callApi<KeyDocument>(await findServer(options, terminal), { method: 'POST', path: ['tsig'], json, query });
}

function readKeyFile(file: string): readonly PrintedKey[] {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
  const keys = readKeyTexts(text);
  if (keys.length > 0) return keys;
  throw failure(
    'CLI_FILE',
    `there is no TSIG key in ${file}`,
    'BIND key files, YAML of Knot and NSD, PowerDNS lists and algorithm:name:secret are read',
  );
}

function grantText({ operations, zones }: KeyDocument): string {
  return `${operations.join(', ')} of ${zones === 'all' ? 'all zones' : zones.join(', ')}`;
}
