/** The real `./waxseal` as a child process, against a FakeControl behind the real admin app on a Unix socket. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { type AdminListeners, listenAdmin } from '#admin/http/listen.ts';
import { buildAdmin } from '#admin/app.ts';
import { ipPort } from '#base/address.ts';
import { runProgram } from '#cli/program.ts';
import { type FakeControl, fakeWithZone } from './admin/fake-control.ts';

const PROGRAM = fileURLToPath(new URL('../../waxseal', import.meta.url));

export interface Finished {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `./waxseal` with these words; nobody can be asked, there is no terminal. */
export async function run(
  words: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Finished> {
  const child = spawn(PROGRAM, words, { cwd: options.cwd ?? tmpdir(), env: { PATH: process.env['PATH'], ...options.env }, stdio: 'pipe' });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.end(options.input ?? '');
  const exit = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  return { exit, out, err };
}

/** The same program in this process: for tables of cases, where a new process each time would only cost time. */
export async function runHere(words: readonly string[]): Promise<Finished> {
  const texts = { out: '', err: '' };
  const exit = await runProgram(words, {
    environment: {},
    workingDirectory: tmpdir(),
    out: (text) => void (texts.out += text),
    err: (text) => void (texts.err += text),
    interactive: false,
    ask: () => Promise.resolve(false),
  });
  return { exit, ...texts };
}

/** What tests talk to; complete once `beforeAll` has run. */
class LateServer {
  /** The data directory with `admin.sock`. */
  readonly data: string;
  url!: string;
  control!: FakeControl;
  tokens!: Awaited<ReturnType<typeof fakeWithZone>>['tokens'];

  constructor(data: string) {
    this.data = data;
  }

  /** `./waxseal` with `--data` of this server. */
  async cli(...words: readonly string[]): Promise<Finished> {
    return await run([...words, '--data', this.data]);
  }

  /** The same, in this process. */
  async here(...words: readonly string[]): Promise<Finished> {
    return await runHere([...words, '--data', this.data]);
  }
}

/** A server for all tests of a file. */
export function useServer(): LateServer {
  const data = mkdtempSync(join(tmpdir(), 'waxseal-cli-'));
  let listeners: AdminListeners | undefined;
  const server = new LateServer(data);
  beforeAll(async () => {
    Object.assign(server, await fakeWithZone());
    const app = await buildAdmin({ control: server.control });
    listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: join(data, 'admin.sock') });
    server.url = `http://${listeners.address}`;
  });
  afterAll(async () => {
    await listeners?.close(0);
    rmSync(data, { recursive: true });
  });
  return server;
}
