/** One job at a time, in order within a lane, lanes in turns. */
import { expect, test } from 'vitest';
import { TurnQueue } from '#control/funnel/turn-queue.ts';

function bench() {
  const queue = new TurnQueue();
  const log: string[] = [];
  let running = 0;
  const job = (name: string) => async () => {
    running++;
    expect(running).toBe(1);
    await Promise.resolve();
    log.push(name);
    running--;
    return name;
  };
  return { queue, log, job };
}

test('jobs of one lane keep their order, and never run inside `run`', async () => {
  const { queue, log, job } = bench();
  const all = [queue.run('a', job('1')), queue.run('a', job('2')), queue.run('a', job('3'))];
  expect(log).toEqual([]);
  expect(await Promise.all(all)).toEqual(['1', '2', '3']);
  expect(log).toEqual(['1', '2', '3']);
});

test('a lane with many jobs does not make another wait for all of them', async () => {
  const { queue, log, job } = bench();
  const all = ['a1', 'a2', 'a3', 'a4'].map((name) => queue.run('a', job(name)));
  all.push(queue.run('b', job('b1')), queue.run('c', job('c1')), queue.run('b', job('b2')));
  await Promise.all(all);
  expect(log).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
});

test('a job that fails rejects for its caller alone', async () => {
  const { queue, log, job } = bench();
  const failed = queue.run('a', () => Promise.reject(new Error('no')));
  const next = queue.run('a', job('next'));
  await expect(failed).rejects.toThrow('no');
  await next;
  expect(log).toEqual(['next']);
});

test('idle: resolves after jobs that were added while it waited', async () => {
  const { queue, log, job } = bench();
  await queue.idle();
  void queue.run('a', async () => {
    void queue.run('a', job('inner'));
    await job('outer')();
  });
  await queue.idle();
  expect(log).toEqual(['outer', 'inner']);
});
