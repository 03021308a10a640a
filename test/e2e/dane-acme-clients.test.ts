/**
 * `waxseal cert deploy-hook` as certbot and lego from Debian run it, unchanged, in front of pebble as CA: the key of a renewed certificate is
 * used when its TLSA record has been known for two TTLs, and not before. pebble takes every challenge as solved: challenges are not tested here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordFor } from '../support/mail/dane-house.ts';
import { type RunningServer, quietPort, startServer } from '../support/running-server.ts';
import { type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';
import { toolPath } from '../support/tools.ts';

/** One for each client, so that neither waits for the other. */
const ZONES = { certbot: 'certbot.example', lego: 'lego.example' } as const;
type Client = keyof typeof ZONES;
const hostOf = (client: Client) => `mx1.${ZONES[client]}`;
const WAXSEAL = join(import.meta.dirname, '../../waxseal');

let ca: ThrowawayCa;
let server: RunningServer;
let pebble: ChildProcess;
/** URL of pebble's directory. */
let directory: string;

const tokenOf = (client: Client) => join(server.folder, `${client}.token`);

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

/** Runs a program to its end, with what it says on both streams. */
function runProgram(program: string, words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let text = '';
    const child = spawn(toolPath(program), words, {
      cwd: server.folder,
      env: { PATH: process.env['PATH'], HOME: server.folder, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more: string) => (text += more));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, text }));
  });
}

const good = async (running: Promise<Ended>): Promise<string> => {
  const { code, text } = await running;
  if (code !== 0) throw new Error(`exit code ${code}\n${text}`);
  return text;
};

beforeAll(async () => {
  ca = throwawayCa();
  server = await startServer({ workers: 1, config: '[mail]\nprobe = false\n' });
  const [port, management] = [await quietPort(), await quietPort()];
  const { key, cert } = ca.leaf(['localhost']);
  writeFileSync(join(server.folder, 'pebble.pem'), cert);
  writeFileSync(join(server.folder, 'pebble.key'), key, { mode: 0o600 });
  writeFileSync(join(server.folder, 'root.pem'), ca.root);
  const addresses = { listenAddress: `127.0.0.1:${port}`, managementListenAddress: `127.0.0.1:${management}` };
  const pebbleConfig = { ...addresses, certificate: 'pebble.pem', privateKey: 'pebble.key', httpPort: 1, tlsPort: 1 };
  writeFileSync(join(server.folder, 'pebble.json'), JSON.stringify({ pebble: pebbleConfig }));
  pebble = spawn(toolPath('pebble'), ['-config', 'pebble.json'], {
    cwd: server.folder,
    env: { PATH: process.env['PATH'], PEBBLE_VA_ALWAYS_VALID: '1', PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' },
    stdio: 'ignore',
  });
  directory = `https://localhost:${port}/dir`;
  const text = '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 1\n@ NS ns1\n@ MX 10 mx1\nns1 A 192.0.2.1\nmx1 A 192.0.2.25\n';
  const makeReady = async (client: Client) => {
    const made = await server.api('PUT', `/v1/zones/${ZONES[client]}/zonefile`, text, 'text/dns');
    if (!made.ok) throw new Error(await made.text());
    const { out } = await server.cli('token', 'create', client, '--scope', `zone:${ZONES[client]}`);
    writeFileSync(tokenOf(client), out, { mode: 0o600 });
    // lego gives its hook no shell: what is to be run is a file.
    writeFileSync(join(server.folder, `deploy-${client}`), `#!/bin/sh\ndate >> deployed-${client}\n`, { mode: 0o755 });
  };
  await Promise.all([makeReady('certbot'), makeReady('lego')]);
  const isUp = await server.eventually(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect({ host: '127.0.0.1', port }, () => resolve(true));
        socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
      }),
    60_000,
  );
  if (!isUp) throw new Error('pebble does not listen');
});
afterAll(async () => {
  pebble?.kill('SIGKILL');
  await server?.stop();
  ca.remove();
});

/** The policy with the key of this certificate in use; TTLs of a second. */
async function useCertificate(client: Client, pem: string): Promise<void> {
  const keys = [recordFor(pem)];
  const policy = {
    ttl: { default: '1s' },
    dkim: { algorithms: [], signerLag: '1s' },
    mtaSts: { mode: 'off' },
    dane: { hosts: { mx1: { keys } } },
  };
  const applied = await server.api('PUT', `/v1/zones/${ZONES[client]}/mail`, JSON.stringify(policy));
  if (!applied.ok) throw new Error(await applied.text());
}

/** The record of the key in use. */
async function current(client: Client): Promise<string> {
  const { records } = JSON.parse((await server.cli('tlsa', 'list', ZONES[client], '--json')).out) as {
    records: { stage: string; record: string }[];
  };
  return records
    .filter(({ stage }) => stage === 'current')
    .map(({ record }) => record)
    .join();
}

const deployments = (client: Client): number => {
  try {
    return readFileSync(join(server.folder, `deployed-${client}`), 'utf8')
      .trim()
      .split('\n').length;
  } catch {
    return 0;
  }
};

/** The hook's command line, as it stands in the documentation. */
const hook = (client: Client, ...words: readonly string[]) =>
  [WAXSEAL, 'cert', 'deploy-hook', '--server', `http://127.0.0.1:${server.adminPort}`, '--token-file', tokenOf(client), ...words].join(' ');

test.concurrent('certbot: --pre-hook and --deploy-hook wait; a key that stays is deployed at once', { timeout: 300_000 }, async () => {
  const host = hostOf('certbot');
  const folders = ['--config-dir', 'etc', '--work-dir', 'lib', '--logs-dir', 'log'];
  const certbot = (...words: readonly string[]) =>
    good(
      runProgram('certbot', [...words, ...folders, '--server', directory, '--no-random-sleep-on-renew', '--non-interactive'], {
        REQUESTS_CA_BUNDLE: join(server.folder, 'root.pem'),
      }),
    );
  const manual = ['--manual', '--preferred-challenges', 'dns', '--manual-auth-hook', '/bin/true'];
  await certbot('certonly', ...manual, '-d', host, '--agree-tos', '--register-unsafely-without-email');
  const file = `etc/live/${host}/fullchain.pem`;
  const pem = () => readFileSync(join(server.folder, file), 'utf8');
  await useCertificate('certbot', pem());
  const before = await current('certbot');
  const hooks = [
    '--pre-hook',
    hook('certbot', '--zone', ZONES.certbot, '--wait', '2m'),
    '--deploy-hook',
    hook('certbot', '--wait', '2m', '--then', './deploy-certbot'),
  ];
  const text = await certbot('renew', '--force-renewal', ...hooks);
  expect(text).toContain('no certificate is named, and no key is on its way: nothing to do');
  expect(text).toContain(`${host}:25 tlsa-mx1-2: its TLSA record is announced, not before`);
  expect(text).toContain('is reported in use');
  expect(await current('certbot')).toBe(recordFor(pem()));
  expect(await current('certbot')).not.toBe(before);
  expect(deployments('certbot')).toBe(1);
  const again = await certbot('renew', '--force-renewal', '--reuse-key', ...hooks);
  expect(again).toContain('the key is in use already');
  expect(deployments('certbot')).toBe(2);
  expect(await current('certbot')).toBe(recordFor(pem()));
});

test.concurrent('lego: --run-hook and --renew-hook wait', { timeout: 300_000 }, async () => {
  const host = hostOf('lego');
  const lego = (...words: readonly string[]) => {
    const given = ['--server', directory, '--accept-tos', '--email', 'a@lego.example', '--domains', host, '--path', 'lego'];
    const environment = { LEGO_CA_CERTIFICATES: join(server.folder, 'root.pem'), EXEC_PATH: '/bin/true' };
    return good(runProgram('lego', [...given, '--dns', 'exec', '--dns.disable-cp', ...words], environment));
  };
  await useCertificate('lego', ca.leaf([host]).cert);
  const file = `lego/certificates/${host}.crt`;
  const pem = () => readFileSync(join(server.folder, file), 'utf8');
  await lego('run', '--run-hook', hook('lego', '--zone', ZONES.lego, '--host', 'mx1', '--wait', '2m', '--then', './deploy-lego'));
  expect(await current('lego')).toBe(recordFor(pem()));
  expect(deployments('lego')).toBe(1);
  await lego('renew', '--days', '9999', '--no-random-sleep', '--renew-hook', hook('lego', '--wait', '2m', '--then', './deploy-lego'));
  expect(await current('lego')).toBe(recordFor(pem()));
  expect(deployments('lego')).toBe(2);
});
