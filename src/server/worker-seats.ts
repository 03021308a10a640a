/**
 * The places of the worker threads: what each thread does, and how it is reached.
 * Not here: starting and ending them (worker-pool.ts).
 */
import { type Worker } from 'node:worker_threads';
import { type IpPort } from '#base/address.ts';
import { UDP_THREADS_PER_TCP_THREAD } from '#base/limits/server.ts';
import { type RestartDelay } from '#base/restart-delay.ts';
import { type Duty, type WorkerCommand } from './worker-loop.ts';

/** Of a thread that blocks. */
export interface SeatSockets {
  /** The thread's wait ends, and its event loop turns. */
  ring(): void;
  /** Once the thread has ended. */
  close(): void;
}

export interface Seat {
  readonly id: number;
  readonly duty: Duty;
  readonly delay: RestartDelay;
  worker: Worker | undefined;
  sockets: SeatSockets | undefined;
  listening: readonly string[] | undefined;
  generation: number;
  restart: NodeJS.Timeout | undefined;
}

interface ThreadKinds {
  readonly workers: number;
  /** Whether threads block that serve UDP; TCP. */
  readonly openMmsg?: unknown;
  readonly openEpoll?: unknown;
  readonly tlsAddresses?: readonly IpPort[] | undefined;
}

/** What each thread does. */
export function dutiesFor({ workers, openMmsg, openEpoll, tlsAddresses = [] }: ThreadKinds): readonly Duty[] {
  const threads = (count: number, duty: Duty) => Array.from({ length: count }, () => duty);
  const tls = threads(tlsAddresses.length === 0 ? 0 : 1, 'tls');
  // Both in the same threads, which do not block.
  if (openMmsg === undefined && openEpoll === undefined) return [...threads(workers, 'all'), ...tls];
  const tcp = threads(Math.ceil(workers / UDP_THREADS_PER_TCP_THREAD), 'tcp');
  return [...threads(workers, openMmsg === undefined ? 'dgram' : 'udp'), ...tcp, ...tls];
}

export function isFirst({ id }: Seat): boolean {
  return id === 0;
}

export function send(seat: Seat, command: WorkerCommand): void {
  seat.worker?.postMessage(command);
  seat.sockets?.ring();
}

/** Ends the thread wherever it is. `terminate` ends what comes after a system call that blocks, not the call. */
export function end(seat: Seat): void {
  void seat.worker?.terminate();
  seat.sockets?.ring();
}

/** With its place for a bug of ours; what is wrong with the store says so without. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'StoreFailure' ? error.message : (error.stack ?? error.message);
}
