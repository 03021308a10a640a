/** Dropped messages: all are counted, few lines are written, and control hears the newest count. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DROPPED_LOG_MS, DROPPED_TELL_MS } from '#base/limits/process.ts';
import { DroppedMessages } from '#process/children/dropped-messages.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function dropped() {
  const [lines, told]: [string[], string[]] = [[], []];
  const messages = new DroppedMessages({
    log: (role, more, total) => lines.push(`${role} ${more} of ${total}`),
    tell: (role, total) => told.push(`${role} ${total}`),
  });
  return { messages, lines, told };
}

test('the first is logged at once, all others together once a minute, for each process', () => {
  const { messages, lines } = dropped();
  for (let n = 0; n < 5000; n++) messages.add('answer');
  messages.add('policy-host');
  expect(lines).toEqual(['answer 1 of 1', 'policy-host 1 of 1']);
  vi.advanceTimersByTime(DROPPED_LOG_MS);
  expect(lines.slice(2)).toEqual(['answer 4999 of 5000']);
  vi.advanceTimersByTime(5 * DROPPED_LOG_MS);
  expect(lines).toHaveLength(3);
  messages.add('answer');
  expect(lines[3]).toBe('answer 1 of 5001');
});

test('control hears of them after a second, and all of it when it is new', () => {
  const { messages, told } = dropped();
  for (let n = 0; n < 50; n++) messages.add('answer');
  expect(told).toEqual([]);
  vi.advanceTimersByTime(DROPPED_TELL_MS);
  expect(told).toEqual(['answer 50']);
  messages.tellAll();
  expect(told).toEqual(['answer 50', 'answer 50']);
});
