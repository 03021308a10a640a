/** Requests between real children through the supervisor's relay. */
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/dns-client.ts';
import { supervise } from './fixtures/supervise.ts';

/** Runs a scenario of fixtures/call-child.ts; its lines when it is done. */
async function run(scenario: string) {
  const supervised = supervise({ script: 'call-child', answerMode: scenario });
  const done = await eventually(() => supervised.lines('answer').includes('done'), 30_000);
  const lines = supervised.lines('answer').filter((line) => !line.startsWith('start') && line !== 'done');
  return { ...supervised, done, outcomes: lines };
}

describe('requests through the supervisor', () => {
  test('50 of 65,535 octets in a row and 20 side by side: each has its own reply', async () => {
    const { done, outcomes } = await run('reverse');
    expect(done).toBe(true);
    const inARow = Array.from({ length: 50 }, (_, n) => `ok 65535 ${n + 1}`);
    const together = Array.from({ length: 20 }, (_, n) => `ok 1000 ${n}`);
    expect(outcomes).toEqual([...inARow, ...together]);
  });

  test('200 at once: 128 are under way, the others fail at once; after their time there is room again', async () => {
    const { outcomes } = await run('many');
    expect(outcomes).toEqual(['{"timeout":128,"overloaded":72}', 'ok 10 9']);
  });

  test('no reply in time', async () => {
    expect((await run('timeout')).outcomes).toEqual(['timeout']);
  });

  test('control ends in the middle: what was under way fails at once, so does what comes while it is down; then it is back', async () => {
    const { outcomes, starts } = await run('die');
    expect(outcomes).toEqual(['gone gone', 'down true, back, soon']);
    expect(starts('control')).toHaveLength(2);
    expect(starts('answer')).toHaveLength(1);
  });

  test('an answer process that keeps no limits: the supervisor keeps them, and so does control', async () => {
    const { child, lastPid, lines } = supervise({ script: 'call-child', answerMode: 'flood' });
    // Control is stopped: these replies are the supervisor's.
    expect(await eventually(() => lines('answer').includes('flooded 0'), 30_000)).toBe(true);
    process.kill(lastPid('control'), 'SIGCONT');
    expect(await eventually(() => lines('answer').includes('done'), 30_000)).toBe(true);
    // 2 MiB of 65,535 octets are 32 requests.
    expect(lines('answer')).toContain('ok 1 32');
    expect(child.exitCode).toBe(null);
  });
});
