/** Which server a command talks to: `--server`, else WAXSEAL_SERVER, else the Unix socket in the data directory. */
import { findHidden } from '#base/visible.ts';
import type { Config } from '#config/config.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandFailure, failure, reasonOf } from './failure.ts';
import type { Terminal } from './terminal.ts';

export interface ServerOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly data?: string;
  readonly config?: string;
  /** Why a change is made, of commands that change something. */
  readonly reason?: string;
}

export interface ServerAddress {
  /** One of the two. */
  readonly socketPath?: string;
  readonly url?: URL;
  readonly token?: string;
  /** Sent with changes, for the audit log. */
  readonly reason?: string;
  /** Of an https: URL. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

export async function findServer(options: ServerOptions, terminal: Terminal): Promise<ServerAddress> {
  const server = options.server ?? terminal.environment['WAXSEAL_SERVER'];
  const tokenFile = options.tokenFile ?? terminal.environment['WAXSEAL_TOKEN_FILE'];
  const reason = options.reason === undefined ? {} : { reason: checkReason(options.reason) };
  const token = {
    ...reason,
    ...(tokenFile === undefined ? {} : { token: readToken(resolve(terminal.workingDirectory, tokenFile)) }),
  };
  if (server === undefined) return { socketPath: join(await findData(options, terminal), 'admin.sock'), ...token };
  if (server.startsWith('unix:')) return { socketPath: resolve(terminal.workingDirectory, server.slice('unix:'.length)), ...token };
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw failure(
      'CLI_USAGE',
      `--server ${JSON.stringify(server)} is neither a URL nor unix:PATH`,
      'as in --server https://ns1.example.net:8053',
    );
  if (url.username !== '' || url.password !== '')
    throw failure('CLI_USAGE', 'a password in --server would be seen by everybody on this machine', 'use --token-file');
  const tls = tlsOf(options, terminal);
  if (url.protocol === 'http:' && Object.keys(tls).length > 0)
    throw failure('CLI_USAGE', '--ca and --client-cert are for https:// servers', `as in --server https://${url.host}`);
  if (url.protocol === 'http:' && tokenFile !== undefined && !isHere(url.hostname))
    terminal.err(`waxseal: warning: the token goes to ${url.host} in clear; see docs/operations.md, TLS\n`);
  return { url, ...token, tls };
}

function tlsOf(options: ServerOptions, { environment, workingDirectory }: Terminal): NonNullable<ServerAddress['tls']> {
  const ca = options.ca ?? environment['WAXSEAL_CA'];
  const pair = options.clientCert ?? environment['WAXSEAL_CLIENT_CERT'];
  const read = (file: string) => readOctets(resolve(workingDirectory, file));
  const own = pair === undefined ? undefined : read(pair);
  return { ...(ca === undefined ? {} : { ca: read(ca) }), ...(own === undefined ? {} : { cert: own, key: own }) };
}

function isHere(hostname: string): boolean {
  return /^(?:localhost|127\..*|\[::1\])$/.test(hostname);
}

function readOctets(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw failure('CLI_FILE', `${path} cannot be read: ${reasonOf(error)}`);
  }
}

/** The data directory, absolute: `--data`, else as the configuration has it. */
export async function findData(options: ServerOptions, terminal: Terminal): Promise<string> {
  const { environment, workingDirectory } = terminal;
  if (options.data !== undefined) return resolve(workingDirectory, options.data);
  const file = options.config ?? environment['WAXSEAL_CONFIG'];
  // Most commands run without a file, and reading one costs more than all the rest of the start.
  if (file === undefined && !existsSync(resolve(workingDirectory, 'waxseal.toml')))
    return resolve(workingDirectory, environment['WAXSEAL_DATA'] ?? 'data');
  return (await localConfig({ config: file }, terminal)).data;
}

/** The configuration as a server here would read it. Throws what is wrong with it. */
export async function localConfig(
  { data, config: file }: { readonly data?: string | undefined; readonly config?: string | undefined },
  { environment, workingDirectory }: Terminal,
): Promise<Config> {
  const { loadConfig } = await import('#config/config.ts');
  const config = loadConfig({ environment, flags: data === undefined ? {} : { data }, workingDirectory, file });
  if (!config.ok) throw new CommandFailure(config.problems);
  return config.value;
}

/** What the server would reject, and what no header can carry. */
function checkReason(text: string): string {
  const hidden = findHidden(text);
  if (hidden !== undefined) throw failure('CLI_USAGE', '--reason has a line break, or hides text', 'leave it out');
  if (text.trim() === '') throw failure('CLI_USAGE', '--reason is empty', 'say why, or leave it out');
  return text;
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw failure('CLI_FILE', `the token file ${path} cannot be read: ${reasonOf(error)}`);
  }
}
