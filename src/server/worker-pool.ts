/**
 * The worker threads of the answer process: started together, each started again when it dies, all told of new generations, all drained.
 * Owns the shared memory, so that counters survive a worker. Not here: what a worker does (worker-loop.ts), the supervisor (answer-service.ts).
 */
import { Worker } from 'node:worker_threads';
import { type IpPort } from '#base/address.ts';
import { type WorkerCounters, type WorkerState } from '#base/ipc.ts';
import { SERVER_SLOT } from './counters.ts';
import { RESTART_TIMES, RestartDelay, type RestartTimes } from './restart-delay.ts';
import { type WorkerCommand, type WorkerData, type WorkerReport } from './worker-loop.ts';

export interface WorkerPoolOptions {
  readonly script: URL;
  readonly workers: number;
  readonly storeDir: string;
  readonly addresses: readonly IpPort[];
  /** Names of the responder's slots, which follow the server's in each row. */
  readonly responderSlots: readonly string[];
  /** Some worker began to listen, died, or serves a newer generation. */
  readonly changed: () => void;
  readonly log: (text: string) => void;
  readonly restartTimes?: RestartTimes;
}

interface Seat {
  readonly id: number;
  readonly delay: RestartDelay;
  worker: Worker | undefined;
  listening: readonly string[] | undefined;
  generation: number;
  restart: NodeJS.Timeout | undefined;
}

/** Beyond the grace time, for threads to end after their sockets are closed. */
const THREAD_END_MS = 500;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slotNames: readonly string[];
  readonly #counters: SharedArrayBuffer;
  readonly #generations: SharedArrayBuffer;
  readonly #seats: readonly Seat[];
  #stopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slotNames = [...Object.keys(SERVER_SLOT), ...options.responderSlots];
    this.#counters = new SharedArrayBuffer(options.workers * this.#slotNames.length * Float64Array.BYTES_PER_ELEMENT);
    this.#generations = new SharedArrayBuffer((1 + options.workers) * Int32Array.BYTES_PER_ELEMENT);
    this.#seats = Array.from({ length: options.workers }, (_, id) => ({
      id,
      delay: new RestartDelay(options.restartTimes ?? RESTART_TIMES),
      worker: undefined,
      listening: undefined,
      generation: 0,
      restart: undefined,
    }));
  }

  start(): void {
    for (const seat of this.#seats) this.#startWorker(seat);
  }

  /** Tells every worker that this generation is durable. */
  announce(generation: number): void {
    Atomics.store(new Int32Array(this.#generations), 0, generation);
    for (const seat of this.#seats) send(seat, { kind: 'generation' });
  }

  states(): readonly WorkerState[] {
    return this.#seats.map(({ id, listening, generation }) => ({ id, alive: listening !== undefined, generation }));
  }

  /** The bound addresses, once every worker listens. */
  addresses(): readonly string[] | undefined {
    return this.#seats.every((each) => each.listening !== undefined) ? this.#seats[0]?.listening : undefined;
  }

  counters(): readonly WorkerCounters[] {
    const all = new Float64Array(this.#counters);
    const length = this.#slotNames.length;
    return this.#seats.map(({ id }) => ({
      id,
      values: Object.fromEntries(this.#slotNames.map((name, slot) => [name, all[id * length + slot] ?? 0])),
    }));
  }

  /** Drains all workers; those that have not ended a little after `graceMs` are ended. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all(
      this.#seats.map(async (seat) => {
        clearTimeout(seat.restart);
        const { worker } = seat;
        if (worker === undefined) return;
        const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
        send(seat, { kind: 'stop', graceMs });
        const timer = setTimeout(() => void worker.terminate(), graceMs + THREAD_END_MS);
        await ended;
        clearTimeout(timer);
      }),
    );
  }

  #startWorker(seat: Seat): void {
    const { script, storeDir, addresses, log, changed } = this.#options;
    const startedMs = performance.now();
    const workerData: WorkerData = {
      id: seat.id,
      storeDir,
      addresses,
      counters: this.#counters,
      rowLength: this.#slotNames.length,
      generations: this.#generations,
    };
    const worker = new Worker(script, { workerData, name: `answer ${seat.id}` });
    seat.worker = worker;
    worker.on('message', (report: WorkerReport) => {
      seat.generation = report.generation;
      if (report.kind === 'listening') seat.listening = report.addresses;
      changed();
    });
    worker.on('error', (error) => {
      log(`worker ${seat.id} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    });
    worker.once('exit', () => {
      seat.worker = undefined;
      seat.listening = undefined;
      new Float64Array(this.#counters)[seat.id * this.#slotNames.length + SERVER_SLOT.tcpOpen] = 0;
      if (this.#stopping) return;
      const waitMs = seat.delay.afterLife(performance.now() - startedMs);
      log(`worker ${seat.id} ended; starting it again in ${waitMs} ms`);
      seat.restart = setTimeout(() => this.#startWorker(seat), waitMs);
      changed();
    });
  }
}

function send(seat: Seat, command: WorkerCommand): void {
  seat.worker?.postMessage(command);
}
