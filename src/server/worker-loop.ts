/**
 * What a worker thread does: waits for the store, listens, answers, follows generations, drains. The store comes in as a function, so that
 * the loop knows nothing of LMDB and runs in tests on anything that answers.
 * Not here: which store and responder (worker.ts), starting and restarting threads (worker-pool.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type MessagePort } from 'node:worker_threads';
import { formatIpPort, type IpPort } from '#base/address.ts';
import { type InheritedFds, type RateLimitSettings } from '#base/ipc/messages.ts';
import { type TlsCertificate } from '#base/ipc/tls-certificate.ts';
import { unreachable } from '#base/assert.ts';
import { GENERATION_LOOK_MS, STORE_WAIT_MS_MAX, STORE_WAIT_MS_MIN } from '#base/limits/server.ts';
import { SERVER_SLOT, SERVER_SLOT_COUNT } from './counters.ts';
import { type QueryResponder } from './listener.ts';
import { type WorkerListenersOptions, closeInherited, startWorkerListeners } from './listen.ts';
import { type SentKey } from '#transfer/grants.ts';
import { netCarrier } from '#server/tcp/tcp.ts';
import { TlsFront } from '#server/tls/tls-front.ts';
import { HandOver, type HandedOutcome } from './hand-over.ts';
import { type QueryLine, sampled } from './query-log.ts';
import { type LogService, type ServiceEvent } from './service-log.ts';
// `import type`, which leaves nothing behind: the module itself needs koffi.
import type { MmsgHandles } from '#server/udp/mmsg-socket.ts';
import type { EpollHandles } from '#server/tcp/epoll-sockets.ts';
import type { BatchedListener } from '#server/udp/mmsg.ts';
import type { XskHandle } from '#server/udp/xdp-memory.ts';

/** What the pool gives a new thread (`workerData`). */
export interface WorkerData {
  /** 0…threads − 1: its row in the shared memory. */
  readonly id: number;
  readonly duty: Duty;
  /** A thread of duty `tcp` blocks at sockets that the pool opens for it. */
  readonly epoll?: boolean;
  readonly storeDir: string;
  readonly addresses: readonly IpPort[];
  /** Where a thread of duty `tls` listens. */
  readonly tlsAddresses?: readonly IpPort[] | undefined;
  /** Float64 rows of `rowLength`, one per thread: server slots, then the responder's. */
  readonly counters: SharedArrayBuffer;
  readonly rowLength: number;
  /** Int32: the newest generation that was announced, then the one each thread serves. */
  readonly generations: SharedArrayBuffer;
  /** Of answer/defence/cookie-secrets.ts; undefined: no cookies. */
  readonly cookieSecrets: SharedArrayBuffer | undefined;
  /** Rows of answer/count/selector-counts.ts, one per thread. */
  readonly selectors: SharedArrayBuffer;
  /** Undefined: no limits. */
  readonly rateLimit: RateLimitSettings | undefined;
  /** Name of this server for who asks; undefined: it has none. */
  readonly nsid?: Uint8Array | undefined;
  /** Domain that errors are reported to, wire form; undefined: none is named. */
  readonly reportAgent?: Uint8Array | undefined;
  /** One query in this many is logged; 0: none. */
  readonly queryLogEvery: number;
  /** Sockets that are open already, copied for this thread. */
  readonly inherited?: InheritedFds | undefined;
}

/**
 * What a thread serves: UDP and TCP in one event loop; TCP only; UDP only, at sockets that the pool opens for it,
 * blocking while it waits; UDP only, in its event loop; or DNS over TLS only, so that handshakes delay no other answer.
 */
export type Duty = 'all' | 'tcp' | 'udp' | 'dgram' | 'tls';

/** After each, the bell of a thread that blocks is rung. */
export type WorkerCommand =
  /** The thread may open the store, and listens when that is `held`, so that all begin at the same time. */
  | { readonly kind: 'open' }
  /** The thread may open the store and listen. */
  | { readonly kind: 'held' }
  | { readonly kind: 'generation' }
  /** These TSIG keys are known from now on, and no others. */
  | { readonly kind: 'keys'; readonly keys: readonly SentKey[] }
  /** What became of the message that was `handed` over with this id. */
  | { readonly kind: 'settled'; readonly id: number; readonly outcome: HandedOutcome }
  /** For a thread of duty `tls`; undefined: there is none, and no handshake succeeds. */
  | { readonly kind: 'certificate'; readonly certificate: TlsCertificate | undefined }
  /** After `ready`. */
  | { readonly kind: 'sockets'; readonly handles: MmsgHandles }
  /** The same for a thread that serves TCP. */
  | { readonly kind: 'tcp-sockets'; readonly handles: EpollHandles }
  /** The thread's AF_XDP sockets from now on, and no others. It says `xsks` when it uses them. */
  | { readonly kind: 'xsks'; readonly xsks: readonly XskHandle[] }
  | { readonly kind: 'stop'; readonly graceMs: number }
  /** Closes the sockets as `stop` does, says `drained`, and stays: the process ends. */
  | { readonly kind: 'drain'; readonly graceMs: number };

export type WorkerReport =
  /** The store is open. */
  | { readonly kind: 'opened' }
  /** A thread that blocks could begin now: from here on its sockets are worth having. */
  | { readonly kind: 'ready'; readonly generation: number }
  | { readonly kind: 'listening'; readonly addresses: readonly string[]; readonly generation: number }
  | { readonly kind: 'served'; readonly generation: number }
  | { readonly kind: 'drained' }
  | { readonly kind: 'xsks' }
  /** A message for control, in a call of that name. */
  | { readonly kind: 'handed'; readonly id: number; readonly name: string; readonly body: Uint8Array }
  /** A line for the log of the process. */
  | { readonly kind: 'log'; readonly event: ServiceEvent; readonly text: string }
  /** A query for the query log. */
  | { readonly kind: 'query'; readonly line: QueryLine };

/** An open store and what answers from it. */
export interface ServedStore {
  readonly responder: QueryResponder;
  /** Renews the snapshot and gives the generation it has now. */
  refresh(): number;
  takeKeys(keys: readonly SentKey[]): void;
  close(): Promise<void>;
}

/** What a responder is to be defended with, and how it reaches the rest of the process. */
export type WorkerDefences = Pick<WorkerData, 'cookieSecrets' | 'rateLimit'> & {
  readonly log: LogService;
  readonly handOver: HandOver;
};

/** Opens the store read-only; undefined while it does not exist. `counters` is the responder's part of the worker's row; `data` what the worker was given. */
export type OpenStore = (dir: string, counters: Float64Array, defences: WorkerDefences, data: WorkerData) => ServedStore | undefined;

/** Runs until a `stop` command. Rejects with whatever makes serving impossible; the thread then dies and the pool starts a new one. */
export async function runWorker(data: WorkerData, port: MessagePort, open: OpenStore): Promise<void> {
  const row = new Float64Array(data.counters, data.id * data.rowLength * Float64Array.BYTES_PER_ELEMENT, data.rowLength);
  const generations = new Int32Array(data.generations);
  const { promise: stopped, resolve: stop } = Promise.withResolvers<number>();
  let stays = false;
  const gate = new StoreGate();
  let store: ServedStore | undefined;
  const keys = new KeptKeys();
  let served = 0;
  const report = (message: WorkerReport) => port.postMessage(message);
  const onFull = () => void (row[SERVER_SLOT.handedFull]! += 1);
  const handOver = new HandOver({ post: (id, name, body) => report({ kind: 'handed', id, name, body }), onFull });
  const renew = (opened: ServedStore) => {
    served = opened.refresh();
    Atomics.store(generations, 1 + data.id, served);
    return served;
  };

  const log: LogService = (event, text) => report({ kind: 'log', event, text });
  const sockets = new ThreadSockets(() => report({ kind: 'xsks' }));
  const tls = data.duty === 'tls' ? new TlsFront(row.subarray(0, SERVER_SLOT_COUNT)) : undefined;

  /** Moves to the newest generation, and tells if that is another one. */
  const follow = () => {
    const before = served;
    if (store !== undefined && renew(store) !== before) report({ kind: 'served', generation: served });
  };

  port.on('message', (command: WorkerCommand) => {
    if (command.kind === 'stop' || command.kind === 'drain') {
      stays = command.kind === 'drain';
      stop(command.graceMs);
    } else if (command.kind === 'open' || command.kind === 'held') gate.take(command.kind);
    else if (command.kind === 'sockets') sockets.take(command.handles);
    else if (command.kind === 'tcp-sockets') sockets.takeTcp(command.handles);
    else if (command.kind === 'xsks') sockets.exchange(command.xsks);
    else if (command.kind === 'keys') keys.take(command.keys);
    else if (command.kind === 'settled') handOver.settle(command.id, command.outcome);
    else if (command.kind === 'certificate') takeCertificate(tls, command.certificate, log);
    // Several announcements may wait here; the first of them already brought the newest.
    else if (served !== Atomics.load(generations, 0)) follow();
  });

  const openNow = () => open(data.storeDir, row.subarray(SERVER_SLOT_COUNT), { ...data, log, handOver }, data);
  store = await openOrClose(data, () => openWhenThere(openNow, gate, stopped, () => report({ kind: 'opened' })));
  if (store !== undefined) {
    renew(store);
    keys.giveTo(store);
    const listeners = await startWorkerListeners({
      responder: logged(store.responder, data.queryLogEvery, (line) => report({ kind: 'query', line })),
      counters: row.subarray(0, SERVER_SLOT_COUNT),
      inherited: data.inherited,
      ...(await openersFor(data, tls, sockets, () => report({ kind: 'ready', generation: served }))),
    });
    report({ kind: 'listening', addresses: listeners.addresses.map(formatIpPort), generation: served });
    // Announcements can be lost with the process that makes them, and a snapshot kept for long keeps the store from reusing pages.
    const follower = setInterval(follow, GENERATION_LOOK_MS);
    const graceMs = await stopped;
    await listeners.close(graceMs);
    clearInterval(follower);
  }
  if (stays) return report({ kind: 'drained' });
  // An announcement may come at any time, and nothing may read a store that is closed.
  const closing = store;
  store = undefined;
  await closing?.close();
  // With its port closed and no socket open, the thread ends by itself.
  port.close();
}

/** How many queries came over UDP, to all threads of the process. */
function udpQueriesOf({ counters, rowLength }: WorkerData): () => number {
  const all = new Float64Array(counters);
  return () => {
    let sum = 0;
    for (let row = 0; row < all.length; row += rowLength) sum += all[row + SERVER_SLOT.udpQueries]!;
    return sum;
  };
}

type Opened = ServedStore | undefined;

/** What `open` resolves to. A thread that has no store never listens, and leaves no descriptors behind. */
async function openOrClose({ inherited }: WorkerData, open: () => Promise<Opened>): Promise<Opened> {
  let store: Opened;
  try {
    store = await open();
    return store;
  } finally {
    if (store === undefined) closeInherited(inherited);
  }
}

/** `responder`, with a line for one query in `every`; 0: for none. */
function logged(responder: QueryResponder, every: number, write: (line: QueryLine) => void): QueryResponder {
  return every === 0 ? responder : sampled(responder, every, write);
}

/** What a thread waits for before it opens the store, and before it listens. */
class StoreGate {
  readonly #opened = Promise.withResolvers<void>();
  readonly #held = Promise.withResolvers<void>();
  readonly opened = this.#opened.promise;
  readonly held = this.#held.promise;

  take(step: 'open' | 'held'): void {
    this.#opened.resolve();
    if (step === 'held') this.#held.resolve();
  }
}

/** TSIG keys may be sent before there is a store. */
class KeptKeys {
  #keys: readonly SentKey[] = [];
  #store: ServedStore | undefined;

  take(keys: readonly SentKey[]): void {
    this.#keys = keys;
    this.#store?.takeKeys(keys);
  }

  giveTo(store: ServedStore): void {
    this.#store = store;
    store.takeKeys(this.#keys);
  }
}

/** Of a thread that blocks. Other AF_XDP sockets may come before it serves those of its beginning. */
class ThreadSockets {
  readonly #first = Promise.withResolvers<MmsgHandles>();
  readonly first = this.#first.promise;
  readonly #tcp = Promise.withResolvers<EpollHandles>();
  readonly tcp = this.#tcp.promise;
  readonly #exchanged: () => void;
  #xsks: readonly XskHandle[] | undefined;
  #listener: BatchedListener | undefined;

  constructor(exchanged: () => void) {
    this.#exchanged = exchanged;
  }

  take(handles: MmsgHandles): void {
    this.#first.resolve(handles);
  }

  takeTcp(handles: EpollHandles): void {
    this.#tcp.resolve(handles);
  }

  exchange(xsks: readonly XskHandle[]): void {
    this.#xsks = xsks;
    this.#use();
  }

  serveWith(listener: BatchedListener): void {
    this.#listener = listener;
    this.#use();
  }

  #use(): void {
    if (this.#xsks === undefined || this.#listener === undefined) return;
    this.#listener.useXsks(this.#xsks);
    this.#exchanged();
  }
}

/** A certificate that OpenSSL does not take changes nothing: handshakes have the one before. */
function takeCertificate(tls: TlsFront | undefined, certificate: TlsCertificate | undefined, log: LogService): void {
  try {
    tls?.take(certificate);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log('tls.certificate-unusable', `the certificate of DNS over TLS cannot be used: ${why}`);
  }
}

type Openers = Pick<WorkerListenersOptions, 'addresses' | 'openUdp' | 'tcp' | 'udpQueries'>;

type Tls = TlsFront | undefined;

/** `ask`: the pool opens them for a thread that blocks. */
async function openersFor(data: WorkerData, tls: Tls, sockets: ThreadSockets, ask: () => void): Promise<Openers> {
  const { addresses, tlsAddresses = [] } = data;
  const udpQueries = udpQueriesOf(data);
  switch (data.duty) {
    case 'all':
      return { addresses, udpQueries };
    case 'dgram':
      return { addresses, tcp: null };
    case 'tcp': {
      if (data.epoll !== true) return { addresses, udpQueries, openUdp: null };
      const { epollCarrier } = await import('#server/tcp/epoll.ts');
      ask();
      return { addresses, udpQueries, openUdp: null, tcp: epollCarrier(await sockets.tcp) };
    }
    case 'tls':
      return { addresses: tlsAddresses, udpQueries, openUdp: null, tcp: netCarrier((...on) => tls?.secure(...on)) };
    case 'udp':
      return {
        addresses,
        tcp: null,
        async openUdp(settled, responder, counters) {
          // Only here: koffi cannot be loaded everywhere.
          const { serveSockets } = await import('#server/udp/mmsg.ts');
          ask();
          const listener = serveSockets(await sockets.first, settled, responder, counters);
          sockets.serveWith(listener);
          return listener;
        },
      };
    default:
      return unreachable(data.duty);
  }
}

/**
 * What `open` gives once it is allowed and there is a store, when the thread may listen too; undefined when `stopped`
 * comes first. `opened` is called between the two.
 */
async function openWhenThere(
  open: () => ServedStore | undefined,
  gate: StoreGate,
  stopped: Promise<number>,
  opened: () => void,
): Promise<ServedStore | undefined> {
  const isStopped = stopped.then(() => true);
  if (await Promise.race([gate.opened.then(() => false), isStopped])) return undefined;
  for (let waitMs = STORE_WAIT_MS_MIN; ; waitMs = Math.min(2 * waitMs, STORE_WAIT_MS_MAX)) {
    const store = open();
    if (store !== undefined) {
      opened();
      await Promise.race([gate.held, isStopped]);
      return store;
    }
    if (await Promise.race([sleep(waitMs, false), isStopped])) return undefined;
  }
}
