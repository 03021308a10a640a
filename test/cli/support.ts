/** The real `./waxseal` as a child process, against a FakeControl behind the real admin app on a Unix socket. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { type AdminListeners, listenAdmin } from '#admin/listen.ts';
import { buildAdmin } from '#admin/app.ts';
import { ipPort } from '#base/address.ts';
import { type FakeControl, fakeWithZone } from '../admin/fake-control.ts';

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

export interface Server {
  /** The data directory with `admin.sock`. */
  readonly data: string;
  readonly url: string;
  readonly control: FakeControl;
  readonly tokens: Awaited<ReturnType<typeof fakeWithZone>>['tokens'];
  /** `./waxseal` with `--data` of this server. */
  cli(...words: readonly string[]): Promise<Finished>;
}

/** A server for all tests of a file. */
export function useServer(): Server {
  const data = mkdtempSync(join(tmpdir(), 'waxseal-cli-'));
  let listeners: AdminListeners | undefined;
  const server = { data } as { -readonly [K in keyof Server]: Server[K] };
  server.cli = async (...words) => await run([...words, '--data', data]);
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
