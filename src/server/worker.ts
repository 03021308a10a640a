/** Entry of a worker thread: the loop of worker-loop.ts on the store and the real responder. */
import { parentPort, workerData } from 'node:worker_threads';
import { Responder } from '#answer/respond.ts';
import { assert } from '#base/assert.ts';
import { StoreFailure } from '#store/failure.ts';
import { openReader, type StoreReader } from '#store/reader.ts';
import { type OpenStore, runWorker } from './worker-loop.ts';

const openStore: OpenStore = (dir, counters) => {
  const reader = tryOpen(dir);
  if (reader === undefined) return undefined;
  const responder = new Responder(reader, { counters });
  return {
    responder,
    refresh() {
      responder.refresh();
      return reader.generation();
    },
    close: () => reader.close(),
  };
};

/** Undefined while control has not made the store; any other failure ends the thread, with its text in the log. */
function tryOpen(dir: string): StoreReader | undefined {
  try {
    return openReader(dir);
  } catch (error) {
    if (error instanceof StoreFailure && error.code === 'STORE_MISSING') return undefined;
    throw error;
  }
}

assert(parentPort !== null, 'worker.ts runs as a worker thread');
await runWorker(workerData, parentPort, openStore);
