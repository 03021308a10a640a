/** A taken answer process on its channel: the supervisor and control go on, hear nothing without a form of ours, and the log says it once. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readIpcMessage } from '#base/ipc/form.ts';
import { eventually } from '../support/dns-client.ts';
import { seedOfRun } from '../support/random.ts';
import { supervise } from './fixtures/supervise.ts';

const DROPPED = /^answer process: \d+ messages? (?:has|have) not the form of ours \(\d+ in all\); dropped/gm;

/** Resolves when all was sent and control has heard the last message, which is a good one. */
async function attack(mode: string) {
  const supervised = supervise({ script: 'hostile-child', answerMode: mode });
  expect(await eventually(() => supervised.has('control', '127.0.0.1:5353'), 30_000)).toBe(true);
  expect(await eventually(() => supervised.has('control', '"kind":"dropped","role":"answer"'), 10_000)).toBe(true);
  expect(supervised.child.exitCode).toBe(null);
  expect([supervised.starts('control').length, supervised.starts('answer').length]).toEqual([1, 1]);
  expect(supervised.output().match(DROPPED)).toHaveLength(1);
  const heard = supervised
    .lines('control')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as object);
  // Each is its own copy: nothing in it that the form does not name.
  for (const message of heard) expect(readIpcMessage(message)).toEqual(message);
  return { ...supervised, heard };
}

const residentMib = (pid: number) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

test('5000 mutated messages', async () => {
  const { heard, child, ended } = await attack(`mutated ${seedOfRun('HOSTILE_SEED')}`);
  expect(heard.length).toBeGreaterThan(1);
  child.kill('SIGTERM');
  expect(await ended()).toBe(0);
});

test('lines that are no JSON, and messages that Node itself would obey', async () => {
  const { child, ended } = await attack('raw');
  child.kill('SIGTERM');
  expect(await ended()).toBe(0);
});

test('a line that never ends does not fill the memory of the supervisor', async () => {
  const { child, ended } = await attack('endless');
  expect(residentMib(child.pid!)).toBeLessThan(192);
  child.kill('SIGTERM');
  expect(await ended()).toBe(0);
});
