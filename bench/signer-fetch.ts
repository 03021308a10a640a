/**
 * How often a second a signer gets its keys: over HTTP, one connection, one request after another, as a mail filter asks for each message.
 * Both forms: that of a Vault, which rspamd asks for, and our own. One domain, RSA and Ed25519, each fetch opens both private keys.
 * Use: node bench/signer-fetch.ts [checkout]...      this checkout unless given; several are measured in turns, round by round
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AdminClient } from './admin-client.ts';
import { spreadOf } from './statistics.ts';

const DOMAIN = 'post.example';
/** Short times: the keys are active after seconds. */
const ZONE = `
@ 1 SOA ns1 host 10 7200 900 1209600 1
@ 1 NS ns1
@ 1 MX 10 mx1
ns1 1 A 127.0.0.1
mx1 1 A 127.0.0.1
`;
const POLICY = {
  ttl: { default: '1s' },
  spf: { mechanisms: ['mx', 'a', ...Array.from({ length: 20 }, (_, at) => `ip4:192.0.2.${at}`)] },
  dmarc: { policy: 'reject', rua: [`mailto:dmarc@${DOMAIN}`] },
  mtaSts: { mode: 'off' },
  dkim: { signers: ['mx1'] },
};
const FIRST_PORT = 5395;
const WARM_UP = 500;
const FETCHES = 2000;
/** Of each form and checkout: together below what one address may ask for in a minute. */
const ROUNDS = 7;
const ACTIVE_TRIES = 300;
const ACTIVE_EVERY_MS = 100;

interface Server {
  readonly root: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly token: string;
}

const FORMS = {
  'Vault form (rspamd)': { path: `/v1/dkim/${DOMAIN}`, header: (token: string) => ({ 'x-vault-token': token }) },
  'own form': { path: '/v1/signers/mx1/keys', header: (token: string) => ({ authorization: `Bearer ${token}` }) },
} as const;

const folder = mkdtempSync(join(tmpdir(), 'waxseal-bench-'));
const roots = process.argv.length > 2 ? process.argv.slice(2).map((path) => resolvePath(path)) : [join(import.meta.dirname, '..')];
const servers: Server[] = [];
try {
  for (const [at, root] of roots.entries()) servers.push(await start(root, FIRST_PORT + 2 * at, join(folder, String(at))));
  for (const [name, form] of Object.entries(FORMS)) {
    const rates = servers.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [at, { port, token }] of servers.entries()) rates[at]!.push(await fetchRate(port, form.path, form.header(token)));
    for (const [at, { root }] of servers.entries()) {
      const { median, low, high } = spreadOf(rates[at]!);
      console.log(`${name}, ${root}: ${Math.round(median)} fetches a second (quartiles ${Math.round(low)} to ${Math.round(high)})`);
    }
  }
} finally {
  for (const { child } of servers) await stop(child);
  rmSync(folder, { recursive: true, force: true });
}

/** A server of that checkout, with a domain whose keys are active and a signer that has had them. */
async function start(root: string, port: number, home: string): Promise<Server> {
  const data = join(home, 'data');
  mkdirSync(home);
  const listeners = ['--dns', `127.0.0.1:${port + 1}`, '--admin', `127.0.0.1:${port}`, '--https', 'off', '--workers', '1'];
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', '--data', data, ...listeners], {
    cwd: home,
    env: { ...process.env, WAXSEAL_KEYS__KEK_FILE: join(home, 'kek'), WAXSEAL_LOG__LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const client = new AdminClient(data);
  try {
    await client.ready();
    await client.call('PUT', `/v1/zones/${DOMAIN}/zonefile`, ZONE, 'text/dns');
    await client.call('PUT', `/v1/zones/${DOMAIN}/mail`, JSON.stringify(POLICY));
    for (let tries = 0; !(await client.call('GET', `/v1/zones/${DOMAIN}/dkim`)).includes('"active"'); tries++) {
      if (tries > ACTIVE_TRIES) throw new Error('no key became active');
      await delay(ACTIVE_EVERY_MS);
    }
    const added = JSON.parse(
      await client.call('POST', '/v1/signers', JSON.stringify({ name: 'mx1', delivery: 'fetch', domains: [DOMAIN] })),
    ) as { readonly token: string };
    const server = { root, port, child, token: added.token };
    for (const { path, header } of Object.values(FORMS)) await fetchMany(WARM_UP, port, path, header(server.token));
    return server;
  } catch (error) {
    await stop(child);
    throw error;
  } finally {
    client.close();
  }
}

async function fetchRate(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const startedMs = performance.now();
  await fetchMany(FETCHES, port, path, headers);
  return (1000 * FETCHES) / (performance.now() - startedMs);
}

async function fetchMany(count: number, port: number, path: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let each = 0; each < count; each++) await fetchOnce(agent, port, path, headers);
  agent.destroy();
}

function fetchOnce(agent: Agent, port: number, path: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const call = request({ host: '127.0.0.1', port, path, agent, headers }, (answer) => {
    let bytes = 0;
    answer.on('data', (part: Buffer) => (bytes += part.length));
    // Two private keys, one of them RSA: an empty answer would be a fast one.
    answer.on('end', () =>
      answer.statusCode === 200 && bytes > 1200 ? resolve() : reject(new Error(`${answer.statusCode}, ${bytes} octets`)),
    );
  });
  call.on('error', reject);
  call.end();
  return promise;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  child.kill();
  await promise;
}
