import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { SERVER_SLOT_COUNT } from '#server/counters.ts';
import { type WorkerCommand, type WorkerData, runWorker } from '#server/worker-loop.ts';

/** A worker's data without anything to listen at. */
function workerData(): WorkerData {
  return {
    id: 0,
    duty: 'tcp',
    storeDir: '',
    addresses: [],
    counters: new SharedArrayBuffer(8 * SERVER_SLOT_COUNT),
    rowLength: SERVER_SLOT_COUNT,
    generations: new SharedArrayBuffer(8),
    selectors: new SharedArrayBuffer(8),
    cookieSecrets: undefined,
    rateLimit: undefined,
    queryLogEvery: 0,
  };
}

test('a generation that is announced while the store closes is not looked at: it would be read after its memory is gone', async () => {
  const { port1, port2 } = new MessageChannel();
  const data = workerData();
  const generations = new Int32Array(data.generations);
  const announce = (generation: number): void => {
    Atomics.store(generations, 0, generation);
    port2.postMessage({ kind: 'generation' } satisfies WorkerCommand);
  };
  const seen: string[] = [];
  const late = Promise.withResolvers<undefined>();
  const served = (generation: number) => expect.poll(() => Atomics.load(generations, 1 + data.id)).toBe(generation);
  const running = runWorker(data, port1, () => ({
    responder: { respond: () => 0 },
    takeKeys: () => undefined,
    refresh() {
      seen.push('refresh');
      return Atomics.load(generations, 0);
    },
    async close() {
      seen.push('close');
      announce(3);
      await late.promise;
    },
  }));
  // The loop listens first: here an announcement has been taken already.
  port1.on('message', () => {
    if (seen.includes('close')) late.resolve(undefined);
  });
  port2.postMessage({ kind: 'held' } satisfies WorkerCommand);
  announce(1);
  await served(1);
  announce(2);
  await served(2);
  port2.postMessage({ kind: 'stop', graceMs: 0 } satisfies WorkerCommand);
  await running;
  port2.close();
  expect(seen.lastIndexOf('refresh')).toBeLessThan(seen.indexOf('close'));
  expect(seen.at(-1)).toBe('close');
});

test('before it may open the store it waits, and a stop ends the wait', async () => {
  const { port1, port2 } = new MessageChannel();
  let isOpened = false;
  const running = runWorker(workerData(), port1, () => {
    isOpened = true;
    return undefined;
  });
  port2.postMessage({ kind: 'stop', graceMs: 0 } satisfies WorkerCommand);
  await running;
  port2.close();
  expect(isOpened).toBe(false);
});
