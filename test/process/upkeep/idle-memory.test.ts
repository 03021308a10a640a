/** A process that rests gives memory back, and one that works is not stopped for it. */
import { expect, onTestFinished, test } from 'vitest';
import { IDLE_MEMORY_GROWN_BYTES } from '#base/limits/process.ts';
import { IdleMemory, type IdleMemoryOptions } from '#process/upkeep/idle-memory.ts';

const LOOK_MS = 10;

/** The looks so far, and the collections among them. */
function bench({ cpuPerLook }: { readonly cpuPerLook: number }) {
  const seen = { looks: 0, collections: 0, held: 0 };
  let cpu = 0;
  const options: IdleMemoryOptions = {
    lookMs: LOOK_MS,
    heldBytes: () => seen.held,
    cpuMicroseconds: () => {
      seen.looks++;
      return (cpu += cpuPerLook);
    },
    collect: () => {
      seen.collections++;
      seen.held /= 4;
    },
  };
  const memory = new IdleMemory(options);
  onTestFinished(() => memory.stop());
  memory.start();
  return seen;
}

test('a heap that has grown is collected once, and again when it has grown again', async () => {
  const seen = bench({ cpuPerLook: 1 });
  seen.held = 4 * IDLE_MEMORY_GROWN_BYTES;
  await expect.poll(() => seen.collections, { interval: LOOK_MS }).toBe(1);
  const { looks } = seen;
  await expect.poll(() => seen.looks, { interval: LOOK_MS }).toBeGreaterThan(looks + 3);
  expect(seen.collections).toBe(1);
  seen.held = 2.5 * IDLE_MEMORY_GROWN_BYTES;
  await expect.poll(() => seen.collections, { interval: LOOK_MS }).toBe(2);
});

test('while the process is at work it is not stopped', async () => {
  const seen = bench({ cpuPerLook: 1000 * LOOK_MS });
  seen.held = 100 * IDLE_MEMORY_GROWN_BYTES;
  await expect.poll(() => seen.looks, { interval: LOOK_MS }).toBeGreaterThan(5);
  expect(seen.collections).toBe(0);
});

test('V8 collects when it is asked: what nothing refers to is gone', async () => {
  let cpu = 0;
  let garbage: Uint8Array[] | undefined = Array.from({ length: 64 }, () => new Uint8Array(1024 * 1024).fill(1));
  const before = process.memoryUsage().arrayBuffers;
  garbage = undefined;
  expect(garbage).toBeUndefined();
  const memory = new IdleMemory({ lookMs: LOOK_MS, cpuMicroseconds: () => cpu++, heldBytes: () => Infinity });
  onTestFinished(() => memory.stop());
  memory.start();
  await expect.poll(() => process.memoryUsage().arrayBuffers, { timeout: 10_000 }).toBeLessThan(before - 32 * 1024 * 1024);
});
