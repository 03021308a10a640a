/** `waxseal tsig`: keys for transfers, NOTIFY and UPDATE. */
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
  readonly update?: UpdateRights;
  readonly createdAt: string;
  readonly secret?: string;
}

interface UpdateRights {
  readonly names?: readonly string[];
  readonly types?: readonly string[];
  readonly ttlMin?: number;
  readonly ttlMax?: number;
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
  readonly name?: readonly string[];
  readonly type?: readonly string[];
  readonly ttl?: string;
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
      terminal.out(options.json === true ? formatJson({ keys }) : keyTable(keys));
    },
  );

  changeCommand(
    noun.command('revoke <name>').description('revoke a key at once'),
    'waxseal tsig revoke secondary.example.com --yes',
  ).action(async (name: string, options: ChangeOptions) => {
    const what = `revoke the key ${name}: secondaries and update clients that use it are rejected from then on`;
    await confirm(what, options, terminal);
    const query = options.dryRun === true ? { dryRun: '1' } : {};
    const request = { method: 'DELETE', path: ['tsig', name], query } as const;
    const server = await findServer(options, terminal);
    const result = await callApi<{ readonly name: string; readonly revoked: boolean }>(server, request);
    if (options.json === true) terminal.out(formatJson(result));
    else terminal.out(formatLine(`key ${result.name} ${result.revoked ? 'is' : 'would be'} revoked`));
  });
}

function keyTable(keys: readonly KeyDocument[]): string {
  const rows = keys.map(({ name, algorithm, operations, zones, update, createdAt }) => {
    const all = zones === 'all' ? 'all' : zones.join(',');
    return [name, algorithm, operations.join(','), all, rightsText(update) || '-', createdAt];
  });
  return formatTable(['NAME', 'ALGORITHM', 'FOR', 'ZONES', 'UPDATE', 'CREATED'], rows);
}

function grantCommand(command: Command, example: string): Command {
  return changeCommand(command, example)
    .option('--zone <zone...>', 'zones that it opens')
    .option('--all-zones', 'it opens every zone, also those to come')
    .option('--for <operation...>', 'transfer and notify (default), or update')
    .option('--name <pattern...>', 'for update: NAME, *.NAME (below), LABEL.* (any that begin so), {key}; default: all')
    .option('--type <type...>', 'for update: record types that may be changed; default: all')
    .option('--ttl <min-max>', 'for update: seconds of added records, as 60-3600 or 3600 (at most)');
}

async function createKey(key: WantedKey, options: GrantOptions, terminal: Terminal): Promise<KeyDocument> {
  const { name, algorithm, secret } = key;
  if ((options.zone === undefined) === (options.allZones !== true))
    throw failure('CLI_USAGE', 'which zones the key opens has to be said', '--zone ZONE…, or --all-zones');
  const json = {
    name,
    algorithm,
    secret,
    zones: options.zone ?? 'all',
    operations: options.for,
    update: wantedRights(options),
  };
  const query = options.dryRun === true ? { dryRun: '1' } : {};
  return callApi<KeyDocument>(await findServer(options, terminal), { method: 'POST', path: ['tsig'], json, query });
}

/** Undefined when none of its options is given. */
function wantedRights({ name: names, type: types, ttl }: GrantOptions): UpdateRights | undefined {
  if (names === undefined && types === undefined && ttl === undefined) return undefined;
  const bounds = ttl === undefined ? undefined : /^(?:(\d{1,10})-)?(\d{1,10})$/.exec(ttl);
  if (bounds === null) throw failure('CLI_USAGE', `${ttl} is no range of TTLs`, 'write --ttl 60-3600, or --ttl 3600');
  const [, ttlMin, ttlMax] = bounds ?? [];
  return {
    ...(names === undefined ? {} : { names }),
    ...(types === undefined ? {} : { types }),
    ...(ttlMin === undefined ? {} : { ttlMin: Number(ttlMin) }),
    ...(ttlMax === undefined ? {} : { ttlMax: Number(ttlMax) }),
  };
}

function rightsText({ names, types, ttlMin, ttlMax }: UpdateRights = {}): string {
  const ttl = ttlMin === undefined && ttlMax === undefined ? [] : [`TTL ${ttlMin ?? 0}-${ttlMax ?? ''}`];
  return [...(names ?? []), ...(types ?? []), ...ttl].join(' ');
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

function grantText({ operations, zones, update }: KeyDocument): string {
  const rights = rightsText(update);
  const what = `${operations.join(', ')} of ${zones === 'all' ? 'all zones' : zones.join(', ')}`;
  return rights === '' ? what : `${what}: ${rights}`;
}
