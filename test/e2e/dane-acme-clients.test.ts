/**
 * `waxseal cert deploy-hook` as certbot and lego from Debian run it, unchanged, in front of pebble as CA: the key of a renewed certificate is
 * used when its TLSA record has been known for two TTLs, and not before. pebble takes every challenge as solved: challenges are not tested here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordFor } from '../support/mail/dane-house.ts';
import { type RunningServer, quietPort, startServer } from '../support/running-server.ts';
import { type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';
import { toolPath } from '../support/tools.ts';

const ZONE = 'dane.example';
const HOST = `mx1.${ZONE}`;
const WAXSEAL = join(import.meta.dirname, '../../waxseal');

let ca: ThrowawayCa;
let server: RunningServer;
let pebble: ChildProcess;
/** URL of pebble's directory. */
let directory: string;
let token: string;

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
  writeFileSync(
    join(server.folder, 'zone'),
    '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 1\n@ NS ns1\n@ MX 10 mx1\nns1 A 192.0.2.1\nmx1 A 192.0.2.25\n',
  );
  const imported = await server.cli('zone', 'import', ZONE, 'zone');
  if (imported.exit !== 0) throw new Error(imported.err);
  token = join(server.folder, 'hook.token');
  writeFileSync(token, (await server.cli('token', 'create', 'hook', '--scope', `zone:${ZONE}`)).out, { mode: 0o600 });
  // lego gives its hook no shell: what is to be run is a file.
  writeFileSync(join(server.folder, 'deploy'), '#!/bin/sh\ndate >> deployed\n', { mode: 0o755 });
});
afterAll(async () => {
  pebble?.kill('SIGKILL');
  await server?.stop();
  ca.remove();
});

/** The policy with the key of this certificate in use; TTLs of a second. */
async function useCertificate(file: string): Promise<void> {
  const keys = [recordFor(readFileSync(join(server.folder, file), 'utf8'))];
  const policy = {
    ttl: { default: '1s' },
    dkim: { algorithms: [], signerLag: '1s' },
    mtaSts: { mode: 'off' },
    dane: { hosts: { mx1: { keys } } },
  };
  writeFileSync(join(server.folder, 'policy.json'), JSON.stringify(policy));
  const applied = await server.cli('mail', 'apply', ZONE, 'policy.json');
  if (applied.exit !== 0) throw new Error(applied.err);
}

/** The record of the key in use. */
async function current(): Promise<string> {
  const { records } = JSON.parse((await server.cli('tlsa', 'list', ZONE, '--json')).out) as {
    records: { stage: string; record: string }[];
  };
  return records
    .filter(({ stage }) => stage === 'current')
    .map(({ record }) => record)
    .join();
}

const deployments = (): number => {
  try {
    return readFileSync(join(server.folder, 'deployed'), 'utf8').trim().split('\n').length;
  } catch {
    return 0;
  }
};

/** The hook's command line, as it stands in the documentation. */
const hook = (...words: readonly string[]) =>
  [WAXSEAL, 'cert', 'deploy-hook', '--server', `http://127.0.0.1:${server.adminPort}`, '--token-file', token, ...words].join(' ');

test('certbot: --pre-hook and --deploy-hook wait; a key that stays is deployed at once', { timeout: 300_000 }, async () => {
  const folders = ['--config-dir', 'etc', '--work-dir', 'lib', '--logs-dir', 'log'];
  const certbot = (...words: readonly string[]) =>
    good(
      runProgram('certbot', [...words, ...folders, '--server', directory, '--no-random-sleep-on-renew', '--non-interactive'], {
        REQUESTS_CA_BUNDLE: join(server.folder, 'root.pem'),
      }),
    );
  const manual = ['--manual', '--preferred-challenges', 'dns', '--manual-auth-hook', '/bin/true'];
  await certbot('certonly', ...manual, '-d', HOST, '--agree-tos', '--register-unsafely-without-email');
  const file = `etc/live/${HOST}/fullchain.pem`;
  const pem = () => readFileSync(join(server.folder, file), 'utf8');
  await useCertificate(file);
  const before = await current();
  const hooks = ['--pre-hook', hook('--zone', ZONE, '--wait', '2m'), '--deploy-hook', hook('--wait', '2m', '--then', './deploy')];
  const text = await certbot('renew', '--force-renewal', ...hooks);
  expect(text).toContain('no certificate is named, and no key is on its way: nothing to do');
  expect(text).toContain(`${HOST}:25 tlsa-mx1-2: its TLSA record is announced, not before`);
  expect(text).toContain('is reported in use');
  expect(await current()).toBe(recordFor(pem()));
  expect(await current()).not.toBe(before);
  expect(deployments()).toBe(1);
  const again = await certbot('renew', '--force-renewal', '--reuse-key', ...hooks);
  expect(again).toContain('the key is in use already');
  expect(deployments()).toBe(2);
  expect(await current()).toBe(recordFor(pem()));
});

test('lego: --run-hook and --renew-hook wait', { timeout: 300_000 }, async () => {
  const lego = (...words: readonly string[]) => {
    const given = ['--server', directory, '--accept-tos', '--email', 'a@dane.example', '--domains', HOST, '--path', 'lego'];
    const environment = { LEGO_CA_CERTIFICATES: join(server.folder, 'root.pem'), EXEC_PATH: '/bin/true' };
    return good(runProgram('lego', [...given, '--dns', 'exec', '--dns.disable-cp', ...words], environment));
  };
  const done = deployments();
  const file = `lego/certificates/${HOST}.crt`;
  const pem = () => readFileSync(join(server.folder, file), 'utf8');
  await lego('run', '--run-hook', hook('--zone', ZONE, '--host', 'mx1', '--wait', '2m', '--then', './deploy'));
  expect(await current()).toBe(recordFor(pem()));
  expect(deployments()).toBe(done + 1);
  await lego('renew', '--days', '9999', '--no-random-sleep', '--renew-hook', hook('--wait', '2m', '--then', './deploy'));
  expect(await current()).toBe(recordFor(pem()));
  expect(deployments()).toBe(done + 2);
});
