/** What is seen of a server from outside: key tags of signatures, how late answers are, time and memory of its processes. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { readSections } from '#dns/reply-sections.ts';
import { TYPE } from '#dns/types.ts';
import { processSeconds } from '../cores.ts';
import { ADDRESS, type Daemon } from '../daemon.ts';
import { ask } from '../dns-probe.ts';
import { encodeQuery } from '../queries.ts';
import { quantile } from '../statistics.ts';
import { type Ask } from '../zone-sets.ts';

/** An answer that comes later counts as this late. */
const LATE_MS = 1000;
const SAMPLE_EVERY_MS = 100;

/** Key tag of the first signature of the answer; undefined: none came. */
export async function signerTag(port: number, question: Ask): Promise<number | undefined> {
  const answer = await ask(port, encodeQuery(question, true), LATE_MS);
  const signature = answer === undefined ? undefined : readSections(answer)?.find(({ type }) => type === TYPE.RRSIG);
  return signature && (signature.rdata[16]! << 8) | signature.rdata[17]!;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly asked: number;
  readonly lost: number;
}

/** Asks on a timetable until `stop`, whatever the answers do. */
export class LatencyProbe {
  readonly #socket = createSocket('udp4');
  readonly #sent = new Map<number, number>();
  readonly #tookMs: number[] = [];
  readonly #timer: NodeJS.Timeout;
  #count = 0;

  constructor(port: number, questions: readonly Ask[], perSecond: number) {
    const queries = questions.map((question) => encodeQuery(question, true));
    const beganMs = performance.now();
    this.#socket.on('message', (answer) => this.#came(answer.readUInt16BE(0)));
    this.#socket.on('error', () => undefined);
    this.#timer = setInterval(() => {
      for (const due = ((performance.now() - beganMs) * perSecond) / 1000; this.#count < due; this.#count++) {
        const query = Buffer.from(queries[this.#count % queries.length]!);
        const id = this.#count & 0xffff;
        query.writeUInt16BE(id, 0);
        this.#sent.set(id, performance.now());
        this.#socket.send(query, port, ADDRESS);
      }
    }, 1);
  }

  async stop(): Promise<Latency> {
    clearInterval(this.#timer);
    await new Promise((resolve) => void setTimeout(resolve, LATE_MS));
    this.#socket.close();
    const lost = this.#sent.size;
    const all = [...this.#tookMs, ...Array.from({ length: lost }, () => LATE_MS)];
    const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((part) => quantile(all, part)) as [number, number, number];
    return { p50Ms, p99Ms, maxMs, asked: all.length, lost };
  }

  #came(id: number): void {
    const sentMs = this.#sent.get(id);
    if (sentMs === undefined) return;
    this.#sent.delete(id);
    this.#tookMs.push(performance.now() - sentMs);
  }
}

/** Seconds of all processes of a server since they started. */
export function cpuSeconds(daemon: Daemon): number {
  return daemon.pids().reduce((sum, pid) => sum + processSeconds(text(`/proc/${pid}/stat`)), 0);
}

/** Anonymous memory of all its processes: what is its own, without mapped database files. */
function anonymousMiB(pids: readonly number[]): number {
  const kib = pids.map((pid) => Number(/^RssAnon:\s+(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] ?? 0));
  return kib.reduce((sum, each) => sum + each, 0) / 1024;
}

/** The most that it has while this runs. */
export class MemoryProbe {
  readonly beforeMiB: number;
  readonly #timer: NodeJS.Timeout;
  #peakMiB: number;

  constructor(daemon: Daemon) {
    // Threads come and go, processes do not.
    const pids = daemon.pids();
    this.beforeMiB = this.#peakMiB = anonymousMiB(pids);
    this.#timer = setInterval(() => (this.#peakMiB = Math.max(this.#peakMiB, anonymousMiB(pids))), SAMPLE_EVERY_MS);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#peakMiB;
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
