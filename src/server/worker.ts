/** Entry of a worker thread: the loop of worker-loop.ts on the store and the real responder. */
import { randomBytes, randomInt } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { CookieSecrets } from '#answer/defence/cookie-secrets.ts';
import { RateLimiter } from '#answer/defence/rate-limit.ts';
import { Responder } from '#answer/respond.ts';
import { SelectorCounts } from '#answer/count/selector-counts.ts';
import { SIP_KEY_BYTES } from '#answer/defence/siphash.ts';
import { assert } from '#base/assert.ts';
import { isLoadedOnly } from '#base/sibling.ts';
import { systemCoarseClock } from '#base/coarse-clock.ts';
import { ANSWER_CACHE_BYTES } from '#base/limits/answer.ts';
import { StoreFailure } from '#store/failure.ts';
import { openReader, type StoreReader } from '#store/reader.ts';
import { type OpenStore, runWorker } from './worker-loop.ts';

const openStore: OpenStore = (dir, counters, { cookieSecrets, rateLimit, log }, { selectors, id, nsid }) => {
  const reader = tryOpen(dir);
  if (reader === undefined) return undefined;
  const limited = (network: string) => {
    const how = rateLimit?.dryRun === true ? 'over it (dry run)' : 'limited';
    log('rrl.limited', `rate limit: answers to ${network} are ${how}`);
  };
  const defences = {
    cookieSecrets: cookieSecrets === undefined ? undefined : new CookieSecrets(cookieSecrets),
    limiter: rateLimit === undefined ? undefined : new RateLimiter(rateLimit, randomBytes(SIP_KEY_BYTES), limited),
    clock: systemCoarseClock(),
  };
  const responder = new Responder(reader, {
    counters,
    defences,
    cacheBytes: ANSWER_CACHE_BYTES,
    hashSeed: randomInt(2 ** 32),
    selectors: new SelectorCounts(selectors, id),
    nsid,
  });
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

if (!isLoadedOnly()) {
  assert(parentPort !== null, 'worker.ts runs as a worker thread');
  await runWorker(workerData, parentPort, openStore);
}
