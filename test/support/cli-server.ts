/**
 * The command line in this process, against a FakeControl behind the real admin app on a Unix socket.
 * Not here: `./waxseal` as a process (test/e2e/cli.test.ts, test/cli/launcher-processes.test.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type AdminListeners, listenAdmin } from '#admin/http/listen.ts';
import { buildAdmin } from '#admin/app.ts';
import { ipPort } from '#base/address.ts';
import { runProgram } from '#cli/program.ts';
import { type FakeControl, fakeWithZone } from './admin/fake-control.ts';

export interface Finished {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The program's words, run in this process: where there is no terminal, and nobody can be asked. */
export async function run(words: readonly string[], { cwd = tmpdir(), env = {} }: Surroundings = {}): Promise<Finished> {
  const texts = { out: '', err: '' };
  const exit = await runProgram(words, {
    environment: env,
    workingDirectory: cwd,
    out: (text) => void (texts.out += text),
    err: (text) => void (texts.err += text),
    interactive: false,
    ask: () => Promise.resolve(false),
    prompt: () => Promise.resolve(''),
  });
  // Commands leave their code there; here others come after them.
  process.exitCode = undefined;
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

  /** A command with `--data` of this server. */
  async cli(...words: readonly string[]): Promise<Finished> {
    return await run([...words, '--data', this.data]);
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
