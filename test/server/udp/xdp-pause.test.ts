/** When a worker that serves AF_XDP sleeps between two batches, and that the sleep is the system's. */
import { describe, expect, test } from 'vitest';
import { XDP_PAUSE_BELOW_PACKETS, XDP_PAUSE_FROM_PACKETS_PER_MS, XDP_PAUSE_US } from '#base/limits/server.ts';
import { XdpPause, isPauseDue } from '#server/udp/xdp-pause.ts';
import { loadXdpSyscalls } from '#server/udp/xdp-syscalls.ts';

const MANY = XDP_PAUSE_BELOW_PACKETS;
const RATE = XDP_PAUSE_FROM_PACKETS_PER_MS;

describe('a pause is due', () => {
  test.each([
    ['small batches that follow each other fast', 8, 8, 8 / RATE, true],
    ['the same, a moment too slow', 8, 8, 8 / RATE + 0.001, false],
    ['one query after a second of rest: its answer does not wait for others', 1, 1, 1000, false],
    ['a whole burst after a second of rest', MANY - 1, MANY - 1, 1000, false],
    ['a small batch after large ones: they count for the rate', 1, 1 + 4 * MANY, 10, true],
    ['nothing came', 0, 0, 0, false],
    ['nothing came after large batches: poll(2) waits', 0, 4 * MANY, 0.1, false],
    ['a batch that the ring had filled itself', MANY, MANY, 0.1, false],
    ['one packet less', MANY - 1, MANY - 1, 0.1, true],
  ])('%s', (_, last, packets, elapsedMs, isDue) => {
    expect(isPauseDue(last, packets, elapsedMs)).toBe(isDue);
  });
});

test('it sleeps once for a small batch that follows another at once, for the time that the limit says', () => {
  const slept: number[] = [];
  const pause = new XdpPause({ usleep: (us) => slept.push(us), prctl: () => 0 });
  pause.after(1, 1);
  expect(slept).toEqual([]);
  // With so many packets no time between the two is too long, whatever else the machine does.
  pause.after(MANY - 1, Number.MAX_SAFE_INTEGER);
  expect(slept).toEqual([XDP_PAUSE_US]);
  pause.after(MANY, Number.MAX_SAFE_INTEGER);
  expect(slept).toHaveLength(1);
});

test('usleep(3) sleeps, and the kernel takes the slack of this thread’s timers', () => {
  const calls = loadXdpSyscalls();
  expect(calls.prctl(29, 1000, 0, 0, 0)).toBe(0);
  // PR_GET_TIMERSLACK is the return value, in nanoseconds.
  expect(calls.prctl(30, 0, 0, 0, 0)).toBe(1000);
  const from = performance.now();
  expect(calls.usleep(XDP_PAUSE_US)).toBe(0);
  expect(performance.now() - from).toBeGreaterThanOrEqual(XDP_PAUSE_US / 1000);
});
