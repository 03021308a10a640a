/**
 * docs/update.md: certbot with dns-rfc2136, lego with rfc2136 and dehydrated with nsupdate, from Debian, unchanged, get
 * certificates from pebble, which looks for their challenges at our server. Each has a key for challenges alone.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pebble } from '../support/acme/pebble.ts';
import { dig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.80\n';
let server: RunningServer;
let pebble: Pebble;
/** Name and secret of the key. */
let key: { name: string; secret: string };

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  await putZones(server, [{ name: 'acme.example.', text: ZONE }], 'on');
  const words = ['--zone', 'acme.example', '--for', 'update', '--name', '_acme-challenge.*', '--type', 'TXT', '--ttl', '3600'];
  const made = await server.cli('tsig', 'generate', 'certbot.acme.example', ...words);
  const [, name = '', secret = ''] = made.out.trim().split(':');
  key = { name, secret };
  pebble = await Pebble.start({ dns: `127.0.0.1:${server.port}`, failing: 0, rejectedNonces: 0, sleepSeconds: 0 });
}, 120_000);
afterAll(() => Promise.all([server.stop(), pebble?.stop()]));

/** Runs a program in the server's folder to its end; throws with what it said when it fails. */
async function run(program: string, words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> {
  let text = '';
  const child = spawn(toolPath(program), words, {
    cwd: server.folder,
    env: { PATH: process.env['PATH'], HOME: server.folder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more: string) => (text += more));
  const code = await new Promise<number | null>((resolve) => void child.once('close', resolve));
  if (code !== 0) throw new Error(`${program}: exit code ${code}\n${text}\n${server.log().slice(-2000)}`);
  return text;
}

const pem = (file: string) => readFileSync(join(server.folder, file), 'utf8');
const challenges = async (host: string) => (await dig(server, [`_acme-challenge.${host}`, 'TXT', '+short'])).text.trim();

test('certbot: a name and its wildcard, two challenges of one name', { timeout: 200_000 }, async () => {
  const credentials = {
    server: '127.0.0.1',
    port: String(server.port),
    name: key.name,
    secret: key.secret,
    algorithm: 'HMAC-SHA256',
  };
  const ini = Object.entries(credentials).map(([field, value]) => `dns_rfc2136_${field} = ${value}\n`);
  writeFileSync(join(server.folder, 'rfc2136.ini'), ini.join(''), { mode: 0o600 });
  const folders = ['--config-dir', 'etc', '--work-dir', 'lib', '--logs-dir', 'log', '--server', pebble.directory];
  const how = ['--dns-rfc2136', '--dns-rfc2136-credentials', 'rfc2136.ini', '--dns-rfc2136-propagation-seconds', '1'];
  const who = ['--agree-tos', '--register-unsafely-without-email', '--non-interactive'];
  const environment = { REQUESTS_CA_BUNDLE: pebble.rootFile };
  await run('certbot', ['certonly', ...folders, ...how, ...who, '-d', 'acme.example', '-d', '*.acme.example'], environment);
  expect(pem('etc/live/acme.example/fullchain.pem')).toContain('BEGIN CERTIFICATE');
  expect(await challenges('acme.example')).not.toMatch(/^"/m);
});

test('lego', { timeout: 200_000 }, async () => {
  const given = ['--server', pebble.directory, '--accept-tos', '--email', 'a@acme.example', '--path', 'lego'];
  const how = ['--dns', 'rfc2136', '--dns.disable-cp', '--dns.resolvers', `127.0.0.1:${server.port}`];
  await run('lego', [...given, ...how, '--domains', 'www.acme.example', 'run'], {
    LEGO_CA_CERTIFICATES: pebble.rootFile,
    RFC2136_NAMESERVER: `127.0.0.1:${server.port}`,
    RFC2136_TSIG_KEY: key.name,
    RFC2136_TSIG_SECRET: key.secret,
    RFC2136_TSIG_ALGORITHM: 'hmac-sha256.',
    RFC2136_PROPAGATION_TIMEOUT: '20',
    RFC2136_POLLING_INTERVAL: '1',
  });
  expect(pem('lego/certificates/www.acme.example.crt')).toContain('BEGIN CERTIFICATE');
  expect(await challenges('www.acme.example')).not.toMatch(/^"/m);
});

test('dehydrated, with the hook of docs/update.md', { timeout: 200_000 }, async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/update.md'), 'utf8');
  const script = /```sh\n(#!\/bin\/sh\n# dehydrated[^]*?)```/.exec(page)![1]!;
  const ours = script
    .replace('server 192.0.2.1', `server 127.0.0.1 ${server.port}`)
    .replace('zone example.com', 'zone acme.example')
    .replace('/etc/acme.key', join(server.folder, 'acme.key'));
  writeFileSync(join(server.folder, 'hook.sh'), ours, { mode: 0o755 });
  writeFileSync(join(server.folder, 'acme.key'), `key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };\n`, {
    mode: 0o600,
  });
  const settings = {
    CA: pebble.directory,
    CHALLENGETYPE: 'dns-01',
    BASEDIR: server.folder,
    HOOK: join(server.folder, 'hook.sh'),
    CURL_OPTS: `--cacert ${pebble.rootFile}`,
  };
  const config = Object.entries(settings).map(([name, value]) => `${name}="${value}"\n`);
  writeFileSync(join(server.folder, 'dehydrated.conf'), config.join(''));
  await run('dehydrated', ['-f', 'dehydrated.conf', '--register', '--accept-terms']);
  await run('dehydrated', ['-f', 'dehydrated.conf', '-c', '-d', 'hook.acme.example']);
  expect(pem('certs/hook.acme.example/fullchain.pem')).toContain('BEGIN CERTIFICATE');
  expect(await challenges('hook.acme.example')).not.toMatch(/^"/m);
});
