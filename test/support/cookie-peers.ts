/**
 * Knot and BIND with DNS cookies made from a given secret, as judges of ours: both refuse a server cookie that they would not have made
 * (BADCOOKIE), so that their NOERROR is worth something. In the foreground, on free loopback ports, in directories of their own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Endpoint, exchangeUdp } from './exchange.ts';
import { freePort } from './peers.ts';
import { toolPath } from './tools.ts';
import { buildQuery } from './wire.ts';

const ADDRESS = '127.0.0.1';
const READY_MS = 30_000;
const ZONE = '$ORIGIN example.\n@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A 192.0.2.1\nwww 300 A 192.0.2.2\n';

export interface CookiePeer extends Endpoint {
  stop(): Promise<void>;
}

const knotConfig = (directory: string, port: number, secret: string) => `server:
  rundir: "${directory}"
  listen: ${ADDRESS}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: "${directory}/db"
mod-cookies:
  - id: default
    secret: 0x${secret}
    badcookie-slip: 1
template:
  - id: default
    storage: "${directory}"
    journal-content: none
    zonefile-sync: -1
    global-module: mod-cookies/default
zone:
  - domain: example.
    file: zone
`;

const bindConfig = (directory: string, port: number, secret: string) => `options {
  directory "${directory}";
  pid-file "${directory}/named.pid";
  session-keyfile "${directory}/session.key";
  lock-file none;
  managed-keys-directory "${directory}";
  listen-on port ${port} { ${ADDRESS}; };
  listen-on-v6 { none; };
  recursion no;
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  answer-cookie yes;
  require-server-cookie yes;
  cookie-algorithm siphash24;
  cookie-secret "${secret}";
};
controls { };
logging { channel all { stderr; severity info; }; category default { all; }; };
zone "example." { type primary; file "zone"; };
`;

const PEERS = {
  knot: { program: 'knotd', config: knotConfig, words: (file: string) => ['-c', file] },
  bind: { program: 'named', config: bindConfig, words: (file: string) => ['-f', '-n', '1', '-c', file] },
} as const;

/** Starts it with the zone `example.` and a secret of 32 hexadecimal digits, and waits until it answers. */
export async function startCookiePeer(kind: keyof typeof PEERS, secret: string): Promise<CookiePeer> {
  const { program, config, words } = PEERS[kind];
  const directory = mkdtempSync(join(tmpdir(), `waxseal-cookie-${kind}-`));
  mkdirSync(join(directory, 'db'));
  writeFileSync(join(directory, 'zone'), ZONE);
  const port = await freePort();
  writeFileSync(join(directory, 'config'), config(directory, port, secret));
  const log = openSync(join(directory, 'log'), 'w');
  const child = spawn(toolPath(program), words(join(directory, 'config')), { cwd: directory, stdio: ['ignore', log, log] });
  closeSync(log);
  const killAtExit = () => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  const peer: CookiePeer = {
    name: kind,
    address: ADDRESS,
    port,
    stop: async () => {
      await end(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  const query = buildQuery({ name: 'example.', type: 'SOA' });
  for (const until = Date.now() + READY_MS; Date.now() < until && child.exitCode === null; await delay(50)) {
    const [reply] = await exchangeUdp(peer, [query], { timeoutMs: 200, attempts: 1 }).catch(() => [undefined]);
    if (reply !== undefined && (reply[3]! & 15) === 0) return peer;
  }
  const said = readFileSync(join(directory, 'log'), 'latin1');
  await peer.stop();
  throw new Error(`${kind} with cookies did not start:\n${said}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(killer);
}
