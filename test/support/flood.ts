/**
 * Attacks and a canary: a flood of UDP queries from chosen addresses of 127/8 (any of them can be bound, nothing has to be forged), and a client
 * elsewhere that asks calmly and notes how it is served meanwhile.
 */
import { createSocket } from 'node:dgram';
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

/** How a calm client fared that asks again as stub resolvers do. */
export interface CanaryReport {
  readonly asked: number;
  /** Got a whole answer, at the first or the second attempt. */
  readonly answered: number;
  /** Got it at the first. */
  readonly atOnce: number;
  /** Of the answers, from the first attempt on. */
  readonly timesMs: readonly number[];
}

/** resolv.conf(5): `timeout:5 attempts:2`, what every stub resolver does unless told otherwise. */
export const STUB_TIMEOUT_MS = 5000;
const STUB_ATTEMPTS = 2;

/** Asks one query after another until `until` is settled, `perSecond` at an even pace, and waits for every answer as long as a stub does. */
export async function canary(
  to: Endpoint,
  { from, query, perSecond, until }: { from: string; query: Uint8Array; perSecond: number; until: Promise<unknown> },
): Promise<CanaryReport> {
  const socket = createSocket({ type: 'udp4', lookup: (ip, _options, found) => found(null, ip, 4) });
  await new Promise<void>((resolve) => void socket.bind({ address: from }, resolve));
  const waiting = new Map<number, (reply: Buffer) => void>();
  socket.on('message', (reply) => waiting.get(reply.readUInt16BE(0))?.(reply));
  const timesMs: number[] = [];
  let atOnce = 0;
  const ask = async (id: number): Promise<void> => {
    const octets = Buffer.from(query);
    octets.writeUInt16BE(id, 0);
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    waiting.set(id, resolve);
    const startMs = performance.now();
    for (let attempt = 1; attempt <= STUB_ATTEMPTS; attempt++) {
      socket.send(octets, to.port, to.address);
      const reply = await Promise.race([promise, delay(STUB_TIMEOUT_MS, undefined, { ref: false })]);
      if (reply === undefined) continue;
      if ((reply[2]! & 2) === 0 && reply.readUInt16BE(6) > 0) {
        timesMs.push(performance.now() - startMs);
        if (attempt === 1) atOnce++;
      }
      break;
    }
    waiting.delete(id);
  };
  const state = { over: false };
  void until.finally(() => (state.over = true)).catch(() => undefined);
  const asking: Promise<void>[] = [];
  for (const startMs = performance.now(); !state.over;) {
    asking.push(ask(asking.length & 0xffff));
    await delay(Math.max(0, startMs + (1000 * asking.length) / perSecond - performance.now()));
  }
  await Promise.all(asking);
  socket.close();
  return { asked: asking.length, answered: timesMs.length, atOnce, timesMs };
}
