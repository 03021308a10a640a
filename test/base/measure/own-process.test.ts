/** What this process takes, beside what the kernel says of it; how long its event loop was held up. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { lastReload, noteReload, ownUsage, usageSlots, usageTable, watchLoop } from '#base/measure/own-process.ts';

test('memory, descriptors and processor time are those of proc(5)', () => {
  const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024;
  const usage = ownUsage();
  expect(usage.resident! / resident).toBeCloseTo(1, 0);
  expect(usage.fds).toBeGreaterThan(3);
  const before = usage.cpuUser!;
  const endMs = performance.now() + 200;
  while (performance.now() < endMs);
  expect(ownUsage().cpuUser! + ownUsage().cpuSystem! - before - usage.cpuSystem!).toBeGreaterThan(0.05);
});

test('an event loop that is held up shows for how long', async () => {
  watchLoop();
  watchLoop();
  await delay(1200);
  const endMs = performance.now() + 1500;
  while (performance.now() < endMs);
  await delay(50);
  expect(ownUsage().loopDelay).toBeGreaterThan(0.4);
  expect(ownUsage().loopDelay).toBeLessThan(10);
});

test('the processes are told apart by a label, and every slot is shown', () => {
  const slots = Object.keys(usageSlots('answer'));
  expect(slots).toEqual(Object.keys(usageTable('answer')));
  for (const { labels } of Object.values(usageTable('answer'))) expect(labels).toMatchObject({ process: 'answer' });
});

test('the last reading of the configuration counts', () => {
  noteReload(true, 1000);
  noteReload(false, 2000);
  expect(lastReload()).toEqual({ isGood: false, atMs: 2000 });
});
