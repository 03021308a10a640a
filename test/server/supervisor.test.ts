import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type SupervisorOptions } from '#server/supervisor.ts';
import { eventually, framed, idOf, simpleQuery, TcpClient, tcpQuery, udpQuery } from '../support/dns-client.ts';
import { freeAddress } from './fixtures/echo.ts';

const fixture = (name: string) => new URL(`./fixtures/${name}.ts`, import.meta.url).pathname;

let dir = '';
let supervisors: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'waxseal-supervisor-'));
  supervisors = [];
});

afterEach(() => {
  for (const each of supervisors) each.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

const lines = (role: string) => {
  try {
    return readFileSync(join(dir, role), 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
};
const starts = (role: string) => lines(role).filter((line) => line.startsWith('start '));
const lastPid = (role: string) => Number(starts(role).at(-1)?.slice(6));
const has = (role: string, text: string) => lines(role).some((line) => line.includes(text));

/** A supervisor of fake children, in a process of its own. */
function supervise({
  controlMode = '',
  answerMode = '',
  ...more
}: { controlMode?: string; answerMode?: string } & Partial<SupervisorOptions> = {}) {
  const options = {
    control: { script: fixture('fake-child'), args: ['control', join(dir, 'control'), controlMode] },
    answer: { script: fixture('fake-child'), args: ['answer', join(dir, 'answer'), answerMode] },
    settings: { storeDir: dir, listen: ['127.0.0.1:5300'], workers: 2 },
    restartTimes: { firstMs: 50, longestMs: 400, settledMs: 30_000 },
    ...more,
  };
  const child = spawn(process.execPath, [fixture('supervised'), JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  supervisors.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  let code: number | null | undefined;
  child.once('exit', (exitCode) => {
    code = exitCode;
  });
  return {
    child,
    output: () => output,
    /** Exit code, or `running`. */
    ended: async (timeoutMs = 8000) => ((await eventually(() => code !== undefined, timeoutMs)) ? code : 'running'),
  };
}

const bothGreeted = () =>
  eventually(() => has('control', '"role":"answer"') && has('answer', '"role":"control"') && has('answer', '"generation":7'));

describe('facts §8.8: signals', () => {
  test('TERM goes to both, exit code 0 after a clean end', async () => {
    const { child, ended } = supervise();
    await bothGreeted();
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
    expect(has('control', 'TERM')).toBe(true);
    expect(has('answer', 'TERM')).toBe(true);
  });

  test('HUP goes to both, nothing is restarted', async () => {
    const { child } = supervise();
    await bothGreeted();
    child.kill('SIGHUP');
    expect(await eventually(() => has('control', 'HUP') && has('answer', 'HUP'))).toBe(true);
    expect(starts('control')).toHaveLength(1);
    expect(starts('answer')).toHaveLength(1);
  });

  test('a child that does not end in time is killed, exit code 1', async () => {
    const { child, ended, output } = supervise({ answerMode: 'deaf', shutdownMs: 500 });
    await bothGreeted();
    child.kill('SIGTERM');
    expect(await ended()).toBe(1);
    expect(output()).toContain('answer process: not ended in time; killing it');
  });

  test('a second TERM kills at once', async () => {
    const { child, ended } = supervise({ answerMode: 'deaf' });
    await bothGreeted();
    child.kill('SIGTERM');
    await eventually(() => has('answer', 'TERM'));
    const sentMs = performance.now();
    child.kill('SIGTERM');
    expect(await ended()).toBe(1);
    expect(performance.now() - sentMs).toBeLessThan(2000);
  });
});

describe('children that die', () => {
  test.each([
    ['control', 'answer'],
    ['answer', 'control'],
  ])('kill -9 of %s: started again, %s stays, is told, and both greet again', async (victim, survivor) => {
    supervise();
    await bothGreeted();
    process.kill(lastPid(victim), 'SIGKILL');
    expect(await eventually(() => starts(victim).length === 2)).toBe(true);
    expect(await eventually(() => lines(survivor).filter((line) => line.includes(`"hello","role":"${victim}"`)).length === 2)).toBe(true);
    expect(has(survivor, `"gone","role":"${victim}"`)).toBe(true);
    expect(starts(survivor)).toHaveLength(1);
    // Answer has got its settings and the generation again, or the first time only.
    const times = victim === 'answer' ? 2 : 1;
    const got = (text: string) => lines('answer').filter((line) => line.includes(text)).length;
    expect(await eventually(() => got('"kind":"start"') === times && got('"generation":7') === 2)).toBe(true);
  });

  test('a child that dies at every start is started less and less often', async () => {
    const { output, child, ended } = supervise({ controlMode: 'crash' });
    expect(await eventually(() => output().includes('starting it again in 400 ms'))).toBe(true);
    for (const waitMs of [50, 100, 200])
      expect(output()).toContain(`control process ended (exit code 1); starting it again in ${waitMs} ms`);
    expect(starts('answer')).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
  });

  test('exit code 78 of control: everything stops with 78', async () => {
    const { ended, output } = supervise({ controlMode: 'config' });
    expect(await ended()).toBe(78);
    expect(output()).toContain('configuration');
  });

  test('kill -9 of the supervisor: no child is left', async () => {
    const { child } = supervise();
    await bothGreeted();
    const pids = [lastPid('control'), lastPid('answer')];
    child.kill('SIGKILL');
    expect(await eventually(() => pids.every((pid) => !isRunning(pid)))).toBe(true);
  });
});

/** False too for one that has ended and that nobody has waited for yet. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the answer process, with workers that echo', () => {
  let at: IpPort;

  beforeEach(async () => {
    at = await freeAddress();
    writeFileSync(join(dir, 'generation'), '7');
  });

  const superviseEcho = () =>
    supervise({
      answer: { script: fixture('echo-answer'), args: [] },
      settings: { storeDir: dir, listen: [formatIpPort(at)], workers: 2 },
    });
  const answers = async (timeoutMs = 300) => {
    const reply = await udpQuery(at, simpleQuery(1), timeoutMs);
    return reply !== undefined && idOf(reply) === 1;
  };
  const bothServe = (generation: number) =>
    eventually(() =>
      has(
        'control',
        `"served","workers":[{"id":0,"alive":true,"generation":${generation}},{"id":1,"alive":true,"generation":${generation}}]`,
      ),
    );

  test('listening, generation and counters reach control; TERM drains and exits 0', async () => {
    const { child, ended } = superviseEcho();
    expect(await bothServe(7)).toBe(true);
    expect(has('control', `{"kind":"listening","addresses":["${formatIpPort(at)}"]}`)).toBe(true);
    expect(has('control', '{"kind":"ready","role":"answer"}')).toBe(true);
    expect(await answers()).toBe(true);
    expect(idOf((await tcpQuery(at, simpleQuery(2)))!)).toBe(2);
    expect(
      await eventually(() => /"udpQueries":1.*"tcpQueries":1.*"echoed":[12]|"echoed":2/.test(lines('control').at(-1) ?? ''), 3000),
    ).toBe(true);
    const idle = await TcpClient.open(at);
    idle.send(framed(simpleQuery(3)));
    await idle.receive(1);
    child.kill('SIGTERM');
    expect(await idle.ending()).toBe('end');
    expect(await ended()).toBe(0);
    expect(await answers(100)).toBe(false);
  });

  test('a newer generation is served even if nobody tells of it', async () => {
    superviseEcho();
    expect(await bothServe(7)).toBe(true);
    writeFileSync(join(dir, 'generation'), '8');
    expect(await bothServe(8)).toBe(true);
  });

  test('without a store it waits, and serves when there is one', async () => {
    rmSync(join(dir, 'generation'));
    superviseEcho();
    expect(await eventually(() => has('control', '"role":"answer"'))).toBe(true);
    expect(await answers(200)).toBe(false);
    writeFileSync(join(dir, 'generation'), '1');
    expect(await eventually(() => answers(100), 3000)).toBe(true);
  });

  test('kill -9 of control again and again: not one query is lost', async () => {
    superviseEcho();
    expect(await bothServe(7)).toBe(true);
    for (let round = 0; round < 3; round++) {
      const before = starts('control').length;
      process.kill(lastPid('control'), 'SIGKILL');
      while (starts('control').length === before) expect(await answers(1000)).toBe(true);
    }
  });

  test('kill -9 of the answer process: it answers again on the same address within a second', async () => {
    superviseEcho();
    expect(await bothServe(7)).toBe(true);
    const hello = lines('control').find((line) => line.includes('"role":"answer"')) ?? '';
    process.kill(Number(/"pid":(\d+)/.exec(hello)?.[1]), 'SIGKILL');
    const killedMs = performance.now();
    expect(await eventually(() => answers(50), 5000)).toBe(true);
    // Twice the aim, as this machine may be busy with other tests.
    expect(performance.now() - killedMs).toBeLessThan(2000);
  });

  test('a worker that dies is started again; control sees it go and come', async () => {
    superviseEcho();
    expect(await bothServe(7)).toBe(true);
    await udpQuery(at, Buffer.from(simpleQuery(1)).fill(0x70, 2, 3), 50);
    expect(await eventually(() => has('control', '"alive":false,"generation":7'))).toBe(true);
    expect(
      await eventually(
        () =>
          lines('control')
            .filter((line) => line.includes('"served"'))
            .at(-1)
            ?.includes('false') === false,
      ),
    ).toBe(true);
    for (let n = 0; n < 20; n++) expect(await answers(1000)).toBe(true);
  });
});
