/** `waxseal token`: who may use the API over TCP. */
import type { Command } from 'commander';
import { rightsText } from '#base/grant-text.ts';
import { formatDuration, parseDuration } from '#base/units.ts';
import { callApi, callList } from './api-client.ts';
import { confirm } from './change.ts';
import { failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLine, formatTable } from './terminal.ts';

interface Grant {
  readonly zone?: string;
  readonly may: string;
  readonly names?: readonly string[];
  readonly types?: readonly string[];
}

interface TokenDocument {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly grants?: readonly Grant[];
  readonly owner?: string;
  readonly networks?: readonly string[];
  readonly unusedSeconds?: number;
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly lastUsedAt?: string;
}

interface CreateOptions extends ChangeOptions {
  readonly scope?: readonly string[];
  readonly role?: string;
  readonly zone?: readonly string[];
  readonly allZones?: boolean;
  readonly readOnly?: boolean;
  readonly manage?: boolean;
  readonly acme?: boolean;
  readonly names?: readonly string[];
  readonly types?: readonly string[];
  readonly owner?: string;
  readonly from?: readonly string[];
  readonly unused?: string;
  readonly rate?: string;
  readonly expires?: string;
}

/** What an ACME client needs for dns-01 and dns-account-01, and nothing else. */
const ACME = { names: ['_acme-challenge.*', '_*._acme-challenge.*'], types: ['TXT'] } as const;

export function defineToken(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun.command('create <name>').description('create a token; it is shown once and cannot be shown again'),
    'waxseal token create certbot --zone example.com --acme --expires 90d',
  )
    .option('--zone <zone...>', 'it may read and change this zone')
    .option('--all-zones', 'it may read and change every zone')
    .option('--read-only', 'it may only read them')
    .option('--manage', 'it may also create and remove them')
    .option('--acme', 'of these zones, only what an ACME client needs: TXT at _acme-challenge')
    .option('--names <pattern...>', 'of these zones, only names such as www or _acme-challenge.*')
    .option('--types <type...>', 'of these zones, only records of these types')
    .option('--role <role>', 'administrator, operator (all zones, no tokens and keys) or auditor (reads everything)')
    .option('--scope <scope...>', 'admin, read or zone:<name>')
    .option('--owner <owner>', 'whose token it is, for people')
    .option('--from <network...>', 'only from these addresses or networks, as 192.0.2.7 or 2001:db8::/32')
    .option('--expires <duration>', 'how long it is good for, as in 90d (default: for ever)')
    .option('--unused <duration>', 'it ends when it was not used for so long, as in 30d')
    .option('--rate <requests>', 'requests a minute at most')
    .action(async (name: string, options: CreateOptions) => {
      const address = await findServer(options, terminal);
      const expiresAt = options.expires === undefined ? {} : { expiresAt: await expiryTime(options.expires, address) };
      const json = { name, ...rightsOf(options), ...limitsOf(options), ...expiresAt };
      const query = options.dryRun === true ? { dryRun: '1' } : {};
      const made = await callApi<TokenDocument & { readonly token?: string }>(address, { method: 'POST', path: ['tokens'], json, query });
      if (options.json === true) terminal.out(formatJson(made));
      else if (made.token === undefined)
        terminal.out(formatLine(`a token for ${name} with ${rightsText(made.scopes, made.grants)} would be created`));
      else {
        // The token alone on stdout, so that `> file` holds it and nothing else.
        terminal.err(formatFields([...fields(made)]));
        terminal.out(`${made.token}\n`);
      }
    });

  readCommand(noun.command('list').description('list tokens, without their secrets'), 'waxseal token list').action(
    async (options: ReadOptions) => {
      const tokens = await callList<TokenDocument>(await findServer(options, terminal), { path: ['tokens'] }, 'tokens');
      const rows = tokens.map((token) => [
        token.id,
        token.name,
        rightsText(token.scopes, token.grants),
        token.createdAt,
        token.expiresAt ?? 'never',
        token.lastUsedAt ?? 'never',
      ]);
      const heads = ['ID', 'NAME', 'MAY', 'CREATED', 'EXPIRES', 'LAST USED'];
      terminal.out(options.json === true ? formatJson({ tokens }) : formatTable(heads, rows));
    },
  );

  changeCommand(noun.command('revoke <id>').description('revoke a token at once'), 'waxseal token revoke 16edf9eb8eb31022 --yes').action(
    async (id: string, options: ChangeOptions) => {
      await confirm(`revoke token ${id}`, options, terminal);
      const query = options.dryRun === true ? { dryRun: '1' } : {};
      const result = await callApi<{ readonly revoked: boolean }>(await findServer(options, terminal), {
        method: 'DELETE',
        path: ['tokens', id],
        query,
      });
      if (options.json === true) terminal.out(formatJson(result));
      else terminal.out(formatLine(`token ${id} ${result.revoked ? 'is' : 'would be'} revoked`));
    },
  );
}

function* fields(token: TokenDocument): Generator<readonly [string, string]> {
  yield ['id', token.id];
  yield ['name', token.name];
  yield ['may', rightsText(token.scopes, token.grants)];
  if (token.owner !== undefined) yield ['owner', token.owner];
  if (token.networks !== undefined) yield ['from', token.networks.join(', ')];
  const { unusedSeconds } = token;
  if (unusedSeconds !== undefined) yield ['unused', `ends after ${formatDuration(unusedSeconds * 1000)} without use`];
  yield ['expires', token.expiresAt ?? 'never'];
}

/** Scopes, role and grants of the options. */
function rightsOf({ scope, role, zone, allZones, readOnly, manage, acme, names, types }: CreateOptions) {
  const [isAcme, isAll, isReading, isManaging] = [acme === true, allZones === true, readOnly === true, manage === true];
  const zones: readonly (string | undefined)[] = isAll ? [undefined] : (zone ?? []);
  const isNarrow = names !== undefined || types !== undefined;
  const needsZone = isNarrow || isAcme || isReading || isManaging;
  const wrong =
    zones.length === 0 && needsZone
      ? 'these options narrow the rights to zones: add --zone ZONE or --all-zones'
      : zones.length === 0 && scope === undefined && role === undefined
        ? 'nothing says what the token may do: add --zone ZONE, --role ROLE or --scope SCOPE'
        : isAll && zone !== undefined
          ? '--zone and --all-zones exclude each other'
          : isReading && isManaging
            ? '--read-only and --manage exclude each other'
            : isAcme && isNarrow
              ? '--acme says which names and types: leave out --names and --types'
              : undefined;
  if (wrong !== undefined) throw failure('CLI_USAGE', wrong, 'waxseal token create --help');
  const may = isReading ? 'read' : isManaging ? 'manage' : 'change';
  const given = { ...(names === undefined ? {} : { names }), ...(types === undefined ? {} : { types }) };
  const which = isAcme ? ACME : given;
  const grants = zones.map((each) => ({ ...(each === undefined ? {} : { zone: each }), may, ...which }));
  return {
    ...(scope === undefined ? {} : { scopes: scope }),
    ...(role === undefined ? {} : { role }),
    ...(grants.length === 0 ? {} : { grants }),
  };
}

function limitsOf({ owner, from, unused, rate }: CreateOptions) {
  if (rate !== undefined && !/^[1-9][0-9]{0,5}$/.test(rate))
    throw failure('CLI_USAGE', `--rate ${JSON.stringify(rate)} is not a number of requests a minute`, 'as in 60');
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(from === undefined ? {} : { networks: from }),
    ...(unused === undefined ? {} : { unusedSeconds: Math.ceil(durationOf('--unused', unused) / 1000) }),
    ...(rate === undefined ? {} : { requestsPerMinute: Number(rate) }),
  };
}

function durationOf(option: string, text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined || durationMs === 0)
    throw failure('CLI_USAGE', `${option} ${JSON.stringify(text)} is not a duration`, 'as in 90d or 12h');
  return durationMs;
}

/** The time that is `duration` after the server's now: its clock will judge, not ours. */
async function expiryTime(duration: string, address: Parameters<typeof callApi>[0]): Promise<string> {
  const durationMs = durationOf('--expires', duration);
  const { now } = await callApi<{ readonly now: string }>(address, { path: ['status'] });
  return new Date(Date.parse(now) + durationMs).toISOString();
}
