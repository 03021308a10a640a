/**
 * waxseal as users run it: `./waxseal serve` on free loopback ports in a folder of its own, with its processes in the hands of a test.
 * It can be killed, in part or whole, and started again on the same folder and ports. Nothing is waited for without a time limit.
 * The interface is the one users have (command line, API, signals); nothing of src/ is imported.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Endpoint } from './exchange.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'waxseal');
/** Compiled code that servers of all tests share: a start in an empty folder compiles all of the program, which is a third of its time. */
const COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'waxseal-tests');
const ADDRESS = '127.0.0.1';
const READY_MS = 60_000;
const STOP_MS = 60_000;
const EVENTUALLY_MS = 60_000;
const CLI_MS = 120_000;
const LOOK_EVERY_MS = 20;

export interface ServerOptions {
  readonly udp?: 'mmsg' | 'dgram';
  readonly workers?: number;
  /** Folder of zone files for `--zones`. */
  readonly zones?: string;
  /** Further environment variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Program and first words in place of `./waxseal`: as the package's bin is started. */
  readonly program?: readonly [string, ...string[]];
  /** Further words of `serve`. */
  readonly words?: readonly string[];
  /** Text of a configuration file; then `configFile` is where it is. */
  readonly config?: string;
  /** Compiled code in the data directory, as where users run it: for tests of that folder, and of processes with other users. */
  readonly hasOwnCompileCache?: boolean;
}

/** What a command said and how it ended. */
export interface Finished {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts a server on an empty store and waits until it is ready. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const [dns, admin, https] = [await quietPort(), await quietPort(), await quietPort()];
  const server = new RunningServer(mkdtempSync(join(tmpdir(), 'waxseal-self-')), { dns, admin, https }, options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/**
 * A port that is free for UDP and TCP and stays so: below those that the system gives to clients, one of which would else have it just when
 * the server starts again.
 */
export async function quietPort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(12_000, 32_000);
    const tcp = createServer();
    const udp = createSocket('udp4');
    const isFree = await Promise.all([
      new Promise<boolean>((resolve) => void tcp.once('error', () => resolve(false)).listen(port, ADDRESS, () => resolve(true))),
      new Promise<boolean>((resolve) => void udp.once('error', () => resolve(false)).bind(port, ADDRESS, () => resolve(true))),
    ]);
    await Promise.all([new Promise((resolve) => tcp.close(resolve)), new Promise<void>((resolve) => void udp.close(resolve))]);
    if (isFree.every(Boolean)) return port;
  }
  throw new Error('no port free for both UDP and TCP in 100 attempts');
}

/** Runs `./waxseal` to its end. Nobody can be asked: there is no terminal. */
export async function runWaxseal(
  words: readonly string[],
  { environment = {}, input = '', cwd = tmpdir() }: { environment?: Readonly<Record<string, string>>; input?: string; cwd?: string } = {},
): Promise<Finished> {
  const child = spawn(PROGRAM, words, { cwd, env: { PATH: process.env['PATH'], ...environment }, stdio: 'pipe' });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), CLI_MS);
  const exit = await new Promise<number | null>((resolve) => void child.once('close', (code) => resolve(code)));
  clearTimeout(timer);
  return { exit, ...said };
}

export class RunningServer implements Endpoint {
  readonly name = 'waxseal';
  readonly address = ADDRESS;
  /** Of DNS, UDP and TCP. */
  readonly port: number;
  readonly adminPort: number;
  readonly folder: string;
  /** The data directory. */
  readonly directory: string;
  readonly kekFile: string;
  readonly configFile: string;
  readonly httpsPort: number;
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> = Promise.resolve(null);
  #log = '';

  constructor(folder: string, ports: { readonly dns: number; readonly admin: number; readonly https: number }, options: ServerOptions) {
    this.folder = folder;
    this.directory = join(folder, 'data');
    this.kekFile = join(folder, 'keys', 'kek');
    this.configFile = join(folder, 'waxseal.toml');
    this.port = ports.dns;
    this.adminPort = ports.admin;
    this.httpsPort = ports.https;
    this.#options = options;
    if (options.config !== undefined) writeFileSync(this.configFile, options.config);
  }

  /** Process of `waxseal serve`, the supervisor. */
  get child(): ChildProcess {
    if (this.#child === undefined) throw new Error('the server was not started');
    return this.#child;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All it said, over all its lives. */
  log(): string {
    return this.#log;
  }

  /** Words of `serve` for this folder and these ports. */
  words(): string[] {
    const { workers = 1, udp, zones, config } = this.#options;
    return [
      'serve',
      ...['--data', this.directory, '--dns', `${ADDRESS}:${this.port}`, '--admin', `${ADDRESS}:${this.adminPort}`],
      ...['--https', `${ADDRESS}:${this.httpsPort}`, '--workers', String(workers)],
      ...(udp === undefined ? [] : ['--udp', udp]),
      ...(zones === undefined ? [] : ['--zones', zones]),
      ...(config === undefined ? [] : ['--config', this.configFile]),
      ...(this.#options.words ?? []),
    ];
  }

  get environment(): Record<string, string> {
    return { WAXSEAL_KEYS__KEK_FILE: this.kekFile, ...this.#options.environment };
  }

  /** Starts it, for the first time or again, and waits for /readyz. */
  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  /** Starts it and waits for nothing. */
  launch(): void {
    // A process group of its own, so that all of it can be killed at once.
    const [program, ...first] = this.#options.program ?? [PROGRAM];
    const child = spawn(program, [...first, ...this.words()], {
      cwd: this.folder,
      env: {
        ...process.env,
        ...(this.#options.hasOwnCompileCache === true ? {} : { NODE_COMPILE_CACHE: COMPILE_CACHE }),
        ...this.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    const killAtExit = () => killGroup(child);
    process.once('exit', killAtExit);
    this.#child = child;
    this.#ended = new Promise((resolve) => void child.once('exit', (code) => resolve(code)));
    void this.#ended.then(() => process.off('exit', killAtExit));
  }

  async ready(): Promise<void> {
    const isReady = await this.eventually(async () => {
      if (!this.isRunning) throw new Error(`waxseal serve ended with ${this.child.exitCode ?? this.child.signalCode}\n${this.#log}`);
      const answer = await fetch(`http://${ADDRESS}:${this.adminPort}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(
        () => undefined,
      );
      return answer?.ok === true;
    }, READY_MS);
    if (!isReady) throw new Error(`waxseal serve was not ready within ${READY_MS} ms\n${this.#log}`);
  }

  /** One call of the admin API, with the administrator's token. */
  api(method: string, path: string, body?: string, type = 'application/json'): Promise<Response> {
    return fetch(`http://${ADDRESS}:${this.adminPort}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${readFileSync(join(this.directory, 'admin.token'), 'utf8').trim()}`,
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined ? {} : { body: Buffer.from(body, 'latin1') }),
      signal: AbortSignal.timeout(30_000),
    }).catch((error: unknown) => {
      if (!(error instanceof TypeError)) throw error;
      // No connection, or a broken one: why is in the log, which nobody sees otherwise.
      throw new TypeError(`${method} ${path}: ${String(error)}\n${this.#log.slice(-4000)}`, { cause: error });
    });
  }

  /** `./waxseal words… --data DIR`: the command line over the Unix socket. */
  cli(...words: readonly string[]): Promise<Finished> {
    return runWaxseal([...words, '--data', this.directory], { cwd: this.folder });
  }

  /** Process ids of the children that live now, from /proc. */
  pids(): { readonly control: number | undefined; readonly answer: number | undefined; readonly policyHost: number | undefined } {
    const children = childrenOf(this.child.pid!);
    const of = (title: string) => children.find((pid) => titleOf(pid).startsWith(title));
    return { control: of('waxseal control'), answer: of('waxseal answer'), policyHost: of('waxseal policy-host') };
  }

  /** KILL to one of the children; resolves to its pid when it is gone. */
  async killChild(role: 'control' | 'answer' | 'policyHost'): Promise<number> {
    const pid = this.pids()[role];
    if (pid === undefined) throw new Error(`there is no ${role} process\n${this.#log}`);
    process.kill(pid, 'SIGKILL');
    await this.eventually(() => !isAlive(pid), STOP_MS);
    return pid;
  }

  /** KILL to the supervisor alone: its children end by themselves. Resolves when they have, false: not in time. */
  async killSupervisor(): Promise<boolean> {
    this.child.kill('SIGKILL');
    await this.#ended;
    return this.eventually(() => !isGroupAlive(this.child), STOP_MS);
  }

  /** KILL to the supervisor and all its children at once. */
  async killAll(): Promise<void> {
    killGroup(this.child);
    await this.#ended;
    // The ports are free when the last of the group is gone.
    await this.eventually(() => !isGroupAlive(this.child), STOP_MS);
  }

  /** TERM, then waits; the exit code, null when it had to be killed. The folder stays. */
  async terminate(): Promise<number | null> {
    if (!this.isRunning) return this.child.exitCode;
    this.child.kill('SIGTERM');
    const killer = setTimeout(() => killGroup(this.child), STOP_MS);
    const code = await this.#ended;
    clearTimeout(killer);
    return code;
  }

  /** `terminate`, and its folder goes. */
  async stop(): Promise<number | null> {
    const code = this.#child === undefined ? null : await this.terminate();
    if (this.#child !== undefined) killGroup(this.#child);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    return code;
  }

  /** Waits until `holds`, looking often; false when it does not in time: long after any machine would have done what is waited for. */
  async eventually(holds: () => boolean | Promise<boolean>, timeoutMs = EVENTUALLY_MS): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    while (!(await holds())) {
      if (performance.now() > until) return false;
      await delay(LOOK_EVERY_MS);
    }
    return true;
  }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of it is gone already.
  }
}

function isGroupAlive(child: ChildProcess): boolean {
  try {
    process.kill(-child.pid!, 0);
    return true;
  } catch {
    return false;
  }
}

function childrenOf(pid: number): number[] {
  const known = readProc(`/proc/${pid}/task/${pid}/children`);
  if (known !== '') return known.trim().split(' ').map(Number);
  // Kernels without CONFIG_PROC_CHILDREN: everybody's parent is looked at.
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((each) => Number(statFields(each)[1]) === pid);
}

/** False for a process that is gone, or dead and not yet waited for. */
export function isAlive(pid: number): boolean {
  return !['', 'Z', 'X'].includes(statFields(pid)[0] ?? '');
}

/** proc(5) stat from field 3, the state, on: the name in field 2 may hold anything, so count from its end. */
function statFields(pid: number): string[] {
  return readProc(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ');
}

function titleOf(pid: number): string {
  return readProc(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
