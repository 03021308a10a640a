/**
 * `npm run bench:xdp`: waxseal by recvmmsg and by AF_XDP beside Knot, Knot by AF_XDP and NSD, each behind a veth pair of
 * its own between two network namespaces. Needs root. Receive work is done on the server's core, as with a card whose
 * interrupt is there: by threaded NAPI where a program is attached, by RPS elsewhere; delivery to the client is done on
 * the client's core.
 * What it can say and what not: docs/performance.md, “UDP by AF_XDP”.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseCores, pin, prioritise } from './cores.ts';
import { Daemon } from './daemon.ts';
import { LOAD, type Run, compileGenerator, loadServer } from './generator.ts';
import { versionLine } from './peers/peer.ts';
import { type Prepared, prepare } from './prepared.ts';
import { writeQueries } from './queries.ts';
import { seededRandom } from './random.ts';
import { QUERIES } from './scenarios.ts';
import { CONTESTANTS, type Contestant, PORT, type Pair } from './xdp/zcontestants.ts';
import { type OpenRun, measureOpen, writeOpenQueries } from './xdp/open-loop.ts';
import { formatOpen, formatRows, writeResults } from './xdp/report.ts';
import { SPACES, makePair, makeSpaces, threadNapi } from './xdp/spaces.ts';
import { namesSet } from './zone-sets.ts';

const SEED = 20_261_121;
/** Cold code costs ten times as much. */
const FIRST_WARMUP_SECONDS = 4;
const WARMUP_SECONDS = 0.3;
const START_TRIES_MAX = 300;
const OPEN_SECONDS = 2;
const OPEN_ROUNDS = 3;
/** kxdpgun sends them again and again. */
const OPEN_QUERIES = 50_000;

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
interface Running extends Contestant {
  readonly daemon: Daemon;
  readonly pair: Pair;
  /** By round. */
  readonly runs: Run[];
  readonly open: OpenRun[];
}

interface Bench {
  readonly cores: { readonly server: number; readonly generator: number };
  readonly program: string;
  readonly work: string;
  readonly queries: string;
  /** Priority of all that is measured; 0: that of everything else. */
  readonly nice: number;
}

async function start(prepared: Prepared, each: Contestant, at: number, bench: Bench): Promise<Running> {
  const pair = makePair(at, each, bench.cores);
  const folder = mkdtempSync(join(bench.work, `${each.id}-`));
  const { program, words, environment = {} } = each.command(prepared, pair, folder);
  const inside = ['netns', 'exec', SPACES.server, program, ...words];
  const daemon = new Daemon(PORT, {
    program: 'ip',
    words: inside,
    cores: String(bench.cores.server),
    folder,
    environment,
  });
  const running = { ...each, daemon, pair, runs: [], open: [] };
  for (let look = 0; ; look++) {
    const run = await measure(bench, running, { seconds: 0.05, warmupSeconds: 0.05 }).catch(() => undefined);
    if (run !== undefined && run.noerror > 0.3) break;
    if (look > START_TRIES_MAX || !daemon.isRunning) throw new Error(`${each.label} does not answer\n${daemon.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // Knot pins its workers by itself.
  for (const pid of daemon.pids()) pin(pid, String(bench.cores.server));
  const said = daemon.log().match(/.*XDP.*/g) ?? [];
  say([`${each.label} answers`, ...said].join('\n  '));
  daemon.pause();
  return running;
}

type Length = Pick<typeof LOAD, 'seconds' | 'warmupSeconds'> & { readonly seed?: number };

async function measure(bench: Bench, { daemon, pair }: Running, load: Length): Promise<Run> {
  daemon.resume();
  const napi = threadNapi(SPACES.server, pair.device, bench.cores.server, bench.nice);
  const way = { address: pair.address, source: pair.source, prefix: ['ip', 'netns', 'exec', SPACES.client] };
  const pids = [...daemon.pids(), ...napi];
  return loadServer(bench.program, bench.cores, PORT, pids, { ...LOAD, queries: bench.queries, ...load }, way);
}

/** All rounds, each beginning with another contestant; only the measured one runs. */
async function measureAll(bench: Bench, all: readonly Running[], rounds: number, seconds: number): Promise<void> {
  for (const each of all) {
    await measure(bench, each, { seconds: 0.1, warmupSeconds: FIRST_WARMUP_SECONDS });
    each.daemon.pause();
  }
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const each = all[(turn + round) % all.length]!;
      each.runs.push(await measure(bench, each, { seconds, warmupSeconds: WARMUP_SECONDS, seed: 1 + round }));
      each.daemon.pause();
    }
  }
}

/** The same rate for each, one after the other; not behind an MTU that kxdpgun's own program does not fit behind. */
async function measureAllOpen(bench: Bench, all: readonly Running[], queries: string, rate: number): Promise<void> {
  const { cores, nice } = bench;
  for (const each of all) {
    if (each.isGeneric === true) continue;
    each.daemon.resume();
    threadNapi(SPACES.server, each.pair.device, cores.server, nice);
    const load = { queries, rate, seconds: OPEN_SECONDS, cores, nice };
    each.open.push({ rate, ...(await measureOpen(each.pair, load)) });
    each.daemon.pause();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      names: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '1' },
      // Ratios of the servers' own time: where others use the core too.
      own: { type: 'boolean', default: false },
      nice: { type: 'string', default: '0' },
      work: { type: 'string' },
      // Questions a second that kxdpgun sends, as 60000,120000: an open loop beside the closed one.
      open: { type: 'string', default: '' },
      // Folder for figures and pictures.
      out: { type: 'string' },
      // Some of them, by id.
      only: { type: 'string', default: CONTESTANTS.map(({ id }) => id).join(',') },
    },
  });
  if (values.nice !== '0') prioritise(process.pid, Number(values.nice));
  const wanted = values.only.split(',');
  const contestants = CONTESTANTS.filter(({ id }) => wanted.includes(id));
  const unknown = wanted.filter((id) => !CONTESTANTS.some((each) => each.id === id));
  if (unknown.length > 0) throw new Error(`--only: there is no ${unknown.join(', ')}`);
  const work = values.work ?? mkdtempSync(join(tmpdir(), 'waxseal-bench-xdp-'));
  mkdirSync(work, { recursive: true });
  const running = mkdtempSync(join(work, 'run-'));
  const cores = chooseCores(undefined, undefined);
  makeSpaces();
  process.once('exit', () => {
    rmSync(values.work === undefined ? work : running, { recursive: true, force: true, maxRetries: 3 });
  });
  say(`servers and their receive work on core ${cores.server}, the client on core ${cores.generator}`);
  say(`${versionLine('knotd', ['--version'])}; ${versionLine('nsd', ['-v'], /NSD version .*/)}`);
  const program = compileGenerator(running);
  const set = namesSet(Number(values.names));
  let pairs = 0;
  for (const signed of [false, true]) {
    const prepared = await prepare(set, signed, work, say);
    const queries = join(running, `${signed}.queries`);
    writeQueries(queries, QUERIES, (random) => set.mix(random), seededRandom(SEED), signed);
    const bench: Bench = { cores, work: running, program, queries, nice: Number(values.nice) };
    const all: Running[] = [];
    try {
      for (const each of contestants) all.push(await start(prepared, each, pairs++, bench));
      await measureAll(bench, all, Number(values.rounds), Number(values.seconds));
      const rates = values.open
        .split(',')
        .filter((each) => each !== '')
        .map(Number);
      const openQueries = join(running, `${signed}.kxdpgun`);
      writeOpenQueries(openQueries, OPEN_QUERIES, (random) => set.mix(random), seededRandom(SEED), signed);
      for (let round = 0; round < OPEN_ROUNDS; round++)
        for (const rate of rates) await measureAllOpen(bench, all, openQueries, rate);
      const title = `${set.title}, ${signed ? 'signed, DO' : 'unsigned'}, mixed questions`;
      process.stdout.write(`\n${title}\n\n${formatRows(all, values.own)}`);
      if (rates.length > 0)
        process.stdout.write(`\nkxdpgun, part of the questions that was answered: median [best]\n\n${formatOpen(all)}`);
      if (values.out !== undefined) writeResults(values.out, set.title, signed, all);
    } finally {
      for (const each of all) await each.daemon.stop();
    }
  }
}

await main();
