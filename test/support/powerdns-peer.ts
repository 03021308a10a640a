/** PowerDNS itself, with its API over LMDB: what its clients were written against. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { quietPort } from './running-server.ts';
import { toolPath } from './tools.ts';

export interface PowerdnsPeer {
  readonly url: string;
  readonly key: string;
  stop(): void;
}

/** Starts it on an empty store and waits until its API answers. */
export async function startPowerdns(): Promise<PowerdnsPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-pdns-'));
  const [dns, web] = [await quietPort(), await quietPort()];
  const settings = {
    launch: 'lmdb',
    'lmdb-filename': join(folder, 'db'),
    'local-address': '127.0.0.1',
    'local-port': dns,
    api: 'yes',
    'api-key': 'peer',
    'webserver-address': '127.0.0.1',
    'webserver-port': web,
    'socket-dir': folder,
    guardian: 'no',
    daemon: 'no',
    'disable-syslog': 'yes',
  };
  writeFileSync(
    join(folder, 'pdns.conf'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  let log = '';
  const child: ChildProcess = spawn(toolPath('pdns_server'), [`--config-dir=${folder}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const url = `http://127.0.0.1:${web}`;
  const stop = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`${url}/api`, { headers: { 'x-api-key': 'peer' } }).catch(() => undefined);
    if (answer?.status === 200) return { url, key: 'peer', stop };
    await delay(50);
  }
  stop();
  throw new Error(`PowerDNS did not start:\n${log}`);
}
