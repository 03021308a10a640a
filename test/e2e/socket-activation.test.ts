/**
 * Sockets that the service manager opened (sd_listen_fds(3)): the real server serves DNS, HTTPS and its API at them and opens none itself;
 * each process has its own and no other; what is wrong with them is told before anything starts. test/support/activate.py plays systemd;
 * systemd's own systemd-socket-activate is asked once.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { TYPE } from '#dns/types.ts';
import { TcpClient, framed, simpleQuery } from '../support/dns-client.ts';
import { exchangeUdp } from '../support/exchange.ts';
import { type RunningServer, quietPort, startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';
import { buildQuery, parseMessage } from '../support/wire.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'waxseal');
const ACTIVATE = join(ROOT, 'test/support/activate.py');
const ZONES = join(ROOT, 'zones');
const ZONE = 'meridian-post.example';
const HOST = `mta-sts.${ZONE}`;
const ADDRESS = '127.0.0.1';

function curl(port: number, path: string, host = HOST): { readonly exit: number | null; readonly out: string } {
  const words = ['-sk', '--max-time', '20', '--resolve', `${host}:${port}:${ADDRESS}`, `https://${host}:${port}${path}`];
  const { status, stdout } = spawnSync(toolPath('curl'), words, { encoding: 'latin1' });
  return { exit: status, out: stdout };
}

async function answers(server: RunningServer): Promise<{ readonly udp: number; readonly tcp: number }> {
  const [reply] = await exchangeUdp(server, [buildQuery({ name: `${ZONE}.`, type: 'SOA' })]);
  const client = await TcpClient.open(ipPort(server.address, server.port));
  client.send(framed(simpleQuery(7, ZONE, TYPE.SOA)));
  const [framedReply] = await client.receive(1);
  client.destroy();
  return { udp: reply === undefined ? 0 : parseMessage(reply).answer.length, tcp: framedReply!.readUInt16BE(6) };
}

/** Sockets that a process has open; standard output may be one, and is shared by all. */
function socketsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  const own = readdirSync(folder).filter((fd) => Number(fd) > 2);
  const links = own.flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch {
      return [];
    }
  });
  return new Set(links.filter((link) => link.startsWith('socket:')));
}

const SOCKETS = 'https=tcp:@https,dns=udp:@dns,admin=tcp:@admin,dns=tcp:@dns';
const start = (udp: 'mmsg' | 'dgram', environment: Record<string, string>) =>
  startServer({ zones: ZONES, udp, workers: 2, environment, program: [toolPath('python3'), ACTIVATE, SOCKETS, PROGRAM] });

describe('DNS, HTTPS and the API at sockets that were open before', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await start('mmsg', { WAXSEAL_HTTPS__SELF_SIGNED: 'true' });
    await server.eventually(() => curl(server.httpsPort, '/.well-known/mta-sts.txt').out.includes('STSv1'), 60_000);
  });
  afterAll(() => server?.stop());

  test('all of it answers, over UDP and TCP alike, again and again', async () => {
    for (let each = 0; each < 20; each++) expect(await answers(server)).toEqual({ udp: 1, tcp: 1 });
    expect(server.log()).not.toContain('worker.failed');
    expect(server.log()).not.toContain('listen-failed');
  });

  test('each process has its own sockets and no other; confinement is as ever', () => {
    const { control, answer, policyHost } = server.pids();
    const given = socketsOf(server.child.pid!);
    const shared = (pid: number | undefined) => [...socketsOf(pid!)].filter((each) => given.has(each)).length;
    expect({ control: shared(control), answer: shared(answer), policyHost: shared(policyHost) }).toEqual({
      control: 1,
      answer: 2,
      policyHost: 1,
    });
    // Once in each life of a process.
    for (const name of ['answer', 'policy-host']) expect(server.log()).toContain(`the ${name} process is confined`);
  });

  test('killed processes take the same sockets again, and who asks meanwhile waits instead of being refused', async () => {
    const before = await server.killChild('policyHost');
    // The kernel keeps the connection until the next process takes it.
    expect(curl(server.httpsPort, '/.well-known/mta-sts.txt').out).toContain('STSv1');
    expect(server.pids().policyHost).not.toBe(before);
    await server.killChild('answer');
    expect(await server.eventually(async () => (await answers(server).catch(() => ({ udp: 0 }))).udp === 1, 30_000)).toBe(true);
    expect(await answers(server)).toEqual({ udp: 1, tcp: 1 });
    await server.killChild('control');
    await server.ready();
  });
});

test('threads that serve by node:dgram share them too', async () => {
  const other = await startServer({
    ...{ zones: ZONES, udp: 'dgram', workers: 2 },
    program: [toolPath('python3'), ACTIVATE, 'dns=udp:@dns,dns=tcp:@dns', PROGRAM],
  });
  onTestFinished(async () => void (await other.stop()));
  for (let each = 0; each < 20; each++) expect(await answers(other)).toEqual({ udp: 1, tcp: 1 });
  expect(other.log()).not.toContain('worker.failed');
});

describe('what does not fit: not started, exit 78, and why', () => {
  const https = '127.0.0.1:';
  async function refused(sockets: string, words: readonly string[] = []): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-activated-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const port = await quietPort();
    const serve = [
      'serve',
      '--data',
      join(folder, 'data'),
      '--dns',
      `${ADDRESS}:${port}`,
      '--admin',
      'off',
      '--https',
      `${ADDRESS}:${port + 1}`,
    ];
    const all = [ACTIVATE, sockets, PROGRAM, ...serve, ...words];
    const env = { PATH: process.env['PATH'], WAXSEAL_LOG__FORMAT: 'text' };
    const { status, stderr } = spawnSync(toolPath('python3'), all, { encoding: 'utf8', timeout: 60_000, env, cwd: folder });
    expect(status).toBe(78);
    expect(readdirSync(folder)).toEqual([]);
    return stderr;
  }

  test.each([
    ['a name of nobody', `web=tcp:@https`, /no part of waxseal has this name.*FileDescriptorName=dns, or tls, or https, or admin/],
    ['a connection in place of a listener', `https=connected:${https}0`, /is a connection and does not listen.*Accept=no/],
  ])('%s', async (_, sockets, why) => {
    expect(await refused(sockets)).toMatch(why);
  });
});

test("systemd's own systemd-socket-activate: started by the first connection, which is answered", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-activated-'));
  const [dns, https] = [await quietPort(), await quietPort()];
  const serve = ['serve', '--data', join(folder, 'data'), '--dns', `${ADDRESS}:${dns}`, '--admin', 'off', '--https', `${ADDRESS}:${https}`];
  const words = ['-l', `${ADDRESS}:${https}`, '--fdname=https', '-E', `WAXSEAL_KEYS__KEK_FILE=${join(folder, 'kek')}`, PROGRAM, ...serve];
  const child = spawn(toolPath('systemd-socket-activate'), words, { stdio: 'ignore' });
  const ended = new Promise((resolve) => void child.once('exit', resolve));
  try {
    await delay(500);
    let page = { exit: null as number | null, out: '' };
    // A connection that waits for its handshake to begin is there for as long as curl is.
    for (let each = 0; each < 6 && page.out === ''; each++) page = curl(https, '/healthz', 'localhost');
    expect(page).toEqual({ exit: 0, out: 'ok\n' });
  } finally {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
});
