/** facts D3: a suspend of ten minutes is noticed once; one that is short, or none, is not. */
import { expect, test } from 'vitest';
import { type Problem } from '#base/problem.ts';
import { readUptime } from '#control/lifecycle/boot-time.ts';
import { suspendAlerts } from '#control/signing/suspends.ts';

const MINUTE_MS = 60_000;

test('each suspend that is longer than a minute is told, once', async () => {
  const alerts: Problem[] = [];
  let [uptimeMs, awakeMs] = [5 * MINUTE_MS, 0];
  const look = suspendAlerts({
    uptime: () => ({ uptimeMs, bootId: 'test' }),
    awakeMs: () => awakeMs,
    alert: (_zone, problems) => Promise.resolve(void alerts.push(...problems)),
  });
  const pass = (ms: number, asleepMs = 0): void => {
    awakeMs += ms;
    uptimeMs += ms + asleepMs;
  };
  for (const asleepMs of [0, 10_000, 10 * MINUTE_MS, 0, 0, 90 * MINUTE_MS]) {
    pass(MINUTE_MS, asleepMs);
    await look();
  }
  expect(alerts.map(({ code, severity, message }) => [code, severity, /for (\d+) s/.exec(message)![1]])).toEqual([
    ['CLOCK_SUSPENDED', 'warning', '600'],
    ['CLOCK_SUSPENDED', 'warning', '5400'],
  ]);
});

test('the clocks of this machine agree while it is awake', async () => {
  const alerts: Problem[] = [];
  const alert = (_zone: string | undefined, problems: readonly Problem[]) =>
    Promise.resolve(void alerts.push(...problems));
  const look = suspendAlerts({ uptime: readUptime, awakeMs: () => performance.now(), alert });
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await look();
  }
  expect(alerts).toEqual([]);
});
