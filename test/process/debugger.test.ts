/** No process of `waxseal serve` opens a debugger, by signal or by an inherited option; and the test would see one. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exchangeUdp } from '../support/exchange.ts';
import { listeningPorts } from '../support/process-facts.ts';
import { type RunningServer, type ServerOptions, isAlive, startServer } from '../support/running-server.ts';
import { buildQuery } from '../support/wire.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = process.execPath;

async function started(options: ServerOptions): Promise<RunningServer> {
  const server = await startServer({ workers: 2, ...options });
  onTestFinished(async () => void (await server.stop()));
  return server;
}

function processesOf(server: RunningServer): Record<string, number> {
  const { control, answer } = server.pids();
  return { supervisor: server.child.pid!, control: control!, answer: answer! };
}

/** By role: ports that it listens at. */
const portsOf = (server: RunningServer) =>
  Object.fromEntries(Object.entries(processesOf(server)).map(([role, pid]) => [role, [...new Set(listeningPorts(pid))]]));

const BIN = join(ROOT, 'src/main.ts');
const INSPECT = '--inspect=127.0.0.1:0';
const STARTS: readonly (readonly [string, ServerOptions])[] = [
  ['./waxseal with NODE_OPTIONS', { environment: { NODE_OPTIONS: INSPECT } }],
  ['the package’s bin', { program: [NODE, BIN] }],
  [
    'the package’s bin with NODE_OPTIONS, started with --inspect',
    { environment: { NODE_OPTIONS: INSPECT }, program: [NODE, INSPECT, BIN] },
  ],
];

describe.each(STARTS)('%s', (_, options) => {
  test('USR1 to each process: nothing more is listened at, all go on, and DNS is answered', async () => {
    const server = await started(options);
    const expected = { supervisor: [], control: [server.adminPort], answer: [server.port] };
    expect(portsOf(server)).toEqual(expected);
    const before = processesOf(server);
    for (const pid of Object.values(before)) for (let each = 0; each < 3; each++) process.kill(pid, 'SIGUSR1');
    // A debugger would be there within milliseconds: of the round trips below each process takes part in one.
    for (let each = 0; each < 20; each++) {
      expect((await server.api('GET', '/v1/status')).status).toBe(200);
      const [reply] = await exchangeUdp(server, [buildQuery({ name: 'example.', type: 'A' })]);
      expect(reply).toBeDefined();
    }
    expect(portsOf(server)).toEqual(expected);
    expect(processesOf(server)).toEqual(before);
    expect(Object.values(before).every(isAlive)).toBe(true);
    for (const pid of Object.values(before)) expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain('NODE_OPTIONS');
  });
});

test('a program of Node without all this does open one, and is seen to', async () => {
  const child = spawn(NODE, ['-e', "process.stdout.write('up'); setInterval(() => {}, 1000)"], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  expect(listeningPorts(child.pid!)).toEqual([]);
  const opened = new Promise<string>((resolve) => void child.stderr.once('data', (text: Buffer) => resolve(text.toString())));
  child.kill('SIGUSR1');
  // 9229 may be taken by another program of this machine; then it says so.
  if ((await opened).includes('listening')) expect(listeningPorts(child.pid!)).toEqual([9229]);
});
