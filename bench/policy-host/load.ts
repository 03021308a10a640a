/** h2load (nghttp2) on the generator's core: requests to one server, and what they cost its process. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ADDRESS } from '../daemon.ts';
import { HOST, type HttpsServer, PATH, cpuNs } from './servers.ts';

const run = promisify(execFile);
const URL = `https://${HOST}${PATH}`;
const LIMIT_MS = 300_000;
/** Fewer than one client may have, here and in nginx. */
const CLIENTS = 8;

export interface Kind {
  readonly id: string;
  readonly title: string;
  readonly words: readonly string[];
  /** Requests in one run: on connections that stay at most 1,000 each. */
  readonly requests: number;
}

export const KINDS: readonly Kind[] = [
  { id: 'get-http1', title: 'GET, HTTP/1.1, keep-alive', words: ['--h1'], requests: 7_900 },
  { id: 'get-http2', title: 'GET, HTTP/2, keep-alive', words: [], requests: 7_900 },
  { id: 'new-http1', title: 'GET on a new connection, HTTP/1.1', words: ['--h1', '-H', 'connection: close'], requests: 1_000 },
];

export interface LoadRun {
  /** Time of the serving process by request, microseconds. */
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
}

/** `part` of the usual number of requests, `times` times. */
export async function loadHttps(
  server: HttpsServer,
  core: number,
  { words, requests }: Kind,
  part: number,
  times: number,
): Promise<LoadRun> {
  const pid = server.pid();
  const count = Math.max(10 * CLIENTS, Math.round(requests * part));
  const [before, startedMs] = [cpuNs(pid), performance.now()];
  for (let each = 0; each < times; each++) await h2load(server, core, [...words, '-c', String(CLIENTS), '-n', String(count)], count);
  const seconds = (performance.now() - startedMs) / 1000;
  return { cpuUs: (cpuNs(pid) - before) / 1000 / (count * times), requestsPerSecond: (count * times) / seconds };
}

/** Microseconds of each request at `rate` requests a second, on connections that stay. Counted by h2load from when it sends. */
export async function latencies(server: HttpsServer, core: number, rate: number, seconds: number, folder: string): Promise<number[]> {
  const file = join(folder, 'latencies');
  rmSync(file, { force: true });
  const each = Math.max(1, Math.floor(rate / CLIENTS));
  const count = CLIENTS * Math.max(10, Math.min(990, Math.round(each * seconds)));
  const words = ['--h1', '-c', String(CLIENTS), '-n', String(count), `--rps=${each}`, `--log-file=${file}`];
  await h2load(server, core, words, count);
  const lines = readFileSync(file, 'latin1').trim().split('\n');
  return lines.map((line) => Number(line.split('\t')[2]));
}

/** Connections without end, each for one request, as many at once as one client may have; end it by killing it. */
export function flood({ httpsPort }: HttpsServer, core: number, nice: number): ChildProcess {
  const words = ['--h1', '-H', 'connection: close', '-c', '24', '-n', '100000000', `--connect-to=${ADDRESS}:${httpsPort}`, URL];
  return spawn('taskset', ['-c', String(core), 'nice', '-n', String(nice), 'h2load', ...words], { stdio: 'ignore' });
}

/** Every request must have its answer 200. */
async function h2load({ httpsPort, id }: HttpsServer, core: number, words: readonly string[], count: number): Promise<void> {
  const all = ['-c', String(core), 'h2load', ...words, `--connect-to=${ADDRESS}:${httpsPort}`, URL];
  const { stdout } = await run('taskset', all, { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  if (!stdout.includes(`status codes: ${count} 2xx, 0 3xx, 0 4xx, 0 5xx`))
    throw new Error(`${id} did not answer every request: ${words.join(' ')}\n${stdout.slice(-1500)}`);
}
