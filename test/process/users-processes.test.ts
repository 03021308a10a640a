/**
 * A server that root starts, with users of their own for its processes: who runs as whom, with which rights, and what
 * the answer process's user gets at in the data directory. Users are numbers that no entry of passwd has.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exchangeUdp } from '../support/exchange.ts';
import { RunningServer, quietPort, runWaxseal } from '../support/running-server.ts';
import { putZones } from '../support/waxseal.ts';
import { buildQuery, parseMessage } from '../support/wire.ts';

const PROGRAM = join(import.meta.dirname, '../../waxseal');
const USER = { uid: 23_456, gid: 23_456 };
const ANSWER = { uid: 23_457, gid: 23_457 };
const IS_ROOT = process.getuid?.() === 0;

async function server(section: string): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-users-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'keys'));
  if (section !== '') chownSync(join(folder, 'keys'), IS_ROOT ? USER.uid : -1, IS_ROOT ? USER.gid : -1);
  const [dns, admin, https] = [await quietPort(), await quietPort(), await quietPort()];
  const config = `[process]\n${section}\n`;
  const running = new RunningServer(folder, { dns, admin, https }, { config, workers: 1, hasOwnCompileCache: true });
  chmodSync(running.configFile, 0o644);
  onTestFinished(async () => void (await running.stop()));
  return running;
}

/** Fields of proc(5) status. */
function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'latin1').split('\n');
  return Object.fromEntries(lines.map((line) => line.split(':\t')).map(([name, value]) => [name, value?.trim()]));
}

const four = (id: number) => Array.from({ length: 4 }, () => id).join('\t');
const modeOf = (path: string) => {
  const { mode, uid, gid } = statSync(path);
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
};

async function answers(running: RunningServer): Promise<boolean> {
  const query = buildQuery({ name: 'users.test.', type: 'SOA' });
  return running.eventually(async () => {
    const [reply] = await exchangeUdp(running, [query]);
    return reply !== undefined && parseMessage(reply).answer.length > 0;
  }, 30_000);
}

const ZONE = '@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n';

test('only root can run processes as others: not started', async () => {
  const running = await server('user = "1"');
  const env = { PATH: process.env['PATH'], ...running.environment };
  // As a number without rights; without root, as whoever runs the tests.
  const options = { cwd: '/', env, encoding: 'utf8', timeout: 60_000, ...(IS_ROOT ? USER : {}) } as const;
  const { status, stderr } = spawnSync(PROGRAM, running.words(), options);
  expect(stderr).toContain('start the server as root');
  expect(status).toBe(78);
});

// Only root can start a process as another user.
describe.runIf(IS_ROOT)('started as root', () => {
  test('with two users: each process has its own and nothing more, and all works', async () => {
    const running = await server(`user = "${USER.uid}"\nanswer_user = "${ANSWER.uid}:${ANSWER.gid}"`);
    await running.start();
    await putZones(running, [{ name: 'users.test.', text: `$ORIGIN users.test.\n${ZONE}` }], 'on');
    expect(await answers(running)).toBe(true);
    const { control, answer } = running.pids();
    expect(statusOf(control!)).toMatchObject({
      Uid: four(USER.uid),
      Gid: four(USER.gid),
      Groups: '',
      CapPrm: '0000000000000000',
      CapBnd: '0000000000000000',
      NoNewPrivs: '1',
    });
    const bind = '0000000000000400';
    expect(statusOf(answer!)).toMatchObject({
      Uid: four(ANSWER.uid),
      Gid: four(ANSWER.gid),
      Groups: '',
      ...{ CapInh: bind, CapPrm: bind, CapEff: bind, CapBnd: bind, CapAmb: bind, NoNewPrivs: '1', Seccomp: '2' },
    });
    // The supervisor can be root again, and is not meanwhile.
    expect(statusOf(running.child.pid!)).toMatchObject({ Uid: `0\t${USER.uid}\t0\t${USER.uid}`, CapEff: '0000000000000000' });
    const store = join(running.directory, 'store');
    expect({
      data: modeOf(running.directory),
      store: modeOf(store),
      dataFile: modeOf(join(store, 'data.mdb')),
      lockFile: modeOf(join(store, 'lock.mdb')),
      kek: modeOf(running.kekFile),
      token: modeOf(join(running.directory, 'admin.token')),
      socket: modeOf(join(running.directory, 'admin.sock')),
    }).toEqual({
      data: `710 ${USER.uid}:${ANSWER.gid}`,
      store: `710 ${USER.uid}:${ANSWER.gid}`,
      dataFile: `640 ${USER.uid}:${ANSWER.gid}`,
      lockFile: `660 ${USER.uid}:${ANSWER.gid}`,
      kek: `600 ${USER.uid}:${USER.gid}`,
      token: `600 ${USER.uid}:${USER.gid}`,
      socket: `600 ${USER.uid}:${USER.gid}`,
    });
    expect(running.log()).not.toContain('runs as root');
    expect(running.log()).not.toContain('not-confined');
    await running.killChild('answer');
    await running.killChild('control');
    await running.ready();
    expect(await answers(running)).toBe(true);
    running.child.kill('SIGHUP');
    expect(await running.eventually(() => running.log().includes('config.reloaded'))).toBe(true);
    expect(await running.terminate()).toBe(0);
    await running.start();
    expect(await answers(running)).toBe(true);
    expect(await running.terminate()).toBe(0);
  });

  test('with one user for all: nobody is root, and the answer process is confined', async () => {
    const running = await server(`user = "${USER.uid}:${USER.gid}"`);
    await running.start();
    const { control, answer } = running.pids();
    expect(statusOf(control!)['Uid']).toBe(four(USER.uid));
    expect(statusOf(answer!)).toMatchObject({ Uid: four(USER.uid), CapEff: '0000000000000400', Seccomp: '2' });
    expect(modeOf(join(running.directory, 'store'))).toBe(`700 ${USER.uid}:${USER.gid}`);
    expect(await running.terminate()).toBe(0);
  });

  test('a folder above that the answer process’s user cannot pass: not started, with the reason', async () => {
    const running = await server(`user = "${USER.uid}"\nanswer_user = "${ANSWER.uid}"`);
    chmodSync(running.folder, 0o750);
    chownSync(running.folder, USER.uid, USER.gid);
    const { exit, err } = await runWaxseal(running.words(), { cwd: '/', environment: running.environment });
    expect(err).toContain('[PROCESS_USER]');
    expect(err).toContain('EACCES');
    expect(exit).toBe(78);
  });

  test('without: a warning', async () => {
    const running = await server('');
    await running.start();
    expect(running.log()).toContain('the control process runs as root; name a user for it in process.user');
    expect(statusOf(running.pids().answer!)).toMatchObject({ CapEff: '0000000000000402', Seccomp: '2' });
  });
});

test('a user that is none: not started, with the setting', async () => {
  const running = await server('user = "no-such-user"\nanswer_user = "0"');
  const { exit, err } = await runWaxseal(running.words(), { environment: running.environment });
  const { problems } = JSON.parse(err) as { problems: readonly string[] };
  expect(problems).toEqual([
    expect.stringContaining('process.user: "no-such-user" is not a user of this machine'),
    expect.stringContaining('process.answer_user: "0" is root'),
  ]);
  expect(exit).toBe(78);
});
