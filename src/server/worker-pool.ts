/**
 * The worker threads of the answer process: started together, each started again when it dies, all informed of new
 * generations, all drained. With node:dgram each serves UDP and TCP. With the batched socket, threads that block serve
 * UDP and others TCP. Sockets of threads that block are opened and closed here, so that they end with their thread
 * however it ends.
 * Owns the shared memory, so that counters survive a worker. Not here: what a worker does (worker-loop.ts), the supervisor (answer-service.ts).
 */
import { Worker } from 'node:worker_threads';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { SELECTOR_ROW_BYTES, readSelectorCounts, sumSelectorCounts } from '#answer/count/selector-counts.ts';
import { assert } from '#base/assert.ts';
import { type InheritedFds, type RateLimitSettings, type SelectorReport } from '#base/ipc/messages.ts';
import { type TlsCertificate } from '#base/ipc/tls-certificate.ts';
import { type WorkerCounters, type WorkerState } from '#base/ipc/messages.ts';
import { SELECTOR_NAMES_MAX, SELECTOR_REPORT_BYTES_MAX } from '#base/limits/process.ts';
import { THREAD_END_MS, WORKER_YOUNG_MIB } from '#base/limits/server.ts';
import { formatName } from '#dns/name.ts';
import { SERVER_SLOT, cumulateUdpTimes } from './counters.ts';
import { type HandedOutcome } from './hand-over.ts';
import { type SentKey } from '#transfer/grants.ts';
import { type QueryLine } from './query-log.ts';
import { type LogService } from './service-log.ts';
import { RESTART_TIMES, RestartDelay, type RestartTimes } from '#base/restart-delay.ts';
import { type OpenMmsg } from '#server/udp/choose.ts';
import { type OpenEpoll } from '#server/tcp/choose.ts';
// `import type`, which leaves nothing behind: the module itself needs koffi.
import type { XdpService } from '#server/udp/xdp-service.ts';
import { type WorkerCommand, type WorkerData, type WorkerReport } from './worker-loop.ts';
import { type Seat, type SeatSockets, dutiesFor, end, isFirst, reasonOf, send } from './worker-seats.ts';

/** Of a count in a report: 16 digits, a colon, a comma, and some. */
const COUNT_BYTES = 24;

export interface WorkerPoolOptions {
  readonly script: URL;
  readonly workers: number;
  readonly storeDir: string;
  readonly addresses: readonly IpPort[];
  /** Where DNS over TLS is served, by one more thread; none or absent: it is not. */
  readonly tlsAddresses?: readonly IpPort[] | undefined;
  /** Opens the sockets of a thread that blocks; undefined: threads serve UDP by node:dgram. */
  readonly openMmsg?: OpenMmsg | undefined;
  /** The same for a thread that serves TCP; undefined: by node:net. */
  readonly openEpoll?: OpenEpoll | undefined;
  /** AF_XDP sockets beside those; the threads that block share them out. */
  readonly xdp?: XdpService | undefined;
  /** Shared memory of the secrets for cookies; absent: no cookies. */
  readonly cookieSecrets?: SharedArrayBuffer | undefined;
  /** Absent: no limits. */
  readonly rateLimit?: RateLimitSettings | undefined;
  /** Name of this server for who asks; absent: it has none. */
  readonly nsid?: Uint8Array | undefined;
  /** Domain that errors are reported to, wire form; absent: none is named. */
  readonly reportAgent?: Uint8Array | undefined;
  /** Names of the responder's slots, which follow the server's in each row. */
  readonly responderSlots: readonly string[];
  /** A worker has the store open; `storeHeld` is to be called when others may open it too. */
  readonly storeOpened: () => void;
  /** Some worker began to listen, died, or serves a newer generation. */
  readonly changed: () => void;
  readonly log: LogService;
  /** Asks control; absent: there is none to ask. Never rejects. */
  readonly passOn?: (name: string, body: Uint8Array) => Promise<HandedOutcome>;
  /** One query in `every` is logged; 0 or absent: none. */
  readonly queryLog?: { readonly every: number; readonly write: (line: QueryLine) => void };
  readonly restartTimes?: RestartTimes;
  /** Sockets that are open already, and how each thread gets a copy of one. */
  readonly inherited?: InheritedFds | undefined;
  readonly duplicate?: ((fd: number) => number) | undefined;
}

type HandedReport = Extract<WorkerReport, { readonly kind: 'handed' }>;
type FinishCommand = Extract<WorkerCommand, { readonly graceMs: number }>;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slotNames: readonly string[];
  readonly #counters: SharedArrayBuffer;
  readonly #generations: SharedArrayBuffer;
  readonly #selectors: SharedArrayBuffer;
  readonly #seats: readonly Seat[];
  #stopping = false;
  #isStoreHeld = false;
  #keys: readonly SentKey[] = [];
  #certificate: TlsCertificate | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slotNames = [...Object.keys(SERVER_SLOT), ...options.responderSlots];
    const duties = dutiesFor(options);
    this.#counters = new SharedArrayBuffer(duties.length * this.#slotNames.length * Float64Array.BYTES_PER_ELEMENT);
    this.#generations = new SharedArrayBuffer((1 + duties.length) * Int32Array.BYTES_PER_ELEMENT);
    this.#selectors = new SharedArrayBuffer(duties.length * SELECTOR_ROW_BYTES);
    this.#seats = duties.map((duty, id) => ({
      id,
      duty,
      delay: new RestartDelay(options.restartTimes ?? RESTART_TIMES),
      worker: undefined,
      sockets: undefined,
      listening: undefined,
      generation: 0,
      restart: undefined,
    }));
  }

  start(): void {
    this.#options.xdp?.watch(() => this.#giveXsks());
    for (const seat of this.#seats) this.#startWorker(seat);
  }

  /** Threads use the AF_XDP sockets that there are now; resolves when none uses others any more. */
  async #giveXsks(): Promise<void> {
    const { xdp } = this.#options;
    await Promise.all(
      this.#seats.map(async (seat) => {
        const { worker } = seat;
        // Without sockets it gets them with its first ones.
        if (xdp === undefined || worker === undefined || seat.duty !== 'udp' || seat.sockets === undefined) return;
        const { promise: isUsed, resolve } = Promise.withResolvers<void>();
        const listen = (report: WorkerReport) => {
          if (report.kind === 'xsks') resolve();
        };
        worker.on('message', listen);
        worker.once('exit', resolve);
        send(seat, { kind: 'xsks', xsks: xdp.handlesOf(seat.id) });
        await isUsed;
        worker.off('message', listen);
        worker.off('exit', resolve);
        if (seat.worker === worker && seat.listening !== undefined && !this.#stopping) xdp.setReady(seat.id, true);
      }),
    );
  }

  /**
   * From now on every worker may open the store, and listen. Until then only the first one opens it
   * (process/store-hold.ts).
   */
  storeHeld(): void {
    if (this.#isStoreHeld) return;
    this.#isStoreHeld = true;
    for (const seat of this.#seats) send(seat, { kind: 'held' });
  }

  /** Tells every worker that this generation is durable. */
  announce(generation: number): void {
    Atomics.store(new Int32Array(this.#generations), 0, generation);
    for (const seat of this.#seats) send(seat, { kind: 'generation' });
  }

  /** Every worker knows these TSIG keys from now on, and no others; also those that start later. */
  takeKeys(keys: readonly SentKey[]): void {
    this.#keys = keys;
    for (const seat of this.#seats) send(seat, { kind: 'keys', keys });
  }

  /** The certificate of DNS over TLS from now on, also for a thread that starts later; undefined: there is none. */
  takeCertificate(certificate: TlsCertificate | undefined): void {
    this.#certificate = certificate;
    for (const seat of this.#seats) if (seat.duty === 'tls') send(seat, { kind: 'certificate', certificate });
  }

  states(): readonly WorkerState[] {
    return this.#seats.map(({ id, listening, generation }) => ({ id, alive: listening !== undefined, generation }));
  }

  /** The bound addresses, once every worker listens. */
  addresses(): readonly string[] | undefined {
    return this.#seats.every((each) => each.listening !== undefined) ? this.#seats[0]?.listening : undefined;
  }

  counters(): readonly WorkerCounters[] {
    // A copy: threads continue to count in theirs.
    const all = Float64Array.from(new Float64Array(this.#counters));
    const length = this.#slotNames.length;
    for (const { id, duty } of this.#seats) {
      const row = all.subarray(id * length, (id + 1) * length);
      cumulateUdpTimes(row);
      if (duty === 'udp') this.#options.xdp?.count(id, row);
    }
    return this.#seats.map(({ id }) => ({
      id,
      values: Object.fromEntries(this.#slotNames.map((name, slot) => [name, all[id * length + slot] ?? 0])),
    }));
  }

  /** Queries for DKIM selectors, by all workers since the pool was made. */
  selectorCounts(): Omit<SelectorReport, 'run'> {
    const counts = new Map<string, number>();
    let [isFull, bytes] = [false, 0];
    for (const { id } of this.#seats) {
      const lacksRoom = readSelectorCounts(this.#selectors, id, (name, count) => {
        const text = formatName(name);
        const before = counts.get(text);
        if (before === undefined) bytes += JSON.stringify(text).length + COUNT_BYTES;
        if (bytes > SELECTOR_REPORT_BYTES_MAX || counts.size >= SELECTOR_NAMES_MAX) isFull = true;
        else counts.set(text, (before ?? 0) + count);
      });
      isFull ||= lacksRoom;
    }
    return { isFull, counts: Object.fromEntries(counts) };
  }

  /** The sum of them: the same as before when nothing was asked since. */
  selectorTotal(): number {
    return this.#seats.reduce((sum, { id }) => sum + sumSelectorCounts(this.#selectors, id), 0);
  }

  /** Drains all workers; those that have not ended a little after `graceMs` are ended. */
  stop(graceMs: number): Promise<void> {
    return this.#finish({ kind: 'stop', graceMs }, end);
  }

  /** As `stop`, but the threads stay: for a process that ends without taking them down (exit-at-once.ts). */
  drain(graceMs: number): Promise<void> {
    return this.#finish({ kind: 'drain', graceMs }, (_, giveUp) => giveUp());
  }

  /** Tells each thread, and waits until it has drained or ended; `late` is called for one that takes too long. */
  async #finish(command: FinishCommand, late: (seat: Seat, giveUp: () => void) => void): Promise<void> {
    this.#stopping = true;
    // What comes from here on is for the kernel's sockets, which other processes may have too.
    for (const { id } of this.#seats) this.#options.xdp?.setReady(id, false);
    await Promise.all(
      this.#seats.map(async (seat) => {
        clearTimeout(seat.restart);
        const { worker } = seat;
        if (worker === undefined) return;
        const { promise: finished, resolve } = Promise.withResolvers<void>();
        worker.once('exit', () => resolve());
        worker.on('message', (report: WorkerReport) => {
          if (report.kind === 'drained') resolve();
        });
        const timer = setTimeout(() => late(seat, resolve), command.graceMs + THREAD_END_MS);
        send(seat, command);
        await finished;
        clearTimeout(timer);
      }),
    );
  }

  /** For a process that exits at once: node waits for its threads, and one that blocks has to hear of it. */
  abandon(): void {
    for (const seat of this.#seats) end(seat);
  }

  #startWorker(seat: Seat): void {
    const startedMs = performance.now();
    const { script, storeDir, addresses, tlsAddresses, cookieSecrets } = this.#options;
    const { rateLimit, nsid, reportAgent, queryLog, log, changed, openEpoll } = this.#options;
    const workerData: WorkerData = {
      id: seat.id,
      duty: seat.duty,
      epoll: seat.duty === 'tcp' && openEpoll !== undefined,
      storeDir,
      addresses,
      tlsAddresses,
      counters: this.#counters,
      rowLength: this.#slotNames.length,
      generations: this.#generations,
      selectors: this.#selectors,
      cookieSecrets,
      rateLimit,
      nsid,
      reportAgent,
      queryLogEvery: queryLog?.every ?? 0,
      inherited: this.#copies(seat),
    };
    const worker = new Worker(script, {
      workerData,
      name: seat.duty === 'all' ? `answer ${seat.id}` : `answer ${seat.id} ${seat.duty}`,
      resourceLimits: { maxYoungGenerationSizeMb: WORKER_YOUNG_MIB },
    });
    seat.worker = worker;
    send(seat, { kind: 'keys', keys: this.#keys });
    if (seat.duty === 'tls') send(seat, { kind: 'certificate', certificate: this.#certificate });
    if (this.#isStoreHeld) send(seat, { kind: 'held' });
    else if (isFirst(seat)) send(seat, { kind: 'open' });
    worker.on('message', (report: WorkerReport) => this.#take(seat, worker, report));
    worker.on('error', (error) => {
      log('worker.failed', `worker ${seat.id} failed: ${reasonOf(error)}`);
    });
    worker.once('exit', () => {
      seat.worker = undefined;
      this.#options.xdp?.setReady(seat.id, false);
      seat.sockets?.close();
      seat.sockets = undefined;
      seat.listening = undefined;
      new Float64Array(this.#counters)[seat.id * this.#slotNames.length + SERVER_SLOT.tcpOpen] = 0;
      if (this.#stopping) return;
      const waitMs = seat.delay.afterLife(performance.now() - startedMs);
      log('worker.ended', `worker ${seat.id} ended; starting it again in ${waitMs} ms`);
      seat.restart = setTimeout(() => this.#startWorker(seat), waitMs);
      changed();
    });
  }

  #take(seat: Seat, worker: Worker, report: WorkerReport): void {
    const { changed, log, queryLog, storeOpened } = this.#options;
    switch (report.kind) {
      case 'log':
        return log(report.event, report.text);
      case 'query':
        return queryLog?.write(report.line);
      case 'handed':
        return void this.#passOn(seat, worker, report);
      case 'opened':
        return storeOpened();
      case 'drained':
      case 'xsks':
        return;
      case 'ready':
        seat.generation = report.generation;
        return this.#giveSockets(seat);
      case 'listening':
      case 'served':
        seat.generation = report.generation;
        if (report.kind === 'listening') {
          seat.listening = report.addresses;
          if (seat.duty === 'udp' && !this.#stopping) this.#options.xdp?.setReady(seat.id, true);
        }
        return changed();
    }
  }

  /** The answer is for the thread that asked, not for one that has taken its seat since. */
  async #passOn(seat: Seat, worker: Worker, { id, name, body }: HandedReport): Promise<void> {
    const outcome = (await this.#options.passOn?.(name, body)) ?? { why: 'unknown' };
    if (seat.worker === worker) send(seat, { kind: 'settled', id, outcome });
  }

  /** Of the addresses of the thread, which closes them; sockets of a thread that blocks are the pool's. */
  #copies({ duty }: Seat): InheritedFds {
    const { inherited = {}, duplicate, addresses, tlsAddresses = [], openEpoll } = this.#options;
    const copy = (fd: number | undefined) => (fd === undefined ? undefined : duplicate?.(fd));
    if (duty === 'udp' || (duty === 'tcp' && openEpoll !== undefined)) return {};
    const hasUdp = duty === 'all' || duty === 'dgram';
    const hasTcp = duty !== 'dgram';
    const own = (duty === 'tls' ? tlsAddresses : addresses).map(formatIpPort);
    const pairs = Object.entries(inherited).flatMap(([at, { tcp, udp }]) =>
      own.includes(at)
        ? [[at, { tcp: hasTcp ? copy(tcp) : undefined, udp: hasUdp ? copy(udp) : undefined }] as const]
        : [],
    );
    return Object.fromEntries(pairs);
  }

  /** Not before the thread can read them: queries would wait in them that another worker could answer. */
  #giveSockets(seat: Seat): void {
    assert(seat.sockets === undefined, 'a thread wants sockets again');
    try {
      const [sockets, command] = this.#openSockets(seat);
      seat.sockets = sockets;
      send(seat, command);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.log('worker.no-sockets', `worker ${seat.id} gets no sockets: ${why}`);
      end(seat);
    }
  }

  /** Throws the system's error. */
  #openSockets({ id, duty }: Seat): readonly [SeatSockets, WorkerCommand] {
    const { openMmsg, openEpoll, addresses, inherited, xdp } = this.#options;
    if (duty === 'tcp' && openEpoll !== undefined) {
      const opened = openEpoll(addresses, inherited);
      return [opened, { kind: 'tcp-sockets', handles: opened.handles }];
    }
    assert(duty === 'udp' && openMmsg !== undefined, 'a thread wants sockets that it cannot have');
    const opened = openMmsg(addresses, inherited);
    const { bellFd, sockets } = opened;
    return [opened, { kind: 'sockets', handles: { bellFd, sockets, xsks: xdp?.handlesOf(id) ?? [] } }];
  }
}
