/** `waxseal token`: who may use the API over TCP. */
import type { Command } from 'commander';
import { parseDuration } from '#base/units.ts';
import { callApi, callList } from './api-client.ts';
import { confirm } from './change.ts';
import { failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLine, formatTable } from './terminal.ts';

interface TokenDocument {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly expiresAt?: string;
}

interface CreateOptions extends ChangeOptions {
  readonly scope: readonly string[];
  readonly expires?: string;
}

export function defineToken(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun.command('create <name>').description('create a token; it is shown once and cannot be shown again'),
    'waxseal token create deploy --scope zone:example.com --expires 90d',
  )
    .requiredOption('--scope <scope...>', 'admin, read or zone:<name>')
    .option('--expires <duration>', 'how long it is good for, as in 90d (default: for ever)')
    .action(async (name: string, options: CreateOptions) => {
      const address = await findServer(options, terminal);
      const expiresAt = options.expires === undefined ? {} : { expiresAt: await expiryTime(options.expires, address) };
      const json = { name, scopes: options.scope, ...expiresAt };
      const query = options.dryRun === true ? { dryRun: '1' } : {};
      const made = await callApi<TokenDocument & { readonly token?: string }>(address, { method: 'POST', path: ['tokens'], json, query });
      if (options.json === true) terminal.out(formatJson(made));
      else if (made.token === undefined) terminal.out(formatLine(`a token for ${name} with ${made.scopes.join(', ')} would be created`));
      else {
        // The token alone on stdout, so that `> file` holds it and nothing else.
        terminal.err(formatFields([...fields(made)]));
        terminal.out(`${made.token}\n`);
      }
    });

  readCommand(noun.command('list').description('list tokens, without their secrets'), 'waxseal token list').action(
    async (options: ReadOptions) => {
      const tokens = await callList<TokenDocument>(await findServer(options, terminal), { path: ['tokens'] }, 'tokens');
      const rows = tokens.map(({ id, name, scopes, createdAt, expiresAt }) => [
        id,
        name,
        scopes.join(','),
        createdAt,
        expiresAt ?? 'never',
      ]);
      terminal.out(options.json === true ? formatJson({ tokens }) : formatTable(['ID', 'NAME', 'SCOPES', 'CREATED', 'EXPIRES'], rows));
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

function* fields({ id, name, scopes, expiresAt }: TokenDocument): Generator<readonly [string, string]> {
  yield ['id', id];
  yield ['name', name];
  yield ['scopes', scopes.join(', ')];
  yield ['expires', expiresAt ?? 'never'];
}

/** The time that is `duration` after the server's now: its clock will judge, not ours. */
async function expiryTime(duration: string, address: Parameters<typeof callApi>[0]): Promise<string> {
  const durationMs = parseDuration(duration);
  if (durationMs === undefined || durationMs === 0)
    throw failure('CLI_USAGE', `--expires ${JSON.stringify(duration)} is not a duration`, 'as in 90d or 12h');
  const { now } = await callApi<{ readonly now: string }>(address, { path: ['status'] });
  return new Date(Date.parse(now) + durationMs).toISOString();
}
