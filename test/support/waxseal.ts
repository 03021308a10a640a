/**
 * waxseal itself as a subject: the real program in a directory of its own, on free ports, with zones put in through the admin API.
 * The interface is the one users have (docs: command line and API); nothing of src/ is imported.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Endpoint } from './exchange.ts';
import { type PeerZone, freePort } from './peers.ts';

const ROOT = join(import.meta.dirname, '../..');
const ADDRESS = '127.0.0.1';
const READY_MS = 20_000;
const STOP_MS = 10_000;

/** A running waxseal. */
export interface Waxseal extends Endpoint {
  readonly directory: string;
  /** Process of `waxseal serve`. */
  readonly child: ChildProcess;
  log(): string;
  /** One call of the admin API, with the administrator's token. */
  api(method: string, path: string, body?: string, type?: string): Promise<Response>;
  /** TERM, then waits; answers the exit code (null when it had to be killed). Removes the directory. */
  stop(): Promise<number | null>;
}

/** Starts `waxseal serve` on an empty store and waits for /readyz. */
export async function startWaxseal({ udp, workers = 1 }: { udp?: 'mmsg' | 'dgram'; workers?: number } = {}): Promise<Waxseal> {
  const directory = mkdtempSync(join(tmpdir(), 'waxseal-self-'));
  const [dns, admin, https] = [await freePort(), await freePort(), await freePort()];
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'src/main.ts'),
      'serve',
      ...['--data', directory],
      ...['--dns', `${ADDRESS}:${dns}`, '--admin', `${ADDRESS}:${admin}`, '--https', `${ADDRESS}:${https}`],
      ...['--workers', String(workers)],
      ...(udp === undefined ? [] : ['--udp', udp]),
    ],
    { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  const killAtExit = () => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended = new Promise<number | null>((resolve) => void child.once('exit', (code) => resolve(code)));
  void ended.then(() => process.off('exit', killAtExit));
  const server: Waxseal = {
    name: 'waxseal',
    address: ADDRESS,
    port: dns,
    directory,
    child,
    log: () => log,
    api: (method, path, body, type = 'application/json') =>
      fetch(`http://${ADDRESS}:${admin}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${readFileSync(join(directory, 'admin.token'), 'utf8').trim()}`,
          ...(body === undefined ? {} : { 'content-type': type }),
        },
        ...(body === undefined ? {} : { body: Buffer.from(body, 'latin1') }),
        signal: AbortSignal.timeout(30_000),
      }),
    stop: async () => {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      const code = await ended;
      clearTimeout(killer);
      rmSync(directory, { recursive: true, force: true });
      return code;
    },
  };
  const until = Date.now() + READY_MS;
  while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
    const ready = await fetch(`http://${ADDRESS}:${admin}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    if (ready?.ok === true) return server;
    await delay(50);
  }
  await server.stop();
  throw new Error(`waxseal serve was not ready within ${READY_MS} ms\n${log}`);
}

/** Creates or replaces zones; every one must be taken and served when this resolves. */
export async function putZones(server: Waxseal, zones: readonly PeerZone[], dnssec: 'on' | 'off'): Promise<void> {
  const refused: string[] = [];
  for (const zone of zones) {
    const last = zone === zones.at(-1) ? '&wait=served' : '';
    const path = `/v1/zones/${encodeURIComponent(zone.name === '.' ? '=2E' : zone.name)}/zonefile?dnssec=${dnssec}${last}`;
    const answer = await server.api('PUT', path, zone.text, 'text/dns');
    if (!answer.ok) refused.push(`${zone.name}: ${answer.status} ${await answer.text()}`);
  }
  if (refused.length > 0) throw new Error(`waxseal refused ${refused.length} of ${zones.length} zones:\n${refused.slice(0, 5).join('\n')}`);
}

/** The zone with its DNSSEC records, as a zone file in latin1. */
export async function exportSigned(server: Waxseal, zone: string): Promise<string> {
  const answer = await server.api('GET', `/v1/zones/${encodeURIComponent(zone === '.' ? '=2E' : zone)}/zonefile?signed=1`);
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
  if (!answer.ok) throw new Error(`no export of ${zone}: ${answer.status} ${text}`);
  return text;
}
