/** A server in this process that answers from a store of its own, with TSIG keys: what the answer process's threads do, without the processes. */
import { type IpPort, ipPort } from '#base/address.ts';
import { type ClientAddress } from '#base/client-address.ts';
import { Responder } from '#answer/respond.ts';
import { settleAddresses, startWorkerListeners } from '#server/listen.ts';
import { TlsFront } from '#server/tls/tls-front.ts';
import { openReader } from '#store/reader.ts';
import { sharedEpollCarrier } from '#server/tcp/epoll.ts';
import { netCarrier } from '#server/tcp/tcp.ts';
import { TransferAnswers } from '#transfer/answers.ts';
import { type KeyText, readKeys } from '#transfer/grants.ts';
import { createPrivateKey } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type MakeCarrier } from '../server/fixtures/carriers.ts';
import { testCounters } from '../server/fixtures/echo.ts';
import { type TestControl, good, temporaryControl } from './temporary-control.ts';
import { type Pair } from './throwaway-ca.ts';

export interface TransferServer extends TestControl {
  readonly at: IpPort;
  /** Where the same is answered over TLS. */
  readonly tlsAt: IpPort | undefined;
  /** Handshakes that succeeded. */
  tlsHandshakes(): number;
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
  /** With this certificate it answers over TLS too. */
  readonly tls?: Pair;
  /** What carries TCP; epoll when absent. */
  readonly carrierFor?: MakeCarrier;
}

export async function transferServer(options: TransferServerOptions = {}): Promise<TransferServer> {
  const test = temporaryControl();
  const {
    keys = [],
    isAddressGranted = () => false,
    nowMs = Date.now,
    carrierFor = (addresses) => sharedEpollCarrier(addresses),
  } = options;
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
  const { row, count } = testCounters();
  const [at] = good(await settleAddresses([ipPort('127.0.0.1', 0)]));
  const listeners = [await startWorkerListeners({ responder, addresses: [at!], counters: row, tcp: carrierFor([at!]) })];
  let tlsAt: IpPort | undefined;
  if (options.tls !== undefined) {
    const front = new TlsFront(row);
    const { cert, key } = options.tls;
    front.take({ chain: cert, key: new Uint8Array(createPrivateKey(key).export({ type: 'pkcs8', format: 'der' })) });
    [tlsAt] = good(await settleAddresses([ipPort('127.0.0.1', 0)]));
    const secure = (...accepted: Parameters<TlsFront['secure']>) => front.secure(...accepted);
    listeners.push(await startWorkerListeners({ responder, addresses: [tlsAt!], counters: row, openUdp: null, tcp: netCarrier(secure) }));
  }
  onTestFinished(async () => {
    await Promise.all(listeners.map((each) => each.close(1000)));
    await reader.close();
  });
  return {
    ...test,
    at: at!,
    tlsAt,
    tlsHandshakes: () => count('tlsHandshakes'),
    log,
    setKeys: (texts) => signed.takeKeys(readKeys(texts)),
    follow() {
      responder.refresh();
      const workers = [{ id: 0, alive: true, generation: reader.generation() }];
      test.publisher.receive({ kind: 'served', workers });
    },
  };
}
