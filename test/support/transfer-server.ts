/** A server in this process that answers from a store of its own, with TSIG keys: what the answer process's threads do, without the processes. */
import { type IpPort, ipPort } from '#base/address.ts';
import { type ClientAddress } from '#base/client-address.ts';
import { Responder } from '#answer/respond.ts';
import { settleAddresses, startWorkerListeners } from '#server/listen.ts';
import { openReader } from '#store/reader.ts';
import { TransferAnswers } from '#transfer/answers.ts';
import { type KeyText, readKeys } from '#transfer/grants.ts';
import { onTestFinished } from 'vitest';
import { testCounters } from '../server/fixtures/echo.ts';
import { type TestControl, good, temporaryControl } from './temporary-control.ts';

export interface TransferServer extends TestControl {
  readonly at: IpPort;
  /** `event text`, as the process would log them. */
  readonly log: string[];
  setKeys(keys: readonly KeyText[]): void;
  /** Answers from the newest generation from now on. */
  follow(): void;
}

/** A key for all zones and transfers, the secret made of `name`. */
export function testKey(name: string, more: Partial<KeyText> = {}): KeyText {
  const secret = Buffer.alloc(32, name).toString('base64');
  return { name, algorithm: 'hmac-sha256', secret, macBytes: 32, operations: ['transfer'], zones: 'all', ...more };
}

export interface TransferServerOptions {
  readonly keys?: readonly KeyText[];
  readonly isAddressGranted?: (zoneId: number, client: ClientAddress) => boolean;
  readonly nowMs?: () => number;
}

export async function transferServer(options: TransferServerOptions = {}): Promise<TransferServer> {
  const test = temporaryControl();
  const { keys = [], isAddressGranted = () => false, nowMs = Date.now } = options;
  const reader = openReader(test.dir);
  const log: string[] = [];
  const signed = new TransferAnswers({
    reader,
    respond: (...query) => responder.respond(...query),
    secondaries: { isGrantedWithoutKey: isAddressGranted, mayUseKey: () => true },
    nowMs,
    count: () => undefined,
    log: (event, text) => void log.push(`${event} ${text}`),
  });
  const responder: Responder = new Responder(reader, { signed });
  signed.takeKeys(readKeys(keys));
  const { row } = testCounters();
  const [at] = good(await settleAddresses([ipPort('127.0.0.1', 0)]));
  const listeners = await startWorkerListeners({ responder, addresses: [at!], counters: row });
  onTestFinished(async () => {
    await listeners.close(1000);
    await reader.close();
  });
  return {
    ...test,
    at: at!,
    log,
    setKeys: (texts) => signed.takeKeys(readKeys(texts)),
    follow() {
      responder.refresh();
      const workers = [{ id: 0, alive: true, generation: reader.generation() }];
      test.publisher.receive({ kind: 'served', workers });
    },
  };
}
