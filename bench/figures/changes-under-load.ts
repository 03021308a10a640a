/**
 * A hundred changes per second while answering at full load: what is left of the throughput, and how old answers are. Each change sets one
 * of a few TXT RRsets to the next number; when its acknowledgement has come, the name is asked until that number, or a newer one, comes.
 *
 * The changes are made by this process, on the generator's core, which the generator then lacks; so throughput is answers by busy time of
 * the server's core. It is measured with the control process on the server's core too (everything waxseal does on one core), and with the
 * control process on the other core. There the load loses a third of its core to the changes and cannot keep the server busy, with any
 * server: what it is compared with are runs in which the same changes are made to a second waxseal, which has all of itself on the load's core.
 */
import { readFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AdminClient } from '../admin-client.ts';
import { pin } from '../cores.ts';
import { ADDRESS } from '../daemon.ts';
import { type Run } from '../generator.ts';
import { type Contestant, measure, queriesFile, startContestant } from '../group.ts';
import { OURS } from '../peers/all.ts';
import { encodeQuery } from '../queries.ts';
import { markdown } from '../report.ts';
import { SCENARIOS } from '../scenarios.ts';
import { type Spread, quantile, ratioOf, spreadOf } from '../statistics.ts';
import { LARGE_ZONE } from '../zone-sets.ts';
import { type Figure, type FigureContext, type FigureResult } from './figure.ts';

const SCENARIO = SCENARIOS.find(({ id }) => id === 'signed-mix')!;
const CHANGES_PER_SECOND = 100;
const NAMES = 20;
/** Changes under way at once: the writer is serial, and one that waits costs nobody anything. */
const UNDER_WAY_MAX = 8;
const ASK_EVERY_MS = 2;
/** Given up, and counted as this old. */
const STALE_MS_MAX = 2000;

interface Outcome {
  readonly id: string;
  readonly label: string;
  /** Throughput with changes by throughput without, round by round. */
  readonly throughput: Spread;
  readonly changesPerSecond: Spread;
  readonly staleMs: { readonly median: number; readonly p99: number; readonly max: number };
  readonly without: readonly Run[];
  readonly with: readonly Run[];
}

export const CHANGES_UNDER_LOAD: Figure = {
  id: 'changes-under-load',
  title: `${CHANGES_PER_SECOND} changes per second at full load`,
  zones: SCENARIO.zones,
  signed: true,
  quick: true,
  measure: measureChanges,
};

async function measureChanges({ bench, prepared, peers }: FigureContext): Promise<FigureResult> {
  const queries = queriesFile(bench, prepared, SCENARIO);
  const rows: Outcome[] = [];
  const ours = peers.find(({ id }) => id === OURS);
  for (const isApart of ours === undefined ? [] : [false, true]) {
    const contestant = await startContestant(bench, prepared, ours!, { cores: String(bench.cores.server), workers: 1 });
    const other = isApart ? await startContestant(bench, prepared, ours!, { cores: String(bench.cores.generator), workers: 1 }) : undefined;
    try {
      if (isApart) for (const pid of controlPids(contestant)) pin(pid, String(bench.cores.generator));
      const without: Run[] = [];
      const withChanges: Run[] = [];
      const stale: number[] = [];
      const rates: number[] = [];
      await measure(bench, contestant, { queries, warmupSeconds: 2, seconds: 0.1 });
      for (let round = 0; round < bench.rounds; round++) {
        // No repeats here: this process is the disturbance that is measured.
        const load = () => measure(bench, contestant, { queries, seed: 1 + round, seconds: Math.max(2, bench.seconds) }, { repeats: 0 });
        without.push(other === undefined ? await load() : (await changing(other, load)).run);
        const { run, staleMs, perSecond } = await changing(contestant, load);
        withChanges.push(run);
        stale.push(...staleMs);
        rates.push(perSecond);
      }
      const throughput = (runs: readonly Run[]): number[] => runs.map(({ coreUs }) => 1 / coreUs);
      rows.push({
        id: isApart ? 'control-apart' : 'one-core',
        label: isApart ? 'control process on the other core' : 'everything on one core',
        throughput: ratioOf(throughput(withChanges), throughput(without)),
        changesPerSecond: spreadOf(rates),
        staleMs: { median: quantile(stale, 0.5), p99: quantile(stale, 0.99), max: Math.max(...stale) },
        without,
        with: withChanges,
      });
    } finally {
      await Promise.all([contestant.daemon.stop(), other?.daemon.stop()]);
    }
  }
  return {
    values: rows,
    table: markdown(
      ['', 'changes/s', 'throughput left', 'fresh after, median ms', 'p99 ms', 'longest ms'],
      rows.map(({ label, throughput, changesPerSecond, staleMs }) => [
        label,
        changesPerSecond.median.toFixed(0),
        `${(100 * throughput.median).toFixed(0)} % (${(100 * throughput.low).toFixed(0)}–${(100 * throughput.high).toFixed(0)})`,
        staleMs.median.toFixed(1),
        staleMs.p99.toFixed(1),
        staleMs.max.toFixed(1),
      ]),
    ),
  };
}

/** The control process has the keys and the writer; it says so in its title. */
function controlPids({ daemon }: Contestant): readonly number[] {
  const pids = daemon.pids().filter((pid) => /waxseal control|control-process\.ts/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1')));
  if (pids.length === 0) throw new Error('no process is called "waxseal control"');
  return pids;
}

/** `load` while changes are made to a server. */
async function changing(
  contestant: Contestant,
  load: () => Promise<Run>,
): Promise<{ run: Run; staleMs: readonly number[]; perSecond: number }> {
  contestant.daemon.resume();
  const changes = startChanges(contestant);
  const run = await load();
  contestant.daemon.resume();
  const made = await changes.stop();
  contestant.daemon.pause();
  return { run, ...made };
}

interface Changes {
  stop(): Promise<{ readonly staleMs: readonly number[]; readonly perSecond: number }>;
}

/** Makes changes on a timetable until `stop`, and watches each come out. */
function startChanges({ daemon }: Contestant): Changes {
  const api = new AdminClient(join(daemon.folder, 'data'));
  const watcher = new Watcher(daemon.port);
  const startedMs = performance.now();
  const underWay = new Set<Promise<void>>();
  let done = 0;
  const end = new AbortController();
  const change = async (number: number): Promise<void> => {
    const name = `changing-${number % NAMES}`;
    const path = `/v1/zones/${LARGE_ZONE}/rrsets/${name}/TXT`;
    await api.call('PUT', path, JSON.stringify({ ttl: 60, records: [`"n=${number}"`] }));
    done++;
    await watcher.until(`${name}.${LARGE_ZONE}`, number);
  };
  const loop = (async () => {
    for (let number = 1; !end.signal.aborted; number++) {
      const dueMs = startedMs + (1000 * number) / CHANGES_PER_SECOND;
      await delay(Math.max(0, dueMs - performance.now()));
      while (underWay.size >= UNDER_WAY_MAX) await Promise.race(underWay);
      const one = change(number).finally(() => underWay.delete(one));
      underWay.add(one);
    }
  })();
  return {
    async stop() {
      const perSecond = (1000 * done) / (performance.now() - startedMs);
      end.abort();
      await loop;
      await Promise.all(underWay);
      api.close();
      watcher.close();
      return { staleMs: watcher.staleMs, perSecond };
    },
  };
}

/** Asks for numbers in TXT records until they are new enough. */
class Watcher {
  /** For each change: from its acknowledgement to the first answer that has it. */
  readonly staleMs: number[] = [];
  readonly #socket = createSocket('udp4');
  readonly #port: number;
  readonly #waiting = new Map<number, (answer: Buffer) => void>();
  #id = 0;

  constructor(port: number) {
    this.#port = port;
    this.#socket.on('message', (answer) => this.#waiting.get(answer.readUInt16BE(0))?.(answer));
    this.#socket.on('error', () => undefined);
  }

  async until(name: string, number: number): Promise<void> {
    const acknowledgedMs = performance.now();
    for (;;) {
      const seen = numberIn(await this.#ask(name));
      const ageMs = performance.now() - acknowledgedMs;
      if (seen >= number || ageMs > STALE_MS_MAX) {
        this.staleMs.push(ageMs);
        return;
      }
      await delay(ASK_EVERY_MS);
    }
  }

  close(): void {
    this.#socket.close();
  }

  /** The answer, or nothing after a while: at full load a packet may be lost. */
  async #ask(name: string): Promise<Buffer | undefined> {
    const id = this.#id++ & 0xffff;
    const query = encodeQuery({ name, type: 'TXT' }, false);
    query.writeUInt16BE(id, 0);
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    this.#waiting.set(id, resolve);
    const timer = setTimeout(resolve, 50, undefined);
    this.#socket.send(query, this.#port, ADDRESS);
    const answer = await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    return answer;
  }
}

function numberIn(answer: Buffer | undefined): number {
  return Number(/n=(\d+)/.exec(answer?.toString('latin1') ?? '')?.[1] ?? -1);
}
