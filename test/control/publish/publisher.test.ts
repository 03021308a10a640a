import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type IpcMessage } from '#base/ipc/messages.ts';
import { PUBLISH_EVERY_MS } from '#base/limits/changes.ts';
import { Publisher } from '#control/publish/publisher.ts';

let told: number[];
let publisher: Publisher;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  publisher = new Publisher((message: IpcMessage) => {
    if (message.kind === 'generation') told.push(message.generation);
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const served = (generation: number) => publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation }] });

test('a single change is told at once', () => {
  publisher.publish(1);
  expect(told).toEqual([1]);
  vi.advanceTimersByTime(PUBLISH_EVERY_MS);
  publisher.publish(2);
  expect(told).toEqual([1, 2]);
});

test('of a stream of changes the newest is told, never later than the limit', () => {
  for (let generation = 1; generation <= 100; generation++) {
    publisher.publish(generation);
    vi.advanceTimersByTime(10);
    // At most as old as the limit says.
    expect(generation - told.at(-1)!).toBeLessThanOrEqual(PUBLISH_EVERY_MS / 10);
  }
  expect(told.length).toBeLessThanOrEqual(1 + (100 * 10) / PUBLISH_EVERY_MS);
  vi.advanceTimersByTime(PUBLISH_EVERY_MS);
  expect(told.at(-1)).toBe(100);
  const { length } = told;
  vi.advanceTimersByTime(10 * PUBLISH_EVERY_MS);
  expect(told.length).toBe(length);
});

test('who waits to see a change served does not wait for others', async () => {
  publisher.publish(1);
  publisher.publish(2);
  expect(told).toEqual([1]);
  const waiting = publisher.waitServed(2, 1000);
  expect(told).toEqual([1, 2]);
  served(2);
  expect(await waiting).toBe(true);
});

test('a new answer process hears the newest; the end leaves nothing untold', () => {
  publisher.publish(1);
  publisher.publish(2);
  publisher.receive({ kind: 'hello', role: 'answer', pid: 1 });
  expect(told).toEqual([1, 2]);
  publisher.publish(3);
  publisher.close();
  expect(told.at(-1)).toBe(3);
});
