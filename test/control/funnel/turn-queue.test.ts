/** Order of jobs: in order within a lane, lanes in turns, one group at a time. */
import { expect, test } from 'vitest';
import { TurnQueue } from '#control/funnel/turn-queue.ts';

function bench(groupMax: number) {
  const log: string[] = [];
  const groups: string[][] = [];
  let running = 0;
  const queue = new TurnQueue<string>(async (take) => {
    expect(++running).toBe(1);
    const group: string[] = [];
    while (group.length < groupMax) {
      const job = take();
      if (job === undefined) break;
      group.push(job);
      // Those that come while a group is filled may still get in.
      if (job === 'outer') queue.add('a', 'inner');
    }
    await Promise.resolve();
    log.push(...group);
    groups.push(group);
    running--;
  });
  return { queue, log, groups };
}

test('jobs of one lane keep their order, and never run inside `add`', async () => {
  const { queue, log } = bench(2);
  for (const job of ['1', '2', '3']) queue.add('a', job);
  expect(log).toEqual([]);
  await queue.idle();
  expect(log).toEqual(['1', '2', '3']);
});

test.each([1, 3, 10])('a lane with many jobs does not make another wait for all of them: groups of %i', async (groupMax) => {
  const { queue, log } = bench(groupMax);
  for (const job of ['a1', 'a2', 'a3', 'a4']) queue.add('a', job);
  for (const job of ['b1', 'c1', 'b2']) queue.add(job[0]!, job);
  await queue.idle();
  expect(log).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
});

test('what waits is taken as one group, and what comes meanwhile as the next', async () => {
  const { queue, groups } = bench(10);
  for (const job of ['1', '2']) queue.add('a', job);
  await Promise.resolve();
  await Promise.resolve();
  queue.add('b', '3');
  await queue.idle();
  expect(groups).toEqual([['1', '2'], ['3']]);
});

test('a job with company waits until the event loop has turned: what waited at sockets is in its group', async () => {
  const { queue, groups } = bench(10);
  queue.add('a', '1', true);
  for (let each = 0; each < 10; each++) await Promise.resolve();
  queue.add('b', '2', true);
  expect(groups).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  queue.add('c', '3');
  await queue.idle();
  expect(groups).toEqual([['1', '2'], ['3']]);
});

test('idle: resolves after jobs that were added while it waited', async () => {
  const { queue, log } = bench(1);
  await queue.idle();
  queue.add('a', 'outer');
  await queue.idle();
  expect(log).toEqual(['outer', 'inner']);
});
