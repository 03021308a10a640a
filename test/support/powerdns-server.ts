/** PowerDNS with its LMDB store, prepared by pdnsutil, as primary or secondary of a server of ours. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dig } from './dig.ts';
import { type Endpoint } from './exchange.ts';
import { quietPort } from './running-server.ts';
import { runTool, toolPath } from './tools.ts';

export interface PowerdnsServer extends Endpoint {
  /** Runs pdnsutil on its store, with a file of the given text where a word is `FILE`. */
  util(words: readonly string[], text?: string): Promise<string>;
  stop(): Promise<void>;
}

/** `prepare` is run before it starts. It waits until `awaited` is answered for, if given. */
export async function startPowerdnsServer(
  prepare: (util: PowerdnsServer['util'], port: number) => Promise<void>,
  awaited?: string,
): Promise<PowerdnsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-pdns-'));
  const port = await quietPort();
  const settings = {
    launch: 'lmdb',
    'lmdb-filename': join(folder, 'db'),
    'local-address': '127.0.0.1',
    'local-port': port,
    'socket-dir': folder,
    guardian: 'no',
    daemon: 'no',
    'disable-syslog': 'yes',
    primary: 'yes',
    secondary: 'yes',
    'allow-axfr-ips': '127.0.0.1',
    'allow-notify-from': '127.0.0.1',
    'xfr-cycle-interval': 1,
    'zone-cache-refresh-interval': 0,
    'cache-ttl': 0,
    'query-cache-ttl': 0,
    'negquery-cache-ttl': 0,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(folder, 'pdns.conf'), lines.join(''));
  const util: PowerdnsServer['util'] = async (words, text) => {
    const file = join(folder, 'file');
    if (text !== undefined) writeFileSync(file, text);
    const given = words.map((word) => (word === 'FILE' ? file : word));
    const { code, stdout, stderr } = await runTool('pdnsutil', [`--config-dir=${folder}`, ...given]);
    if (code !== 0) throw new Error(`pdnsutil ${words.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  await prepare(util, port);
  const child: ChildProcess = spawn(toolPath('pdns_server'), [`--config-dir=${folder}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (each: string) => (log += each));
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const at = { name: 'pdns', address: '127.0.0.1', port };
  for (let tries = 0; tries < 200; tries++) {
    const { status } = await dig(at, [awaited ?? 'version.bind', awaited === undefined ? 'TXT' : 'SOA', '+tries=1', '+time=1']);
    if (status !== '' && (awaited === undefined || status === 'NOERROR')) return { ...at, util, stop };
    await delay(50);
  }
  await stop();
  throw new Error(`PowerDNS did not start:\n${log}`);
}
