import { describe, expect, test } from 'vitest';
import { type Role } from '#base/ipc/messages.ts';
import { eventually } from '../support/dns-client.ts';
import { isRunning, supervise } from './fixtures/supervise.ts';

describe('facts §8.8: signals', () => {
  test('TERM goes to both, exit code 0 after a clean end', async () => {
    const { child, ended, greeted, has } = supervise();
    expect(await greeted()).toBe(true);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
    expect(has('control', 'TERM')).toBe(true);
    expect(has('answer', 'TERM')).toBe(true);
  });

  test('HUP goes to both, nothing is restarted', async () => {
    const { child, greeted, has, starts } = supervise();
    expect(await greeted()).toBe(true);
    child.kill('SIGHUP');
    expect(await eventually(() => has('control', 'HUP') && has('answer', 'HUP'))).toBe(true);
    expect(starts('control')).toHaveLength(1);
    expect(starts('answer')).toHaveLength(1);
  });

  test('a child that does not end in time is killed, exit code 1', async () => {
    const { child, ended, greeted, output } = supervise({ answerMode: 'deaf', shutdownMs: 500 });
    expect(await greeted()).toBe(true);
    child.kill('SIGTERM');
    expect(await ended()).toBe(1);
    expect(output()).toContain('answer process: not ended in time; killing it');
  });

  test('a second TERM kills at once', async () => {
    const { child, ended, greeted, has } = supervise({ answerMode: 'deaf' });
    expect(await greeted()).toBe(true);
    child.kill('SIGTERM');
    expect(await eventually(() => has('answer', 'TERM'))).toBe(true);
    const sentMs = performance.now();
    child.kill('SIGTERM');
    expect(await ended()).toBe(1);
    expect(performance.now() - sentMs).toBeLessThan(3000);
  });
});

describe('children that die', () => {
  const pairs: readonly { readonly victim: Role; readonly survivor: Role }[] = [
    { victim: 'control', survivor: 'answer' },
    { victim: 'answer', survivor: 'control' },
  ];
  test.each(pairs)('kill -9 of $victim: started again; $survivor stays, is told, and both greet again', async ({ victim, survivor }) => {
    const { greeted, has, lastPid, starts } = supervise();
    expect(await greeted()).toBe(true);
    process.kill(lastPid(victim), 'SIGKILL');
    expect(await eventually(() => starts(victim).length === 2)).toBe(true);
    expect(await eventually(() => has(survivor, `"hello","role":"${victim}","pid":${lastPid(victim)}`))).toBe(true);
    expect(await greeted()).toBe(true);
    expect(has(survivor, `"gone","role":"${victim}"`)).toBe(true);
    expect(starts(survivor)).toHaveLength(1);
    expect(has('answer', '"kind":"start"')).toBe(true);
  });

  test('the answer process gets its settings once in each life', async () => {
    const { greeted, lastPid, lines, starts } = supervise();
    expect(await greeted()).toBe(true);
    process.kill(lastPid('control'), 'SIGKILL');
    expect(await eventually(() => starts('control').length === 2)).toBe(true);
    expect(await greeted()).toBe(true);
    expect(lines('answer').filter((line) => line.includes('"kind":"start"'))).toHaveLength(1);
  });

  test('a child that dies at every start is started less and less often', async () => {
    const { child, ended, output, starts } = supervise({ controlMode: 'crash' });
    expect(await eventually(() => output().includes('starting it again in 400 ms'), 30_000)).toBe(true);
    for (const waitMs of [50, 100, 200])
      expect(output()).toContain(`control process ended (exit code 1); starting it again in ${waitMs} ms`);
    expect(starts('answer')).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
  });

  test('exit code 78 of control: everything stops with 78', async () => {
    const { ended, output } = supervise({ controlMode: 'config' });
    expect(await ended()).toBe(78);
    expect(output()).toContain('control process cannot start (exit code 78); stopping');
  });

  test('control cannot start, for a reason that may pass: everything stops with the code that it gives', async () => {
    const { ended, output } = supervise({ controlMode: 'unable' });
    expect(await ended()).toBe(4);
    expect(output()).toContain('control process cannot start (exit code 4); stopping');
  });

  test('control was ready once and cannot start again: DNS goes on, and it is tried again', async () => {
    const { child, ended, greeted, lines, output, lastPid, starts } = supervise({ controlMode: 'once' });
    expect(await greeted()).toBe(true);
    expect(await eventually(() => lines('control').includes('ready'))).toBe(true);
    process.kill(lastPid('control'), 'SIGKILL');
    expect(await eventually(() => starts('control').length >= 4)).toBe(true);
    expect(output()).toContain('control process ended (exit code 4); starting it again');
    expect(starts('answer')).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
  });

  test('a child that runs and does not answer is killed and started again; the other one is left alone', async () => {
    const { child, ended, output, starts } = supervise({
      controlMode: 'spin',
      heartbeat: { everyMs: 100, missedMax: 40 },
      shutdownMs: 500,
    });
    expect(await eventually(() => starts('control').length >= 3, 60_000)).toBe(true);
    expect(output()).toContain('control process runs and does not answer; killing it');
    expect(output()).toContain('control process ended (SIGKILL); starting it again');
    expect(output()).not.toContain('answer process runs');
    expect(starts('answer')).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await ended()).toBeTypeOf('number');
  });

  test('kill -9 of the supervisor: no child is left', async () => {
    const { child, greeted, lastPid } = supervise();
    expect(await greeted()).toBe(true);
    child.kill('SIGKILL');
    expect(await eventually(() => !isRunning(lastPid('control')) && !isRunning(lastPid('answer')))).toBe(true);
  });
});

describe('ADR 0012: the policy host is a third child', () => {
  test('it gets its settings and generations, and control what it serves; it and the answer process never hear of each other', async () => {
    const { greeted, has, lastPid, lines } = supervise({ policyHostMode: '' });
    expect(await greeted()).toBe(true);
    expect(await eventually(() => has('policy-host', '"generation":7') && has('control', '"kind":"hosted","generation":7'))).toBe(true);
    // A generation may come before the settings: the store is read as it is when these are there.
    expect(await eventually(() => has('policy-host', '"kind":"start-policy-host"') && has('policy-host', '"keyFile":"the-key"'))).toBe(
      true,
    );
    expect(await eventually(() => has('control', `"hello","role":"policy-host","pid":${lastPid('policy-host')}`))).toBe(true);
    expect(lines('answer').filter((line) => line.includes('policy-host') || line.includes('hosted'))).toEqual([]);
    expect(lines('policy-host').filter((line) => line.includes('"answer"') || line.includes('"served"'))).toEqual([]);
  });

  test('kill -9: it alone is started again, control is told, the answer process is not', async () => {
    const { greeted, has, lastPid, starts } = supervise({ policyHostMode: '' });
    expect(await greeted()).toBe(true);
    expect(await eventually(() => has('policy-host', '"generation":7'))).toBe(true);
    process.kill(lastPid('policy-host'), 'SIGKILL');
    expect(await eventually(() => starts('policy-host').length === 2 && has('policy-host', '"generation":7'))).toBe(true);
    expect(has('control', '"gone","role":"policy-host"')).toBe(true);
    expect(has('answer', '"gone"')).toBe(false);
    expect([starts('control').length, starts('answer').length]).toEqual([1, 1]);
  });

  test.each(['config', 'unable', 'crash'])('mode %s: it is tried again, and nothing else stops', async (policyHostMode) => {
    const { child, ended, greeted, output, starts } = supervise({ policyHostMode });
    expect(await greeted()).toBe(true);
    expect(await eventually(() => output().split('policy-host process ended').length > 3, 20_000)).toBe(true);
    expect([starts('control').length, starts('answer').length]).toEqual([1, 1]);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
  });
});
