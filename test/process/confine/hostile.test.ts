/**
 * Hostile code in the place of the answer process's program, started by the same launcher: what it gets at, and what not. The same code without
 * confinement gets at all of it, so that each attempt is one.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Account } from '#process/confine/identity.ts';
import { type LaunchOrder } from '#process/confine/launch-order.ts';
import { type Confinement, answerConfinement } from '#process/confine/roles.ts';
import { quietPort } from '../../support/running-server.ts';
import { auditEvent, temporaryFolder, temporaryStore } from '../../support/temporary-store.ts';
import { type Outcomes, type Targets } from './fixtures/targets.ts';

const LAUNCH = new URL('../../../src/process/confine/launch.ts', import.meta.url).pathname;
const HOSTILE = new URL('./fixtures/hostile.ts', import.meta.url).pathname;

async function targets(): Promise<Targets> {
  const data = temporaryFolder();
  const { dir, writer } = temporaryStore({ in: join(data, 'store') });
  await writer.commit({ audit: auditEvent() });
  const at = (name: string, text: string) => {
    const path = join(data, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  // Stands for the control process: of the same user, and it ends when the test does.
  const control = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  onTestFinished(() => void control.kill('SIGKILL'));
  const abstractName = `waxseal-test-${process.pid}-${control.pid}`;
  const socketPath = join(data, 'admin.sock');
  await listening(createServer(), { path: socketPath });
  await listening(createServer(), { path: `\0${abstractName}` });
  const other = await listening(createServer(), { port: 0, host: '127.0.0.1' });
  const address = other.address();
  return {
    data,
    storeDir: dir,
    kekFile: at('keys/kek', 'k'.repeat(32)),
    tokenFile: at('admin.token', 'token'),
    socketPath,
    abstractName,
    signerFile: at('signers/opendkim/key', 'key'),
    compileCache: join(at('compile-cache/answer/x', ''), '..'),
    outside: temporaryFolder(),
    controlPid: control.pid!,
    tcpPort: await quietPort(),
    otherPort: typeof address === 'object' && address !== null ? address.port : 0,
    isFiltered: true,
  };
}

async function listening(
  server: Server,
  where: { readonly path: string } | { readonly port: number; readonly host: string },
): Promise<Server> {
  server.on('connection', (socket) => socket.on('error', () => undefined));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(where, resolve));
  return server;
}

function confinementOf({ storeDir, tcpPort, compileCache }: Targets, account?: Account): Confinement {
  return answerConfinement({ settings: { storeDir, listen: [`127.0.0.1:${tcpPort}`] }, compileCache, account });
}

interface Launched {
  readonly outcomes: Outcomes | undefined;
  readonly log: string;
  readonly exit: number | null;
}

async function launch(at: Targets, change: Partial<LaunchOrder> = {}): Promise<Launched> {
  const order: LaunchOrder = {
    role: 'answer',
    entry: HOSTILE,
    args: [JSON.stringify(at)],
    nodeOptions: [],
    environment: {},
    log: 'text',
    confine: 'auto',
    hasOwnUser: false,
    confinement: confinementOf(at),
    ...change,
  };
  // The fixture stands in test/, where no process of ours has its program.
  const confinement = { ...order.confinement, read: [...order.confinement.read, join(import.meta.dirname, 'fixtures')] };
  const child: ChildProcess = fork(LAUNCH, [JSON.stringify({ ...order, confinement })], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [log, outcomes]: [string, Outcomes | undefined] = ['', undefined];
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (log += text));
  child.on('message', (message) => (outcomes = message as Outcomes));
  const exit = await new Promise<number | null>((resolve) => void child.once('close', (code) => resolve(code)));
  return { outcomes, log, exit };
}

const all = (outcomes: Readonly<Record<string, string>>, ...codes: readonly string[]) =>
  Object.entries(outcomes).filter(([, outcome]) => !codes.includes(outcome));

describe('code that took over the answer process', () => {
  test('gets at nothing but what the answer process needs', async () => {
    const { outcomes, log, exit } = await launch(await targets());
    expect(log).toMatch(/^waxseal: the answer process is confined \(Landlock ABI \d+, filter of system calls\)\n$/);
    expect(exit).toBe(0);
    expect(all(outcomes!.duties, 'done')).toEqual([]);
    expect(all(outcomes!.attempts, 'EACCES', 'EPERM')).toEqual([]);
    expect(all(outcomes!.systemCalls, 'EPERM', 'ENOSYS', 'ENOTTY')).toEqual([]);
    expect(Object.keys(outcomes!.attempts).length).toBeGreaterThan(30);
    expect(Object.keys(outcomes!.systemCalls).length).toBeGreaterThan(20);
  });

  test('that is not confined gets at all of it, and the log says so', async () => {
    const { outcomes, log } = await launch({ ...(await targets()), isFiltered: false }, { confine: 'off' });
    expect(log).toBe(
      'waxseal: warning: the answer process is not confined (process.confine is "off"): code that took it over could read the ' +
        'key-encryption key, write the store and use admin.sock (SECURITY.md)\n',
    );
    // Of root it has no capabilities either way, and the process that stands for control has.
    const kept = process.getuid?.() === 0 ? ['read the memory of the control process', 'read its variables'] : [];
    expect(all(outcomes!.attempts, 'done').map(([name]) => name)).toEqual(kept);
  });
});

describe('a kernel that cannot do it', () => {
  test('without Landlock: the filter stays, one line of the log says what is missing', async () => {
    const { outcomes, log } = await launch(await targets(), { landlockAbi: 0 });
    expect(log).toBe(
      'waxseal: warning: the answer process is not confined (this kernel has no Landlock): code that took it over could read the ' +
        'key-encryption key, write the store and use admin.sock (SECURITY.md)\n',
    );
    expect(outcomes!.attempts).toMatchObject({
      'read the key-encryption key': 'done',
      'connect to admin.sock': 'EPERM',
      'connect over TCP': 'EPERM',
      'execute a program': 'EPERM',
      'signal the control process': 'EPERM',
      'open the key to everybody': 'EPERM',
    });
  });

  // Only root can start a process as another user.
  test.runIf(process.getuid?.() === 0)('without Landlock, and with a user of its own: the keys are out of reach', async () => {
    const at = await targets();
    for (const folder of [at.data, at.storeDir]) chmodSync(folder, 0o711);
    chmodSync(join(at.storeDir, 'data.mdb'), 0o644);
    chmodSync(join(at.storeDir, 'lock.mdb'), 0o666);
    const confinement = confinementOf(at, { uid: 23_457, gid: 23_457 });
    const { outcomes, log } = await launch(at, { landlockAbi: 0, hasOwnUser: true, confinement });
    expect(log).toContain('only its user keeps code that took it over from the keys');
    expect(all(outcomes!.duties, 'done')).toEqual([]);
    // What is open to every user of the machine stays so.
    const open = ['listen at another port over TCP', 'read its command line'];
    expect(all(outcomes!.attempts, 'EACCES', 'EPERM').map(([name]) => name)).toEqual(open);
    expect(all(outcomes!.systemCalls, 'EPERM', 'ENOSYS', 'ENOTTY')).toEqual([]);
  });

  test.each([1, 3, 5])('with Landlock ABI %i: files are out of reach all the same', async (landlockAbi) => {
    const { outcomes, log } = await launch(await targets(), { landlockAbi });
    expect(log).toContain(`(Landlock ABI ${landlockAbi}, filter`);
    expect(all(outcomes!.duties, 'done')).toEqual([]);
    const { 'listen at another port over TCP': listen, ...rest } = outcomes!.attempts;
    expect(listen).toBe(landlockAbi >= 4 ? 'EACCES' : 'done');
    expect(all(rest, 'EACCES', 'EPERM')).toEqual([]);
  });

  test('process.confine = "require": it does not start', async () => {
    const { outcomes, log, exit } = await launch(await targets(), { landlockAbi: 0, confine: 'require' });
    expect(outcomes).toBeUndefined();
    expect(log).toBe('waxseal: the answer process does not start: process.confine is "require", and this kernel has no Landlock\n');
    expect(exit).toBe(78);
  });
});
