/** Entry of a worker thread: the loop of worker-loop.ts on the store and the real responder. */
import { randomBytes, randomInt } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { Admission, type Defences } from '#answer/admission.ts';
import { CookieSecrets } from '#answer/defence/cookie-secrets.ts';
import { RateLimiter } from '#answer/defence/rate-limit.ts';
import { type LaterAnswers, LaterByOpcode } from '#answer/later-answer.ts';
import { Responder } from '#answer/respond.ts';
import { countRequest, countResponse } from '#answer/count/counters.ts';
import { SelectorCounts } from '#answer/count/selector-counts.ts';
import { SIP_KEY_BYTES } from '#answer/defence/siphash.ts';
import { assert } from '#base/assert.ts';
import { isLoadedOnly } from '#base/sibling.ts';
import { systemCoarseClock } from '#base/coarse-clock.ts';
import { ANSWER_CACHE_BYTES } from '#base/limits/answer.ts';
import { TSIG_LOG_LINES_PER_SECOND_MAX } from '#base/limits/transfer.ts';
import { FAULT, type Transport } from '#dns/message.ts';
import { type Name } from '#dns/name.ts';
import { OPCODE } from '#dns/types.ts';
import { TransferAnswers } from '#transfer/answers.ts';
import { NotifyReceiver } from '#transfer/notify-receiver.ts';
import { SignedQueries } from '#transfer/signed-queries.ts';
import { UpdateGate } from '#transfer/update-gate.ts';
import { secondsLeft } from '#transfer/seconds-left.ts';
import { secondaryGrants } from '#transfer/secondary-grants.ts';
import { readKeyNames, readKeys } from '#transfer/grants.ts';
import { StoreFailure } from '#store/failure.ts';
import { openReader, type StoreReader } from '#store/reader.ts';
import { type LogService, type ServiceEvent } from './service-log.ts';
import { type OpenStore, type WorkerDefences, runWorker } from './worker-loop.ts';

const openStore: OpenStore = (dir, counters, { cookieSecrets, rateLimit, log, handOver }, data) => {
  const { selectors, id, nsid, reportAgent } = data;
  const reader = tryOpen(dir);
  if (reader === undefined) return undefined;
  const defences = defencesOf(cookieSecrets, rateLimit, log);
  const signedLog = limitedLog(log);
  const signed = new TransferAnswers({
    reader,
    respond: (...query) => responder.respond(...query),
    secondaries: secondaryGrants(reader),
    secondsLeft: secondsLeft(reader, Date.now),
    nowMs: Date.now,
    count(transport, rcode, isTruncated) {
      countRequest(counters, transport, FAULT.NONE);
      countResponse(counters, rcode, isTruncated);
    },
    log: signedLog,
    elsewhere: (...query) => later.answer(...query),
  });
  const counting = {
    count: (transport: Transport, fault: number) => countRequest(counters, transport, fault),
    countAnswer: (rcode: number) => countResponse(counters, rcode, false),
  };
  const isSecondary = (apex: Name) => reader.zoneByName(apex)?.secondary !== undefined;
  const admission = new Admission(defences, counters);
  const admitError: Admission['admitError'] = (...query) => admission.admitError(...query);
  const updates = new UpdateGate({ handOver, isSecondary, nowMs: Date.now, ...counting, log: signedLog, admitError });
  const notifies = new NotifyReceiver({ reader, handOver, ...counting, nowMs: Date.now, log: signedLog });
  const queries = new SignedQueries({ handOver, respond: (...query) => responder.respond(...query) });
  const later: LaterByOpcode = new LaterByOpcode(
    new Map<number, LaterAnswers>([
      [OPCODE.UPDATE, updates],
      [OPCODE.NOTIFY, notifies],
      // Not all of them: those that `signed` passes on.
      [OPCODE.QUERY, queries],
    ]),
  );
  const responder: Responder = new Responder(reader, {
    signed,
    later,
    counters,
    defences,
    cacheBytes: ANSWER_CACHE_BYTES,
    hashSeed: randomInt(2 ** 32),
    selectors: new SelectorCounts(selectors, id),
    nsid,
    reportAgent,
    secondsLeft: secondsLeft(reader, Date.now),
  });
  return {
    responder,
    refresh() {
      responder.refresh();
      return reader.generation();
    },
    takeKeys(keys) {
      const read = readKeys(keys);
      signed.takeKeys(read, readKeyNames(keys));
      notifies.takeKeys(read);
      updates.takeKeys(read, readKeyNames(keys));
    },
    close: () => reader.close(),
  };
};

function defencesOf(
  cookieSecrets: WorkerDefences['cookieSecrets'],
  rateLimit: WorkerDefences['rateLimit'],
  log: LogService,
): Defences {
  const limited = (network: string) => {
    const how = rateLimit?.dryRun === true ? 'over it (dry run)' : 'limited';
    log('rrl.limited', `rate limit: answers to ${network} are ${how}`);
  };
  return {
    cookieSecrets: cookieSecrets === undefined ? undefined : new CookieSecrets(cookieSecrets),
    limiter: rateLimit === undefined ? undefined : new RateLimiter(rateLimit, randomBytes(SIP_KEY_BYTES), limited),
    clock: systemCoarseClock(),
  };
}

/** Strangers can send as many bad signatures as they like: their lines have a limit, granted transfers have none. */
function limitedLog(log: LogService): (event: ServiceEvent, text: string) => void {
  let second = 0;
  let lines = 0;
  return (event, text) => {
    const isGranted = event === 'transfer.sent' || event === 'transfer.broken';
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) {
      second = now;
      lines = 0;
    }
    if (isGranted || lines++ < TSIG_LOG_LINES_PER_SECOND_MAX) log(event, text);
  };
}

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
