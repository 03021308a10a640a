/**
 * Attacks and a canary: a flood of UDP queries from chosen addresses of 127/8 (any of them can be bound, nothing has to be forged), and a client
 * elsewhere that asks calmly and notes how it is served meanwhile.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Endpoint } from './exchange.ts';

export interface FloodShape {
  readonly address: string;
  readonly port: number;
  /** Source addresses, taken in turn. */
  readonly sources: readonly string[];
  /** Taken in turn; ids are overwritten. */
  readonly queries: readonly Uint8Array[];
  readonly perSecond: number;
  readonly seconds: number;
  /** Each query gets a first label of its own; it has at least ten octets then. */
  readonly random?: boolean;
}

export interface FloodSecond {
  sent: number;
  sentBytes: number;
  received: number;
  receivedBytes: number;
  truncated: number;
  /** With something in their answer or authority section. */
  answers: number;
  rcodes: Record<number, number>;
}

export interface FloodReport {
  readonly seconds: readonly FloodSecond[];
}

/** Starts it; the promise is fulfilled when it is over. */
export async function flood(to: Endpoint, shape: Omit<FloodShape, 'address' | 'port'>): Promise<FloodReport> {
  const workerData: FloodShape = { ...shape, address: to.address, port: to.port };
  const worker = new Worker(new URL('./flood-worker.ts', import.meta.url), { workerData });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** The sum over the seconds from `from` on. */
export function totals(report: FloodReport, from = 0): FloodSecond {
  const sum: FloodSecond = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, truncated: 0, answers: 0, rcodes: {} };
  for (const second of report.seconds.slice(from)) {
    sum.sent += second.sent;
    sum.sentBytes += second.sentBytes;
    sum.received += second.received;
    sum.receivedBytes += second.receivedBytes;
    sum.truncated += second.truncated;
    sum.answers += second.answers;
    for (const [rcode, count] of Object.entries(second.rcodes)) sum.rcodes[Number(rcode)] = (sum.rcodes[Number(rcode)] ?? 0) + count;
  }
  return sum;
}

export interface CanaryReport {
  readonly asked: number;
  /** Whole answers. */
  readonly answered: number;
  /** Of the answers, the 99th percentile. */
  readonly p99Ms: number;
  /** Threads on the whole machine that wanted to run, for each core, on average; below 1, nobody waits. */
  readonly crowding: number;
}

/** Asks one query after another until `until` is settled, `perSecond` at an even pace, each once. */
export async function canary(
  to: Endpoint,
  { from, query, perSecond, until }: { from: string; query: Uint8Array; perSecond: number; until: Promise<unknown> },
): Promise<CanaryReport> {
  const socket = createSocket({ type: 'udp4', lookup: (ip, _options, found) => found(null, ip, 4) });
  await new Promise<void>((resolve) => void socket.bind({ address: from }, resolve));
  const sentAt = new Map<number, number>();
  const times: number[] = [];
  socket.on('message', (reply) => {
    const id = reply.readUInt16BE(0);
    const at = sentAt.get(id);
    if (at !== undefined && (reply[2]! & 2) === 0 && reply.readUInt16BE(6) > 0) times.push(performance.now() - at);
    sentAt.delete(id);
  });
  const state = { over: false };
  void until.finally(() => (state.over = true)).catch(() => undefined);
  let asked = 0;
  let running = 0;
  for (const startMs = performance.now(); !state.over;) {
    const octets = Buffer.from(query);
    octets.writeUInt16BE(asked & 0xffff, 0);
    sentAt.set(asked & 0xffff, performance.now());
    socket.send(octets, to.port, to.address);
    running += runningThreads();
    asked++;
    await delay(Math.max(0, startMs + (1000 * asked) / perSecond - performance.now()));
  }
  await delay(300);
  socket.close();
  times.sort((a, b) => a - b);
  const p99Ms = times[Math.min(times.length - 1, Math.floor(0.99 * times.length))] ?? Infinity;
  return { asked, answered: times.length, p99Ms, crowding: running / asked / availableParallelism() };
}

/** Field 4 of /proc/loadavg, this very thread not counted. */
function runningThreads(): number {
  return Number(/(\d+)\/\d+/.exec(readFileSync('/proc/loadavg', 'latin1'))?.[1]) - 1;
}
